/*
 * A hub's day for tests that break things under it: batches of one store come in, some ahead of
 * their turn, with a restart and a backup in between; and afterwards the question which of the
 * hub's words were broken. Whoever breaks things does it between hub_day_begin and hub_day_broken.
 */
#ifndef TESTS_SUPPORT_HUB_DAY_H
#define TESTS_SUPPORT_HUB_DAY_H

#include "sync/hub/ingest/ingest.h"
#include "tests/support/scratch.h"

enum { HUB_DAY_EVENTS = 48 };

struct hub_day {
    struct scratch scratch;
    const char *vfs; /* NULL: SQLite's own */
    struct hubdb *hub;
    struct id log;
    struct slice bodies[HUB_DAY_EVENTS];
    struct sha256 hashes[HUB_DAY_EVENTS + 1];
    int64_t acknowledged;
    int64_t epoch; /* that of the acknowledgement */
};

/* With the hub open. */
void hub_day_begin(struct hub_day *day, const char *vfs);
void hub_day_end(struct hub_day *day);
enum err hub_day_open(struct hub_day *day);
void hub_day_close(struct hub_day *day);
/* Ends early when the hub doesn't come up again. It is closed then. */
void hub_day_live(struct hub_day *day);
void hub_day_back_up(struct hub_day *day);
/* How many promises were broken; the hub is open, nothing fails any more, and all comes again. */
int hub_day_broken(struct hub_day *day);

#endif
