/*
 * Healthy means: what is asked for gets saved, and the hub's watermark moves while there is
 * backlog and a link. To be connected is not health, and to be offline is not illness. Pure.
 */
#ifndef AGENT_API_HEALTH_H
#define AGENT_API_HEALTH_H

#include "sync/uplink/uplink.h"

struct health {
    bool healthy;
    bool restart_helps; /* what is wrong is mended at a start */
    const char *code;   /* "ok", "damaged", "disk_full", "stalled" */
    char reason[160];
};

/* `link` is NULL when no broker is configured; `now_ms` is monotonic. */
struct health health_judge(const struct eventlog_status *log, const struct uplink_status *link,
                           int64_t now_ms);

#endif
