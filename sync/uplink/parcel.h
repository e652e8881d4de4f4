/*
 * One batch taken from the event log and made ready for the wire: the stored bodies byte for byte,
 * and the header that says where they stand. Blocks on reading the database.
 */
#ifndef SYNC_UPLINK_PARCEL_H
#define SYNC_UPLINK_PARCEL_H

#include "sync/contract/batch.h"
#include "sync/contract/compression.h"
#include "sync/eventlog/eventlog.h"
#include "sync/transport/mqtt.h"
#include "sync/uplink/window.h"

struct parcel {
    struct batch_header header;
    struct buf body; /* kept from one packing to the next */
    size_t count;
    size_t max_bytes;
    struct compressor *compressor; /* made when first needed */
    size_t sent_bytes;             /* of the payload that was published last */
};

void parcel_init(struct parcel *parcel);
void parcel_free(struct parcel *parcel);
/* Nothing waits any more: gives back what only large batches need. */
void parcel_rest(struct parcel *parcel);
/*
 * Packs what was chosen of the stream's log: no more bytes than that unless the first event alone
 * is larger. ERR_NOT_FOUND when the log has nothing there.
 */
enum err parcel_pack(struct parcel *parcel, struct eventlog_reader *reader,
                     const struct eventlog_stream_status *log, const struct window_choice *choice,
                     struct fault *fault) MUST_CHECK;
/* Sends it on up/events, compressed or as it is; *token as mqtt_publish. */
enum err parcel_publish(struct parcel *parcel, struct mqtt *mqtt, const char *device,
                        bool compressed, int *token, struct fault *fault) MUST_CHECK;

#endif
