#include "sync/uplink/unpack.h"
#include "sync/contract/compression.h"

#include <string.h>

enum err unpack(const struct mqtt_message *message, struct buf *unpacked, struct slice *text,
                struct fault *fault)
{
    const char *encoding = mqtt_property_of(message, "content-encoding");
    if (!encoding) {
        *text = message->payload;
        return ERR_OK;
    }
    if (strcmp(encoding, COMPRESSION_NAME) != 0)
        return fault_set(fault, ERR_UNSUPPORTED, "content-encoding", "is not understood here");
    enum err err = compression_unpack(message->payload, unpacked, fault);
    if (!err)
        *text = buf_slice(unpacked);
    return err;
}
