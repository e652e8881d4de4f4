/*
 * Standard Webhooks (standardwebhooks.com, version 1): what the hub tells others and what others
 * tell it is signed by HMAC-SHA256 over "<id>.<timestamp>.<body>", in the headers webhook-id,
 * webhook-timestamp and webhook-signature ("v1,<base64>"; several, with spaces between, while a
 * secret is changed). Pure, any thread.
 */
#ifndef SYNC_HUB_CONNECT_WEBHOOK_H
#define SYNC_HUB_CONNECT_WEBHOOK_H

#include "hal/base/buf.h"

enum {
    WEBHOOK_SECRET_MAX = 64, /* bytes; the standard's own limit */
    WEBHOOK_SIGNATURE_TEXT = 3 + 44,
    WEBHOOK_ID_MAX = 128,
    WEBHOOK_TOLERANCE_S = 300,
};

struct webhook_secret {
    uint8_t bytes[WEBHOOK_SECRET_MAX];
    size_t len;
};

/* The headers' values. */
struct webhook {
    const char *id;
    const char *timestamp; /* seconds since 1970, decimal */
    const char *signature;
    struct slice body;
};

/* "whsec_<base64>" of 24 to 64 bytes: ERR_INVALID. */
enum err webhook_secret_parse(struct slice text, struct webhook_secret *secret,
                              struct fault *fault) MUST_CHECK;
/* A file's first line. */
enum err webhook_secret_read(const char *path, struct webhook_secret *secret,
                             struct fault *fault) MUST_CHECK;

void webhook_sign(const struct webhook_secret *secret, const char *id, int64_t timestamp_s,
                  struct slice body, char signature[static WEBHOOK_SIGNATURE_TEXT + 1]);
/* ERR_FORBIDDEN: a header is missing, too old or in the future, or no signature fits. */
enum err webhook_verify(const struct webhook_secret *secret, const struct webhook *webhook,
                        int64_t now_ms, struct fault *fault) MUST_CHECK;

#endif
