#include "sync/eventlog/chain_walk.h"
#include "hal/base/cleanup.h"
#include "sync/eventlog/record.h"

#include <stdio.h>
#include <string.h>

struct chain_walk chain_walk_begin(const struct log_row *row)
{
    return (struct chain_walk){.next = row->first_kept, .hash = row->before_hash};
}

static void report_at(const struct chain_look *look, const struct log_row *row, int64_t seq,
                      const char *what, const char *text)
{
    struct eventlog_finding finding = {.log = row->id, .seq = seq};
    (void)snprintf(finding.what, sizeof finding.what, "%s", what);
    (void)snprintf(finding.text, sizeof finding.text, "%s %lld: %s",
                   stream_name(log_stream(row->no)), (long long)seq, text);
    look->report(look->context, &finding);
}

/* What stands beside the body, to be found by, must be what the body says. */
static bool is_found_by_its_own(struct statement *s, const struct event *event)
{
    struct slice key = column_slice(s, 3);
    struct id correlation;
    return slice_equal(key, event->idempotency_key) &&
           column_bytes(s, 4, correlation.bytes, ID_BYTES) == ERR_OK &&
           id_equal(&correlation, &event->correlation);
}

/* ERR_NO_MEMORY is no finding. */
static enum err read_body(const struct chain_look *look, struct statement *s,
                          const struct log_row *row, int64_t seq, struct fault *fault)
{
    struct arena arena CLEANUP(arena_free);
    arena_init(&arena, RECORD_ARENA_MAX);
    struct event event;
    struct fault why;
    enum err err = event_read(column_slice(s, 2), &arena, &event, &why);
    if (err == ERR_NO_MEMORY)
        return fault_set(fault, err, "event", "out of memory");
    if (err && err != ERR_UNSUPPORTED)
        report_at(look, row, seq, "body", why.text);
    else if (!err && !is_found_by_its_own(s, &event))
        report_at(look, row, seq, "key",
                  "it is filed under another key or correlation than its own");
    return ERR_OK;
}

/* Holds one row against the chain; walks past it in any case. */
static enum err walk_row(struct chain_walk *walk, struct statement *s, const struct log_row *row,
                         const struct chain_look *look, struct fault *fault)
{
    int64_t seq = log_position_seq(column_int(s, 0));
    struct slice body = column_slice(s, 2);
    struct sha256 expected = chain_next(&walk->hash, body);
    struct sha256 stored = expected;
    if (seq != walk->next)
        report_at(look, row, walk->next, "gap", "missing");
    if (column_bytes(s, 1, stored.bytes, SHA256_BYTES))
        report_at(look, row, seq, "chain", "its hash has a wrong length");
    else if (seq == walk->next && !sha256_equal(&stored, &expected))
        report_at(look, row, seq, "chain", "the body or a hash was changed");
    enum err err = look->bodies ? read_body(look, s, row, seq, fault) : ERR_OK;
    walk->next = seq + 1;
    walk->hash = stored;
    walk->events++;
    return err;
}

/*
 * A cut only moves the beginning of the log; the events before it are deleted afterwards, the
 * oldest first. So after a crash some may still be there, and the last of them must lead to the
 * beginning. Any other event before the beginning is damage.
 */
static enum err look_before(struct database *db, const struct log_row *row,
                            const struct chain_look *look, struct fault *fault)
{
    struct statement *s;
    struct sha256 hash;
    bool there;
    enum err err = database_statement(db, LOG_EVENT_LAST, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, log_position(row->no, 0));
    bind_int(s, 2, log_position(row->no, row->first_kept) - 1);
    err = database_step(db, s, &there, fault);
    if (err)
        return err;
    int64_t seq = there ? log_position_seq(column_int(s, 0)) : 0;
    bool leads = there && seq == row->first_kept - 1 &&
                 column_bytes(s, 1, hash.bytes, SHA256_BYTES) == ERR_OK &&
                 sha256_equal(&hash, &row->before_hash);
    if (there && !leads)
        report_at(look, row, seq, "log", "an event before the one that is said to be the first");
    statement_reset(s);
    return ERR_OK;
}

enum err chain_walk_on(struct chain_walk *walk, struct database *db, const struct log_row *row,
                       const struct chain_look *look, int64_t max, bool *ended, struct fault *fault)
{
    struct statement *s;
    enum err err = walk->next == row->first_kept ? look_before(db, row, look, fault) : ERR_OK;
    if (!err)
        err = database_statement(db, LOG_EVENT_RANGE, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, log_position(row->no, walk->next));
    bind_int(s, 2, log_position(row->no + 1, 0) - 1);
    bind_int(s, 3, max);
    int64_t until = walk->events + max;
    bool there = true;
    while (!err && there) {
        err = database_step(db, s, &there, fault);
        if (!err && there)
            err = walk_row(walk, s, row, look, fault);
    }
    statement_reset(s);
    if (!err)
        *ended = walk->events < until;
    return err;
}

static void keep_first(void *context, const struct eventlog_finding *finding)
{
    struct eventlog_finding *first = context;
    if (!first->what[0])
        *first = *finding;
}

enum err chain_walk_tail(struct database *db, const struct log_row *row, int64_t head,
                         int64_t count, struct fault *fault)
{
    struct chain_walk walk = chain_walk_begin(row);
    struct eventlog_finding first = {0};
    bool found = true;
    bool ended;
    if (head - count + 1 > row->first_kept) {
        walk.next = head - count + 1;
        enum err err = log_hash_at(db, row, walk.next - 1, &walk.hash, &found, fault);
        if (err)
            return err;
    }
    const struct chain_look look = {.report = keep_first, .context = &first};
    enum err err = chain_walk_on(&walk, db, row, &look, count + 1, &ended, fault);
    if (err)
        return err;
    if (first.what[0] || !found)
        return fault_set(fault, ERR_CORRUPT, "event", "%s",
                         found ? first.text : "an event is missing near the end");
    return ERR_OK;
}
