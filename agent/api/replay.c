/* POST /v1/replay: events are sent to the hub once more, by seq, by time or of one return. */
#include "agent/api/internal.h"
#include "agent/views/return_view.h"
#include "hal/base/cleanup.h"
#include "hal/base/json.h"

#include <stddef.h>

enum { BODY_MAX_BYTES = 4096, SEQS_MAX = 1000 };

struct asked {
    int stream;
    int64_t from;
    int64_t to;
    int64_t from_time_ms;
    int64_t to_time_ms;
    bool has_from;
    bool has_time;
    const char *of_return;
};

static const char *const streams[] = {"returns", "sales", NULL};

#define AT(member) offsetof(struct asked, member)
static const struct json_field fields[] = {
    {.name = "stream",
     .kind = JSON_CHOICE,
     .presence = JSON_OPTIONAL,
     .offset = AT(stream),
     .choices = streams},
    {.name = "from",
     .kind = JSON_INT,
     .presence = JSON_OPTIONAL,
     .offset = AT(from),
     .min = 1,
     .max = INT64_C(1) << 40,
     .present_offset = AT(has_from)},
    {.name = "to",
     .kind = JSON_INT,
     .presence = JSON_OPTIONAL,
     .offset = AT(to),
     .min = 1,
     .max = INT64_C(1) << 40},
    {.name = "from_time",
     .kind = JSON_TIME,
     .presence = JSON_OPTIONAL,
     .offset = AT(from_time_ms),
     .present_offset = AT(has_time)},
    {.name = "to_time", .kind = JSON_TIME, .presence = JSON_OPTIONAL, .offset = AT(to_time_ms)},
    {.name = "return",
     .kind = JSON_TEXT,
     .presence = JSON_OPTIONAL,
     .offset = AT(of_return),
     .min = 1,
     .max = 64},
};
static const struct json_table table = {fields, sizeof fields / sizeof *fields,
                                        sizeof(struct asked), false};

/* --- By time --------------------------------------------------------------------------------- */

static enum err take_time(void *context, int64_t seq, struct slice body, const struct sha256 *hash,
                          struct fault *fault)
{
    (void)seq;
    (void)hash;
    int64_t *time_ms = context;
    struct arena arena CLEANUP(arena_free);
    struct event event;
    arena_init(&arena, EVENT_BODY_MAX);
    enum err err = event_read(body, &arena, &event, fault);
    if (!err)
        *time_ms = event.time_ms;
    return err;
}

/*
 * The first seq at or after a time, one behind the head if there is none. Halves the log, as if its
 * clock had always gone forward: where it had not, the edge is somewhere near.
 */
static enum err seq_at_time(struct api *api, const struct eventlog_stream_status *log,
                            int64_t time_ms, int64_t *seq, struct fault *fault)
{
    int64_t low = log->first_kept;
    int64_t high = log->head + 1;
    enum err err = ERR_OK;
    while (!err && low < high) {
        int64_t middle = low + (high - low) / 2;
        int64_t there_ms = 0;
        struct sha256 before;
        const struct eventlog_span one = {log->log, middle, 1};
        err = eventlog_range(api->reader, &one, &before, take_time, &there_ms, fault);
        if (there_ms < time_ms)
            low = middle + 1;
        else
            high = middle;
    }
    *seq = low;
    return err;
}

static enum err by_time(struct api *api, struct asked *asked, struct fault *fault)
{
    struct eventlog_status status;
    eventlog_status(api->config.log, &status);
    const struct eventlog_stream_status *log = &status.streams[asked->stream];
    int64_t behind = log->head + 1;
    enum err err = seq_at_time(api, log, asked->from_time_ms, &asked->from, fault);
    if (!err && asked->to_time_ms)
        err = seq_at_time(api, log, asked->to_time_ms, &behind, fault);
    asked->to = behind - 1;
    if (!err && asked->from > asked->to)
        err = fault_set(fault, ERR_NOT_FOUND, "from_time", "nothing was saved in that time");
    return err;
}

/* --- Of one return --------------------------------------------------------------------------- */

struct seqs {
    struct id log;
    int64_t list[SEQS_MAX];
    size_t count;
};

