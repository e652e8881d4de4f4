/*
 * The last words of a start that ended: the system's journal as it was kept then, in the form of
 * `journalctl --output=short-iso`. What the system's own programs said goes along as it is; of what
 * tillbackd said, only what may leave the appliance (record.h). Never anybody else's. Pure.
 */
#ifndef AGENT_SERVICE_LAST_WORDS_H
#define AGENT_SERVICE_LAST_WORDS_H

#include "hal/base/buf.h"

/* Appends the lines of `journal` that may leave the appliance. */
void last_words_copy(struct slice journal, struct buf *out);

#endif
