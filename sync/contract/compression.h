/*
 * A batch's JSON as it may stand on the wire: one Zstandard frame (RFC 8878), made with a
 * dictionary that both sides hold. The batch's content-encoding names the two together; hash, chain
 * and log know nothing of them. A dictionary that was released never changes: another one gets
 * another number and name (make dictionary).
 *
 * Pure; any thread, a compressor one at a time.
 */
#ifndef SYNC_CONTRACT_COMPRESSION_H
#define SYNC_CONTRACT_COMPRESSION_H

#include "hal/base/buf.h"

#define COMPRESSION_NAME "zstd-events-1"

struct compressor;

enum err compressor_open(struct compressor **compressor, struct fault *fault) MUST_CHECK;
void compressor_close(struct compressor *compressor); /* Takes NULL. */
/* At most BATCH_BYTES_MAX of text. The frame is the compressor's, until its next one. */
enum err compressor_pack(struct compressor *compressor, struct slice text, struct slice *frame,
                         struct fault *fault) MUST_CHECK;

/*
 * Appends a frame's text. ERR_INVALID for anything but one whole frame that says how long its text
 * is and was made with our dictionary; ERR_TOO_LARGE, before any memory is taken, for more than
 * BATCH_BYTES_MAX.
 */
enum err compression_unpack(struct slice frame, struct buf *text, struct fault *fault) MUST_CHECK;

#endif
