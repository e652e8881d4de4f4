#include "sync/hub/web/traces.h"
#include "hal/base/cleanup.h"
#include "hal/base/hex.h"
#include "hal/base/sha256.h"
#include "sync/hub/web/listing.h"
#include "sync/hub/web/read.sql.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { TRACE_TEXT = 32, SPAN_TEXT = 16, ARENA_MAX = 512 * 1024, SPANS_MAX = 4 * 1024 * 1024 };

struct trace {
    struct answers *answers;
    struct id correlation;
    char trace_id[TRACE_TEXT + 1];
    char root_id[SPAN_TEXT + 1];
    struct buf spans;
    struct jsonw w;
    int64_t first_ms;
    int64_t last_ms;
    bool complete;
    struct fault *fault;
};

struct span {
    char id[SPAN_TEXT + 1];
    const char *parent; /* NULL: the root */
    const char *name;
    int64_t from_ms;
    int64_t to_ms;
};

/* A span's id follows from what it is about, so that a trace sent twice is the same trace. */
static void span_id(struct slice about, char text[static SPAN_TEXT + 1])
{
    struct sha256 hash = sha256_of(about);
    hex_encode(hash.bytes, SPAN_TEXT / 2, text);
}

static void write_nanoseconds(struct jsonw *w, const char *key, int64_t ms)
{
    char text[32];
    (void)snprintf(text, sizeof text, "%" PRId64 "000000", ms);
    jsonw_text(w, key, text);
}

static void write_attribute(struct jsonw *w, const char *key, struct slice value)
{
    jsonw_object(w, NULL);
    jsonw_text(w, "key", key);
    jsonw_object(w, "value");
    jsonw_slice(w, "stringValue", value);
    jsonw_end(w);
    jsonw_end(w);
}

/* Opens a span's object and its attributes. */
static void begin_span(struct trace *trace, const struct span *span)
{
    struct jsonw *w = &trace->w;
    jsonw_object(w, NULL);
    jsonw_text(w, "traceId", trace->trace_id);
    jsonw_text(w, "spanId", span->id);
    if (span->parent)
        jsonw_text(w, "parentSpanId", span->parent);
    jsonw_text(w, "name", span->name);
    jsonw_int(w, "kind", 1);
    write_nanoseconds(w, "startTimeUnixNano", span->from_ms);
    write_nanoseconds(w, "endTimeUnixNano",
                      span->to_ms > span->from_ms ? span->to_ms : span->from_ms);
    jsonw_array(w, "attributes");
}

static void end_span(struct trace *trace)
{
    jsonw_end(&trace->w);
    jsonw_end(&trace->w);
}

static void widen(struct trace *trace, const struct span *span)
{
    if (!trace->first_ms || span->from_ms < trace->first_ms)
        trace->first_ms = span->from_ms;
    if (span->to_ms > trace->last_ms)
        trace->last_ms = span->to_ms;
}

/* --- Events ---------------------------------------------------------------------------------- */

/* The trace that the till began, if one of the events says so (W3C Trace Context). */
static void adopt(struct trace *trace, struct slice body)
{
    struct arena arena CLEANUP(arena_free);
    struct event event;
    arena_init(&arena, ARENA_MAX);
    if (trace->trace_id[0] || event_read(body, &arena, &event, NULL) != ERR_OK ||
        event.traceparent.len != TRACEPARENT_TEXT)
        return;
    memcpy(trace->trace_id, event.traceparent.data + 3, TRACE_TEXT);
}

static void name_span(struct slice type, char name[static 64])
{
    static const char prefix[] = "com.tillback.";
    size_t skip = type.len > sizeof prefix - 1 ? sizeof prefix - 1 : 0;
    (void)snprintf(name, 64, "%.*s", (int)(type.len - skip), type.data + skip);
}

static void write_event(struct trace *trace, struct statement *s)
{
    char name[64];
    struct slice device = column_slice(s, 1);
    struct slice type = column_slice(s, 2);
    struct span span = {.parent = trace->root_id,
                        .name = name,
                        .from_ms = column_int(s, 4),
                        .to_ms = column_int(s, 5)};
    name_span(type, name);
    span_id(column_slice(s, 3), span.id);
    widen(trace, &span);
    if (slice_is(type, event_type_name(EVENT_RETURN_COMPLETED)))
        trace->complete = true;
    begin_span(trace, &span);
    write_attribute(&trace->w, "tillback.device", device);
    write_attribute(&trace->w, "messaging.message.type", type);
    end_span(trace);
}

