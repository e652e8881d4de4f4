/*
 * Days as accountants count them, and the rule for closed periods: an entry whose document day
 * lies in a closed period is posted on the first open day after it, its document day kept, where
 * finance allows that; else it waits for approval. Asked at the time of posting, for a period may
 * have been closed since the entry was made. Pure, any thread.
 */
#ifndef SYNC_HUB_LEDGER_PERIOD_H
#define SYNC_HUB_LEDGER_PERIOD_H

#include "hal/base/buf.h"

enum { DAY_TEXT = 10 };

/* Days since 1970-01-01 (UTC) of a time in milliseconds. */
int64_t day_of_ms(int64_t ms);
/* "2026-11-22": ERR_INVALID when it is no day of the calendar. */
enum err day_parse(const char *text, int64_t *day) MUST_CHECK;
void day_format(int64_t day, char text[static DAY_TEXT + 1]);

/* Both days belong to it. */
struct closed_period {
    int64_t first_day;
    int64_t last_day;
};

enum when_closed { WHEN_CLOSED_PARK, WHEN_CLOSED_MOVE };

struct period_rule {
    const struct closed_period *closed; /* any order, may overlap */
    size_t count;
    enum when_closed when_closed;
};

/*
 * The day to post on. ERR_REFUSED when the document's period is closed and the rule is to park:
 * a person approves or reopens the period.
 */
enum err period_place(const struct period_rule *rule, int64_t document_day, int64_t *posting_day,
                      struct fault *fault) MUST_CHECK;

#endif
