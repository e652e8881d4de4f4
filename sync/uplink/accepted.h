/*
 * What the hub behind a broker was heard to read, kept in the state directory from one process to
 * the next, so that the first batch goes compressed too. It is only a guess: a hub that takes its
 * word back gets what it can't read again as it is (encoding.h). Blocks on the disk.
 */
#ifndef SYNC_UPLINK_ACCEPTED_H
#define SYNC_UPLINK_ACCEPTED_H

#include "hal/base/fault.h"

/* False when nothing is kept of that broker. */
bool accepted_recall(const char *folder, const char *url);
enum err accepted_keep(const char *folder, const char *url, bool accepts,
                       struct fault *fault) MUST_CHECK;

#endif
