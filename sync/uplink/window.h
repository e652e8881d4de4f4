/*
 * Which batches of the two streams are on the road, and which comes next.
 *
 * A batch leaves the window only when the hub's acknowledgement covers it; the broker's PUBACK only
 * makes room on the wire. Returns go before sales, but sales get every fourth turn while they wait.
 * Behind a long backlog the newest events overtake it: a refund asked for at the counter isn't held
 * up by last week. What the hub says it holds already isn't sent.
 *
 * Patience: a batch that wasn't acknowledged in time, though the broker took it, is sent again; the
 * window and its batches shrink then, and grow with each acknowledgement, so that a narrow line
 * isn't choked by its own repetitions.
 *
 * Pure: no clock, no I/O. The caller sends what window_next says and tells what came of it.
 */
#ifndef SYNC_UPLINK_WINDOW_H
#define SYNC_UPLINK_WINDOW_H

#include "sync/contract/ack.h"

enum { WINDOW_BATCHES_MAX = 64 };

struct window_limits {
    size_t wire_batches; /* sent and not taken by the broker yet: at most this many */
    size_t batches;      /* sent and not acknowledged: at most this many */
    size_t bytes;        /* ... and at most so many bytes, but always one batch */
    size_t batch_bytes;  /* of one batch, when the line is good */
    size_t first_bytes;  /* ... and before that is known */
    int64_t batch_events;
    int64_t overtake_events; /* a backlog longer than this is overtaken by the newest events */
    int64_t ack_timeout_ms;
};

struct window_batch {
    enum stream stream;
    int64_t first;
    int64_t last;
    size_t bytes;
    int64_t sent_ms;
    int token; /* the publish's; -1 once the broker took it */
    bool replay;
};

struct window_lane {
    int64_t head;    /* last seq of the log */
    int64_t through; /* the hub's watermark */
    struct ack_range also[ACK_RANGES_MAX];
    size_t also_count;
};

struct window {
    struct window_limits limits;
    struct window_lane lanes[STREAMS_OF_APPLIANCE];
    struct window_batch batches[WINDOW_BATCHES_MAX]; /* in the order they were sent */
    size_t count;
    size_t bytes;
    size_t allowed; /* batches, by what the line bore lately */
    size_t batch_bytes;
    unsigned turn;
    int64_t took_ms; /* from sending to acknowledgement, the last time */
    bool silent;     /* the hub isn't there: only one event at a time is tried */
};

/* A choice: at most `max_events` of a stream from `first` on, at most `max_bytes`. */
struct window_choice {
    enum stream stream;
    int64_t first;
    int64_t max_events;
    size_t max_bytes;
    bool replay; /* once more: the hub said that it holds it, so its watermark doesn't cover it */
};

void window_init(struct window *window, const struct window_limits *limits);
/* Forgets what is on the road: after a reconnect all above the watermark is to be sent again. */
void window_restart(struct window *window);
/* The log has grown. */
void window_grow(struct window *window, enum stream stream, int64_t head);
/* Another log, or one just opened: what was known of the stream's old one is forgotten. */
void window_begin(struct window *window, enum stream stream, int64_t head, int64_t through);
/* An acknowledgement: true if something on the road was covered by it. */
bool window_acknowledge(struct window *window, enum stream stream, const struct ack *ack,
                        int64_t now_ms);
/* What to send now; false when there is nothing, or no room. */
bool window_next(const struct window *window, struct window_choice *choice);
/* Whether one more batch may go on the road now. */
bool window_has_room(const struct window *window);
/* The hub has answered: forgets what was on the road once more. True if there was any. */
bool window_replayed(struct window *window, enum stream stream);
void window_sent(struct window *window, const struct window_batch *batch);
/* The broker took a publish. */
void window_taken(struct window *window, int token);
/* The broker took it, but nobody was there to pass it to: it comes back into the choice. */
void window_undelivered(struct window *window, int token);
/*
 * The hub has spoken, and these aren't with it: forgets what the broker took `age_ms` ago and more,
 * so that it is sent again. True if there was any. A hub with a long queue is given more time, by
 * how long it took for what it acknowledged last: else every repetition would make the queue
 * longer.
 */
bool window_drop_old(struct window *window, int64_t now_ms, int64_t age_ms);
/* When the oldest batch runs out of patience; INT64_MAX when nothing is on the road. */
int64_t window_deadline_ms(const struct window *window);
/* After a time-out: a smaller window from now on. */
void window_shrink(struct window *window);
/* A batch was too large for the broker: none is as large from now on. */
void window_bound(struct window *window);
/* Events of a stream that the hub doesn't hold yet. */
int64_t window_waiting(const struct window *window, enum stream stream);

#endif
