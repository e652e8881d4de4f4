#include "sync/hub/connect/webhook.h"
#include "hal/base/cleanup.h"
#include "hal/base/hex.h"
#include "hal/base/hmac.h"
#include "hal/base/json_scan.h"
#include "hal/storage.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    SECRET_LEAST = 24,
    LINE_MAX_BYTES = 256,
    TIME_TEXT = 24,
    SIGNATURES_MAX = 16,
    MS_PER_S = 1000
};

static const char secret_prefix[] = "whsec_";
static const char version[] = "v1,";

enum err webhook_secret_parse(struct slice text, struct webhook_secret *secret, struct fault *fault)
{
    struct buf bytes CLEANUP(buf_free);
    const size_t skip = sizeof secret_prefix - 1;
    buf_init(&bytes, WEBHOOK_SECRET_MAX);
    if (text.len <= skip || memcmp(text.data, secret_prefix, skip) != 0 ||
        base64_decode(&bytes, (struct slice){text.data + skip, text.len - skip}) != ERR_OK ||
        bytes.failed || bytes.len < SECRET_LEAST)
        return fault_set(fault, ERR_INVALID, "secret",
                         "must be whsec_ and the base64 of %d to %d bytes", SECRET_LEAST,
                         WEBHOOK_SECRET_MAX);
    memcpy(secret->bytes, bytes.data, bytes.len);
    secret->len = bytes.len;
    return ERR_OK;
}

enum err webhook_secret_read(const char *path, struct webhook_secret *secret, struct fault *fault)
{
    struct buf text CLEANUP(buf_free);
    buf_init(&text, LINE_MAX_BYTES);
    enum err err = storage_read(path, &text, fault);
    if (err)
        return err;
    size_t len = text.data ? strcspn(text.data, "\r\n") : 0;
    err = webhook_secret_parse((struct slice){text.data, len}, secret, fault);
    return err ? fault_wrap(fault, err, path) : ERR_OK;
}

static struct sha256 code_of(const struct webhook_secret *secret, const char *id,
                             const char *timestamp, struct slice body)
{
    const struct slice parts[] = {slice_of(id), SLICE_LITERAL("."), slice_of(timestamp),
                                  SLICE_LITERAL("."), body};
    return hmac_of_all((struct slice){(const char *)secret->bytes, secret->len}, parts,
                       sizeof parts / sizeof *parts);
}

void webhook_sign(const struct webhook_secret *secret, const char *id, int64_t timestamp_s,
                  struct slice body, char signature[static WEBHOOK_SIGNATURE_TEXT + 1])
{
    struct buf text CLEANUP(buf_free);
    char timestamp[TIME_TEXT];
    buf_init(&text, WEBHOOK_SIGNATURE_TEXT);
    (void)snprintf(timestamp, sizeof timestamp, "%" PRId64, timestamp_s);
    const struct sha256 code = code_of(secret, id, timestamp, body);
    buf_append_text(&text, version);
    base64_encode(&text, code.bytes, SHA256_BYTES, false);
    (void)snprintf(signature, WEBHOOK_SIGNATURE_TEXT + 1, "%s", text.data ? text.data : "");
}

/* One of those in the header; what is of another version is passed over. */
static bool fits(struct slice signature, const struct sha256 *code)
{
    struct buf bytes CLEANUP(buf_free);
    struct sha256 given;
    const size_t skip = sizeof version - 1;
    buf_init(&bytes, SHA256_BYTES);
    if (signature.len <= skip || memcmp(signature.data, version, skip) != 0 ||
        base64_decode(&bytes, (struct slice){signature.data + skip, signature.len - skip}) !=
            ERR_OK ||
        bytes.len != SHA256_BYTES)
        return false;
    memcpy(given.bytes, bytes.data, SHA256_BYTES);
    return hmac_equal(&given, code);
}

enum err webhook_verify(const struct webhook_secret *secret, const struct webhook *webhook,
                        int64_t now_ms, struct fault *fault)
{
    int64_t at_s;
    if (!webhook->id || !*webhook->id || strlen(webhook->id) > WEBHOOK_ID_MAX ||
        !webhook->timestamp || !webhook->signature)
        return fault_set(fault, ERR_FORBIDDEN, "webhook-signature",
                         "webhook-id, webhook-timestamp and webhook-signature are needed");
    if (json_scan_int(slice_of(webhook->timestamp), &at_s) != ERR_OK ||
        at_s < now_ms / MS_PER_S - WEBHOOK_TOLERANCE_S ||
        at_s > now_ms / MS_PER_S + WEBHOOK_TOLERANCE_S)
        return fault_set(fault, ERR_FORBIDDEN, "webhook-timestamp",
                         "must be within %d seconds of now", WEBHOOK_TOLERANCE_S);
    const struct sha256 code = code_of(secret, webhook->id, webhook->timestamp, webhook->body);
    const char *at = webhook->signature;
    for (int i = 0; *at && i < SIGNATURES_MAX; i++) {
        size_t len = strcspn(at, " ");
        if (fits((struct slice){at, len}, &code))
            return ERR_OK;
        at += len + (at[len] == ' ');
    }
    return fault_set(fault, ERR_FORBIDDEN, "webhook-signature", "is not by who shares the secret");
}
