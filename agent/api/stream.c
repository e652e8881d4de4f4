#include "agent/api/stream.h"
#include "agent/api/link.h"
#include "agent/capture/scan_text.h"
#include "agent/views/return_view.h"
#include "agent/views/sale_view.h"
#include "hal/base/cleanup.h"
#include "hal/base/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    NEWS_MAX_BYTES = 512 * 1024,
    NEWS_EVENTS_MAX = 200,
    ARENA_MAX_BYTES = 8 * 1024 * 1024,
    LOOK_MS = 2000,
};

struct api_stream {
    struct api_stream *next;
    struct api *api;
    struct http_stream *http;
    char session[SESSION_TEXT + 1]; /* "" for a till's */
    char lane[TOKEN_LANE_MAX + 1];  /* "" for all */
};

/* The peer has left. */
static void gone(void *context)
{
    struct api_stream *stream = context;
    struct api_stream **at = &stream->api->streams;
    while (*at != stream)
        at = &(*at)->next;
    *at = stream->next;
    free(stream);
}

/* A till's own; a page says where it stands, for an EventSource has no headers. */
static const char *lane_of(const struct api_call *call)
{
    const char *said = http_request_query(call->request, "lane");
    if (call->actor.lane[0] || !said || strlen(said) > TOKEN_LANE_MAX)
        return call->actor.lane;
    return said;
}

static void follow(struct api_call *call)
{
    struct api_stream *stream = calloc(1, sizeof *stream);
    struct fault fault;
    if (!stream) {
        api_fail(call->request, fault_set(&fault, ERR_NO_MEMORY, "", "out of memory"), &fault);
        return;
    }
    stream->api = call->api;
    (void)snprintf(stream->session, sizeof stream->session, "%.*s", (int)call->session.len,
                   call->session.data);
    (void)snprintf(stream->lane, sizeof stream->lane, "%s", lane_of(call));
    stream->http = http_stream_begin(call->request, gone, stream);
    if (!stream->http) {
        free(stream);
        return;
    }
    stream->next = call->api->streams;
    call->api->streams = stream;
    api_link_changed(call->api); /* where things stand, at once */
}

/* Whoever is signed out hears no more. */
static void end_signed_out(struct api *api)
{
    struct api_stream *next;
    for (struct api_stream *stream = api->streams; stream; stream = next) {
        next = stream->next;
        if (!stream->session[0] || people_of_session(api->people, slice_of(stream->session), false))
            continue;
        http_stream_send(stream->http, "session", SLICE_LITERAL("{\"state\":\"ended\"}"));
        http_stream_end(stream->http);
        gone(stream);
    }
}

/*
 * What changes without a request: the command line writes the files of tokens and staff, which the
 * log tells, and sessions lapse.
 */
static void look(void *context)
{
    struct api *api = context;
    tokens_refresh(api->tokens);
    people_look(api->people, ACCESS_BY_CLI);
    end_signed_out(api);
}

enum err api_stream_begin(struct api *api, struct fault *fault)
{
    api->look = loop_timer_open(api->config.loop, look, api);
    if (!api->look)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    loop_timer_start(api->look, LOOK_MS, LOOK_MS);
    struct eventlog_status status;
    eventlog_status(api->config.log, &status);
    for (size_t i = 0; i < STREAMS_OF_APPLIANCE; i++)
        api->announced[i] = status.streams[i].head;
    return ERR_OK;
}

void api_stream_end(struct api *api)
{
    loop_timer_close(api->look);
    while (api->streams) {
        struct api_stream *next = api->streams->next;
        http_stream_end(api->streams->http);
        free(api->streams);
        api->streams = next;
    }
}

static bool concerns(const struct api_stream *stream, const char *lane)
{
    return !lane[0] || !stream->lane[0] || strcmp(stream->lane, lane) == 0;
}

void api_stream_tell(struct api *api, const char *event, const char *lane, const struct buf *data)
{
    if (data->failed)
        return;
    struct api_stream *next;
    for (struct api_stream *stream = api->streams; stream; stream = next) {
        next = stream->next; /* sending may end it */
        if (concerns(stream, lane))
            http_stream_send(stream->http, event, buf_slice(data));
    }
}

/* The sale with this receipt number, if it is known here. */
static void write_sale(struct api *api, const char *receipt, struct jsonw *w)
{
    struct arena arena CLEANUP(arena_free);
    arena_init(&arena, ARENA_MAX_BYTES);
    struct sale_found found CLEANUP(sale_found_cleanup) = {0};
    struct sale_row row;
    enum err err = sale_view_by_receipt(&api->views, receipt, &row, NULL);
    if (!err)
        err = sale_view_load(&api->views, &row.id, &arena, &found, NULL);
    if (err)
        jsonw_null(w, "sale");
    else
        jsonw_raw(w, "sale", found.data);
}

