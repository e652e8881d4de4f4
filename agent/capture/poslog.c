#include "agent/capture/poslog.h"
#include "agent/capture/poslog_exception.h"
#include "agent/capture/poslog_order.h"
#include "agent/capture/poslog_quote.h"
#include "agent/capture/poslog_xml.h"
#include "hal/base/cleanup.h"
#include "hal/base/jsonw.h"

#include <stdio.h>
#include <stdlib.h>

enum { LIST_MAX_BYTES = 2 * 1024 * 1024 };

struct poslog_desk {
    struct poslog_config config;
    struct poslog_mapping *mapping;
    struct eventlog_reader *reader;
    bool stopped;
};

enum list { CAPTURED, DUPLICATES, REFUSED, SKIPPED, LIST_COUNT };
static const char *const list_names[LIST_COUNT] = {"captured", "duplicates", "refused", "skipped"};

/* One document on its way. */
struct run {
    struct poslog_desk *desk;
    struct arena arena;
    struct poslog poslog;
    const struct poslog_transaction *at;
    struct poslog_order order; /* of `at` */
    bool refunding;            /* the return is saved, its refund is being recorded */
    bool raising;              /* it is refused, the exception about it is being recorded */
    const char *code;          /* why it is refused, while raising */
    struct fault why;
    char sale_id[ID_TEXT + 1]; /* what the order was saved as; "": is not of its kind */
    char return_id[ID_TEXT + 1];
    bool replayed;
    struct buf lists[LIST_COUNT];
    size_t counts[LIST_COUNT];
    poslog_done *done;
    void *context;
};

static void step(struct run *run);

static struct capture_actor actor_of(const struct run *run)
{
    return (struct capture_actor){.lane = run->order.lane, .person = ""};
}

static void run_free(struct run *run)
{
    poslog_order_free(&run->order);
    for (size_t i = 0; i < LIST_COUNT; i++)
        buf_free(&run->lists[i]);
    arena_free(&run->arena);
    free(run);
}

static void write_answer(const struct run *run, struct buf *out)
{
    struct jsonw w = jsonw_to(out);
    jsonw_object(&w, NULL);
    jsonw_int(&w, "transactions", (int64_t)run->poslog.count);
    jsonw_text(&w, "mapping", poslog_mapping_version(run->desk->mapping));
    for (size_t i = 0; i < LIST_COUNT; i++) {
        struct buf list CLEANUP(buf_free);
        buf_init(&list, LIST_MAX_BYTES + 2);
        buf_append_char(&list, '[');
        buf_append(&list, run->lists[i].data, run->lists[i].len);
        buf_append_char(&list, ']');
        jsonw_raw(&w, list_names[i], buf_slice(&list));
    }
    jsonw_end(&w);
}

static void finish(struct run *run, enum err err, const struct fault *fault)
{
    struct buf body CLEANUP(buf_free);
    buf_init(&body, (LIST_COUNT + 1) * (size_t)LIST_MAX_BYTES);
    write_answer(run, &body);
    struct poslog_answer answer = {
        .err = err,
        .fault = fault,
        .body = buf_slice(&body),
        .counts = {run->counts[CAPTURED], run->counts[DUPLICATES], run->counts[REFUSED],
                   run->counts[SKIPPED]},
    };
    run->done(run->context, &answer);
    run_free(run);
}

/* Opens an item of a list, with the transaction's name. */
static struct jsonw open_item(struct run *run, enum list list)
{
    if (run->counts[list]++)
        buf_append_char(&run->lists[list], ',');
    struct jsonw w = jsonw_to(&run->lists[list]);
    jsonw_object(&w, NULL);
    jsonw_text(&w, "transaction", run->order.name);
    return w;
}

