#include "agent/api/lookup.h"
#include "agent/returns/sale.h"
#include "agent/views/sale_view.h"
#include "hal/base/cleanup.h"
#include "hal/base/json_scan.h"
#include "sync/contract/sale_query.h"
#include "sync/uplink/uplink.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ASKED_MAX = 64,
    ASK_AGAIN_MS = 10 * 1000,
    TRY_AGAIN_MS = 500,
    HOLDER_AGAIN_MS = 1000,
    ARENA_MAX_BYTES = 8 * 1024 * 1024
};

/* A receipt that was asked for, and until when that answer will do. */
struct asked {
    char receipt[SALE_QUERY_RECEIPT_MAX + 1];
    int64_t until_ms;          /* monotonic */
    int64_t reserved_until_ms; /* wall: another store has it in hand; 0: nobody */
};

struct lookup {
    struct api *api;
    void (*handle)(void *context, struct http_request *request);
    struct asked asked[ASKED_MAX]; /* a ring */
    size_t next;
    const struct inquiry *answered; /* whose request is being handled anew */
    size_t waiting;
    bool closed;
};

/* One question on its way, and the request that waits for it. */
struct inquiry {
    struct lookup *lookup;
    struct http_request *request;
    struct sale_query query;
    int64_t reserved_until_ms; /* wall: as the hub says */
    bool awaits_holder;        /* the store that wrote it hasn't said anything yet */
    bool confirmed;            /* it has, and keeps off */
};

struct lookup *lookup_open(struct api *api,
                           void (*handle)(void *context, struct http_request *request))
{
    struct lookup *lookup = calloc(1, sizeof *lookup);
    if (lookup)
        *lookup = (struct lookup){.api = api, .handle = handle};
    return lookup;
}

static void let_go(struct lookup *lookup)
{
    if (lookup->closed && lookup->waiting == 0)
        free(lookup);
}

void lookup_close(struct lookup *lookup)
{
    if (!lookup)
        return;
    lookup->closed = true;
    let_go(lookup);
}

/* --- What was asked -------------------------------------------------------------------------- */

static int64_t monotonic_ms(const struct lookup *lookup)
{
    return clock_monotonic_ms(lookup->api->config.clock);
}

static struct asked *find_asked(struct lookup *lookup, const char *receipt)
{
    int64_t now_ms = monotonic_ms(lookup);
    for (size_t i = 0; i < ASKED_MAX; i++)
        if (lookup->asked[i].until_ms > now_ms && strcmp(lookup->asked[i].receipt, receipt) == 0)
            return &lookup->asked[i];
    return NULL;
}

static void note_asked(struct lookup *lookup, const char *receipt, int64_t keep_ms,
                       int64_t reserved_until_ms)
{
    struct asked *asked = &lookup->asked[lookup->next++ % ASKED_MAX];
    *asked = (struct asked){.until_ms = monotonic_ms(lookup) + keep_ms,
                            .reserved_until_ms = reserved_until_ms};
    (void)snprintf(asked->receipt, sizeof asked->receipt, "%s", receipt);
}

/* --- The hub's answer ------------------------------------------------------------------------ */

static void handle_again(void *context)
{
    struct inquiry *inquiry = context;
    struct lookup *lookup = inquiry->lookup;
    lookup->waiting--;
    lookup->answered = inquiry;
    struct fault fault;
    (void)fault_set(&fault, ERR_BUSY, "", "the appliance is stopping");
    if (lookup->closed)
        http_problem(inquiry->request, http_status_of(ERR_BUSY), &fault);
    else
        lookup->handle(lookup->api, inquiry->request);
    lookup->answered = NULL;
    let_go(lookup);
    free(inquiry);
}

/* Writer thread: what the hub said is kept, or can't be; either way the request goes on. */
static void learned(void *context, enum err err, const struct fault *fault)
{
    struct inquiry *inquiry = context;
    if (err)
        diag_fault(inquiry->lookup->api->config.diag, DIAG_WARN, "lookup.not_kept", fault);
    inquiry->confirmed &= err == ERR_OK;
    if (loop_post(inquiry->lookup->api->config.loop, handle_again, inquiry) != ERR_OK)
        abort(); /* the client would wait for ever, and nothing can be allocated any more */
}

