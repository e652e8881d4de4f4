#include "sync/hub/ingest/recall.h"
#include "sync/hub/ingest/ingest.sql.h"
#include "sync/hub/ingest/log_exception.h"

#include <inttypes.h>
#include <stdio.h>

enum { LOGS_AT_ONCE = 64, PLACES_AT_ONCE = 500 };

/* --- One log --------------------------------------------------------------------------------- */

struct place {
    int64_t seq;
    int64_t event_no;
    bool sound;
};

struct walk {
    struct database *db;
    struct stream_log log;
    int64_t now_ms;
    int64_t next;        /* seq */
    bool known;          /* the chain before `next` is */
    struct sha256 chain; /* ... this */
    bool whole;          /* all from the log's beginning was sound so far */
    int64_t through;
    struct sha256 hash;
    struct ack_range held; /* the range that is being made; last 0: none */
    int64_t ranges;
    int64_t places;
    int64_t first_place;
    struct place page[PLACES_AT_ONCE];
    size_t count;
    struct fault *fault;
};

/* The row's place, judged by itself and by what is before it. */
static void judge(struct walk *w, struct statement *s)
{
    struct sha256 at = {{0}};
    struct sha256 kept;
    struct place *place = &w->page[w->count++];
    struct slice body = column_slice(s, 4);
    struct sha256 is = sha256_of(body);
    bool readable = column_bytes(s, 1, at.bytes, SHA256_BYTES) == ERR_OK;
    *place = (struct place){.seq = column_int(s, 0), .event_no = column_int(s, 2)};
    place->sound = readable && !column_is_null(s, 4) &&
                   column_bytes(s, 3, kept.bytes, SHA256_BYTES) == ERR_OK &&
                   sha256_equal(&kept, &is);
    if (place->seq != w->next) {
        w->whole = false;
        w->known = false;
    }
    if (place->sound && w->known) {
        struct sha256 leads = chain_next(&w->chain, body);
        place->sound = sha256_equal(&leads, &at);
    }
    w->whole = w->whole && place->sound;
    if (w->whole) {
        w->through = place->seq;
        w->hash = at;
    }
    w->known = readable;
    w->chain = at;
    w->next = place->seq + 1;
}

static enum err read_page(struct walk *w)
{
    struct statement *s;
    bool row = true;
    enum err err = database_statement(w->db, INGEST_RECALL_ENTRIES, &s, w->fault);
    if (err)
        return err;
    bind_int(s, 1, w->log.no);
    bind_int(s, 2, w->next - 1);
    bind_int(s, 3, PLACES_AT_ONCE);
    w->count = 0;
    while ((err = database_step(w->db, s, &row, w->fault)) == ERR_OK && row)
        judge(w, s);
    return err;
}

static enum err run(struct walk *w, size_t statement, int64_t first, int64_t second, int64_t third)
{
    struct statement *s;
    enum err err = database_statement(w->db, statement, &s, w->fault);
    if (err)
        return err;
    const int64_t values[] = {first, second, third};
    for (int i = 0; i < statement_parameters(s) && i < 3; i++)
        bind_int(s, i + 1, values[i]);
    return database_run(w->db, s, w->fault);
}

static void count_place(struct walk *w, int64_t seq)
{
    if (w->places++ == 0)
        w->first_place = seq;
}

static enum err recall(struct walk *w, const struct place *place)
{
    count_place(w, place->seq);
    enum err err = run(w, INGEST_RECALL_PLACE, w->log.no, place->seq, w->now_ms);
    if (!err)
        err = run(w, INGEST_ENTRY_DELETE, w->log.no, place->seq, 0);
    if (!err)
        err = run(w, INGEST_RECALL_FORGET_INDEX, place->event_no, 0, 0);
    return err ? err : run(w, INGEST_RECALL_FORGET_EVENT, place->event_no, 0, 0);
}

/* Below the watermark all places were filled once. */
static enum err recall_missing(struct walk *w, int64_t first, int64_t last)
{
    enum err err = ERR_OK;
    if (last > w->log.through)
        last = w->log.through;
    for (int64_t seq = first; !err && seq <= last; seq++) {
        err = run(w, INGEST_RECALL_LOST_PLACE, w->log.no, seq, w->now_ms);
        if (database_changes(w->db)) /* it wasn't told before */
            count_place(w, seq);
    }
    return err;
}

