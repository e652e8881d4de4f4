/* A listener that keeps what a scanner told, in the order it told it, for tests to await. */
#ifndef TESTS_SUPPORT_SCAN_LOG_H
#define TESTS_SUPPORT_SCAN_LOG_H

#include "hal/scanner.h"

struct scan_log {
    struct loop *loop;
    struct buf text; /* "ready|R-1|d2:0401|!why|absent|" */
    int scans;
    int refusals;
};

void scan_log_open(struct scan_log *log, struct loop *loop);
void scan_log_close(struct scan_log *log);
struct scanner_listener scan_log_listener(struct scan_log *log);
/* Runs the loop until the text is `expected` or ten seconds are over; then empties the text. */
bool scan_log_awaits(struct scan_log *log, const char *expected);

#endif