/* What the scan means. A card's number is told as such, and no digit of it. */
static void write_meaning(struct api *api, const struct scan *scan, struct jsonw *w)
{
    struct arena arena CLEANUP(arena_free);
    arena_init(&arena, ARENA_MAX_BYTES);
    struct scan_meaning meaning;
    scan_interpret(scan->data, scan->aim, api->config.formats, &arena, &meaning);
    if (meaning.kind == SCAN_CARD)
        jsonw_null(w, "data");
    else
        jsonw_slice(w, "data", scan->data);
    jsonw_text(w, "kind", scan_kind_name(meaning.kind));
    jsonw_text(w, "format", meaning.format[0] ? meaning.format : NULL);
    jsonw_text(w, "receipt", meaning.receipt[0] ? meaning.receipt : NULL);
    jsonw_text(w, "gtin", meaning.gtin[0] ? meaning.gtin : NULL);
    jsonw_object(w, "fields");
    for (size_t i = 0; i < meaning.fields.count; i++)
        jsonw_text(w, meaning.fields.list[i].name, meaning.fields.list[i].value);
    jsonw_end(w);
    char receipt[RECEIPT_MAX + 1]; /* a till's number may follow no pattern */
    (void)snprintf(receipt, sizeof receipt, "%.*s", (int)scan->data.len, scan->data.data);
    write_sale(api, meaning.receipt[0] ? meaning.receipt : receipt, w);
}

void api_scanned(struct api *api, const struct scan *scan)
{
    if (scan_repeat_seen(&api->repeat, scan->scanner, scan->data,
                         clock_monotonic_ms(api->config.clock)))
        return;
    struct buf data CLEANUP(buf_free);
    buf_init(&data, NEWS_MAX_BYTES);
    struct jsonw w = jsonw_to(&data);
    jsonw_object(&w, NULL);
    jsonw_text(&w, "scanner", scan->scanner);
    jsonw_text(&w, "lane", scan->lane);
    jsonw_text(&w, "aim", scan->aim);
    jsonw_time(&w, "at", clock_wall_ms(api->config.clock));
    write_meaning(api, scan, &w);
    jsonw_end(&w);
    api_stream_tell(api, "scan", scan->lane, &data);
}

void api_scanner_changed(struct api *api, const char *scanner, enum scanner_state state)
{
    struct buf data CLEANUP(buf_free);
    buf_init(&data, NEWS_MAX_BYTES);
    struct jsonw w = jsonw_to(&data);
    jsonw_object(&w, NULL);
    jsonw_text(&w, "scanner", scanner);
    jsonw_text(&w, "state", state == SCANNER_READY ? "ready" : "absent");
    jsonw_end(&w);
    api_stream_tell(api, "scanner", "", &data);
}

void api_link_changed(struct api *api)
{
    struct buf data CLEANUP(buf_free);
    buf_init(&data, NEWS_MAX_BYTES);
    struct jsonw w = jsonw_to(&data);
    jsonw_object(&w, NULL);
    api_link_write(api, &w);
    jsonw_end(&w);
    api_stream_tell(api, "link", "", &data);
}

static enum err tell_event(void *context, int64_t seq, struct slice body, const struct sha256 *hash,
                           struct fault *fault)
{
    (void)hash;
    struct api *api = context;
    struct arena arena CLEANUP(arena_free);
    arena_init(&arena, EVENT_BODY_MAX);
    struct event event;
    enum err err = event_read(body, &arena, &event, fault);
    if (err)
        return ERR_OK; /* verify tells about damage; the news can't */
    char id[ID_TEXT + 1];
    id_format(&event.correlation, id);
    struct buf data CLEANUP(buf_free);
    buf_init(&data, NEWS_MAX_BYTES);
    struct jsonw w = jsonw_to(&data);
    jsonw_object(&w, NULL);
    jsonw_text(&w, "type", event_type_name(event.type));
    jsonw_text(&w, "id", id);
    jsonw_slice(&w, "subject", event.subject);
    jsonw_int(&w, "seq", seq);
    jsonw_time(&w, "at", event.time_ms);
    jsonw_end(&w);
    api_stream_tell(api, stream_name(event_type_stream(event.type)), "", &data);
    return ERR_OK;
}

void api_committed(struct api *api)
{
    struct eventlog_status status;
    eventlog_status(api->config.log, &status);
    if (eventlog_reader_refresh(api->reader, NULL))
        return; /* a salvaged log that can't be opened yet: the next commit asks again */
    for (size_t i = 0; i < STREAMS_OF_APPLIANCE; i++) {
        const struct eventlog_stream_status *stream = &status.streams[i];
        int64_t first = api->announced[i] + 1;
        api->announced[i] = stream->head;
        if (!api->streams || stream->head < first)
            continue;
        struct sha256 before;
        const struct eventlog_span news = {stream->log, first, NEWS_EVENTS_MAX};
        enum err err = eventlog_range(api->reader, &news, &before, tell_event, api, NULL);
        (void)err; /* a page that missed news asks again */
    }
    if (api->streams)
        api_link_changed(api);
}

const struct api_route api_stream_routes[] = {
    {"GET", "/v1/stream", API_CLIENT, follow},
    {0},
};
