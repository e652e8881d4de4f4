/* What `device list`, `show` and `replace` tell people, or with `json` scripts. */
#ifndef SYNC_HUB_DEVICE_REPORT_H
#define SYNC_HUB_DEVICE_REPORT_H

#include "sync/hub/fleet/roster.h"

/* `store` NULL: all. */
enum err device_report_list(struct roster *roster, const char *store, bool json, int64_t now_ms,
                            struct fault *fault) MUST_CHECK;
/* Prints one device with its logs and certificates; `state` is the hub's directory. */
enum err device_report_show(struct roster *roster, const struct roster_device *device,
                            const char *state, bool json, struct fault *fault) MUST_CHECK;
/* What the hub holds of one that is replaced, and what it misses. */
enum err device_report_farewell(struct roster *roster, const struct roster_device *old,
                                const char *successor, struct fault *fault) MUST_CHECK;

#endif
