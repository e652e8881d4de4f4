/* What is taken for base64, as in EST's requests and answers, is written and read as the same. */
#include "hal/base/cleanup.h"
#include "hal/base/hex.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void again(const struct buf *bytes, bool url)
{
    struct buf text CLEANUP(buf_free);
    struct buf read CLEANUP(buf_free);
    buf_init(&text, bytes->len * 2 + 4);
    buf_init(&read, bytes->len + 1);
    base64_encode(&text, (const uint8_t *)bytes->data, bytes->len, url);
    if (base64_decode(&read, buf_slice(&text)) != ERR_OK ||
        !slice_equal(buf_slice(&read), buf_slice(bytes)))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf bytes CLEANUP(buf_free);
    buf_init(&bytes, size + 1);
    if (base64_decode(&bytes, (struct slice){(const char *)data, size}) != ERR_OK)
        return 0;
    if (bytes.len > size / 4 * 3 + 2)
        abort();
    again(&bytes, false);
    again(&bytes, true);
    return 0;
}
