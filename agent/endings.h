/*
 * How this program ended before: well, or torn off by a power cut, a kill or a crash. Kept in a
 * small file of the state directory, so that a store whose mains are bad is seen from the centre.
 * Not inside the log: a torn end is no fact of business. Blocks on the disk.
 */
#ifndef AGENT_ENDINGS_H
#define AGENT_ENDINGS_H

#include "hal/base/diag.h"
#include "hal/base/jsonw.h"

struct endings {
    bool noted;           /* that the program runs */
    int64_t torn;         /* how often, in this directory's life */
    int64_t last_torn_ms; /* when the start after the latest was; 0: never */
};

/*
 * Notes that the program runs. A file that is missing or damaged counts as a good end. What fails
 * is only told: it stops nobody from working.
 */
void endings_begin(struct endings *endings, const char *folder, int64_t now_ms, struct diag *diag);
/* All is saved: this is the last that the program does. Nothing when its start wasn't noted. */
void endings_end_well(const struct endings *endings, const char *folder, struct diag *diag);
/* The member "torn_ends". */
void endings_describe(const struct endings *endings, struct jsonw *w);

#endif
