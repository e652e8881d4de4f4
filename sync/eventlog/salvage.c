#include "sync/eventlog/salvage.h"
#include "hal/base/cleanup.h"
#include "sync/eventlog/checkpoint.h"
#include "sync/eventlog/found.h"
#include "sync/eventlog/logs.h"
#include "sync/eventlog/lost.h"
#include "sync/eventlog/record.h"
#include "sync/eventlog/salvage.sql.h"
#include "sync/eventlog/schema.sql.h"

#include <stdio.h>
#include <string.h>

enum { LINKS_MAX = 16 };

struct salvage {
    struct database *db;
    struct database_statements *sql;
    const struct salvage_source *source;
    struct id_source *ids;
    int64_t now_ms;
    struct salvage_result result;
};

/* The new log of one stream. */
struct made_log {
    int64_t no;
    struct id id;
    int64_t head;
    struct sha256 hash;
    int64_t ordinal;
};

/* A possible state of the chain after one seq. */
struct link {
    struct sha256 hash;
    int64_t row; /* the found row whose body leads here; 0: none, or not to be proven */
    bool proven;
};

struct links {
    int64_t seq;
    struct link list[LINKS_MAX];
    size_t count;
    bool settled; /* one of its rows is taken */
};

/* A walk along the rows of one old log. */
struct walk {
    struct salvage *salvage;
    struct made_log *made;
    struct log_row row;
    bool known;       /* the row, and with it where its chain begins */
    int64_t end;      /* of the rows that were found */
    int64_t last;     /* what is missing until here is lost */
    int64_t expected; /* every seq before it is taken or listed as lost */
    struct links before;
    struct links here;
    bool matched; /* one of `here` follows from `before` */
};

/* --- Taking ---------------------------------------------------------------------------------- */

static enum err list_lost(struct walk *walk, int64_t until, struct fault *fault)
{
    struct salvage *salvage = walk->salvage;
    if (until < walk->expected)
        return ERR_OK;
    struct eventlog_lost lost = {
        .log = walk->row.id,
        .stream = log_stream(walk->row.no),
        .first = walk->expected,
        .last = until,
        .at_ms = salvage->now_ms,
        .reason = "damaged",
    };
    salvage->result.lost[lost.stream] += until - walk->expected + 1;
    walk->expected = until + 1;
    return lost_add(salvage->db, &lost, fault);
}

static enum err store(struct walk *walk, const struct found_event *event, struct fault *fault)
{
    struct made_log *made = walk->made;
    struct sha256 hash = chain_next(&made->hash, event->body);
    struct arena arena CLEANUP(arena_free);
    arena_init(&arena, RECORD_ARENA_MAX);
    struct event read;
    /* The chain covers the body, not the columns beside it. A newer version's type has only them.
     */
    enum err err = event_read(event->body, &arena, &read, fault);
    if (err == ERR_NO_MEMORY)
        return err;
    bool readable = err == ERR_OK;
    struct slice key = readable ? read.idempotency_key : event->key;
    const char *correlation =
        readable ? (const char *)read.correlation.bytes : event->correlation.data;
    struct statement *s;
    err = database_statement(walk->salvage->db, LOG_EVENT_INSERT, &s, fault);
    if (err)
        return err;
    int64_t ordinal = event->ordinal > made->ordinal ? event->ordinal : made->ordinal + 1;
    bind_int(s, 1, log_position(made->no, made->head + 1));
    bind_int(s, 2, ordinal);
    bind_blob(s, 3, correlation, ID_BYTES);
    if (key.len)
        bind_slice(s, 4, key);
    bind_blob(s, 5, hash.bytes, SHA256_BYTES);
    bind_blob(s, 6, event->body.data, event->body.len);
    err = database_run(walk->salvage->db, s, fault);
    if (err)
        return err;
    made->head++;
    made->hash = hash;
    made->ordinal = ordinal;
    walk->salvage->result.kept[log_stream(made->no)]++;
    return ERR_OK;
}

/* An event that was moved from log to log before may be found in both: it is taken once. */
static enum err take(struct walk *walk, struct links *links, const struct link *link,
                     struct fault *fault)
{
    if (links->settled || !link->row)
        return ERR_OK;
    links->settled = true;
    enum err err = list_lost(walk, links->seq - 1, fault);
    walk->expected = links->seq + 1;
    struct statement *s = NULL;
    struct found_event event = {0};
    bool fresh = false;
    if (!err)
        err = found_event(walk->salvage->sql, link->row, &s, &event, fault);
    if (!err)
        err = found_take(walk->salvage->sql, event.digest, &fresh, fault);
    if (!err && fresh)
        err = store(walk, &event, fault);
    statement_reset(s);
    return err;
}

