#include "sync/hub/ingest/ingest.h"
#include "sync/hub/ingest/acknowledgement.h"
#include "sync/hub/ingest/device.h"
#include "sync/hub/ingest/duplicate.h"
#include "sync/hub/ingest/fact.h"
#include "sync/hub/ingest/ingest.sql.h"
#include "sync/hub/ingest/log_exception.h"
#include "sync/hub/ingest/recall.h"
#include "sync/hub/ingest/restore.h"
#include "sync/hub/ingest/stream_log.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* One batch on its way in. */
struct intake {
    struct database *db;
    const struct ingest_rules *rules;
    const struct ingest_batch *batch;
    struct stream_log log;
    struct fact_memory memory;
    int64_t held_from; /* the first seq that is held above through; 0: none is */
    struct fact_stored stored[BATCH_EVENTS_MAX]; /* by this batch; event_no 0: nothing was */
    struct ingest_result *result;
    struct fault *fault;
};

static enum err raise_here(struct intake *in, const char *code, int64_t seq, const char *detail)
{
    const struct log_exception exception = {.code = code,
                                            .device = in->batch->device,
                                            .log = in->batch->header.log,
                                            .seq = seq,
                                            .detail = detail,
                                            .now_ms = in->batch->received_ms};
    return log_exception_raise(in->db, &exception, in->fault);
}

/* The batch contradicts what is here. */
static enum err conflict(struct intake *in, int64_t seq, const char *detail)
{
    in->result->verdict = INGEST_CONFLICT;
    (void)fault_set(&in->result->why, ERR_CONFLICT, "", "seq %" PRId64 ": %s", seq, detail);
    return raise_here(in, "seq_conflict", seq, detail);
}

/* The batch isn't one of this device's log; `log` is an id that the hub knows, or all zeros. */
static enum err refuse(struct intake *in, const struct id *log, enum err why, const char *detail)
{
    in->result->verdict = INGEST_REFUSED;
    (void)fault_set(&in->result->why, why, "", "%s", detail);
    const struct log_exception exception = {.code = "batch_refused",
                                            .device = in->batch->device,
                                            .log = *log,
                                            .detail = detail,
                                            .now_ms = in->batch->received_ms};
    return log_exception_raise(in->db, &exception, in->fault);
}

/* --- The log --------------------------------------------------------------------------------- */

static bool same_parent(const struct stream_log *log, const struct batch_header *header)
{
    if (log->has_parent != header->has_parent)
        return false;
    return !log->has_parent || (id_equal(&log->parent.log, &header->parent.log) &&
                                log->parent.seq == header->parent.seq &&
                                sha256_equal(&log->parent.hash, &header->parent.hash));
}

/* Its own, or of the appliance in whose place it came. */
static enum err is_own(struct intake *in, const struct stream_log *log, bool *own)
{
    *own = strcmp(log->device, in->batch->device) == 0;
    return *own ? ERR_OK
                : restore_is_successor(in->db, in->batch->device, slice_of(log->device), own,
                                       in->fault);
}

/* The disk stayed, and the appliance has another identity: the log goes on as that one's. */
static enum err inherit_log(struct intake *in)
{
    struct statement *s;
    if (strcmp(in->log.device, in->batch->device) == 0)
        return ERR_OK;
    enum err err = database_statement(in->db, INGEST_LOG_MOVE, &s, in->fault);
    if (err)
        return err;
    bind_int(s, 1, in->log.no);
    bind_text(s, 2, in->batch->device);
    (void)snprintf(in->log.device, sizeof in->log.device, "%s", in->batch->device);
    return database_send(in->db, s, in->fault);
}

/* A fork is no mistake, but somebody should know that a store's box went back in time. */
static enum err judge_parent(struct intake *in)
{
    const struct chain_parent *parent = &in->batch->header.parent;
    struct stream_log known;
    struct sha256 hash = {0};
    bool found;
    enum err err = stream_log_find(in->db, &parent->log, &found, &known, in->fault);
    if (err || !found)
        return err ? err : raise_here(in, "log_forked", parent->seq, "from a log not known here");
    bool own;
    err = is_own(in, &known, &own);
    if (err)
        return err;
    if (!own)
        return refuse(in, &known.id, ERR_FORBIDDEN, "forked from another device's log");
    if (parent->seq > 0)
        err = stream_log_hash_at(in->db, &known, parent->seq, &found, &hash, in->fault);
    if (!err && parent->seq > 0 && found && !sha256_equal(&hash, &parent->hash))
        err =
            raise_here(in, "fork_parent_differs", parent->seq, "the hub holds another event there");
    return err ? err : raise_here(in, "log_forked", parent->seq, "one side went back in time");
}

