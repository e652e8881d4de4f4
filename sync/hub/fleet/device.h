/*
 * The appliances as the hub knows them: when each was heard last, its logs and their watermarks.
 * Reads only.
 */
#ifndef SYNC_HUB_FLEET_DEVICE_H
#define SYNC_HUB_FLEET_DEVICE_H

#include "hal/base/jsonw.h"
#include "hal/database.h"

struct device_reader;

/* On a handle of the calling thread; it lives as long as the handle. NULL fields never. */
enum err device_reader_open(struct device_reader **reader, struct database *db,
                            struct fault *fault) MUST_CHECK;
void device_reader_close(struct device_reader *reader); /* takes NULL */

/* Writes up to `max` devices behind the id `after` as items of the array that `w` is in. */
enum err device_list(struct device_reader *reader, const char *after, int64_t max, struct jsonw *w,
                     struct fault *fault) MUST_CHECK;
/* Writes one device, with its logs and newest state. ERR_NOT_FOUND. */
enum err device_show(struct device_reader *reader, const char *id, struct jsonw *w,
                     struct fault *fault) MUST_CHECK;

#endif
