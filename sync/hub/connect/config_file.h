/*
 * The JSON files that say where a system outside is and how to speak to it: one way to read them.
 * Blocks on the disk.
 */
#ifndef SYNC_HUB_CONNECT_CONFIG_FILE_H
#define SYNC_HUB_CONNECT_CONFIG_FILE_H

#include "hal/base/json.h"

enum { CONFIG_FILE_DEPTH_MAX = 6 };

/*
 * Reads the file of at most `max` bytes as `table` says into `out`. Lists are in the arena; texts
 * are borrowed from *document, which the caller frees, after a failure too.
 */
enum err config_file_read(const char *path, size_t max, const struct json_table *table,
                          struct arena *arena, struct cJSON **document, void *out,
                          struct fault *fault) MUST_CHECK;

#endif
