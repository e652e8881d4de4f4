#include "tests/support/sent_log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct id sent_id(int kind, int number)
{
    struct id id = {{0}};
    (void)snprintf((char *)id.bytes, ID_BYTES, "%02d-%08d", kind, number);
    return id;
}

void sent_log_init(struct sent_log *log, int number, const struct chain_parent *parent)
{
    *log = (struct sent_log){.log = sent_id(1, number), .stream = STREAM_RETURNS};
    log->has_parent = parent != NULL;
    if (parent)
        log->parent = *parent;
    log->hashes[0] = chain_origin(&log->log, parent);
}

void sent_log_free(struct sent_log *log)
{
    for (size_t i = 0; i < log->count; i++)
        free(log->bodies[i]);
}

void sent_log_add_body(struct sent_log *log, const char *body)
{
    assert_true(log->count < SENT_LOG_MAX);
    size_t i = log->count++;
    log->bodies[i] = strdup(body);
    log->slices[i] = slice_of(log->bodies[i]);
    log->hashes[i + 1] = chain_next(&log->hashes[i], log->slices[i]);
}

void sent_event_write(struct buf *out, int number, const char *text)
{
    struct event event = {
        .id = sent_id(2, number),
        .type = EVENT_RETURN_CREATED,
        .source = SLICE_LITERAL("/store/0042/device/box-a"),
        .time_ms = INT64_C(1795000000000),
        .correlation = sent_id(3, number),
        .sequence = 1,
    };
    struct buf data;
    buf_init(&data, 4096);
    buf_printf(&data, "{\"receipt\":\"R%d\",\"number\":\"N%d\",\"text\":\"%s\"}", number, number,
               text);
    event.data = buf_slice(&data);
    event_write(out, &event);
    buf_free(&data);
}

void sent_log_add(struct sent_log *log, int number, const char *text)
{
    struct buf body;
    buf_init(&body, 8192);
    sent_event_write(&body, number, text);
    sent_log_add_body(log, body.data);
    buf_free(&body);
}

void sent_log_fill(struct sent_log *log, int first, int count)
{
    for (int i = 0; i < count; i++)
        sent_log_add(log, first + i, "plain");
}

struct ingest_batch sent_log_batch(const struct sent_log *log, const char *device, int64_t first,
                                   int64_t last)
{
    return (struct ingest_batch){
        .device = device,
        .header = {.log = log->log,
                   .stream = log->stream,
                   .first = first,
                   .last = last,
                   .prev = log->hashes[first - 1],
                   .hash = log->hashes[last],
                   .has_parent = log->has_parent,
                   .parent = log->parent},
        .bodies = &log->slices[first - 1],
        .count = (size_t)(last - first + 1),
        .received_ms = INT64_C(1795000001000),
    };
}
