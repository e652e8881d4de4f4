#include "agent/api/health.h"

#include <stdio.h>

/* Longer than any reconnection, acknowledgement and resend together take when all is well. */
enum { STALLED_MS = 5 * 60 * 1000 };

static int64_t waiting(const struct uplink_status *link)
{
    int64_t sum = 0;
    for (int i = 0; i < STREAMS_OF_APPLIANCE; i++)
        sum += link->waiting[i];
    return sum;
}

struct health health_judge(const struct eventlog_status *log, const struct fault *identity,
                           const struct uplink_status *link, int64_t now_ms)
{
    struct health health = {.healthy = true, .code = "ok"};
    if (log->damaged) {
        health = (struct health){.code = "damaged", .restart_helps = true};
        (void)snprintf(health.reason, sizeof health.reason,
                       "the event log is damaged; it is salvaged at the next start");
    } else if (!log->can_save) {
        health = (struct health){.code = "disk_full"};
        (void)snprintf(health.reason, sizeof health.reason,
                       "the disk is nearly full, %lld bytes are left: no new return is taken",
                       (long long)log->free_bytes);
    } else if (identity && identity->code) {
        health = (struct health){.code = "degraded"};
        (void)snprintf(health.reason, sizeof health.reason,
                       "returns are saved and wait here: the identity can't be used (%.90s%s%.180s)"
                       "; it goes online by itself once it can: see tillback doctor",
                       identity->where, identity->where[0] ? ": " : "", identity->text);
    } else if (link && link->state == UPLINK_ONLINE && waiting(link) > 0 &&
               now_ms - link->progress_ms > STALLED_MS) {
        health = (struct health){.code = "stalled", .restart_helps = true};
        (void)snprintf(health.reason, sizeof health.reason,
                       "%lld events wait, and for %lld s the hub has taken none",
                       (long long)waiting(link), (long long)(now_ms - link->progress_ms) / 1000);
    }
    return health;
}
