/* Writes an archive in the ustar format (POSIX.1-2001, pax), and packs it by gzip (RFC 1952). Pure.
 */
#ifndef HAL_TAR_H
#define HAL_TAR_H

#include "hal/base/buf.h"

enum { TAR_NAME_MAX = 99 };

/* Appends one file, 0600. `name` is at most TAR_NAME_MAX bytes. Failure is the buffer's. */
void tar_add(struct buf *tar, const char *name, struct slice content, int64_t time_ms);
void tar_end(struct buf *tar);
enum err gzip_pack(struct slice bytes, struct buf *out, struct fault *fault) MUST_CHECK;

#endif
