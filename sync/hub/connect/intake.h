/*
 * Takes a settlement file into the hub's database, whole or not at all: every line is kept as it
 * was read, to be matched step by step afterwards (reconcile.h). The same file again is known by
 * its hash and changes nothing. Inside the caller's transaction.
 */
#ifndef SYNC_HUB_CONNECT_INTAKE_H
#define SYNC_HUB_CONNECT_INTAKE_H

#include "hal/database.h"
#include "sync/hub/connect/settlement.h"

struct intake {
    int64_t file_no;
    int64_t lines;
    bool known; /* it was here before */
};

/* ERR_INVALID and ERR_TOO_LARGE name row and column. */
enum err intake_settlement(struct database *db, enum settlement_format format, struct slice bytes,
                           const char *holder, int64_t now_ms, struct intake *taken,
                           struct fault *fault) MUST_CHECK;

#endif
