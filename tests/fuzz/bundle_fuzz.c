/* Bundles as a technician brings them. None may be accepted: nobody signed it. */
#include "hal/base/cleanup.h"
#include "provisioning/bundle.h"
#include "tests/support/fuzz_ground.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf envelope CLEANUP(buf_free);
    struct arena arena CLEANUP(arena_free);
    struct bundle bundle;
    struct fault fault;
    buf_init(&envelope, ENVELOPE_BYTES_MAX);
    arena_init(&arena, ENVELOPE_PAYLOAD_MAX);
    fuzz_envelope(&envelope, (struct slice){(const char *)data, size}, "bundle", "nobody");
    if (bundle_open(buf_slice(&envelope), NULL, INT64_C(2124835200000), &arena, &bundle, &fault) ==
        ERR_OK)
        abort();
    return 0;
}
