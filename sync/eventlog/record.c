#include "sync/eventlog/record.h"
#include "hal/base/cleanup.h"
#include "sync/eventlog/log.sql.h"

enum { ORDINAL, STREAM, SEQ, LOG, HASH, BODY };

enum err record_read(struct statement *row, struct arena *arena, struct eventlog_record *record,
                     struct fault *fault)
{
    struct eventlog_record made = {
        .stream = (enum stream)(int)column_int(row, STREAM),
        .seq = column_int(row, SEQ),
        .body = column_slice(row, BODY),
    };
    bool hashed = !column_is_null(row, HASH);
    if (column_bytes(row, LOG, made.log.bytes, ID_BYTES) ||
        (hashed && column_bytes(row, HASH, made.hash.bytes, SHA256_BYTES)))
        return fault_set(fault, ERR_CORRUPT, "event", "%s %lld has a hash of a wrong length",
                         stream_name(made.stream), (long long)made.seq);
    if (!hashed)
        made.hash = sha256_of(made.body);
    enum err err = event_read(made.body, arena, &made.event, fault);
    /* One of our own that came back from the hub. */
    if (!err && made.stream == STREAM_CENTRE)
        made.stream = event_type_stream(made.event.type);
    if (!err)
        *record = made;
    return err;
}

static enum err visit_row(struct statement *row, eventlog_visit *visit, void *context,
                          struct fault *fault)
{
    struct arena arena CLEANUP(arena_free);
    arena_init(&arena, RECORD_ARENA_MAX);
    struct eventlog_record record;
    enum err err = record_read(row, &arena, &record, fault);
    return err ? err : visit(context, &record, fault);
}

enum err record_history(struct database *db, const struct id *correlation, eventlog_visit *visit,
                        void *context, struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, LOG_HISTORY, &s, fault);
    if (err)
        return err;
    bind_blob(s, 1, correlation->bytes, ID_BYTES);
    bool there = true;
    while (!err && there) {
        err = database_step(db, s, &there, fault);
        if (!err && there)
            err = visit_row(s, visit, context, fault);
    }
    statement_reset(s);
    return err;
}

/* Three sources, each in order of its ordinals. */
enum { SOURCES = 3 };

struct source {
    struct statement *row;
    bool there;
};

static enum err source_next(struct database *db, struct source *source, int64_t after,
                            struct fault *fault)
{
    enum err err;
    do
        err = database_step(db, source->row, &source->there, fault);
    while (!err && source->there && column_int(source->row, ORDINAL) <= after);
    return err;
}

static struct source *source_oldest(struct source *sources)
{
    struct source *oldest = NULL;
    for (struct source *s = sources; s < sources + SOURCES; s++)
        if (s->there && (!oldest || column_int(s->row, ORDINAL) < column_int(oldest->row, ORDINAL)))
            oldest = s;
    return oldest;
}

/* A message that a newer or older version can read is no reason to stop. */
static enum err replay_row(struct statement *row, eventlog_visit *visit, void *context,
                           struct fault *fault)
{
    struct arena arena CLEANUP(arena_free);
    arena_init(&arena, RECORD_ARENA_MAX);
    struct eventlog_record record;
    enum err err = record_read(row, &arena, &record, fault);
    if (err == ERR_UNSUPPORTED || (err && (int)column_int(row, STREAM) == STREAM_CENTRE))
        return ERR_OK;
    return err ? err : visit(context, &record, fault);
}

static enum err replay_open(struct database *db, struct source *sources, int64_t after,
                            struct fault *fault)
{
    static const size_t statements[SOURCES] = {LOG_REPLAY_RETURNS, LOG_REPLAY_SALES,
                                               LOG_REPLAY_INBOX};
    enum err err = ERR_OK;
    for (size_t i = 0; i < SOURCES && !err; i++) {
        err = database_statement(db, statements[i], &sources[i].row, fault);
        if (!err)
            err = source_next(db, &sources[i], after, fault);
    }
    return err;
}

enum err record_replay(struct database *db, int64_t after, int64_t until, eventlog_visit *visit,
                       void *context, struct fault *fault)
{
    struct source sources[SOURCES] = {{0}};
    enum err err = replay_open(db, sources, after, fault);
    struct source *next;
    while (!err && (next = source_oldest(sources)) != NULL &&
           column_int(next->row, ORDINAL) <= until) {
        err = replay_row(next->row, visit, context, fault);
        if (!err)
            err = source_next(db, next, after, fault);
    }
    for (size_t i = 0; i < SOURCES; i++)
        statement_reset(sources[i].row);
    return err;
}
