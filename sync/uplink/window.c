#include "sync/uplink/window.h"

#include <assert.h>
#include <string.h>

enum { SALES_TURN = 4, BATCH_BYTES_LEAST = 4 * 1024 };

void window_init(struct window *window, const struct window_limits *limits)
{
    assert(limits->batches > 0 && limits->batches <= WINDOW_BATCHES_MAX);
    *window = (struct window){
        .limits = *limits,
        .allowed = limits->batches,
        .batch_bytes = limits->first_bytes,
    };
}

void window_restart(struct window *window)
{
    window->count = 0;
    window->bytes = 0;
    window->took_ms = 0;
    window->silent = false;
}

static void forget(struct window *window, size_t index)
{
    window->bytes -= window->batches[index].bytes;
    window->count--;
    memmove(&window->batches[index], &window->batches[index + 1],
            (window->count - index) * sizeof window->batches[0]);
}

void window_grow(struct window *window, enum stream stream, int64_t head)
{
    window->lanes[stream].head = head;
}

void window_begin(struct window *window, enum stream stream, int64_t head, int64_t through)
{
    for (size_t i = window->count; i-- > 0;)
        if (window->batches[i].stream == stream)
            forget(window, i);
    window->lanes[stream] = (struct window_lane){.head = head, .through = through};
}

/* The end of what is held at `seq`: by the watermark or by a range; 0 when nothing is. */
static int64_t held_to(const struct window_lane *lane, int64_t seq)
{
    if (seq <= lane->through)
        return lane->through;
    for (size_t i = 0; i < lane->also_count; i++)
        if (lane->also[i].first <= seq && seq <= lane->also[i].last)
            return lane->also[i].last;
    return 0;
}

/* The hub is there, and the line bore that much. */
static void widen(struct window *window)
{
    window->silent = false;
    if (window->allowed < window->limits.batches)
        window->allowed++;
    window->batch_bytes *= 2;
    if (window->batch_bytes > window->limits.batch_bytes)
        window->batch_bytes = window->limits.batch_bytes;
}

bool window_acknowledge(struct window *window, enum stream stream, const struct ack *ack,
                        int64_t now_ms)
{
    struct window_lane *lane = &window->lanes[stream];
    bool covered = false;
    lane->through = ack->through;
    lane->also_count = ack->also_count;
    memcpy(lane->also, ack->also, ack->also_count * sizeof lane->also[0]);
    for (size_t i = 0; i < window->count;) {
        const struct window_batch *batch = &window->batches[i];
        if (batch->stream == stream && !batch->replay &&
            held_to(lane, batch->first) >= batch->last) {
            window->took_ms = now_ms - batch->sent_ms;
            forget(window, i);
            covered = true;
        } else {
            i++;
        }
    }
    if (covered)
        widen(window);
    return covered;
}

/* The end of a batch on the road that holds `seq`; 0 when none does. */
static int64_t sent_to(const struct window *window, enum stream stream, int64_t seq)
{
    for (size_t i = 0; i < window->count; i++) {
        const struct window_batch *batch = &window->batches[i];
        if (batch->stream == stream && batch->first <= seq && seq <= batch->last)
            return batch->last;
    }
    return 0;
}

/* The first seq from `seq` on that is neither held nor on the road. */
static int64_t first_free(const struct window *window, enum stream stream, int64_t seq)
{
    for (;;) {
        int64_t end = held_to(&window->lanes[stream], seq);
        if (!end)
            end = sent_to(window, stream, seq);
        if (!end)
            return seq;
        seq = end + 1;
    }
}

/* The last seq of the free stretch that begins at `first`. */
static int64_t free_to(const struct window *window, enum stream stream, int64_t first)
{
    const struct window_lane *lane = &window->lanes[stream];
    int64_t last = lane->head;
    for (size_t i = 0; i < lane->also_count; i++)
        if (lane->also[i].first > first && lane->also[i].first <= last)
            last = lane->also[i].first - 1;
    for (size_t i = 0; i < window->count; i++) {
        const struct window_batch *batch = &window->batches[i];
        if (batch->stream == stream && batch->first > first && batch->first <= last)
            last = batch->first - 1;
    }
    return last;
}

