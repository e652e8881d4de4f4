#include "agent/api/internal.h"
#include "hal/base/cleanup.h"

#include <string.h>

enum { LIST_MAX_BYTES = 32 * 1024 * 1024, ANSWER_MAX_BYTES = 4 * 1024 * 1024 };

struct listing {
    struct eventlog_reader *reader;
    const struct id *only; /* this one, with its event; NULL: all, without */
    struct jsonw w;
    size_t count;
};

static enum err write_body(void *context, int64_t seq, struct slice body, const struct sha256 *hash,
                           struct fault *fault)
{
    (void)seq;
    (void)hash;
    (void)fault;
    struct jsonw *w = context;
    jsonw_raw(w, "event", body);
    return ERR_OK;
}

static void write_item(struct jsonw *w, const struct eventlog_parked *parked)
{
    char id[ID_TEXT + 1];
    char log[ID_TEXT + 1];
    id_format(&parked->item.id, id);
    id_format(&parked->log, log);
    jsonw_text(w, "id", id);
    jsonw_text(w, "stream", stream_name(parked->stream));
    jsonw_text(w, "log_id", log);
    jsonw_int(w, "seq", parked->item.seq);
    jsonw_text(w, "code", parked->item.code);
    jsonw_text(w, "detail", parked->item.detail);
}

static enum err list_one(void *context, const struct eventlog_parked *parked, struct fault *fault)
{
    struct listing *listing = context;
    struct sha256 before;
    enum err err = ERR_OK;
    if (listing->only && !id_equal(listing->only, &parked->item.id))
        return ERR_OK;
    if (listing->only && listing->count)
        return ERR_OK;
    listing->count++;
    jsonw_object(&listing->w, NULL);
    write_item(&listing->w, parked);
    const struct eventlog_span one = {parked->log, parked->item.seq, 1};
    if (listing->only)
        err = eventlog_range(listing->reader, &one, &before, write_body, &listing->w, fault);
    jsonw_end(&listing->w);
    return err;
}

static void list(struct api_call *call)
{
    struct fault fault;
    struct buf body CLEANUP(buf_free);
    buf_init(&body, LIST_MAX_BYTES);
    struct listing listing = {.reader = call->api->reader, .w = jsonw_to(&body)};
    jsonw_object(&listing.w, NULL);
    jsonw_array(&listing.w, "parked");
    enum err err = eventlog_parked(listing.reader, list_one, &listing, &fault);
    jsonw_end(&listing.w);
    jsonw_end(&listing.w);
    if (err)
        api_fail(call->request, err, &fault);
    else
        api_answer(call->request, 200, &body);
}

static bool read_id(struct api_call *call, struct id *id)
{
    struct fault fault;
    if (id_parse(call->rest, id) == ERR_OK)
        return true;
    api_fail(call->request,
             fault_set(&fault, ERR_NOT_FOUND, "id", "the hub has no event of this id parked"),
             &fault);
    return false;
}

static void show(struct api_call *call)
{
    struct fault fault;
    struct id id;
    struct buf body CLEANUP(buf_free);
    buf_init(&body, ANSWER_MAX_BYTES);
    struct listing listing = {.reader = call->api->reader, .only = &id, .w = jsonw_to(&body)};
    if (!read_id(call, &id))
        return;
    enum err err = eventlog_parked(listing.reader, list_one, &listing, &fault);
    if (!err && !listing.count)
        err = fault_set(&fault, ERR_NOT_FOUND, "id", "the hub has no event of this id parked");
    if (err)
        api_fail(call->request, err, &fault);
    else
        api_answer(call->request, 200, &body);
}

static void resubmit(struct api_call *call)
{
    struct id id;
    if (read_id(call, &id))
        api_write(call, CAPTURE_RESUBMIT, &id, 202);
}

static void discard(struct api_call *call)
{
    struct id id;
    if (read_id(call, &id))
        api_write(call, CAPTURE_DISCARD, &id, 202);
}

const struct api_route api_parked_routes[] = {
    {"GET", "/v1/parked", API_CLIENT, list},
    {"GET", "/v1/parked/{}", API_CLIENT, show},
    {"POST", "/v1/parked/{}/resubmit", API_CLIENT, resubmit},
    {"POST", "/v1/parked/{}/discard", API_CLIENT, discard},
    {0},
};