static void note_saved(struct run *run)
{
    static const char *const kinds[] = {[POSLOG_ORDER_SALE] = "sale",
                                        [POSLOG_ORDER_RETURN] = "return",
                                        [POSLOG_ORDER_EXCHANGE] = "exchange"};
    struct jsonw w = open_item(run, run->replayed ? DUPLICATES : CAPTURED);
    jsonw_text(&w, "kind", kinds[run->order.kind]);
    jsonw_text(&w, "receipt", run->order.receipt);
    if (run->sale_id[0])
        jsonw_text(&w, "sale_id", run->sale_id);
    if (run->return_id[0])
        jsonw_text(&w, "return_id", run->return_id);
    jsonw_end(&w);
}

static void note_refused(struct run *run, const char *exception)
{
    struct jsonw w = open_item(run, REFUSED);
    jsonw_text(&w, "code", run->code);
    jsonw_text(&w, "field", run->why.where);
    jsonw_text(&w, "detail", run->why.text);
    if (exception)
        jsonw_text(&w, "exception_id", exception);
    jsonw_end(&w);
}

static void note_skipped(struct run *run)
{
    struct jsonw w = open_item(run, SKIPPED);
    jsonw_text(&w, "detail", run->order.why.text);
    jsonw_end(&w);
}

static void next(struct run *run)
{
    run->at = run->at->next;
    step(run);
}

static void submit(struct run *run, enum capture_kind kind, const struct id *subject,
                   const char *key, struct slice body);

/* Refuses this transaction; the others go on. A person is told by an exception. */
static void refuse(struct run *run, const char *code, const struct fault *why)
{
    char key[POSLOG_EXCEPTION_KEY_TEXT + 1];
    struct buf body CLEANUP(buf_free);
    buf_init(&body, EVENT_BODY_MAX);
    run->code = code;
    run->why = *why;
    run->raising = true;
    poslog_exception(&run->order, code, why, &body, key);
    submit(run, CAPTURE_RAISE, NULL, key, buf_slice(&body));
}

static void note_raised(struct run *run, struct slice answer)
{
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    struct json_limits limits = {.bytes = EVENT_BODY_MAX, .depth = 16};
    enum err err = json_parse(answer, limits, &doc, NULL);
    note_refused(run, err ? NULL : json_member_text(doc, "exception_id"));
    next(run);
}

/*
 * A failure that may pass by itself ends the document, which the till then sends again; any other
 * refuses this transaction alone.
 */
static void failed(struct run *run, enum err err, const struct fault *fault)
{
    if (err_class(err) != ERR_CLASS_PARK) {
        finish(run, err, fault);
    } else if (run->raising) {
        note_refused(run, NULL);
        next(run);
    } else {
        refuse(run, err_name(err), fault);
    }
}

/* --- One order to the writer and back ----------------------------------------------------------
 */

/* What the till paid back; of an exchange that may be nothing. */
static void record_refund(struct run *run)
{
    char key[POSLOG_KEY_TEXT + 8];
    struct id id;
    if (run->order.kind == POSLOG_ORDER_EXCHANGE && run->order.paid_total_minor == 0) {
        note_saved(run);
        next(run);
        return;
    }
    (void)snprintf(key, sizeof key, "%s-paid", run->order.key);
    run->refunding = true;
    if (id_parse(slice_of(run->return_id), &id) == ERR_OK)
        submit(run, CAPTURE_REFUND, &id, key, SLICE_LITERAL("{}"));
    else
        failed(run, ERR_CORRUPT, &(struct fault){.code = ERR_CORRUPT, .text = "no return's id"});
}

static void keep_id(char kept[static ID_TEXT + 1], const struct cJSON *doc, const char *name)
{
    const char *text = json_member_text(doc, name);
    (void)snprintf(kept, ID_TEXT + 1, "%s", text ? text : "");
}

/*
 * Another lane may have taken the same goods back since the quote: then it was decided otherwise,
 * and of an exchange the sale may be missing.
 */
