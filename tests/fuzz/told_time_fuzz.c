/* The hub's time: what is taken is written and read as the same millisecond. */
#include "hal/base/cleanup.h"
#include "sync/contract/told_time.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fault fault;
    int64_t read;
    int64_t again;
    struct buf out CLEANUP(buf_free);
    buf_init(&out, 256);
    if (told_time_read((struct slice){(const char *)data, size}, &read, &fault) != ERR_OK)
        return 0;
    told_time_write(&out, read);
    if (told_time_read(buf_slice(&out), &again, &fault) != ERR_OK || (read >= 0 && again != read))
        abort();
    return 0;
}