/* No event follows: the last of the proven rows, or the one that the head file knows. */
static enum err take_best(struct walk *walk, struct links *links, struct fault *fault)
{
    const struct head *head = walk->salvage->source->head;
    const struct head_entry *entry = head ? &head->streams[log_stream(walk->row.no)] : NULL;
    const struct link *best = NULL;
    for (size_t i = 0; i < links->count; i++) {
        const struct link *link = &links->list[i];
        bool is_head = entry && entry->seq == links->seq && id_equal(&entry->log, &walk->row.id) &&
                       sha256_equal(&entry->hash, &link->hash);
        if (link->row && (link->proven || is_head))
            best = link;
        if (best == link && is_head)
            break;
    }
    return best ? take(walk, links, best, fault) : ERR_OK;
}

/* --- Walking --------------------------------------------------------------------------------- */

static void add_link(struct links *links, const struct sha256 *hash, int64_t row, bool proven)
{
    if (links->count < LINKS_MAX)
        links->list[links->count++] = (struct link){*hash, row, proven};
}

static enum err end_seq(struct walk *walk, struct fault *fault)
{
    enum err err = walk->matched ? ERR_OK : take_best(walk, &walk->before, fault);
    walk->before = walk->here;
    return err;
}

static enum err begin_seq(struct walk *walk, int64_t seq, struct fault *fault)
{
    enum err err = end_seq(walk, fault);
    if (!err && walk->before.seq != seq - 1) {
        err = take_best(walk, &walk->before, fault);
        walk->before.count = 0;
    }
    walk->here = (struct links){.seq = seq};
    walk->matched = false;
    return err;
}

/*
 * Holds one found row against what may stand before it. Where nothing fits, its hash may be right
 * (the body is damaged) or its body (the hash is): the next event shows which.
 */
static enum err walk_row(struct walk *walk, int64_t row, const struct sha256 *hash,
                         struct slice body, struct fault *fault)
{
    const struct link *match = NULL;
    struct links bodies = {0}; /* where this body leads, if its stored hash is what is damaged */
    for (size_t i = 0; i < walk->before.count; i++) {
        const struct link *link = &walk->before.list[i];
        struct sha256 expected = chain_next(&link->hash, body);
        if (sha256_equal(&expected, hash) && (!match || (!match->row && link->row)))
            match = link;
        add_link(&bodies, &expected, row, false);
    }
    add_link(&walk->here, hash, match ? row : 0, match != NULL);
    for (size_t i = 0; i < bodies.count && !match; i++)
        add_link(&walk->here, &bodies.list[i].hash, row, false);
    if (!match)
        return ERR_OK;
    walk->matched = true;
    return take(walk, &walk->before, match, fault);
}

static enum err walk_events(struct walk *walk, struct statement *s, struct fault *fault)
{
    bool there = true;
    enum err err = ERR_OK;
    while (!err && there) {
        err = statement_step(s, &there, fault);
        if (err || !there)
            break;
        struct sha256 hash;
        int64_t seq = log_position_seq(column_int(s, 1));
        if (column_bytes(s, 2, hash.bytes, SHA256_BYTES))
            continue;
        if (seq != walk->here.seq)
            err = begin_seq(walk, seq, fault);
        if (!err)
            err = walk_row(walk, column_int(s, 0), &hash, column_slice(s, 3), fault);
    }
    if (!err)
        err = end_seq(walk, fault);
    return err ? err : take_best(walk, &walk->before, fault);
}

static enum err walk_log(struct walk *walk, struct fault *fault)
{
    walk->expected = walk->row.first_kept;
    walk->here.seq = walk->row.first_kept - 1;
    if (walk->known)
        add_link(&walk->here, &walk->row.before_hash, 0, true);
    struct statement *s = NULL;
    enum err err =
        found_events(walk->salvage->sql, walk->row.no, walk->row.first_kept, walk->end, &s, fault);
    if (!err)
        err = walk_events(walk, s, fault);
    statement_reset(s);
    return err ? err : list_lost(walk, walk->last, fault);
}

/* --- Logs ------------------------------------------------------------------------------------ */

