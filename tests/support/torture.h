/*
 * The nth allocation, open, rename or sync of ours fails, or the nth allocation of SQLite's. For
 * test programs that the linker gives the functions here in the place of libc's: see
 * toolchain/targets.mk. Any thread may be struck; one arms.
 */
#ifndef TESTS_SUPPORT_TORTURE_H
#define TESTS_SUPPORT_TORTURE_H

#include <stdbool.h>

enum torture {
    TORTURE_NONE,
    TORTURE_ALLOCATION,
    TORTURE_SQLITE,
    TORTURE_OPEN,
    TORTURE_RENAME,
    TORTURE_SYNC,
    TORTURE_POWER /* of a disk that forgets names: armed by names_watch */
};

/* A group's set-up, before SQLite is first used. Scratch folders are in memory from then on. */
int torture_take_sqlite_memory(void **state);
void torture_arm(enum torture call, int nth);
bool torture_struck(void);

/*
 * Runs the day with each nth call of that kind failing, until it ends before the nth: a seeded
 * sample, or every mth of them with POWER_CUT_EVERY=m; TILLBACK_SEED replays a run. `day` tells
 * whether it was struck.
 */
void torture_each(enum torture call, int sample, bool (*day)(enum torture call, int nth));

#endif
