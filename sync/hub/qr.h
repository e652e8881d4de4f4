/* A QR code (ISO/IEC 18004) for a terminal, from half blocks in UTF-8, light on dark. Pure. */
#ifndef SYNC_HUB_QR_H
#define SYNC_HUB_QR_H

#include "hal/base/buf.h"

/* Appends lines for `text`. ERR_TOO_LARGE when it doesn't fit a code. */
enum err qr_draw(const char *text, struct buf *out, struct fault *fault) MUST_CHECK;

#endif