/* What is known of an old log: its own row, or the head file's word for the newest. */
static enum err know_log(struct walk *walk, int64_t no, bool newest, struct fault *fault)
{
    const struct head *head = walk->salvage->source->head;
    const struct head_entry *entry = head ? &head->streams[log_stream(no)] : NULL;
    enum err err = found_log(walk->salvage->sql, no, &walk->row, &walk->known, fault);
    if (err)
        return err;
    if (!walk->known) {
        walk->row = (struct log_row){.no = no, .first_kept = 1};
        if (newest && entry) {
            walk->row.id = entry->log;
            walk->row.before_hash = chain_origin(&entry->log, NULL);
            walk->known = true;
        }
    }
    err = found_end(walk->salvage->sql, no, &walk->end, fault);
    if (err)
        return err;
    /* A row's position may be damaged, and lie anywhere: the head file knows better. */
    bool is_head = newest && entry && id_equal(&entry->log, &walk->row.id);
    walk->last = is_head ? entry->seq : walk->end;
    if (walk->last > walk->end)
        walk->end = walk->last;
    return ERR_OK;
}

static enum err keep_log_row(struct walk *walk, struct fault *fault)
{
    return walk->known ? found_keep_log(walk->salvage->sql, &walk->row, fault) : ERR_OK;
}

static enum err open_made(struct walk *newest, struct made_log *made, struct fault *fault)
{
    struct salvage *salvage = newest->salvage;
    struct chain_parent parent = {newest->row.id, newest->row.first_kept - 1,
                                  newest->row.before_hash};
    struct log_row row;
    *made =
        (struct made_log){.no = newest->row.no + 1, .id = id_next(salvage->ids, salvage->now_ms)};
    enum err err =
        log_add(salvage->db, made->no, &made->id, newest->known ? &parent : NULL, &row, fault);
    if (!err)
        made->hash = row.before_hash;
    return err;
}

enum { FORKS_MAX = 256 };

static enum err salvage_stream(struct salvage *salvage, enum stream stream, struct fault *fault)
{
    int64_t numbers[FORKS_MAX];
    size_t count = 0;
    const struct head *head = salvage->source->head;
    enum err err = found_numbers(salvage->sql, stream, head ? &head->streams[stream].log : NULL,
                                 numbers, FORKS_MAX, &count, fault);
    if (!err && !count && head && head->streams[stream].seq)
        numbers[count++] = (int64_t)stream << 16;
    if (err || !count)
        return err;
    struct made_log made;
    struct walk walk = {.salvage = salvage, .made = &made};
    err = know_log(&walk, numbers[count - 1], true, fault);
    if (!err)
        err = open_made(&walk, &made, fault);
    for (size_t i = 0; i < count && !err; i++) {
        walk = (struct walk){.salvage = salvage, .made = &made};
        err = know_log(&walk, numbers[i], i == count - 1, fault);
        if (!err)
            err = keep_log_row(&walk, fault);
        if (!err)
            err = walk_log(&walk, fault);
    }
    return err;
}

/* --- The whole ------------------------------------------------------------------------------- */

static enum err fill(struct salvage *salvage, struct fault *fault)
{
    enum err err = found_scan(salvage->db, salvage->sql, salvage->source->database,
                              salvage->source->wal, fault);
    for (int i = 0; i < STREAMS_OF_APPLIANCE && !err; i++)
        err = salvage_stream(salvage, (enum stream)i, fault);
    if (!err && salvage->source->checkpoint)
        err = checkpoint_put(salvage->db, salvage->source->checkpoint, salvage->now_ms, fault);
    return err ? err : found_end_scan(salvage->db, salvage->sql, fault);
}

enum err salvage_make(const char *made, const char *vfs, const struct salvage_source *source,
                      struct id_source *ids, int64_t now_ms, struct salvage_result *result,
                      struct fault *fault)
{
    struct salvage salvage = {.source = source, .ids = ids, .now_ms = now_ms};
    struct database_config config = {
        .path = made, .vfs = vfs, .statements = log_sql, .statement_count = LOG_COUNT};
    enum err err = database_open(&salvage.db, &config, fault);
    if (err)
        return err;
    err = database_migrate(salvage.db, schema_sql, SCHEMA_COUNT, fault);
    if (!err)
        err = database_attach(salvage.db, salvage_sql, SALVAGE_COUNT, &salvage.sql, fault);
    if (!err)
        err = database_run_plain(salvage.db, LOG_BEGIN, fault);
    if (!err)
        err = fill(&salvage, fault);
    if (!err)
        err = database_run_plain(salvage.db, LOG_COMMIT, fault);
    if (!err)
        err = database_fold_wal(salvage.db, fault);
    database_close(salvage.db);
    if (!err)
        *result = salvage.result;
    return err;
}
