/*
 * How much of a return's goods has come and where it went, counted from its events: so that goods
 * may come and be disposed of in parts, and never more than there are. Pure, one owner.
 */
#ifndef AGENT_CAPTURE_GOODS_H
#define AGENT_CAPTURE_GOODS_H

#include "hal/base/arena.h"
#include "hal/base/json.h"
#include "sync/eventlog/eventlog.h"

/* One line number of the return; a return may name a line of its sale more than once. */
struct goods_line {
    int64_t line;
    int64_t quantity;   /* to come, or in hand */
    int64_t received;   /* of it */
    int64_t disposed;   /* of that: it has left the counter */
    int64_t quarantine; /* of that: it lies there, and goes further */
    int64_t repair;
};

struct goods_count {
    struct goods_line *lines;
    size_t count;
};

/* From the data of return.created: nothing has come yet. */
enum err goods_count_begin(struct goods_count *goods, const struct cJSON *created,
                           struct arena *arena, struct fault *fault) MUST_CHECK;
/* Counts item.received and item.dispositioned; other events don't matter. */
enum err goods_count_event(struct goods_count *goods, const struct eventlog_record *record,
                           struct fault *fault) MUST_CHECK;

/* NULL when no goods of the return have this line number. */
struct goods_line *goods_find(const struct goods_count *goods, int64_t line);
/* Still to come. */
int64_t goods_to_come(const struct goods_count *goods);
/* Still to be disposed of for the first time, what is to come counted. */
int64_t goods_to_dispose(const struct goods_count *goods);

#endif
