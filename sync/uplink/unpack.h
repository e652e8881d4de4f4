/*
 * What came down as it was before the hub compressed it. Pure; any thread.
 */
#ifndef SYNC_UPLINK_UNPACK_H
#define SYNC_UPLINK_UNPACK_H

#include "hal/base/buf.h"
#include "sync/transport/mqtt.h"

/*
 * *text is the payload, or what `unpacked` holds of it then: up to BATCH_BYTES_MAX. ERR_UNSUPPORTED
 * for an encoding that isn't ours; else as of compression_unpack.
 */
enum err unpack(const struct mqtt_message *message, struct buf *unpacked, struct slice *text,
                struct fault *fault) MUST_CHECK;

#endif
