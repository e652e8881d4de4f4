/*
 * The uplink as its own files see it: uplink.c has the link and its news, delivery.c what goes over
 * it, messages.c what comes from the hub into the log's inbox. Nobody else includes this. Loop
 * thread only.
 */
#ifndef SYNC_UPLINK_INTERNAL_H
#define SYNC_UPLINK_INTERNAL_H

#include "sync/contract/inbox.h"
#include "sync/uplink/accepted.h"
#include "sync/uplink/encoding.h"
#include "sync/uplink/errand.h"
#include "sync/uplink/hub_time.h"
#include "sync/uplink/parcel.h"
#include "sync/uplink/parked_pages.h"
#include "sync/uplink/replay.h"
#include "sync/uplink/restore.h"
#include "sync/uplink/uplink.h"

enum { BATCH_EVENTS = 200 };

struct uplink {
    struct loop *loop;
    struct uplink_config config;
    struct uplink_listener listener;
    struct link *link;
    struct eventlog_reader *reader;
    struct loop_timer *timer; /* the next deadline, probe or state */
    struct query_list *queries;
    struct window window;
    struct parcel parcel;
    struct encoding encoding;
    bool kept_accepted; /* what is kept of it for the next process */
    struct replay replay;
    struct eventlog_status log;            /* as of the last look */
    struct ack acks[STREAMS_OF_APPLIANCE]; /* the newest of this process's life */
    bool heard[STREAMS_OF_APPLIANCE];      /* acks[] holds one of the current log */
    bool storing[STREAMS_OF_APPLIANCE];    /* the log is taking one */
    bool behind[STREAMS_OF_APPLIANCE];     /* ... and a newer one waits for its turn */
    struct rights rights;
    bool subscribed;
    int64_t subscribe_ms; /* when to give up waiting for that */
    int64_t probe_ms;     /* nothing is sent before */
    int64_t state_ms;     /* when to tell the state again */
    int64_t since_ms;
    int64_t progress_ms;
    int inbox_coming;            /* how many messages the log is still taking */
    bool inbox_refused;          /* some of them did not fit */
    int64_t inbox_refused_ms;    /* when the hub was last told of a message that doesn't fit */
    struct inbox_ack inbox_told; /* the mark that it was told last */
    struct errands *errands;
    struct restore *restore;
    struct parked_pages *parked;
    struct hub_time *hub_time;
};

static inline int64_t uplink_now_ms(struct uplink *uplink)
{
    return loop_now_ms(uplink->loop);
}

/* Gives the connection up; the next one is made after a while. */
void uplink_drop(struct uplink *uplink, enum err err, const char *why);

/* The log may have grown, or be another one. */
void delivery_look(struct uplink *uplink);
/* Events of all streams that the hub doesn't hold. */
int64_t delivery_waiting(const struct uplink *uplink);
/* Sends what there is room for, and sets the timer. */
void delivery_pump(struct uplink *uplink);
/* The timer rings at the next thing that has to be done without being told. */
void delivery_set_timer(struct uplink *uplink);
/* What is on the road counts as lost. */
void delivery_forget_road(struct uplink *uplink);
/* The broker took a message, or didn't: `reason` of MQTT 5. */
void delivery_published(struct uplink *uplink, int token, int reason);
/* Whether the hub reads compressed batches, kept for the next process's first one; and recalled. */
void delivery_keep_accepted(struct uplink *uplink);
void delivery_recall_accepted(struct uplink *uplink);
/* down/ack/<stream> came. */
void delivery_acknowledged(struct uplink *uplink, const char *stream,
                           const struct mqtt_message *message);

/* Tells the hub which of its messages the log holds. */
void messages_tell(struct uplink *uplink);
/* down/inbox or down/inbox-batch came. */
void messages_came(struct uplink *uplink, const struct mqtt_message *message);

#endif
