#include "sync/hub/est_request.h"
#include "hal/base/cleanup.h"
#include "hal/base/hex.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static enum err decode(struct slice text, struct buf *out, const char *what, struct fault *fault)
{
    struct buf dense CLEANUP(buf_free);
    buf_init(&dense, EST_BODY_MAX);
    for (size_t i = 0; i < text.len; i++)
        if (!isspace((unsigned char)text.data[i]))
            buf_append_char(&dense, text.data[i]);
    if (dense.failed || base64_decode(out, buf_slice(&dense)) != ERR_OK || out->failed || !out->len)
        return fault_set(fault, ERR_INVALID, what, "%s must be base64", what);
    return ERR_OK;
}

enum err est_request_read(struct slice body, struct buf *der, struct fault *fault)
{
    return decode(body, der, "the request", fault);
}

enum err est_code_read(const char *header, char code[static EST_CODE_MAX], struct fault *fault)
{
    static const char basic[] = "Basic ";
    struct buf pair CLEANUP(buf_free);
    buf_init(&pair, EST_CODE_MAX - 1);
    if (!header || strncasecmp(header, basic, sizeof basic - 1) != 0)
        return fault_set(fault, ERR_FORBIDDEN, "", "the one-time code is needed as the password");
    enum err err = decode(slice_of(header + sizeof basic - 1), &pair, "Authorization", fault);
    const char *colon = err ? NULL : strchr(pair.data, ':');
    if (!err && (!colon || !colon[1]))
        err = fault_set(fault, ERR_FORBIDDEN, "", "the one-time code is needed as the password");
    if (!err)
        (void)snprintf(code, EST_CODE_MAX, "%s", colon + 1);
    return err;
}
