/*
 * A folder into which a legacy till drops POSLog files (*.xml).
 *
 *   PATH/        where they are put, best by a rename; one that is still being written is let be
 *   PATH/work/   the one that is being captured, moved there at a stroke
 *   PATH/done/   captured, or known from before
 *   PATH/bad/    not, or not all of it, captured; NAME.txt beside it says what and why, and an
 *                exception tells people of each transaction, or of a file that nobody can read
 *
 * One file at a time, in the order of their names. A stop at any point, by power too, leaves a file
 * in one of these places, and what was in work/ is taken again: its transactions have keys, so what
 * was captured before counts as duplicate. A name that is taken gets a number behind it; nothing is
 * ever overwritten. What can't be saved now (a full disk) waits in work/ and is tried again.
 * Loop thread only; it blocks on the disk for as long as a file takes to read and move.
 */
#ifndef AGENT_CAPTURE_DROP_FOLDER_H
#define AGENT_CAPTURE_DROP_FOLDER_H

#include "agent/capture/poslog.h"
#include "hal/base/diag.h"

struct drop_folder;

enum { DROP_FOLDER_POLL_MS = 1000, DROP_FOLDER_SETTLE_MS = 1000 };

struct drop_folder_config {
    struct loop *loop;
    struct poslog_desk *desk;
    struct diag *diag;
    const char *path;  /* made if it isn't there, as are those inside */
    int64_t poll_ms;   /* DROP_FOLDER_POLL_MS when 0 */
    int64_t settle_ms; /* how long a file must be unchanged; DROP_FOLDER_SETTLE_MS when 0 */
};

enum err drop_folder_open(struct drop_folder **folder, const struct drop_folder_config *config,
                          struct fault *fault) MUST_CHECK;
/* Takes NULL. A file that is being captured stays in work/. */
void drop_folder_close(struct drop_folder *folder);

#endif
