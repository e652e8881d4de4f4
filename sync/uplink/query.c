#include "sync/uplink/query.h"
#include "hal/base/cleanup.h"
#include "sync/contract/topic.h"

#include <stdlib.h>
#include <string.h>

enum { QUESTION_MAX = 4096 };

struct query {
    struct query_list *list;
    struct query *next;
    struct id id;
    bool awaits_holder; /* the hub has heard it, and asks the store that wrote the receipt */
    struct loop_timer *timer;
    query_done *done;
    void *context;
};

struct query_list {
    struct loop *loop;
    struct id_source ids;
    struct query *first;
    size_t count;
};

struct query_list *query_list_open(struct loop *loop)
{
    struct query_list *list = calloc(1, sizeof *list);
    if (!list)
        return NULL;
    list->loop = loop;
    id_source_init(&list->ids, NULL, NULL);
    return list;
}

/* Where it hangs; NULL: there is none. */
static struct query **find_query(struct query_list *list, struct slice id)
{
    for (struct query **at = &list->first; *at; at = &(*at)->next)
        if (id.len == ID_BYTES && memcmp((*at)->id.bytes, id.data, ID_BYTES) == 0)
            return at;
    return NULL;
}

static struct query *unlink_query(struct query_list *list, struct slice id)
{
    struct query **at = find_query(list, id);
    struct query *query = at ? *at : NULL;
    if (query) {
        *at = query->next;
        list->count--;
    }
    return query;
}

static void free_query(struct query *query)
{
    loop_timer_close(query->timer);
    free(query);
}

static struct slice id_slice(const struct id *id)
{
    return (struct slice){(const char *)id->bytes, ID_BYTES};
}

static void finish(struct query_list *list, struct slice id, enum err err, struct slice answer)
{
    struct query *query = unlink_query(list, id);
    if (!query)
        return;
    query->done(query->context, err, answer);
    free_query(query);
}

static void on_timeout(void *context)
{
    struct query *query = context;
    finish(query->list, id_slice(&query->id), query->awaits_holder ? ERR_BUSY : ERR_TIMEOUT,
           (struct slice){"", 0});
}

static enum err add(struct query_list *list, int64_t now_ms, query_done *done, void *context,
                    struct id *id)
{
    if (list->count == QUERIES_MAX)
        return ERR_BUSY;
    struct query *query = calloc(1, sizeof *query);
    if (!query)
        return ERR_NO_MEMORY;
    query->list = list;
    query->id = id_next(&list->ids, now_ms);
    query->done = done;
    query->context = context;
    query->timer = loop_timer_open(list->loop, on_timeout, query);
    if (!query->timer) {
        free(query);
        return ERR_NO_MEMORY;
    }
    loop_timer_start(query->timer, QUERY_TIMEOUT_MS, 0);
    query->next = list->first;
    list->first = query;
    list->count++;
    *id = query->id;
    return ERR_OK;
}

void query_answered(struct query_list *list, struct slice correlation, struct slice answer)
{
    struct query **at = find_query(list, correlation);
    struct sale_reply reply;
    if (!at)
        return;
    if (sale_reply_read(answer, &reply, NULL) == ERR_OK && reply.awaits_holder)
        (*at)->awaits_holder = true;
    else
        finish(list, correlation, ERR_OK, answer);
}

static enum err publish(const struct query_road *road, struct slice question, const struct id *id,
                        struct fault *fault)
{
    char topic[TOPIC_MAX];
    char reply[TOPIC_MAX];
    int token;
    topic_write(topic, road->device, TOPIC_UP, "query");
    topic_write(reply, road->device, TOPIC_DOWN, "reply");
    const struct mqtt_message message = {
        .topic = topic,
        .payload = question,
        .qos = 1,
        .content_type = "application/json",
        .response_topic = reply,
        .correlation = id_slice(id),
        .expiry_s = QUERY_TIMEOUT_MS / 1000,
    };
    return mqtt_publish(road->mqtt, &message, &token, fault);
}

enum err query_ask(struct query_list *list, const struct query_road *road,
                   const struct sale_query *asked, query_done *done, void *context,
                   struct fault *fault)
{
    struct id id;
    if (!asked->receipt[0])
        return fault_set(fault, ERR_INVALID, "receipt", "must be a text of 1 to %d bytes",
                         SALE_QUERY_RECEIPT_MAX);
    struct buf question CLEANUP(buf_free);
    buf_init(&question, QUESTION_MAX);
    sale_query_write(&question, asked);
    enum err err = buf_check(&question, fault, "receipt");
    if (err)
        return err;
    err = add(list, road->now_ms, done, context, &id);
    if (err)
        return fault_set(fault, err, "", "%s", err_text(err));
    err = publish(road, buf_slice(&question), &id, fault);
    if (err)
        free_query(unlink_query(list, id_slice(&id)));
    return err;
}

void query_fail_all(struct query_list *list, enum err err)
{
    while (list->first)
        finish(list, id_slice(&list->first->id), err, (struct slice){"", 0});
}

void query_list_close(struct query_list *list)
{
    if (!list)
        return;
    query_fail_all(list, ERR_CLOSED);
    free(list);
}
