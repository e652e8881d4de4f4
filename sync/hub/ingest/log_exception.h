/*
 * Exceptions of a device's log, which belong to no return: a chain that breaks, a batch that
 * contradicts another. Inside the caller's transaction.
 */
#ifndef SYNC_HUB_INGEST_LOG_EXCEPTION_H
#define SYNC_HUB_INGEST_LOG_EXCEPTION_H

#include "hal/base/id.h"
#include "hal/database.h"

#include <stdint.h>

/* The code, the device, the log and the seq name it. */
struct log_exception {
    const char *code;
    const char *device;
    struct id log; /* zero: of none */
    int64_t seq;   /* 0: of the log as a whole */
    const char *detail;
    int64_t now_ms;
};

/* Raises it for people; the same one again is only counted. */
enum err log_exception_raise(struct database *db, const struct log_exception *exception,
                             struct fault *fault) MUST_CHECK;

#endif