static enum err create_log(struct intake *in)
{
    const struct batch_header *header = &in->batch->header;
    int64_t before = 0;
    enum err err = stream_log_newest(in->db, in->batch->device, header->stream, &before, in->fault);
    if (!err && header->has_parent)
        err = judge_parent(in);
    else if (!err && before)
        err = raise_here(in, "log_restarted", 0, "a new log that names no parent");
    if (err || in->result->verdict == INGEST_REFUSED)
        return err;
    in->log = (struct stream_log){
        .id = header->log,
        .stream = header->stream,
        .has_parent = header->has_parent,
        .parent = header->parent,
    };
    (void)snprintf(in->log.device, sizeof in->log.device, "%s", in->batch->device);
    return stream_log_insert(in->db, &in->log, in->batch->received_ms, in->fault);
}

/* Finds or makes the log; the verdict becomes "refused" when it isn't this device's. */
static enum err open_log(struct intake *in)
{
    const struct batch_header *header = &in->batch->header;
    const struct fault *unfit = &in->batch->unfit;
    const struct id nobody = {{0}};
    bool found;
    enum err err = stream_log_find(in->db, &header->log, &found, &in->log, in->fault);
    bool own = true;
    if (!err && found)
        err = is_own(in, &in->log, &own);
    if (err)
        return err;
    if (found && (!own || in->log.stream != header->stream))
        return refuse(in, &header->log, ERR_FORBIDDEN, "a log of another device or stream");
    in->result->has_ack = found;
    if (found && !same_parent(&in->log, header))
        return refuse(in, &header->log, ERR_CONFLICT, "the log had another parent before");
    if (unfit->code) {
        char detail[ACK_DETAIL_MAX];
        (void)snprintf(detail, sizeof detail, "%.40s %.200s", unfit->where, unfit->text);
        return refuse(in, found ? &header->log : &nobody, ERR_INVALID, detail);
    }
    if (found)
        return inherit_log(in);
    err = create_log(in);
    in->result->has_ack = !err && in->result->verdict != INGEST_REFUSED;
    return err;
}

/* --- Its places ------------------------------------------------------------------------------ */

static const struct sha256 *hash_of(const struct intake *in, int64_t seq)
{
    int64_t index = seq - in->batch->header.first;
    assert(index >= 0 && index < (int64_t)in->batch->count);
    return &in->batch->hashes[index];
}

static enum err insert_entry(struct intake *in, int64_t seq, int64_t event_no)
{
    struct statement *s;
    enum err err = database_statement(in->db, INGEST_ENTRY_INSERT, &s, in->fault);
    if (err)
        return err;
    bind_int(s, 1, in->log.no);
    bind_int(s, 2, seq);
    bind_int(s, 3, event_no);
    bind_blob(s, 4, hash_of(in, seq)->bytes, SHA256_BYTES);
    return database_send_row(in->db, s, in->fault);
}

/* What else is written of all that was stored, table by table: that takes less than row by row. */
static enum err file_stored(struct intake *in)
{
    const struct ingest_batch *batch = in->batch;
    enum err err = ERR_OK;
    for (size_t i = 0; !err && i < batch->count; i++)
        if (in->stored[i].created)
            err = fact_index_return(in->db, in->log.device, &batch->readings[i],
                                    in->stored[i].event_no, in->fault);
    for (size_t i = 0; !err && i < batch->count; i++)
        if (in->stored[i].event_no)
            err = insert_entry(in, batch->header.first + (int64_t)i, in->stored[i].event_no);
    return err;
}

static enum err delete_entry(struct intake *in, int64_t seq)
{
    struct statement *s;
    enum err err = database_statement(in->db, INGEST_ENTRY_DELETE, &s, in->fault);
    if (err)
        return err;
    bind_int(s, 1, in->log.no);
    bind_int(s, 2, seq);
    return database_send(in->db, s, in->fault);
}

enum place_state { PLACE_FREE, PLACE_SAME, PLACE_OTHER };

