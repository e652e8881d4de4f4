#include "tests/support/fuzz_ground.h"
#include "hal/base/cleanup.h"
#include "hal/base/hex.h"
#include "hal/base/jsonw.h"
#include "provisioning/envelope.h"

#include <stdio.h>
#include <stdlib.h>

static struct scratch folder;

/* Threads of a target may still be at work in it. */
static void clear_away(void)
{
    char command[SCRATCH_PATH_MAX];
    (void)snprintf(command, sizeof command, "rm -rf %s", folder.path);
    (void)!system(command);
}

const struct scratch *fuzz_folder(void)
{
    if (!*folder.path) {
        scratch_make(&folder);
        (void)atexit(clear_away);
    }
    return &folder;
}

void fuzz_must(enum err err, const struct fault *fault)
{
    if (!err)
        return;
    (void)fprintf(stderr, "%s: %s\n", fault->where, fault->text);
    abort();
}

void fuzz_envelope(struct buf *envelope, struct slice input, const char *kind, const char *signer)
{
    if (input.len == 0 || input.data[0] == '{') {
        buf_append(envelope, input.data, input.len);
        return;
    }
    struct buf payload CLEANUP(buf_free);
    buf_init(&payload, ENVELOPE_BYTES_MAX);
    base64_encode(&payload, (const uint8_t *)input.data + 1, input.len - 1, false);
    struct jsonw w = jsonw_to(envelope);
    jsonw_object(&w, NULL);
    jsonw_text(&w, "format", "tillback-signed-1");
    jsonw_text(&w, "kind", kind);
    jsonw_slice(&w, "payload", buf_slice(&payload));
    jsonw_text(&w, "signer", signer);
    jsonw_text(&w, "signature", "AAAA");
    jsonw_end(&w);
}
