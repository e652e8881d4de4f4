/* What event_read takes, event_write writes so that it reads the same and writes the same again. */
#include "hal/base/cleanup.h"
#include "sync/contract/event.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static bool same(const struct event *a, const struct event *b)
{
    return id_equal(&a->id, &b->id) && a->type == b->type && slice_equal(a->source, b->source) &&
           slice_equal(a->subject, b->subject) && slice_equal(a->boot_id, b->boot_id) &&
           a->monotonic_ms == b->monotonic_ms && a->time_trusted == b->time_trusted &&
           id_equal(&a->correlation, &b->correlation) && a->has_causation == b->has_causation &&
           id_equal(&a->causation, &b->causation) && a->sequence == b->sequence &&
           slice_equal(a->traceparent, b->traceparent) &&
           slice_equal(a->idempotency_key, b->idempotency_key) &&
           slice_equal(a->request_hash, b->request_hash) && slice_equal(a->data, b->data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = {(const char *)data, size};
    struct arena arena CLEANUP(arena_free);
    struct buf first CLEANUP(buf_free);
    struct buf second CLEANUP(buf_free);
    arena_init(&arena, 64 * 1024);
    buf_init(&first, 2 * EVENT_BODY_MAX);
    buf_init(&second, 2 * EVENT_BODY_MAX);
    struct event event;
    struct event again;
    struct fault fault;
    if (event_read(text, &arena, &event, &fault) != ERR_OK)
        return 0;
    require(event_read_checked(text, &arena, &again, &fault) == ERR_OK);
    require(same(&event, &again));
    require(event.data.data > text.data && event.data.len < size && event.data.data[0] == '{');
    event_write(&first, &event);
    if (first.len > EVENT_BODY_MAX)
        return 0;
    require(event_read(buf_slice(&first), &arena, &again, &fault) == ERR_OK);
    require(same(&event, &again));
    event_write(&second, &again);
    require(slice_equal(buf_slice(&first), buf_slice(&second)));
    return 0;
}