static void check_return(struct run *run, const struct cJSON *decision, bool linked)
{
    struct fault fault = {0};
    keep_id(run->return_id, decision, "return_id");
    if (run->order.kind == POSLOG_ORDER_EXCHANGE && !linked) {
        fault_set(&fault, ERR_REFUSED, "sale",
                  "what came back was not accepted at once: the new goods are not recorded");
        refuse(run, "decided_otherwise", &fault);
    } else if (!poslog_agrees(&run->order, decision, &fault)) {
        refuse(run, "decided_otherwise", &fault);
    } else {
        record_refund(run);
    }
}

static void on_first_saved(struct run *run, struct slice answer)
{
    struct fault fault = {0};
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    struct json_limits limits = {.bytes = EVENT_BODY_MAX, .depth = 16};
    enum err err = json_parse(answer, limits, &doc, &fault);
    const struct cJSON *sale = json_member(doc, "sale");
    if (err) {
        failed(run, err, &fault);
    } else if (run->order.kind == POSLOG_ORDER_EXCHANGE) {
        keep_id(run->sale_id, sale, "sale_id");
        check_return(run, json_member(doc, "return"), run->sale_id[0]);
    } else if (run->order.kind == POSLOG_ORDER_RETURN) {
        check_return(run, doc, false);
    } else {
        keep_id(run->sale_id, doc, "sale_id");
        note_saved(run);
        next(run);
    }
}

static void on_saved(void *context, const struct capture_answer *answer)
{
    struct run *run = context;
    if (answer->err) {
        failed(run, answer->err, answer->fault);
    } else if (run->raising) {
        note_raised(run, answer->body);
    } else if (run->refunding) {
        note_saved(run);
        next(run);
    } else {
        run->replayed = answer->replayed;
        on_first_saved(run, answer->body);
    }
}

static void submit(struct run *run, enum capture_kind kind, const struct id *subject,
                   const char *key, struct slice body)
{
    struct capture_order order = {
        .kind = kind,
        .body = body,
        .key = slice_of(key),
        .traceparent = {"", 0},
        .actor = actor_of(run),
        .loop = run->desk->config.loop,
    };
    struct fault fault = {0};
    if (subject)
        order.subject = *subject;
    enum err err = run->desk->stopped
                       ? fault_set(&fault, ERR_BUSY, "", "shutting down")
                       : capture_submit(run->desk->config.capture, &order, on_saved, run, &fault);
    if (err)
        failed(run, err, &fault);
}

/* How its new goods were paid depends on when it is asked for: it isn't asked for twice. */
static void take_exchange_again(struct run *run, const struct poslog_found *found)
{
    struct fault fault = {0};
    struct cJSON *decision CLEANUP(json_cleanup) = NULL;
    enum err err = poslog_decided(run->desk->reader, found, &decision, &fault);
    run->replayed = true;
    if (err)
        failed(run, err, &fault);
    else
        check_return(run, decision, found->linked);
}

static void take_sale(struct run *run)
{
    submit(run, CAPTURE_SALE, NULL, run->order.key, buf_slice(&run->order.body));
}

static void take_return(struct run *run)
{
    const struct poslog_order *order = &run->order;
    bool exchange = order->kind == POSLOG_ORDER_EXCHANGE;
    struct fault fault = {0};
    struct capture_actor actor = actor_of(run);
    struct poslog_found found;
    struct buf body CLEANUP(buf_free);
    buf_init(&body, EVENT_BODY_MAX);
    enum err err = poslog_find(run->desk->reader, order, &found, &fault);
    if (!err && found.any && exchange) {
        take_exchange_again(run, &found);
        return;
    }
    if (!err && found.any)
        buf_append(&body, order->body.data, order->body.len);
    else if (!err)
        err = poslog_quote(run->desk->config.capture, run->desk->reader, order, &actor, &body,
                           &fault);
    if (err)
        failed(run, err, &fault);
    else
        submit(run, exchange ? CAPTURE_EXCHANGE : CAPTURE_RETURN, NULL, order->key,
               buf_slice(&body));
}