/* The newest events, when a long backlog stands before them. */
static bool choose_newest(const struct window *window, enum stream stream, int64_t oldest,
                          int64_t *first, int64_t *last)
{
    int64_t head = window->lanes[stream].head;
    if (window->silent || head - oldest < window->limits.overtake_events)
        return false;
    int64_t from = first_free(window, stream, head - window->limits.batch_events + 1);
    if (from > head)
        return false;
    *first = from;
    *last = head;
    return true;
}

static bool choose(const struct window *window, enum stream stream, struct window_choice *choice)
{
    const struct window_lane *lane = &window->lanes[stream];
    int64_t first = first_free(window, stream, lane->through + 1);
    if (first > lane->head)
        return false;
    int64_t last;
    if (!choose_newest(window, stream, first, &first, &last))
        last = free_to(window, stream, first);
    int64_t events = last - first + 1;
    if (events > window->limits.batch_events)
        events = window->limits.batch_events;
    *choice = (struct window_choice){
        .stream = stream,
        .first = first,
        .max_events = window->silent ? 1 : events,
        .max_bytes = window->batch_bytes,
    };
    return true;
}

bool window_has_room(const struct window *window)
{
    size_t on_wire = 0;
    for (size_t i = 0; i < window->count; i++)
        on_wire += window->batches[i].token >= 0;
    size_t allowed = window->silent ? 1 : window->allowed;
    if (window->count >= allowed || on_wire >= window->limits.wire_batches)
        return false;
    return window->count == 0 || window->bytes + window->batch_bytes <= window->limits.bytes;
}

bool window_next(const struct window *window, struct window_choice *choice)
{
    if (!window_has_room(window))
        return false;
    bool sales_first = window->turn % SALES_TURN == SALES_TURN - 1;
    enum stream first = sales_first ? STREAM_SALES : STREAM_RETURNS;
    enum stream second = sales_first ? STREAM_RETURNS : STREAM_SALES;
    return choose(window, first, choice) || choose(window, second, choice);
}

bool window_replayed(struct window *window, enum stream stream)
{
    for (size_t i = 0; i < window->count; i++) {
        if (window->batches[i].stream == stream && window->batches[i].replay) {
            forget(window, i);
            widen(window);
            return true;
        }
    }
    return false;
}

void window_sent(struct window *window, const struct window_batch *batch)
{
    assert(window->count < WINDOW_BATCHES_MAX);
    window->batches[window->count++] = *batch;
    window->bytes += batch->bytes;
    window->turn++;
}

void window_taken(struct window *window, int token)
{
    for (size_t i = 0; i < window->count; i++)
        if (window->batches[i].token == token)
            window->batches[i].token = -1;
}

void window_undelivered(struct window *window, int token)
{
    for (size_t i = 0; i < window->count; i++) {
        if (window->batches[i].token == token) {
            forget(window, i);
            window->silent = true;
            return;
        }
    }
}

bool window_drop_old(struct window *window, int64_t now_ms, int64_t age_ms)
{
    bool dropped = false;
    for (size_t i = 0; i < window->count;) {
        const struct window_batch *batch = &window->batches[i];
        bool lost = batch->token < 0 && batch->sent_ms + age_ms + 2 * window->took_ms <= now_ms;
        if (lost) {
            forget(window, i);
            dropped = true;
        } else {
            i++;
        }
    }
    return dropped;
}

int64_t window_deadline_ms(const struct window *window)
{
    int64_t oldest = INT64_MAX;
    for (size_t i = 0; i < window->count; i++)
        if (window->batches[i].sent_ms < oldest)
            oldest = window->batches[i].sent_ms;
    return oldest == INT64_MAX ? oldest : oldest + window->limits.ack_timeout_ms;
}

void window_shrink(struct window *window)
{
    window->allowed = 1;
    window->batch_bytes /= 4;
    if (window->batch_bytes < BATCH_BYTES_LEAST)
        window->batch_bytes = BATCH_BYTES_LEAST;
}

void window_bound(struct window *window)
{
    window_shrink(window);
    window->limits.batch_bytes = window->batch_bytes;
}

int64_t window_waiting(const struct window *window, enum stream stream)
{
    const struct window_lane *lane = &window->lanes[stream];
    int64_t waiting = lane->head - lane->through;
    for (size_t i = 0; i < lane->also_count; i++)
        waiting -= lane->also[i].last - lane->also[i].first + 1;
    return waiting > 0 ? waiting : 0;
}
