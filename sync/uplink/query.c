#include "sync/uplink/query.h"

#include <stdlib.h>
#include <string.h>

struct query {
    struct query_list *list;
    struct query *next;
    struct id id;
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

static struct query *unlink_query(struct query_list *list, struct slice id)
{
    for (struct query **at = &list->first; *at; at = &(*at)->next) {
        struct query *query = *at;
        if (id.len == ID_BYTES && memcmp(query->id.bytes, id.data, ID_BYTES) == 0) {
            *at = query->next;
            list->count--;
            return query;
        }
    }
    return NULL;
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
    finish(query->list, id_slice(&query->id), ERR_TIMEOUT, (struct slice){"", 0});
}

enum err query_add(struct query_list *list, int64_t now_ms, query_done *done, void *context,
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
    finish(list, correlation, ERR_OK, answer);
}

void query_forget(struct query_list *list, const struct id *id)
{
    struct query *query = unlink_query(list, id_slice(id));
    if (query)
        free_query(query);
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
