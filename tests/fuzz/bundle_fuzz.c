/*
 * Input that starts with "{" is opened as an envelope; anything else is put into an envelope of
 * ours, from its second byte on, so that the payload's parser is met too. Neither may be accepted:
 * nobody signed it.
 */
#include "hal/base/cleanup.h"
#include "hal/base/hex.h"
#include "hal/base/jsonw.h"
#include "provisioning/bundle.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void wrap(struct buf *envelope, const uint8_t *payload, size_t size)
{
    struct buf text CLEANUP(buf_free);
    buf_init(&text, ENVELOPE_BYTES_MAX);
    base64_encode(&text, payload, size, false);
    struct jsonw w = jsonw_to(envelope);
    jsonw_object(&w, NULL);
    jsonw_text(&w, "format", "tillback-signed-1");
    jsonw_text(&w, "kind", "bundle");
    jsonw_slice(&w, "payload", buf_slice(&text));
    jsonw_text(&w, "signer", "nobody");
    jsonw_text(&w, "signature", "AAAA");
    jsonw_end(&w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf envelope CLEANUP(buf_free);
    struct arena arena CLEANUP(arena_free);
    struct bundle bundle;
    struct fault fault;
    buf_init(&envelope, ENVELOPE_BYTES_MAX);
    arena_init(&arena, ENVELOPE_PAYLOAD_MAX);
    if (size == 0 || data[0] == '{')
        buf_append(&envelope, data, size);
    else
        wrap(&envelope, data + 1, size - 1);
    if (bundle_open(buf_slice(&envelope), NULL, INT64_C(2124835200000), &arena, &bundle, &fault) ==
        ERR_OK)
        abort();
    return 0;
}
