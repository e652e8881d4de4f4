#include "hal/base/cleanup.h"
#include "sync/contract/told_time.h"
#include "sync/contract/topic.h"
#include "sync/hub/ingest/arrival_kind.h"
#include "sync/hub/ingest/contact.h"
#include "sync/hub/ingest/restore.h"
#include "sync/hub/ingest/sale_answer.h"

#include <stdlib.h>
#include <string.h>

enum { RESTORE_BATCH_BYTES = 64 * 1024, TIME_TEXT_MAX = 256, RESERVE_EXPIRY_S = 2 };

static enum err check_correlation(const struct mqtt_message *message, struct fault *fault)
{
    if (message->correlation.len == 0 || message->correlation.len > ARRIVAL_CORRELATION_MAX)
        return fault_set(fault, ERR_INVALID, "correlation", "must have 1 to %d bytes",
                         ARRIVAL_CORRELATION_MAX);
    return ERR_OK;
}

/* --- Of a receipt ---------------------------------------------------------------------------- */

static enum err run_query(struct work *work, struct database *db, struct fault *fault)
{
    struct arrival *arrival = arrival_of(work);
    struct sale_query query;
    enum err err = sale_query_read(buf_slice(&arrival->payload), &query, fault);
    if (!err)
        err = arrival_make_asks(arrival, 1, fault);
    if (!err)
        err = sale_answer_write(db, arrival->device, &query, arrival->received_ms, arrival->asks,
                                &arrival->reply, fault);
    if (!err)
        arrival->ask_count = arrival->asks->holder[0] ? 1 : 0;
    return err;
}

/* Without an answer the appliance's time limit decides, and its policy. */
static void query_done(struct work *work, enum err err, const struct fault *fault)
{
    struct arrival *arrival = arrival_of(work);
    const struct arrival_answer answer = {
        .device = arrival->device,
        .name = "reply",
        .payload = buf_slice(&arrival->reply),
        .correlation = {arrival->correlation, arrival->correlation_len},
    };
    if (!err)
        arrival_tell_holders(arrival);
    arrival_end(arrival, err, fault, &answer);
}

static enum err read_correlation(struct arrival *arrival, const struct mqtt_message *message,
                                 struct fault *fault)
{
    enum err err = check_correlation(message, fault);
    if (err)
        return err;
    memcpy(arrival->correlation, message->correlation.data, message->correlation.len);
    arrival->correlation_len = message->correlation.len;
    return ERR_OK;
}

const struct arrival_kind arrival_query = {
    .name = "query", .run = run_query, .done = query_done, .read = read_correlation};

/* --- Of what a store holds ------------------------------------------------------------------- */

enum err arrival_make_asks(struct arrival *arrival, size_t count, struct fault *fault)
{
    arrival->asks = calloc(count, sizeof *arrival->asks);
    return arrival->asks ? ERR_OK : fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
}

void arrival_tell_holders(struct arrival *arrival)
{
    for (size_t i = 0; i < arrival->ask_count; i++) {
        const struct lease_ask *ask = &arrival->asks[i];
        char topic[TOPIC_MAX];
        struct buf text CLEANUP(buf_free);
        buf_init(&text, RESERVATION_BYTES_MAX);
        reservation_write(&text, &ask->reservation);
        topic_write(topic, ask->holder, TOPIC_UP, "reserved");
        const struct arrival_answer answer = {
            .device = ask->holder,
            .name = "reserve",
            .payload = buf_slice(&text),
            .correlation = {arrival->correlation, arrival->correlation_len},
            .response_topic = arrival->correlation_len ? topic : NULL,
            .expiry_s = RESERVE_EXPIRY_S,
        };
        if (!text.failed) /* then it is asked again */
            arrival->desk->answer(arrival->desk->context, &answer);
    }
}

static enum err run_reserved(struct work *work, struct database *db, struct fault *fault)
{
    struct arrival *arrival = arrival_of(work);
    struct reserved reserved;
    enum err err = reserved_read(buf_slice(&arrival->payload), &reserved, fault);
    return err ? err
               : sale_answer_confirmed(db, arrival->device, &reserved, arrival->received_ms,
                                       arrival->asker, &arrival->reply, fault);
}

