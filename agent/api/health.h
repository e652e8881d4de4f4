/*
 * Healthy means: what is asked for gets saved, and the hub's watermark moves while there is
 * backlog and a link. To be connected is not health, and to be offline is not illness; to be
 * unable to go online at all, since the identity can't be used, is. Pure.
 */
#ifndef AGENT_API_HEALTH_H
#define AGENT_API_HEALTH_H

#include "sync/uplink/uplink.h"

enum { HEALTH_REASON_MAX = 400 };

struct health {
    bool healthy;
    bool restart_helps; /* what is wrong is mended at a start */
    const char *code;   /* "ok", "damaged", "disk_full", "degraded", "stalled" */
    char reason[HEALTH_REASON_MAX + 1];
};

/*
 * `identity` is what is wrong with it: NULL, or ERR_OK, when nothing is. `link` is NULL when there
 * is none; `now_ms` is monotonic.
 */
struct health health_judge(const struct eventlog_status *log, const struct fault *identity,
                           const struct uplink_status *link, int64_t now_ms);

#endif
