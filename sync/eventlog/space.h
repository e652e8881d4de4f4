/*
 * Space on the disk, kept back so that the return in hand can always be finished.
 *
 * A file of that size lies in the folder. When the disk is nearly full it is given up: what is
 * under way finishes with it, and `can_save` says that nothing new should be begun. When there is
 * space again, it is laid down again. Well before that the disk is `tight`: what is no return
 * should leave it alone. The writer thread's; blocks on the disk.
 */
#ifndef SYNC_EVENTLOG_SPACE_H
#define SYNC_EVENTLOG_SPACE_H

#include "hal/base/buf.h"

#include <limits.h>

struct space {
    char path[PATH_MAX]; /* of the reserve */
    char folder[PATH_MAX];
    int64_t reserve_bytes;
    bool held; /* the reserve is there: new returns can be begun */
    bool tight;
    int64_t free_bytes; /* as of the last look, without the reserve */
};

enum err space_open(struct space *space, const char *folder, int64_t reserve_bytes,
                    struct fault *fault) MUST_CHECK;
/* Looks, and gives up or lays down the reserve. */
void space_look(struct space *space);
/* A write has met a full disk, whatever space_look saw: gives the reserve up. */
void space_give_up(struct space *space);

#endif
