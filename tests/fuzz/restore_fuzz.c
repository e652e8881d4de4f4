/* What restore_*_read take is written so that it reads and writes the same again. */
#include "hal/base/cleanup.h"
#include "sync/contract/restore.h"

#include <stdlib.h>

static void require(bool ok)
{
    if (!ok)
        abort();
}

static void try_ask(struct slice text)
{
    struct restore_ask ask;
    struct buf first CLEANUP(buf_free);
    buf_init(&first, RESTORE_BYTES_MAX);
    if (restore_ask_read(text, &ask, NULL) != ERR_OK)
        return;
    restore_ask_write(&first, &ask);
    require(restore_ask_read(buf_slice(&first), &ask, NULL) == ERR_OK);
}

static void try_logs(struct slice text)
{
    struct restore_logs logs;
    struct buf first CLEANUP(buf_free);
    struct buf second CLEANUP(buf_free);
    buf_init(&first, RESTORE_BYTES_MAX);
    buf_init(&second, RESTORE_BYTES_MAX);
    if (restore_logs_read(text, &logs, NULL) != ERR_OK)
        return;
    restore_logs_write(&first, &logs);
    require(restore_logs_read(buf_slice(&first), &logs, NULL) == ERR_OK);
    restore_logs_write(&second, &logs);
    require(slice_equal(buf_slice(&first), buf_slice(&second)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct slice text = {(const char *)data, size};
    try_ask(text);
    try_logs(text);
    return 0;
}
