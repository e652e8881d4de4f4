/*
 * One event on the wire: a CloudEvents 1.0 event in structured JSON, with our extension
 * attributes. The bytes that event_write makes are the truth: stored, hashed and sent as they are.
 * They hold no seq and no log id, so that they stay the same in whatever log they end up.
 * Pure; any thread.
 */
#ifndef SYNC_CONTRACT_EVENT_H
#define SYNC_CONTRACT_EVENT_H

#include "hal/base/id.h"
#include "hal/base/json.h"
#include "sync/contract/event_type.h"

enum {
    EVENT_BODY_MAX = 256 * 1024,
    EVENT_DEPTH_MAX = 16, /* of the body; of `data` one less */
    DEVICE_ID_MAX = 64,
    IDEMPOTENCY_KEY_MAX = 256,
    TRACEPARENT_TEXT = 55,
    REQUEST_HASH_TEXT = 43, /* base64url of SHA-256 */
};

/*
 * The attributes. Texts are borrowed. `subject` is what it is about ("receipt/0042-01-...",
 * "return/<id>"); `correlation` the return (or sale) that it belongs to; `causation` the first
 * event of the command that recorded it, which that one and the centre's have none of; `sequence`
 * its ordinal within its correlation, from 1, 0 when it has none. The idempotency key and request
 * hash stand in the first event of a command only.
 */
struct event {
    struct id id;
    enum event_type type;
    struct slice source; /* "/store/0042/device/<device id>" */
    struct slice subject;
    int64_t time_ms;      /* wall time, right or wrong */
    int64_t monotonic_ms; /* since boot */
    struct slice boot_id;
    bool time_trusted;
    struct id correlation;
    bool has_causation;
    struct id causation;
    bool has_replaces; /* it says anew what the event `replaces` said wrongly */
    struct id replaces;
    int64_t sequence;
    struct slice traceparent;     /* W3C Trace Context; may be empty */
    struct slice idempotency_key; /* may be empty */
    struct slice request_hash;    /* empty together with the key */
    struct slice data;            /* the JSON object, as written or as found in the body */
};

/* Appends the exact body. Failure is the buffer's. */
void event_write(struct buf *out, const struct event *event);

/*
 * Refuses what event_read would refuse when it is written, or read otherwise than it is here:
 * `data` that isn't an object, a text that is no UTF-8, too long or of control characters, ... The
 * ids and `time_ms` (of 1970 to 9999) are taken as they are.
 */
enum err event_check(const struct event *event, struct fault *fault) MUST_CHECK;
/*
 * Reads and checks a body: specversion, types, lengths, ids; unknown attributes are allowed,
 * a type this version doesn't know is ERR_UNSUPPORTED. Slices point into `body`, where they must
 * not need unescaping, or into memory made in `arena`. `data`'s own fields are not checked here.
 */
enum err event_read(struct slice body, struct arena *arena, struct event *event,
                    struct fault *fault) MUST_CHECK;
/* The same of a body whose JSON batch_cut has checked: `data` isn't walked again. */
enum err event_read_checked(struct slice body, struct arena *arena, struct event *event,
                            struct fault *fault) MUST_CHECK;

#endif
