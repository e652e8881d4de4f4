/*
 * The last words of a start that ended: the system's journal as it was kept then, in the form of
 * `journalctl --output=short-iso`. What the system's own programs said goes along as it is; of what
 * tillbackd said, only what may leave the appliance (harmless.h). Never anybody else's. Any thread.
 */
#ifndef AGENT_SERVICE_LAST_WORDS_H
#define AGENT_SERVICE_LAST_WORDS_H

#include "hal/base/buf.h"

enum { LAST_WORDS_BYTES_MAX = 256 * 1024 };

/* What the system keeps them in (setting diagnostics.system). */
#define LAST_WORDS_OF_A_START "diagnostics-last"
#define LAST_WORDS_OF_A_ROLLBACK "diagnostics-unhealthy"

/* Appends the lines of `journal` that may leave the appliance. Pure. */
void last_words_copy(struct slice journal, struct buf *out);
/* The same of a file in `folder`; of one that isn't there, nothing. Blocks for the disk. */
void last_words_read(const char *folder, const char *file, struct buf *out);
/* The last lines of `words` that fit into `max` bytes. Pure. */
struct slice last_words_end(struct slice words, size_t max);

#endif
