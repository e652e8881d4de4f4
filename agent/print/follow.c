#include "agent/print/follow.h"
#include "hal/base/cleanup.h"

enum { EVENTS_AT_ONCE = 500 };

static enum err look_at(void *context, int64_t seq, struct slice body, const struct sha256 *hash,
                        struct fault *fault)
{
    (void)hash;
    const struct print_follow *follow = context;
    struct arena arena CLEANUP(arena_free);
    arena_init(&arena, EVENT_BODY_MAX);
    struct event event;
    bool concerns = event_read(body, &arena, &event, NULL) == ERR_OK &&
                    (event.type == EVENT_RETURN_CREATED || event.type == EVENT_RETURN_APPROVED ||
                     event.type == EVENT_RETURN_VOIDED);
    enum err err = concerns ? follow->due(follow->context, &event.correlation, fault) : ERR_OK;
    if (!err)
        follow->queue->through = seq;
    return err == ERR_BUSY ? ERR_TOO_LARGE : err; /* the rest when there is room */
}

enum err print_follow(struct print_follow *follow, bool *moved, bool *more, struct fault *fault)
{
    struct print_queue *queue = follow->queue;
    struct eventlog_status status;
    eventlog_status(follow->log, &status);
    const struct eventlog_stream_status *stream = &status.streams[STREAM_RETURNS];
    *moved = !queue->has_log || !id_equal(&queue->log, &stream->log);
    if (*moved) {
        queue->log = stream->log;
        queue->has_log = true;
        queue->through = stream->head;
    }
    if (queue->through + 1 < stream->first_kept)
        queue->through = stream->first_kept - 1; /* the rest was cut off long after its day */
    if (queue->through >= stream->head || eventlog_reader_refresh(follow->reader, NULL))
        return ERR_OK;
    struct sha256 before;
    const struct eventlog_span next = {stream->log, queue->through + 1, EVENTS_AT_ONCE};
    enum err err = eventlog_range(follow->reader, &next, &before, look_at, follow, fault);
    *more = queue->through < stream->head;
    return err;
}