/* Each row of a statement about the return. */
static enum err each_row(struct trace *trace, size_t statement,
                         void (*take)(struct trace *trace, struct statement *s))
{
    struct statement *s;
    bool row = true;
    enum err err = database_attached(trace->answers->sql, statement, &s, trace->fault);
    if (err)
        return err;
    bind_blob(s, 1, trace->correlation.bytes, ID_BYTES);
    while ((err = database_step(trace->answers->config.database, s, &row, trace->fault)) ==
               ERR_OK &&
           row)
        take(trace, s);
    statement_reset(s);
    return err;
}

static void adopt_row(struct trace *trace, struct statement *s)
{
    adopt(trace, column_slice(s, 6));
}

/* --- Entries --------------------------------------------------------------------------------- */

static void write_entry(struct trace *trace, struct statement *s)
{
    char name[80];
    struct slice reference = column_slice(s, 1);
    bool posted = slice_is(column_slice(s, 3), "posted");
    const char *rule = memchr(reference.data, '/', reference.len);
    (void)snprintf(name, sizeof name, "journal %.*s",
                   (int)(rule ? reference.data + reference.len - rule - 1 : 0),
                   rule ? rule + 1 : "");
    struct span span = {.parent = trace->root_id,
                        .name = name,
                        .from_ms = column_int(s, 2),
                        .to_ms = column_int(s, posted ? 4 : 2)};
    span_id(reference, span.id);
    widen(trace, &span);
    begin_span(trace, &span);
    write_attribute(&trace->w, "tillback.entry", reference);
    write_attribute(&trace->w, "tillback.posting", column_slice(s, 3));
    if (posted)
        write_attribute(&trace->w, "tillback.posted_number", column_slice(s, 5));
    end_span(trace);
}

/* --- The whole ------------------------------------------------------------------------------- */

static enum err gather(struct trace *trace)
{
    enum err err = each_row(trace, READ_TRACE_EVENTS, adopt_row);
    if (!trace->trace_id[0])
        hex_encode(trace->correlation.bytes, ID_BYTES, trace->trace_id);
    span_id((struct slice){(const char *)trace->correlation.bytes, ID_BYTES}, trace->root_id);
    jsonw_array(&trace->w, NULL);
    if (!err)
        err = each_row(trace, READ_TRACE_EVENTS, write_event);
    if (!err)
        err = each_row(trace, READ_TRACE_ENTRIES, write_entry);
    if (!err && !trace->first_ms)
        err = fault_set(trace->fault, ERR_NOT_FOUND, "id", "there is no such return");
    if (err)
        return err;
    char id[ID_TEXT + 1];
    id_format(&trace->correlation, id);
    struct span root = {.name = "return", .from_ms = trace->first_ms, .to_ms = trace->last_ms};
    memcpy(root.id, trace->root_id, sizeof root.id);
    begin_span(trace, &root);
    write_attribute(&trace->w, "tillback.return", slice_of(id));
    write_attribute(&trace->w, "tillback.complete", slice_of(trace->complete ? "yes" : "no"));
    end_span(trace);
    jsonw_end(&trace->w);
    return buf_check(&trace->spans, trace->fault, "trace");
}

static void write_trace(const struct trace *trace, struct buf *out)
{
    struct jsonw w = jsonw_to(out);
    jsonw_object(&w, NULL);
    jsonw_array(&w, "resourceSpans");
    jsonw_object(&w, NULL);
    jsonw_object(&w, "resource");
    jsonw_array(&w, "attributes");
    write_attribute(&w, "service.name", slice_of("tillback"));
    jsonw_end(&w);
    jsonw_end(&w);
    jsonw_array(&w, "scopeSpans");
    jsonw_object(&w, NULL);
    jsonw_object(&w, "scope");
    jsonw_text(&w, "name", "tillback-hub");
    jsonw_end(&w);
    jsonw_raw(&w, "spans", buf_slice(&trace->spans));
    while (w.depth)
        jsonw_end(&w);
}

enum err traces_answer(struct answers *answers, const struct answers_asked *asked, struct buf *out,
                       struct fault *fault)
{
    struct trace trace = {.answers = answers, .fault = fault};
    enum err err = answers_find(answers, asked->rest, &trace.correlation, fault);
    if (err)
        return err;
    buf_init(&trace.spans, SPANS_MAX);
    trace.w = jsonw_to(&trace.spans);
    err = gather(&trace);
    if (!err)
        write_trace(&trace, out);
    buf_free(&trace.spans);
    return err;
}
