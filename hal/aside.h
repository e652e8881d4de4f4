/*
 * Puts a damaged SQLite database aside, never away: its files move to a folder quarantine-TIME
 * beside it, and what was saved of them takes their place. A crash at any point leaves something
 * from which aside_resume goes on. Nobody has the database open meanwhile. One thread at a time;
 * blocks on the disk.
 */
#ifndef HAL_ASIDE_H
#define HAL_ASIDE_H

#include "hal/base/fault.h"

#include <limits.h>
#include <stdint.h>

struct aside {
    const char *folder;  /* that holds the database */
    const char *name;    /* of its file there */
    char path[PATH_MAX]; /* of the folder that it is put into */
    char made[PATH_MAX]; /* where the caller makes what takes its place; closed, without a WAL */
};

/* Ends an exchange that a crash cut short; nothing, as a rule. */
enum err aside_resume(const char *folder, const char *name, struct fault *fault) MUST_CHECK;

/* Makes a folder of its own for this time. `folder` and `name` are borrowed. */
enum err aside_begin(struct aside *aside, const char *folder, const char *name, int64_t now_ms,
                     struct fault *fault) MUST_CHECK;
/* Exchanges the database for what was made. */
enum err aside_exchange(const struct aside *aside, struct fault *fault) MUST_CHECK;
/* Instead of that: nothing could be made, and all stays as it was. */
void aside_abandon(const struct aside *aside);

#endif