static enum err look_at(struct intake *in, int64_t seq, enum place_state *state)
{
    struct sha256 hash;
    bool found = false;
    enum err err = ERR_OK;
    if (in->held_from && seq >= in->held_from)
        err = stream_log_hash_at(in->db, &in->log, seq, &found, &hash, in->fault);
    if (err)
        return err;
    *state = !found ? PLACE_FREE : sha256_equal(&hash, hash_of(in, seq)) ? PLACE_SAME : PLACE_OTHER;
    return ERR_OK;
}

static enum err store_at(struct intake *in, int64_t seq)
{
    struct fact_place place = {.log = &in->log, .seq = seq, .received_ms = in->batch->received_ms};
    struct fact_stored stored = {0};
    const int64_t index = seq - in->batch->header.first;
    struct reading *reading = &in->batch->readings[index];
    enum err err = ERR_OK;
    if (in->log.recalled)
        err = recall_answered(in->db, &in->log, seq, hash_of(in, seq), &place.recalled,
                              &place.event_no, in->fault);
    if (!err)
        err = fact_store(in->db, &place, &in->memory, reading, &stored, in->fault);
    if (!err && !stored.fresh)
        err = duplicate_judge(in->db, &in->log, seq, stored.event_no, in->batch->received_ms,
                              in->fault);
    if (err)
        return err;
    in->stored[index] = stored;
    in->result->taken++;
    in->result->events += stored.fresh;
    in->result->parked += stored.parked;
    return ERR_OK;
}

/* What storing them will ask is asked at once. */
static enum err ask_ahead(struct intake *in, int64_t from)
{
    const struct batch_header *header = &in->batch->header;
    return fact_ask(in->db, in->log.device, &in->batch->readings[from - header->first],
                    (size_t)(header->last - from + 1), &in->memory, in->fault);
}

/* Stores what the chain from below leads to; what was held there and differs gives way. */
static enum err take_contiguous(struct intake *in, int64_t from)
{
    const struct batch_header *header = &in->batch->header;
    enum err err = ask_ahead(in, from);
    for (int64_t seq = from; !err && seq <= header->last; seq++) {
        enum place_state state = PLACE_FREE;
        err = look_at(in, seq, &state);
        if (!err && state == PLACE_OTHER) {
            err = raise_here(in, "seq_conflict", seq, "an event held here gave way to the chain");
            if (!err)
                err = delete_entry(in, seq);
        }
        if (!err && state != PLACE_SAME)
            err = store_at(in, seq);
    }
    if (!err)
        err = file_stored(in);
    if (err)
        return err;
    in->log.through = header->last;
    in->log.hash = *hash_of(in, header->last);
    return in->held_from ? held_cut(in->db, &in->log, header->last, in->fault) : ERR_OK;
}

/* Stores what is ahead of a gap, unless something else is held there already. */
static enum err take_ahead(struct intake *in)
{
    const struct batch_header *header = &in->batch->header;
    enum place_state state = PLACE_FREE;
    enum err err = ERR_OK;
    for (int64_t seq = header->first; in->held_from && seq <= header->last; seq++) {
        err = look_at(in, seq, &state);
        if (err || state == PLACE_OTHER)
            return err ? err : conflict(in, seq, "another event is held here");
    }
    if (!err)
        err = ask_ahead(in, header->first);
    for (int64_t seq = header->first; !err && seq <= header->last; seq++) {
        err = look_at(in, seq, &state);
        if (!err && state == PLACE_FREE)
            err = store_at(in, seq);
    }
    if (!err)
        err = file_stored(in);
    const struct ack_range range = {header->first, header->last};
    return err ? err : held_add(in->db, &in->log, range, in->fault);
}

/* --- Closing gaps ---------------------------------------------------------------------------- */

/* Follows the chain through a held range; stops before the first place that it doesn't lead to. */
static enum err follow(struct intake *in, struct ack_range range)
{
    struct statement *s;
    bool row = true;
    bool leads = true;
    enum err err = database_statement(in->db, INGEST_ENTRY_BODIES, &s, in->fault);
    if (err)
        return err;
    bind_int(s, 1, in->log.no);
    bind_int(s, 2, range.first);
    bind_int(s, 3, range.last);
    while (leads && (err = database_step(in->db, s, &row, in->fault)) == ERR_OK && row) {
        struct sha256 stored;
        struct sha256 hash = chain_next(&in->log.hash, column_slice(s, 2));
        leads = column_bytes(s, 1, stored.bytes, SHA256_BYTES) == ERR_OK &&
                sha256_equal(&hash, &stored);
        if (leads) {
            in->log.through++;
            in->log.hash = hash;
        }
    }
    if (!err)
        statement_reset(s);
    return err;
}

