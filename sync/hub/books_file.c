#include "sync/hub/books_file.h"
#include "hal/base/cleanup.h"
#include "hal/storage.h"

enum err books_file_read(const struct settings *settings, struct books *books, struct fault *fault)
{
    struct buf text CLEANUP(buf_free);
    const char *path = settings_text(settings, "ledger.books");
    buf_init(&text, BOOKS_BYTES_MAX);
    enum err err = path ? storage_read(path, &text, fault) : ERR_OK;
    if (!err)
        err = books_open(buf_slice(&text), books, fault);
    return err ? fault_wrap(fault, err, path ? path : "ledger.books") : ERR_OK;
}
