/*
 * A damaged database, or by the first byte its write-ahead log: whatever its pages hold, each row
 * that is found can be read to its end.
 */
#include "sync/eventlog/page_scan.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum err visit(void *context, const struct page_row *row, struct fault *fault)
{
    size_t *sum = context;
    (void)fault;
    if (row->columns > PAGE_COLUMNS_MAX)
        abort();
    for (size_t i = 0; i < row->columns; i++) {
        const struct page_value *value = &row->values[i];
        bool has_bytes = value->type == PAGE_TEXT || value->type == PAGE_BLOB;
        for (size_t j = 0; has_bytes && j < value->bytes.len; j++)
            *sum += (unsigned char)value->bytes.data[j];
    }
    return ERR_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t sum = 0;
    char path[64];
    if (!size)
        return 0;
    int fd = memfd_create("page_fuzz", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data + 1, size - 1) != (ssize_t)size - 1)
        abort();
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    const char *none = "/nonexistent";
    bool log = data[0] & 1;
    if (page_scan(log ? none : path, log ? path : none, visit, &sum, NULL) == ERR_NO_MEMORY)
        abort();
    (void)close(fd);
    return 0;
}
