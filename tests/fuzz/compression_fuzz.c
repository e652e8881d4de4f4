/* What compression_unpack takes keeps to the limit, and packed again comes back as it was. */
#include "hal/base/cleanup.h"
#include "sync/contract/batch.h"
#include "sync/contract/compression.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct compressor *compressor;
    struct buf text CLEANUP(buf_free);
    struct buf again CLEANUP(buf_free);
    struct slice frame;
    buf_init(&text, 2 * BATCH_BYTES_MAX);
    buf_init(&again, BATCH_BYTES_MAX);
    require(compressor || compressor_open(&compressor, NULL) == ERR_OK);
    if (compression_unpack((struct slice){(const char *)data, size}, &text, NULL) != ERR_OK)
        return 0;
    require(text.len <= BATCH_BYTES_MAX);
    require(compressor_pack(compressor, buf_slice(&text), &frame, NULL) == ERR_OK);
    require(compression_unpack(frame, &again, NULL) == ERR_OK);
    require(slice_equal(buf_slice(&text), buf_slice(&again)));
    return 0;
}