static enum err end_range(struct walk *w)
{
    struct ack_range range = w->held;
    w->held = (struct ack_range){0};
    if (!range.last)
        return ERR_OK;
    w->ranges++;
    return held_add(w->db, &w->log, range, w->fault);
}

static enum err hold(struct walk *w, int64_t seq)
{
    if (seq <= w->through || w->log.stream == STREAM_CENTRE)
        return ERR_OK;
    if (w->held.last && w->held.last + 1 == seq) {
        w->held.last = seq;
        return ERR_OK;
    }
    enum err err = end_range(w);
    w->held = (struct ack_range){seq, seq};
    return err;
}

static enum err walk_log(struct walk *w)
{
    int64_t next = 1;
    enum err err = run(w, INGEST_RECALL_FORGET_RANGES, w->log.no, 0, 0);
    do {
        if (!err)
            err = read_page(w);
        for (size_t i = 0; !err && i < w->count; i++) {
            const struct place *place = &w->page[i];
            err = recall_missing(w, next, place->seq - 1);
            if (!err)
                err = place->sound ? hold(w, place->seq) : recall(w, place);
            next = place->seq + 1;
        }
    } while (!err && w->count == PLACES_AT_ONCE);
    if (!err)
        err = end_range(w);
    return err ? err : recall_missing(w, next, w->log.through);
}

static enum err tell(struct walk *w)
{
    char detail[ACK_DETAIL_MAX];
    bool lost = w->log.stream == STREAM_CENTRE;
    (void)snprintf(
        detail, sizeof detail,
        "%" PRId64 " events from %" PRId64 " on were damaged or lost at the centre, and %s",
        w->places, w->first_place, lost ? "only a backup has them" : "are asked for again");
    const struct log_exception exception = {.code = lost ? "events_lost" : "events_recalled",
                                            .device = w->log.device,
                                            .log = w->log.id,
                                            .seq = w->first_place,
                                            .detail = detail,
                                            .now_ms = w->now_ms};
    return log_exception_raise(w->db, &exception, w->fault);
}

static enum err count_ranges(struct walk *w, int64_t *held)
{
    struct statement *s;
    bool row;
    enum err err = database_statement(w->db, INGEST_VERIFY_HELD, &s, w->fault);
    if (err)
        return err;
    bind_int(s, 1, w->log.no);
    bind_int(s, 2, 0);
    err = database_step(w->db, s, &row, w->fault);
    if (err)
        return err;
    *held = row ? column_int(s, 0) : 0;
    statement_reset(s);
    return ERR_OK;
}

static enum err set_back(struct walk *w)
{
    w->log.through = w->through;
    w->log.hash = w->hash;
    if (w->log.backed_up_through > w->through)
        w->log.backed_up_through = w->through;
    w->log.ack_no++;
    return stream_log_update(w->db, &w->log, w->now_ms, w->fault);
}

static enum err recall_of_log(struct database *db, const struct id *id, int64_t now_ms,
                              struct recalled *recalled, struct fault *fault)
{
    struct walk w = {.db = db, .now_ms = now_ms, .next = 1, .known = true, .whole = true};
    bool found = false;
    int64_t before = 0;
    int64_t after = 0;
    w.fault = fault;
    enum err err = stream_log_find(db, id, &found, &w.log, fault);
    if (err || !found)
        return err;
    w.chain = chain_origin(id, w.log.has_parent ? &w.log.parent : NULL);
    w.hash = w.chain;
    err = count_ranges(&w, &before);
    if (!err)
        err = walk_log(&w);
    if (!err)
        err = count_ranges(&w, &after);
    bool same = w.log.stream == STREAM_CENTRE ||
                (w.through == w.log.through && sha256_equal(&w.hash, &w.log.hash));
    if (err || (same && before == after && !w.places))
        return err;
    if (w.log.stream != STREAM_CENTRE)
        err = set_back(&w);
    if (!err && w.places)
        err = tell(&w);
    recalled->logs++;
    recalled->places += w.places;
    return err;
}

