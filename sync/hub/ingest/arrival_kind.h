/*
 * What arrivals have in common, and the kinds there are: one for each name below an appliance's
 * up/. A kind is read (and, if it makes no sense, refused) on the loop, run on the worker's thread
 * in its transaction, and done on the loop after COMMIT, where it ends the arrival. Only for
 * arrival.c and the files of the kinds.
 */
#ifndef SYNC_HUB_INGEST_ARRIVAL_KIND_H
#define SYNC_HUB_INGEST_ARRIVAL_KIND_H

#include "sync/hub/ingest/arrival.h"
#include "sync/hub/ingest/lease.h"

enum { ARRIVAL_CORRELATION_MAX = 64 };

struct arrival {
    struct work work;
    struct arrival_desk *desk;
    char device[DEVICE_ID_MAX + 1];
    int64_t received_ms;
    struct buf payload; /* a copy of what came */
    struct buf reply;   /* what goes back, if it isn't an acknowledgement */
    char correlation[ARRIVAL_CORRELATION_MAX];
    size_t correlation_len;
    struct ingest_batch batch;     /* that came, or the header of one that goes back */
    struct arena arena;            /* what was read of it */
    bool garbled;                  /* its compressed payload can't be unpacked */
    bool broken;                   /* its payload is no batch */
    struct ingest_result result;   /* of a batch */
    struct ingest_result *unknown; /* of a state: its logs, as far as they aren't known here */
    struct inbox_place place;      /* of the inbox message in `reply`; else its number is 0 */
    struct lease_ask *asks;        /* what holders of sales are told; NULL: nothing */
    size_t ask_count;
    char asker[DEVICE_ID_MAX + 1]; /* of the question that a holder has answered */
    bool packed;                   /* `reply` is compressed */
};

struct arrival_kind {
    const char *name; /* of the topic */
    enum err (*run)(struct work *work, struct database *db, struct fault *fault);
    void (*done)(struct work *work, enum err err, const struct fault *fault);
    /* Reads what the worker needs beside the payload; NULL: nothing. */
    enum err (*read)(struct arrival *arrival, const struct mqtt_message *message,
                     struct fault *fault);
};

extern const struct arrival_kind arrival_events;
extern const struct arrival_kind arrival_inbox_ack;
extern const struct arrival_kind arrival_state;
extern const struct arrival_kind arrival_query;
extern const struct arrival_kind arrival_reserved;
extern const struct arrival_kind arrival_restore;
extern const struct arrival_kind arrival_parked;
extern const struct arrival_kind arrival_contact_key;

/* The one question that needs no database: answered at once. */
enum err arrival_tell_time(struct arrival_desk *desk, const char *device,
                           const struct mqtt_message *message, struct fault *fault) MUST_CHECK;

/* The arrival that a piece of work belongs to. */
struct arrival *arrival_of(struct work *work);
/* With a copy of the payload; NULL: out of memory. Ends by arrival_send, or one of the ends. */
struct arrival *arrival_new(struct arrival_desk *desk, const char *device,
                            const struct arrival_kind *kind, struct slice payload);
/* Hands it to the worker. Frees it when that fails. */
enum err arrival_send(struct arrival *arrival, struct worker *worker) MUST_CHECK;
/* Compresses the reply. The worker's thread. */
enum err arrival_pack(struct arrival *arrival, struct fault *fault) MUST_CHECK;

/* The ends; each frees the arrival. */
void arrival_fail(struct arrival *arrival, const struct fault *fault);
/* Sends `answer`, if there was no mishap. */
void arrival_end(struct arrival *arrival, enum err err, const struct fault *fault,
                 const struct arrival_answer *answer);
/* Sends the message of the inbox that lies in the reply, if one does. */
void arrival_end_with_inbox(struct work *work, enum err err, const struct fault *fault);

/* Room for so many `asks`. */
enum err arrival_make_asks(struct arrival *arrival, size_t count, struct fault *fault) MUST_CHECK;
/* Tells the holders; with the arrival's correlation, if it has one, which they are to answer. */
void arrival_tell_holders(struct arrival *arrival);

/* Tells the acknowledgement of a log, as `result` has it. */
void arrival_answer_ack(struct arrival *arrival, struct ingest_result *result);

#endif
