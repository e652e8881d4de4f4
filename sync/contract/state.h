/*
 * How an appliance is, retained under up/state: a birth when it has connected, health while it is,
 * and offline when it goes, said by itself or by the broker as its last will. All of one
 * connection carry its session id, so that the will of a broken connection, delivered late, is not
 * taken for news about the next one. Pure; any thread.
 */
#ifndef SYNC_CONTRACT_STATE_H
#define SYNC_CONTRACT_STATE_H

#include "sync/contract/event.h"

enum {
    STATE_VERSION_MAX = 48,
    STATE_BOOT_ID_MAX = 64,
    STATE_PROBLEMS_MAX = 16,
    STATE_PROBLEM_MAX = 48,
    STATE_BYTES_MAX = 8 * 1024
};

/* How far a log is, and how much of it the hub holds. */
struct state_log {
    enum stream stream;
    struct id log;
    int64_t head;    /* the last seq; 0: none */
    int64_t through; /* the hub's watermark as known here */
};

struct state {
    struct id session; /* one for each connection */
    bool online;

    /* Only when online. */
    int64_t time_ms;
    bool time_trusted;
    char version[STATE_VERSION_MAX + 1]; /* of tillbackd */
    char boot_id[STATE_BOOT_ID_MAX + 1];
    struct state_log logs[STREAMS_OF_APPLIANCE];
    size_t log_count;
    int64_t parked;
    int64_t disk_free_bytes;
    char problems[STATE_PROBLEMS_MAX][STATE_PROBLEM_MAX + 1]; /* stable codes: "disk_low" */
    size_t problem_count;
};

/* The last will is the state with `online` false. */
void state_write(struct buf *out, const struct state *state);
enum err state_read(struct slice text, struct state *state, struct fault *fault) MUST_CHECK;
/* False for a late will: an offline of another session than the one known to be online. */
bool state_is_news(const struct state *state, const struct state *known);

#endif
