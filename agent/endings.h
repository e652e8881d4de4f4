/*
 * How this program ended before: well, or torn off by a power cut, a kill or a crash. Kept in a
 * small file of the state directory, so that a store whose mains are bad is seen from the centre.
 * Not inside the log: a torn end is no fact of business. Blocks on the disk.
 */
#ifndef AGENT_ENDINGS_H
#define AGENT_ENDINGS_H

#include "hal/base/jsonw.h"

struct endings {
    int64_t torn;         /* how often, in this directory's life */
    int64_t last_torn_ms; /* when the start after the latest was; 0: never */
    bool after_torn;      /* the end before this start was one */
};

/* Notes that the program runs. A file that is missing or damaged counts as a good end. */
enum err endings_begin(const char *folder, int64_t now_ms, struct endings *endings,
                       struct fault *fault) MUST_CHECK;
/* All is saved: this is the last that the program does. */
enum err endings_end_well(const char *folder, const struct endings *endings,
                          struct fault *fault) MUST_CHECK;
/* The member "torn_ends". */
void endings_describe(const struct endings *endings, struct jsonw *w);

#endif
