/*
 * The update that this appliance was asked for, as it lies in its state directory
 * (update/update.json), so that a power cut at any point goes on or ends with a reason. Blocks on
 * the disk; any thread.
 */
#ifndef AGENT_SERVICE_UPDATE_RECORD_H
#define AGENT_SERVICE_UPDATE_RECORD_H

#include "sync/contract/release.h"

#define UPDATE_STATES(X)                                                                           \
    X(NONE, none)               /* nothing was ever asked for */                                   \
    X(DOWNLOADING, downloading) /* or waits to try again */                                        \
    X(WAITING, waiting)         /* the bundle is here; its window isn't open */                    \
    X(INSTALLING, installing)   /* handed over, until the new version is confirmed */              \
    X(INSTALLED, installed)                                                                        \
    X(REFUSED, refused)         /* by the installer */                                             \
    X(FAILED, failed)           /* it could not be got, or not be written */                       \
    X(ROLLED_BACK, rolled_back) /* it ran, and did not become healthy */

#define UPDATE_ENUM(upper, lower) UPDATE_##upper,
enum update_state { UPDATE_STATES(UPDATE_ENUM) UPDATE_STATE_COUNT };

enum { UPDATE_REASON_MAX = 300 };

struct update_record {
    struct release release;
    enum update_state state;
    bool pushed;   /* by a configuration, which may take it back */
    int64_t tries; /* handed over so many times, or fetched whole with the wrong hash */
    char reason[UPDATE_REASON_MAX + 1];
};

const char *update_state_name(enum update_state state);
/* Neither begun nor under way. */
bool update_state_ended(enum update_state state);

/* UPDATE_NONE when there is no file; ERR_INVALID, ERR_IO. */
enum err update_record_read(const char *path, struct update_record *record,
                            struct fault *fault) MUST_CHECK;
enum err update_record_write(const char *path, const struct update_record *record,
                             struct fault *fault) MUST_CHECK;

#endif
