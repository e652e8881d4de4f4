/* What is taken for a file of prints is written so that it reads the same again, and fits the file:
 * what waits for the printer isn't lost by a restart. What was at the printer comes back as unsure.
 */
#include "agent/print/queue.h"
#include "hal/base/cleanup.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FILE_BYTES_MAX = 64 * 1024 }; /* as queue.c has it */

static void require(bool holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct print_queue queue = {.count = 0};
    struct print_queue again = {.count = 0};
    struct buf first CLEANUP(buf_free);
    struct buf second CLEANUP(buf_free);
    buf_init(&first, FILE_BYTES_MAX);
    buf_init(&second, FILE_BYTES_MAX);
    if (print_queue_read(&queue, (struct slice){(const char *)data, size}, NULL) != ERR_OK)
        return 0;
    for (size_t i = 0; i < queue.count; i++)
        require(queue.prints[i].state != PRINT_BEGUN);
    print_queue_write(&queue, &first);
    require(!first.failed);
    require(print_queue_read(&again, buf_slice(&first), NULL) == ERR_OK);
    print_queue_write(&again, &second);
    require(slice_equal(buf_slice(&first), buf_slice(&second)));
    return 0;
}