/* What other stores' clerks have to look after is no affair of this one. */
static bool is_wanted(struct slice body)
{
    struct slice type;
    enum event_type known;
    return json_scan_member(body, JSON_LIMITS_DEFAULT, "type", &type, NULL) == ERR_OK &&
           type.len > 2 &&
           event_type_find((struct slice){type.data + 1, type.len - 2}, &known) == ERR_OK &&
           known != EVENT_EXCEPTION_RAISED && known != EVENT_EXCEPTION_RESOLVED;
}

static size_t gather(const struct sale_reply *reply, struct slice bodies[static BATCH_EVENTS_MAX])
{
    size_t count = 0;
    if (reply->sale.len)
        bodies[count++] = reply->sale;
    for (size_t i = 0; i < reply->event_count && count < BATCH_EVENTS_MAX; i++)
        if (is_wanted(reply->events[i]))
            bodies[count++] = reply->events[i];
    return count;
}

static void answered(void *context, enum err err, struct slice answer)
{
    struct inquiry *inquiry = context;
    struct lookup *lookup = inquiry->lookup;
    struct slice bodies[BATCH_EVENTS_MAX];
    struct sale_reply reply = {0};
    struct fault fault = {0};
    if (!err)
        err = sale_reply_read(answer, &reply, &fault);
    if (err)
        diag_write(lookup->api->config.diag, DIAG_INFO, "lookup.no_answer", "%s: %s", err_name(err),
                   fault.text);
    size_t count = err ? 0 : gather(&reply, bodies);
    inquiry->reserved_until_ms = reply.reserved_until_ms;
    inquiry->awaits_holder = err == ERR_BUSY;
    inquiry->confirmed = reply.confirmed;
    note_asked(lookup, inquiry->query.receipt, err ? TRY_AGAIN_MS : ASK_AGAIN_MS,
               reply.reserved_until_ms);
    if (count && !lookup->closed)
        eventlog_learn(lookup->api->config.log, bodies, count, learned, inquiry);
    else
        handle_again(inquiry);
}

/* --- The request ----------------------------------------------------------------------------- */

/* The receipt that the query or the body names; "" if none. */
static void receipt_of(struct http_request *request,
                       char receipt[static SALE_QUERY_RECEIPT_MAX + 1])
{
    const char *asked = http_request_query(request, "receipt");
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    struct slice body = http_request_body(request);
    if (!asked && body.len && json_parse(body, JSON_LIMITS_DEFAULT, &doc, NULL) == ERR_OK) {
        const struct cJSON *returned = json_member(doc, "return");
        asked = json_member_text(returned ? returned : doc, "receipt");
    }
    if (asked && strlen(asked) <= SALE_QUERY_RECEIPT_MAX)
        memcpy(receipt, asked, strlen(asked) + 1);
    else
        receipt[0] = '\0';
}

/* What will be refused as a payment card number goes nowhere. */
static bool is_card(const struct api *api, const char *receipt)
{
    struct known_formats known = scan_formats_known(api->config.formats);
    return cardnumber_refuse(receipt, "receipt", &known, NULL) != ERR_OK;
}

/* A sale of this store's own tills needs nobody else. */
static bool is_our_own(struct api *api, const char *receipt)
{
    struct arena arena CLEANUP(arena_free);
    arena_init(&arena, ARENA_MAX_BYTES);
    struct sale_found found CLEANUP(sale_found_cleanup) = {0};
    struct sale_row row;
    return sale_view_by_receipt(&api->views, receipt, &row, NULL) == ERR_OK &&
           sale_view_load(&api->views, &row.id, &arena, &found, NULL) == ERR_OK &&
           strcmp(found.sale.store, api->config.store) == 0;
}

static bool link_is_up(const struct api *api)
{
    struct uplink_status status = {0};
    if (api->config.uplink)
        uplink_status(api->config.uplink, &status);
    return api->config.uplink && status.state == UPLINK_ONLINE;
}