static enum err take_seq(void *context, const struct eventlog_record *record, struct fault *fault)
{
    (void)fault;
    struct seqs *seqs = context;
    if (record->stream == STREAM_RETURNS && id_equal(&record->log, &seqs->log) &&
        seqs->count < SEQS_MAX)
        seqs->list[seqs->count++] = record->seq;
    return ERR_OK;
}

static enum err find_return(struct api *api, const char *name, struct id *id, struct fault *fault)
{
    struct return_state state;
    if (id_parse(slice_of(name), id) == ERR_OK)
        return ERR_OK;
    enum err err = return_view_by_number(&api->views, name, &state, fault);
    if (!err)
        *id = state.id;
    return err;
}

/* Its events, those that follow each other in one go. */
static enum err replay_seqs(struct api *api, const struct seqs *seqs, int64_t *events,
                            struct fault *fault)
{
    enum err err = ERR_OK;
    for (size_t i = 0; !err && i < seqs->count;) {
        size_t end = i + 1;
        int64_t count = 0;
        while (end < seqs->count && seqs->list[end] == seqs->list[end - 1] + 1)
            end++;
        err = uplink_replay(api->config.uplink, STREAM_RETURNS, seqs->list[i], seqs->list[end - 1],
                            &count, fault);
        *events += count;
        i = end;
    }
    return err;
}

/* *id: the return's. */
static enum err of_return(struct api *api, const struct asked *asked, int64_t *events,
                          struct id *id, struct fault *fault)
{
    struct eventlog_status status;
    struct seqs seqs = {.count = 0};
    eventlog_status(api->config.log, &status);
    seqs.log = status.streams[STREAM_RETURNS].log;
    enum err err = find_return(api, asked->of_return, id, fault);
    if (!err)
        err = eventlog_history(api->reader, id, take_seq, &seqs, fault);
    if (!err && !seqs.count)
        err = fault_set(fault, ERR_NOT_FOUND, "return", "the log keeps no event of this return");
    return err ? err : replay_seqs(api, &seqs, events, fault);
}

/* --- The request ----------------------------------------------------------------------------- */

static enum err read_asked(struct api_call *call, struct cJSON **doc, struct arena *arena,
                           struct asked *asked, struct fault *fault)
{
    const struct json_limits limits = {.bytes = BODY_MAX_BYTES, .depth = 2};
    enum err err = json_parse(http_request_body(call->request), limits, doc, fault);
    if (!err)
        err = json_read(*doc, &table, asked, arena, fault);
    if (!err && asked->has_from + asked->has_time + (asked->of_return != NULL) != 1)
        err = fault_set(fault, ERR_INVALID, "from", "give one of from, from_time and return");
    return err;
}

static enum err run(struct api *api, struct asked *asked, int64_t *events, struct id *id,
                    struct fault *fault)
{
    if (!api->config.uplink)
        return fault_set(fault, ERR_REFUSED, "no_link", "this appliance has no link to a hub");
    if (asked->of_return)
        return of_return(api, asked, events, id, fault);
    enum err err = asked->has_time ? by_time(api, asked, fault) : ERR_OK;
    int64_t last = asked->to ? asked->to : INT64_MAX;
    return err ? err
               : uplink_replay(api->config.uplink, (enum stream)asked->stream, asked->from, last,
                               events, fault);
}

static void replay(struct api_call *call)
{
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    struct arena arena CLEANUP(arena_free);
    struct buf body CLEANUP(buf_free);
    struct asked asked = {0};
    struct fault fault;
    int64_t events = 0;
    struct id id;
    arena_init(&arena, BODY_MAX_BYTES);
    buf_init(&body, BODY_MAX_BYTES);
    enum err err = read_asked(call, &doc, &arena, &asked, &fault);
    if (!err)
        err = run(call->api, &asked, &events, &id, &fault);
    if (!err && (call->local || call->person)) /* a till does it by itself */
        api_note_act(call, ACCESS_REPLAYED, asked.of_return ? &id : NULL);
    struct jsonw w = jsonw_to(&body);
    jsonw_object(&w, NULL);
    jsonw_int(&w, "events", events);
    jsonw_end(&w);
    if (err)
        api_fail(call->request, err, &fault);
    else
        api_answer(call->request, 202, &body);
}

const struct api_route api_replay_routes[] = {
    {"POST", "/v1/replay", API_CLIENT, replay},
    {0},
};
