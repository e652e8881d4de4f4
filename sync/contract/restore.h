/*
 * The way back: what an appliance has lost, and the hub still holds. The appliance asks on
 * up/restore: without a log, for the list of the logs that it may have back, which comes on
 * down/logs; with a log and a seq, for the events from there on, which come on down/restored as a
 * batch like those it sends (batch.h). Pure; any thread.
 */
#ifndef SYNC_CONTRACT_RESTORE_H
#define SYNC_CONTRACT_RESTORE_H

#include "sync/contract/batch.h"

enum { RESTORE_LOGS_MAX = 64, RESTORE_BYTES_MAX = 16 * 1024 };

struct restore_ask {
    bool has_log;
    struct id log;
    int64_t first;
    bool reads_compressed; /* in COMPRESSION_NAME */
};

struct restore_log {
    struct id id;
    enum stream stream;
    int64_t through;
};

struct restore_logs {
    struct restore_log list[RESTORE_LOGS_MAX];
    size_t count;
};

void restore_ask_write(struct buf *out, const struct restore_ask *ask);
enum err restore_ask_read(struct slice text, struct restore_ask *ask,
                          struct fault *fault) MUST_CHECK;
void restore_logs_write(struct buf *out, const struct restore_logs *logs);
enum err restore_logs_read(struct slice text, struct restore_logs *logs,
                           struct fault *fault) MUST_CHECK;

#endif
