/* What batch_cut takes, put together again, is cut into the same bytes. */
#include "hal/base/cleanup.h"
#include "sync/contract/batch.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = {(const char *)data, size};
    struct slice bodies[64];
    struct slice again[64];
    size_t count;
    size_t count_again;
    struct fault fault;
    if (batch_cut(text, bodies, 64, &count, &fault) != ERR_OK)
        return 0;
    struct buf joined CLEANUP(buf_free);
    buf_init(&joined, BATCH_BYTES_MAX);
    batch_begin(&joined);
    for (size_t i = 0; i < count; i++) {
        require(bodies[i].data > text.data && bodies[i].len >= 2);
        require(bodies[i].data[0] == '{' && bodies[i].data[bodies[i].len - 1] == '}');
        require(i == 0 || bodies[i].data > bodies[i - 1].data + bodies[i - 1].len);
        batch_add(&joined, bodies[i]);
    }
    batch_end(&joined);
    require(!joined.failed && joined.len <= size);
    require(batch_cut(buf_slice(&joined), again, 64, &count_again, &fault) == ERR_OK);
    require(count_again == count);
    for (size_t i = 0; i < count; i++)
        require(slice_equal(bodies[i], again[i]));
    return 0;
}