/* --- All of them ----------------------------------------------------------------------------- */

static enum err read_logs(struct database *db, int64_t skip, struct id *logs, int64_t *count,
                          struct fault *fault)
{
    struct statement *s;
    bool row = true;
    enum err err = database_statement(db, INGEST_RECALL_LOGS, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, skip);
    bind_int(s, 2, LOGS_AT_ONCE);
    *count = 0;
    while ((err = database_step(db, s, &row, fault)) == ERR_OK && row)
        if (column_bytes(s, 0, logs[(*count)++].bytes, ID_BYTES) != ERR_OK) {
            statement_reset(s);
            return fault_set(fault, ERR_CORRUPT, "stream_log", "a log has no id");
        }
    return err;
}

enum err recall_damaged(struct database *db, int64_t now_ms, struct recalled *recalled,
                        struct fault *fault)
{
    struct id logs[LOGS_AT_ONCE];
    struct recalled found = {0};
    int64_t skip = 0;
    int64_t count = LOGS_AT_ONCE;
    enum err err = database_run_plain(db, INGEST_RECALL_FORGET_ORPHANS, fault);
    while (!err && count == LOGS_AT_ONCE) {
        err = read_logs(db, skip, logs, &count, fault);
        for (int64_t i = 0; i < count && !err; i++)
            err = recall_of_log(db, &logs[i], now_ms, &found, fault);
        skip += count;
    }
    if (!err && found.logs)
        err = database_run_plain(db, INGEST_RECALL_EPOCH, fault);
    if (!err)
        *recalled = found;
    return err;
}

/* --- Their coming back ----------------------------------------------------------------------- */

enum err recall_waiting(struct database *db, int64_t *places, int64_t *lost, struct fault *fault)
{
    struct statement *s;
    bool row;
    enum err err = database_first(db, INGEST_RECALL_COUNT, &s, &row, fault);
    if (err)
        return err;
    *lost = column_int(s, 1);
    *places = column_int(s, 0) - *lost;
    statement_reset(s);
    return ERR_OK;
}

enum err recall_told(struct database *db, const struct stream_log *log, int64_t first, int64_t last,
                     int64_t *places, struct fault *fault)
{
    struct statement *s;
    bool row;
    enum err err = database_statement(db, INGEST_RECALL_TOLD, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, log->no);
    bind_int(s, 2, first);
    bind_int(s, 3, last);
    err = database_step(db, s, &row, fault);
    if (err)
        return err;
    *places = column_int(s, 0);
    statement_reset(s);
    return ERR_OK;
}

static enum err bind_place(struct database *db, size_t statement, const struct stream_log *log,
                           int64_t seq, struct statement **ready, struct fault *fault)
{
    enum err err = database_statement(db, statement, ready, fault);
    if (err)
        return err;
    bind_int(*ready, 1, log->no);
    bind_int(*ready, 2, seq);
    return ERR_OK;
}

static enum err look(struct database *db, struct statement *s, bool *found, int64_t *number,
                     struct fault *fault)
{
    enum err err = database_step(db, s, found, fault);
    if (err)
        return err;
    if (*found)
        *number = column_int(s, 0);
    statement_reset(s);
    return ERR_OK;
}

enum err recall_answered(struct database *db, const struct stream_log *log, int64_t seq,
                         const struct sha256 *hash, bool *was, int64_t *event_no,
                         struct fault *fault)
{
    struct statement *s;
    bool known = false;
    int64_t number = 0;
    enum err err = bind_place(db, INGEST_RECALL_IS_WANTED, log, seq, &s, fault);
    if (!err)
        err = look(db, s, was, &number, fault);
    if (err || !*was)
        return err;
    number = 0;
    err = bind_place(db, INGEST_RECALL_FIND, log, seq, &s, fault);
    if (err)
        return err;
    bind_blob(s, 3, hash->bytes, SHA256_BYTES);
    err = look(db, s, &known, &number, fault);
    if (!err)
        err = bind_place(db, INGEST_RECALL_DONE, log, seq, &s, fault);
    if (err)
        return err;
    *event_no = number;
    return database_run(db, s, fault);
}
