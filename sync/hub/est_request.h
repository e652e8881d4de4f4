/*
 * What a client of EST sends, as bytes: its request in base64 (RFC 8951), and its one-time code as
 * the password of HTTP Basic (RFC 7617). Pure.
 */
#ifndef SYNC_HUB_EST_REQUEST_H
#define SYNC_HUB_EST_REQUEST_H

#include "hal/base/buf.h"

enum { EST_BODY_MAX = 32 * 1024, EST_CODE_MAX = 512 };

/* Appends the DER; white space is passed over. ERR_INVALID, also when it doesn't fit into `der`. */
enum err est_request_read(struct slice body, struct buf *der, struct fault *fault) MUST_CHECK;
/*
 * The password, never ""; the user's name may be anything. `header` is that of Authorization, or
 * NULL. ERR_FORBIDDEN: there is none; ERR_INVALID: it can't be read.
 */
enum err est_code_read(const char *header, char code[static EST_CODE_MAX],
                       struct fault *fault) MUST_CHECK;

#endif