static bool only_looks(const struct api_call *call)
{
    return strcmp(http_request_method(call->request), "GET") == 0;
}

/* Another store takes goods of this receipt back just now. */
static bool is_reserved(struct api_call *call, int64_t until_ms)
{
    struct fault fault;
    int64_t left_ms = until_ms - clock_wall_ms(call->api->config.clock);
    if (left_ms <= 0 || only_looks(call))
        return false;
    (void)fault_set(&fault, ERR_BUSY, "receipt",
                    "another store has this receipt in hand: ask again in %lld s",
                    (long long)(left_ms / 1000 + 1));
    api_fail(call->request, ERR_BUSY, &fault);
    return true;
}

/* What came of asking: true, and the request is answered, if it can't go on. */
static bool is_held_up(struct api_call *call, const struct inquiry *inquiry)
{
    struct fault fault;
    if (!inquiry->awaits_holder)
        return is_reserved(call, inquiry->reserved_until_ms);
    (void)fault_set(&fault, ERR_BUSY, "receipt",
                    "the store that wrote this receipt is being asked: ask again in %d s",
                    HOLDER_AGAIN_MS / 1000);
    api_fail(call->request, ERR_BUSY, &fault);
    return true;
}

/* The store that wrote the receipt, as far as its number says so. */
static void name_store(const struct scan_formats *formats, struct sale_query *query)
{
    struct scan_receipt found;
    const struct slice *store = NULL;
    if (scan_formats_find(formats, slice_of(query->receipt), &found))
        store = pattern_field(&found.fields, "store");
    if (store && store->len <= SALE_QUERY_STORE_MAX)
        (void)snprintf(query->store, sizeof query->store, "%.*s", (int)store->len, store->data);
}

static enum err ask(struct lookup *lookup, struct http_request *request, const char *receipt,
                    const struct sale_query *query)
{
    struct inquiry *inquiry = calloc(1, sizeof *inquiry);
    if (!inquiry)
        return ERR_NO_MEMORY;
    inquiry->lookup = lookup;
    inquiry->request = request;
    inquiry->query = *query;
    (void)snprintf(inquiry->query.receipt, sizeof inquiry->query.receipt, "%s", receipt);
    name_store(lookup->api->config.formats, &inquiry->query);
    lookup->waiting++;
    enum err err =
        uplink_query(lookup->api->config.uplink, &inquiry->query, answered, inquiry, NULL);
    if (err) {
        lookup->waiting--;
        free(inquiry);
    }
    return err;
}

/* `named`: NULL for the receipt that the request itself names. */
static bool asks(struct api_call *call, const char *named, const struct sale_query *query)
{
    struct lookup *lookup = call->api->lookup;
    char receipt[SALE_QUERY_RECEIPT_MAX + 1];
    if (lookup->answered && lookup->answered->request == call->request) {
        call->actor.confirmed = lookup->answered->confirmed;
        return is_held_up(call, lookup->answered);
    }
    if (!link_is_up(call->api))
        return false;
    if (named)
        (void)snprintf(receipt, sizeof receipt, "%s", named);
    else
        receipt_of(call->request, receipt);
    if (!receipt[0] || is_card(call->api, receipt))
        return false;
    const struct asked *asked = query->reserve ? NULL : find_asked(lookup, receipt);
    if (asked)
        return is_reserved(call, asked->reserved_until_ms);
    return !is_our_own(call->api, receipt) && ask(lookup, call->request, receipt, query) == ERR_OK;
}

bool lookup_asks(struct api_call *call)
{
    return asks(call, NULL, &(struct sale_query){.reserve = false});
}

bool lookup_reserves(struct api_call *call)
{
    return asks(call, NULL, &(struct sale_query){.reserve = true});
}

bool lookup_reserves_return(struct api_call *call, const struct return_state *state)
{
    const struct sale_query query = {.of = {state->id, state->sequence}, .reserve = true};
    return asks(call, state->receipt, &query);
}
