/*
 * Layers of settings: each is a JSON merge patch (RFC 7396) over those below it. Works on the text,
 * so that numbers and texts stay byte for byte as they were written. Pure; any thread.
 */
#ifndef SYNC_HUB_FLEET_LAYER_H
#define SYNC_HUB_FLEET_LAYER_H

#include "hal/base/buf.h"

/*
 * Appends `base` with the patch applied: objects member by member, null takes a member away, all
 * else is replaced. Both must be valid JSON of the configuration's limits. ERR_TOO_LARGE.
 */
enum err layer_merge(struct slice base, struct slice patch, struct buf *out,
                     struct fault *fault) MUST_CHECK;

/* One difference: the path ("retention.days"), and the values; empty where there is none. */
typedef void layer_difference(void *context, const char *path, struct slice before,
                              struct slice after);
/* Tells where two objects differ, in the order of the members of both. */
enum err layer_diff(struct slice before, struct slice after, layer_difference *tell, void *context,
                    struct fault *fault) MUST_CHECK;

#endif
