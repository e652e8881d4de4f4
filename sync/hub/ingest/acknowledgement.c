#include "sync/hub/ingest/acknowledgement.h"
#include "sync/hub/ingest/ingest.sql.h"

#include <stdio.h>
#include <string.h>

static enum err count_parked(struct database *db, const struct stream_log *log, struct ack *ack,
                             struct fault *fault)
{
    struct statement *s;
    bool row;
    enum err err = database_statement(db, INGEST_PARKED_OF_LOG_COUNT, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, log->no);
    err = database_step(db, s, &row, fault);
    if (!err)
        ack->parked_total = column_int(s, 0);
    statement_reset(s);
    return err;
}

/* The page below that seq. One more is asked for, to see whether there are more. */
static enum err bind_parked(struct database *db, const struct stream_log *log, int64_t below,
                            struct statement **ready, struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, INGEST_PARKED_OF_LOG, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, log->no);
    bind_int(s, 2, ACK_PARKED_MAX + 1);
    bind_int(s, 3, below);
    *ready = s;
    return ERR_OK;
}

static enum err ask_parked(struct database *db, const struct stream_log *log, struct fault *fault)
{
    struct statement *s;
    enum err err = bind_parked(db, log, INT64_MAX, &s, fault);
    return err ? err : database_ask(db, s, fault);
}

static enum err read_parked(struct database *db, const struct stream_log *log, int64_t below,
                            struct ack *ack, struct fault *fault)
{
    struct statement *s;
    bool row = true;
    bool more = false;
    enum err err = bind_parked(db, log, below, &s, fault);
    if (err)
        return err;
    while ((err = database_step(db, s, &row, fault)) == ERR_OK && row) {
        more = ack->parked_count == ACK_PARKED_MAX;
        if (more) {
            ack->parked_above = column_int(s, 1);
            break;
        }
        struct ack_parked *parked = &ack->parked[ack->parked_count++];
        struct slice code = column_slice(s, 2);
        struct slice detail = column_slice(s, 3);
        if (!column_is_null(s, 0))
            err = column_bytes(s, 0, parked->id.bytes, ID_BYTES);
        parked->seq = column_int(s, 1);
        (void)snprintf(parked->code, sizeof parked->code, "%.*s", (int)code.len, code.data);
        (void)snprintf(parked->detail, sizeof parked->detail, "%.*s", (int)detail.len, detail.data);
        if (err)
            break;
    }
    statement_reset(s);
    if (!err && (more || below != INT64_MAX))
        err = count_parked(db, log, ack, fault);
    return err == ERR_CORRUPT ? fault_set(fault, err, "parked", "a row isn't what it should be")
                              : err;
}

static void fill_watermark(const struct ingest_rules *rules, const struct stream_log *log,
                           struct ack *ack)
{
    ack->log = log->id;
    ack->through = log->through;
    ack->hash = log->hash;
    ack->backed_up_through = log->backed_up_through;
    ack->ack_no = log->ack_no;
    ack->hub_epoch = rules->hub_epoch;
}

enum err acknowledgement_fill(struct database *db, const struct ingest_rules *rules,
                              const struct stream_log *log, struct ingest_result *result,
                              struct fault *fault)
{
    int64_t newest = 0;
    struct ack *ack = &result->ack;
    fill_watermark(rules, log, ack);
    result->stream = log->stream;
    enum err err = held_ask(db, log, ACK_RANGES_MAX, fault);
    if (!err)
        err = ask_parked(db, log, fault);
    if (!err)
        err = held_list(db, log, ack->also, ACK_RANGES_MAX, &ack->also_count, fault);
    if (!err)
        err = read_parked(db, log, INT64_MAX, ack, fault);
    if (!err)
        err = stream_log_newest(db, log->device, log->stream, &newest, fault);
    result->newest = newest == log->no;
    return err;
}

static enum err note_told(struct database *db, int64_t log_no, struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, INGEST_LOG_TOLD, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, log_no);
    return database_send(db, s, fault);
}

enum err ingest_acknowledgement(struct database *db, const struct ingest_rules *rules,
                                const struct id *log_id, struct ingest_result *result,
                                struct fault *fault)
{
    struct stream_log log;
    bool found;
    enum err err = stream_log_find(db, log_id, &found, &log, fault);
    if (err || !found)
        return err ? err : fault_set(fault, ERR_NOT_FOUND, "log_id", "no such log");
    *result = (struct ingest_result){.verdict = INGEST_KNOWN, .has_ack = true};
    err = note_told(db, log.no, fault);
    return err ? err : acknowledgement_fill(db, rules, &log, result, fault);
}

enum err ingest_parked_page(struct database *db, const struct ingest_rules *rules,
                            const char *device, const struct parked_ask *ask, struct ack *ack,
                            struct fault *fault)
{
    struct stream_log log;
    bool found;
    enum err err = stream_log_find(db, &ask->log, &found, &log, fault);
    if (!err && (!found || strcmp(log.device, device) != 0))
        err = fault_set(fault, ERR_NOT_FOUND, "log_id", "no such log of this appliance");
    if (err)
        return err;
    *ack = (struct ack){.parked_below = ask->below};
    fill_watermark(rules, &log, ack);
    return read_parked(db, &log, ask->below, ack, fault);
}

enum err ingest_unknown_log(struct database *db, const struct ingest_rules *rules,
                            enum stream stream, const struct id *log, struct ingest_result *result,
                            struct fault *fault)
{
    struct stream_log known;
    bool found;
    enum err err = stream_log_find(db, log, &found, &known, fault);
    if (err)
        return err;
    *result = (struct ingest_result){
        .verdict = INGEST_KNOWN, .has_ack = !found, .newest = !found, .stream = stream};
    result->ack.log = *log;
    result->ack.hub_epoch = rules->hub_epoch;
    return ERR_OK;
}