static void start_order(void *context)
{
    struct run *run = context;
    struct fault fault = {0};
    if (run->desk->stopped) {
        finish(run, fault_set(&fault, ERR_BUSY, "", "shutting down"), &fault);
    } else if (run->order.kind == POSLOG_ORDER_SKIPPED) {
        note_skipped(run);
        next(run);
    } else if (run->order.kind == POSLOG_ORDER_REFUSED) {
        refuse(run, run->order.code, &run->order.why);
    } else if (run->order.kind == POSLOG_ORDER_SALE) {
        take_sale(run);
    } else {
        take_return(run);
    }
}

/* The next transaction; by a post, so that a long document doesn't hold the loop or the stack. */
static void step(struct run *run)
{
    struct fault fault = {0};
    poslog_order_free(&run->order);
    run->order = (struct poslog_order){0};
    run->refunding = false;
    run->raising = false;
    run->sale_id[0] = '\0';
    run->return_id[0] = '\0';
    if (!run->at) {
        finish(run, ERR_OK, NULL);
        return;
    }
    poslog_order_make(run->at, run->desk->mapping, &run->order);
    enum err err = loop_post(run->desk->config.loop, start_order, run);
    if (err)
        finish(run, fault_set(&fault, err, "", "out of memory"), &fault);
}

/* --- The desk ----------------------------------------------------------------------------------
 */

enum err poslog_open(struct poslog_desk **out, const struct poslog_config *config,
                     struct fault *fault)
{
    struct poslog_desk *desk = calloc(1, sizeof *desk);
    if (!desk)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    desk->config = *config;
    enum err err = poslog_mapping_open(&desk->mapping, config->mapping_file, fault);
    if (!err)
        err = eventlog_reader_open(&desk->reader, config->log_config, fault);
    if (err) {
        poslog_close(desk);
        return err;
    }
    *out = desk;
    return ERR_OK;
}

void poslog_stop(struct poslog_desk *desk)
{
    if (desk)
        desk->stopped = true;
}

void poslog_close(struct poslog_desk *desk)
{
    if (!desk)
        return;
    eventlog_reader_close(desk->reader);
    poslog_mapping_close(desk->mapping);
    free(desk);
}

enum err poslog_take(struct poslog_desk *desk, struct slice xml, poslog_done *done, void *context,
                     struct fault *fault)
{
    struct run *run = calloc(1, sizeof *run);
    if (!run)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    run->desk = desk;
    run->done = done;
    run->context = context;
    arena_init(&run->arena, POSLOG_ARENA_BYTES);
    for (size_t i = 0; i < LIST_COUNT; i++)
        buf_init(&run->lists[i], LIST_MAX_BYTES);
    enum err err = poslog_read(xml, &run->arena, &run->poslog, fault);
    if (err) {
        run_free(run);
        return err;
    }
    run->at = run->poslog.first;
    step(run);
    return ERR_OK;
}

enum err poslog_tell_refused(struct poslog_desk *desk, const char *name, struct slice xml,
                             const struct fault *why, capture_done *done, void *context,
                             struct fault *fault)
{
    char key[POSLOG_EXCEPTION_KEY_TEXT + 1];
    struct buf body CLEANUP(buf_free);
    buf_init(&body, EVENT_BODY_MAX);
    poslog_exception_of_document(name, xml, why, &body, key);
    const struct capture_order order = {
        .kind = CAPTURE_RAISE,
        .body = buf_slice(&body),
        .key = slice_of(key),
        .traceparent = {"", 0},
        .actor = {.lane = "", .person = ""},
        .loop = desk->config.loop,
    };
    if (desk->stopped)
        return fault_set(fault, ERR_BUSY, "", "shutting down");
    return capture_submit(desk->config.capture, &order, done, context, fault);
}
