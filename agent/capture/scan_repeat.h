/*
 * One scan never lands twice: a scanner that fires double, or whose trigger bounces, sends the same
 * data again within SCAN_REPEAT_MS. That one is dropped; a person who scans two pieces of one item
 * takes longer. Any other scan of the same scanner in between makes the next one new. One owner.
 */
#ifndef AGENT_CAPTURE_SCAN_REPEAT_H
#define AGENT_CAPTURE_SCAN_REPEAT_H

#include "hal/base/sha256.h"

enum { SCAN_REPEAT_MS = 300, SCAN_REPEAT_SCANNERS = 16, SCAN_REPEAT_NAME_MAX = 32 };

/* Zeroed is empty. */
struct scan_repeat {
    struct {
        char scanner[SCAN_REPEAT_NAME_MAX + 1];
        struct sha256 data;
        int64_t at_ms;
    } last[SCAN_REPEAT_SCANNERS];
};

/*
 * True if this is the same data as the same scanner's last, within SCAN_REPEAT_MS of it. Each
 * repeat counts from the one before, so that a stuck trigger stays one scan. `now_ms` is monotonic.
 */
bool scan_repeat_seen(struct scan_repeat *repeat, const char *scanner, struct slice data,
                      int64_t now_ms);

#endif
