/*
 * The appliance's side of delivery: drives the event log over MQTT until the hub holds it all.
 *
 * It owns the connection, the window, the patience and the reconnecting. libmosquitto is a pipe
 * here: on any doubt the client is thrown away and everything above the hub's watermark is sent
 * again from the log. Only the hub's acknowledgement moves the watermark; being connected means
 * nothing. Messages from the hub go into the log's inbox before they are acknowledged.
 *
 * Loop thread only, but for what eventlog says of its own threads. Packing a batch reads the
 * database; nothing here waits for the network.
 */
#ifndef SYNC_UPLINK_UPLINK_H
#define SYNC_UPLINK_UPLINK_H

#include "hal/base/jsonw.h"
#include "hal/loop.h"
#include "sync/eventlog/eventlog.h"
#include "sync/uplink/link.h"
#include "sync/uplink/query.h"
#include "sync/uplink/rights.h"
#include "sync/uplink/window.h"

struct uplink;

struct uplink_status {
    enum uplink_state state;
    int64_t since_ms;    /* wall time of the last change of state */
    int64_t progress_ms; /* monotonic: the hub's watermark last moved, or nothing was waiting */
    struct fault last;   /* why the link was lost or refused last; code ERR_OK: never was */
    int64_t waiting[STREAMS_OF_APPLIANCE]; /* events that the hub doesn't hold */
    int64_t hub_epoch;
    int64_t replaying; /* events to be sent once more because somebody asked */
};

/* 0 takes the default. */
struct uplink_limits {
    int64_t ack_timeout_ms;  /* 10 s: then the connection is made anew */
    int64_t dial_timeout_ms; /* 15 s */
    int64_t scout_ms;        /* 1.5 s: a connection that takes longer gets a second try beside it */
    int64_t backoff_cap_ms;  /* 1.5 s */
    int64_t state_interval_ms; /* 60 s: up/state is told anew */
    size_t batch_bytes;        /* 256 KiB */
    size_t window_bytes;       /* 2 MiB */
};

struct uplink_listener {
    void (*changed)(void *context, const struct uplink_status *status);
    /* The hub can be heard on a new connection. */
    void (*subscribed)(void *context);
    /* A message under down/ that delivery has no use for: config, cmd/..., enrol. */
    void (*message)(void *context, const char *name, const struct mqtt_message *message);
    /* Adds members to the state document (health). */
    void (*describe)(void *context, struct jsonw *state);
    /* The hub's time as of now, give or take HUB_TIME_DOUBT_MS. */
    void (*time)(void *context, int64_t wall_ms);
    void *context; /* each callback may be NULL */
};

struct uplink_config {
    struct eventlog *log;
    struct eventlog_config reader; /* as for eventlog_reader_open */
    struct uplink_target target;
    struct uplink_limits limits;
    struct clock *clock;
    struct diag *diag;
};

/* Begins to connect at once. */
enum err uplink_open(struct uplink **uplink, struct loop *loop, const struct uplink_config *config,
                     const struct uplink_listener *listener, struct fault *fault) MUST_CHECK;
/* Before eventlog_close. Takes NULL. Questions that wait end with ERR_CLOSED. */
void uplink_close(struct uplink *uplink);

/* The log has committed: there may be something to send. To be posted from eventlog's `committed`.
 */
void uplink_committed(struct uplink *uplink);
void uplink_status(struct uplink *uplink, struct uplink_status *status);
const char *uplink_state_name(enum uplink_state state); /* "offline", "connecting", "online" */

/* Leaves the connection and makes the next one to `target`. */
void uplink_use(struct uplink *uplink, const struct uplink_target *target);
/* The same with another identity, and nothing else changed. */
void uplink_use_tls(struct uplink *uplink, struct tls_context *tls);

/* What `describe` adds is otherwise than it was: the hub is told now, if it can be. */
void uplink_tell_state(struct uplink *uplink);

/* Other patience from now on; 0 takes the default. */
void uplink_set_patience(struct uplink *uplink, int64_t ack_timeout_ms, int64_t state_interval_ms);

/* Sends on up/<name> now. ERR_CLOSED unless online. The message's topic is set here. */
enum err uplink_publish(struct uplink *uplink, const char *name, struct mqtt_message *message,
                        struct fault *fault) MUST_CHECK;

/*
 * Sends events of the stream's current log once more, from seq `first` to `last` or to what the hub
 * holds, as soon as nothing else waits. ERR_INVALID for what was never there, ERR_NOT_FOUND for
 * what is pruned, ERR_BUSY when too much was asked for already. *count: how many it will be.
 */
enum err uplink_replay(struct uplink *uplink, enum stream stream, int64_t first, int64_t last,
                       int64_t *count, struct fault *fault) MUST_CHECK;

/*
 * Asks the hub for what it knows of a receipt; the answer is for sale_reply_read.
 * ERR_CLOSED at once when there is no link; else `done` comes within QUERY_TIMEOUT_MS.
 */
enum err uplink_query(struct uplink *uplink, const struct sale_query *question, query_done *done,
                      void *context, struct fault *fault) MUST_CHECK;

/*
 * Whether the broker keeps this appliance to its own topics: see rights.h. ERR_CLOSED when there is
 * no link; closing the uplink ends it without a word.
 */
enum err uplink_try_rights(struct uplink *uplink, rights_done *done, void *context,
                           struct fault *fault) MUST_CHECK;

#endif
