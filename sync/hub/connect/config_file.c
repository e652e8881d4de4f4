#include "sync/hub/connect/config_file.h"
#include "hal/base/cleanup.h"
#include "hal/storage.h"

enum err config_file_read(const char *path, size_t max, const struct json_table *table,
                          struct arena *arena, struct cJSON **document, void *out,
                          struct fault *fault)
{
    struct buf text CLEANUP(buf_free);
    const struct json_limits limits = {.bytes = max, .depth = CONFIG_FILE_DEPTH_MAX};
    buf_init(&text, max);
    enum err err = storage_read(path, &text, fault);
    if (!err)
        err = json_parse(buf_slice(&text), limits, document, fault);
    return err ? err : json_read(*document, table, out, arena, fault);
}