static enum err join_held(struct intake *in)
{
    for (;;) {
        struct ack_range range;
        size_t count;
        enum err err = held_list(in->db, &in->log, &range, 1, &count, in->fault);
        if (err || count == 0 || range.first > in->log.through + 1)
            return err;
        err = follow(in, range);
        if (!err && in->log.through < range.last)
            err = raise_here(in, "chain_broken", in->log.through + 1,
                             "events held ahead aren't what the chain leads to; asked for again");
        for (int64_t seq = in->log.through + 1; !err && seq <= range.last; seq++)
            err = delete_entry(in, seq);
        if (!err)
            err = held_cut(in->db, &in->log, range.last, in->fault);
        if (err)
            return err;
    }
}

/* --- The whole ------------------------------------------------------------------------------- */

/* What the chain says at the batch's last seq that is known already. */
static enum err check_overlap(struct intake *in, bool *agrees)
{
    const struct batch_header *header = &in->batch->header;
    if (header->first == in->log.through + 1) {
        *agrees = sha256_equal(&header->prev, &in->log.hash);
        return ERR_OK;
    }
    int64_t known = header->last < in->log.through ? header->last : in->log.through;
    struct sha256 hash;
    bool found;
    enum err err = stream_log_hash_at(in->db, &in->log, known, &found, &hash, in->fault);
    if (!err && !found)
        return fault_set(in->fault, ERR_CORRUPT, "entry", "a place below through is empty");
    *agrees = !err && sha256_equal(&hash, hash_of(in, known));
    return err;
}

static enum err take(struct intake *in)
{
    const struct batch_header *header = &in->batch->header;
    struct ack_range lowest;
    size_t count;
    enum err err = held_list(in->db, &in->log, &lowest, 1, &count, in->fault);
    if (err)
        return err;
    in->held_from = count > 0 ? lowest.first : 0;
    if (header->first > in->log.through + 1)
        return take_ahead(in);
    bool agrees = false;
    err = check_overlap(in, &agrees);
    if (err || !agrees)
        return err ? err : conflict(in, header->first, "the chain here leads elsewhere");
    if (header->last <= in->log.through)
        return ERR_OK;
    err = take_contiguous(in, in->log.through + 1);
    return !err && in->held_from ? join_held(in) : err;
}

static enum err finish(struct intake *in)
{
    if (!in->result->taken)
        return ERR_OK;
    in->result->verdict = INGEST_TAKEN;
    in->log.ack_no++;
    if (!in->rules->backups)
        in->log.backed_up_through = in->log.through;
    return stream_log_update(in->db, &in->log, in->batch->received_ms, in->fault);
}

enum err ingest_read(struct ingest_batch *batch, struct arena *arena, struct fault *fault)
{
    struct sha256 *hashes = arena_alloc(arena, batch->count, sizeof *hashes);
    struct reading *readings = arena_alloc(arena, batch->count, sizeof *readings);
    if (!hashes || !readings)
        return fault_set(fault, ERR_NO_MEMORY, "batch", "out of memory");
    batch->hashes = hashes;
    batch->readings = readings;
    if (batch_verify(&batch->header, batch->bodies, batch->count, hashes, &batch->unfit) != ERR_OK)
        return ERR_OK;
    for (size_t i = 0; i < batch->count; i++)
        reading_make(&readings[i], batch->bodies[i], batch->header.stream, arena);
    return ERR_OK;
}

enum err ingest_batch(struct database *db, const struct ingest_rules *rules,
                      const struct ingest_batch *batch, struct ingest_result *result,
                      struct fault *fault)
{
    assert(batch->count <= BATCH_EVENTS_MAX);
    struct intake in = {.db = db, .rules = rules, .batch = batch, .fault = fault};
    *result = (struct ingest_result){.verdict = INGEST_KNOWN};
    in.result = result;
    enum err err = device_seen(db, batch->device, batch->received_ms, fault);
    if (!err)
        err = open_log(&in);
    if (err)
        return err;
    if (result->verdict != INGEST_REFUSED) {
        err = take(&in);
        if (!err)
            err = finish(&in);
    }
    return err || !result->has_ack ? err : acknowledgement_fill(db, rules, &in.log, result, fault);
}
