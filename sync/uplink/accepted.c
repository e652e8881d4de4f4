#include "sync/uplink/accepted.h"
#include "hal/base/buf.h"
#include "hal/base/cleanup.h"
#include "hal/storage.h"
#include "sync/contract/compression.h"

#include <limits.h>

enum { CONTENT_MAX = 2048 };

static const char file_name[] = "accepted-encoding";

static void write_content(struct buf *content, const char *url)
{
    buf_init(content, CONTENT_MAX);
    buf_printf(content, "%s %s\n", COMPRESSION_NAME, url);
}

bool accepted_recall(const char *folder, const char *url)
{
    char path[PATH_MAX];
    struct buf expected CLEANUP(buf_free);
    struct buf content CLEANUP(buf_free);
    write_content(&expected, url);
    buf_init(&content, CONTENT_MAX);
    return storage_path(path, sizeof path, folder, file_name) == ERR_OK &&
           storage_read(path, &content, NULL) == ERR_OK &&
           slice_equal(buf_slice(&content), buf_slice(&expected));
}

enum err accepted_keep(const char *folder, const char *url, bool accepts, struct fault *fault)
{
    char path[PATH_MAX];
    struct buf content CLEANUP(buf_free);
    write_content(&content, url);
    if (storage_path(path, sizeof path, folder, file_name) != ERR_OK)
        return fault_set(fault, ERR_TOO_LARGE, folder, "the path is too long");
    if (!accepts)
        return storage_remove(path, fault);
    enum err err = buf_check(&content, fault, file_name);
    return err ? err : storage_replace(path, buf_slice(&content), 0600, fault);
}
