/* What ack_read takes is written so that it reads and writes the same again. */
#include "hal/base/cleanup.h"
#include "sync/contract/ack.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf first CLEANUP(buf_free);
    struct buf second CLEANUP(buf_free);
    buf_init(&first, 1024 * 1024);
    buf_init(&second, 1024 * 1024);
    struct ack ack;
    struct fault fault;
    if (ack_read((struct slice){(const char *)data, size}, &ack, &fault) != ERR_OK)
        return 0;
    ack_write(&first, &ack);
    require(ack_read(buf_slice(&first), &ack, &fault) == ERR_OK);
    ack_write(&second, &ack);
    require(slice_equal(buf_slice(&first), buf_slice(&second)));
    return 0;
}