/* The question's correlation came back with it. */
static void reserved_done(struct work *work, enum err err, const struct fault *fault)
{
    struct arrival *arrival = arrival_of(work);
    const struct arrival_answer answer = {
        .device = arrival->asker,
        .name = "reply",
        .payload = buf_slice(&arrival->reply),
        .correlation = {arrival->correlation, arrival->correlation_len},
    };
    arrival_end(arrival, err, fault, arrival->asker[0] ? &answer : NULL);
}

const struct arrival_kind arrival_reserved = {
    .name = "reserved", .run = run_reserved, .done = reserved_done, .read = read_correlation};

/* --- Of what was lost, and the rest ---------------------------------------------------------- */

static enum err run_restore(struct work *work, struct database *db, struct fault *fault)
{
    struct arrival *arrival = arrival_of(work);
    struct restore_logs logs;
    struct restore_ask ask;
    enum err err = restore_ask_read(buf_slice(&arrival->payload), &ask, fault);
    if (!err && ask.has_log) {
        err = restore_batch(db, arrival->device, &ask, RESTORE_BATCH_BYTES, &arrival->batch.header,
                            &arrival->reply, fault);
        return err || !ask.reads_compressed ? err : arrival_pack(arrival, fault);
    }
    if (!err)
        err = restore_list(db, arrival->device, &logs, fault);
    if (!err)
        restore_logs_write(&arrival->reply, &logs);
    return err ? err : buf_check(&arrival->reply, fault, "logs");
}

static void restore_done(struct work *work, enum err err, const struct fault *fault)
{
    struct arrival *arrival = arrival_of(work);
    bool events = arrival->batch.header.first > 0;
    const struct arrival_answer answer = {
        .device = arrival->device,
        .name = events ? "restored" : "logs",
        .payload = buf_slice(&arrival->reply),
        .batch = events ? &arrival->batch.header : NULL,
        .packed = arrival->packed,
    };
    arrival_end(arrival, err, fault, &answer);
}

const struct arrival_kind arrival_restore = {
    .name = "restore", .run = run_restore, .done = restore_done};

static enum err run_parked(struct work *work, struct database *db, struct fault *fault)
{
    struct arrival *arrival = arrival_of(work);
    struct parked_ask ask;
    struct ack *ack = &arrival->result.ack;
    enum err err = parked_ask_read(buf_slice(&arrival->payload), &ask, fault);
    if (!err)
        err = ingest_parked_page(db, &arrival->desk->rules, arrival->device, &ask, ack, fault);
    if (err)
        return err;
    ack_write(&arrival->reply, ack);
    return buf_check(&arrival->reply, fault, "parked");
}

static void parked_done(struct work *work, enum err err, const struct fault *fault)
{
    struct arrival *arrival = arrival_of(work);
    const struct arrival_answer answer = {
        .device = arrival->device, .name = "parked", .payload = buf_slice(&arrival->reply)};
    arrival_end(arrival, err, fault, &answer);
}

const struct arrival_kind arrival_parked = {
    .name = "parked", .run = run_parked, .done = parked_done};

static enum err run_contact_key(struct work *work, struct database *db, struct fault *fault)
{
    struct arrival *arrival = arrival_of(work);
    return contact_answer_key(db, arrival->desk->vault, arrival->device,
                              buf_slice(&arrival->payload), arrival->received_ms, &arrival->reply,
                              fault);
}

static void contact_key_done(struct work *work, enum err err, const struct fault *fault)
{
    struct arrival *arrival = arrival_of(work);
    const struct arrival_answer answer = {
        .device = arrival->device, .name = "contact-key", .payload = buf_slice(&arrival->reply)};
    arrival_end(arrival, err, fault, &answer);
}

const struct arrival_kind arrival_contact_key = {
    .name = "contact-key", .run = run_contact_key, .done = contact_key_done};

/*
 * Answered here and not by the worker: behind what waits for the database the time would come too
 * late.
 */
enum err arrival_tell_time(struct arrival_desk *desk, const char *device,
                           const struct mqtt_message *message, struct fault *fault)
{
    struct buf text CLEANUP(buf_free);
    buf_init(&text, TIME_TEXT_MAX);
    enum err err = check_correlation(message, fault);
    if (err)
        return err;
    told_time_write(&text, clock_wall_ms(desk->clock));
    const struct arrival_answer answer = {
        .device = device,
        .name = "time",
        .payload = buf_slice(&text),
        .correlation = message->correlation,
    };
    desk->answer(desk->context, &answer);
    return ERR_OK;
}
