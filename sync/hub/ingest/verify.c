#include "sync/hub/ingest/verify.h"
#include "sync/contract/chain.h"
#include "sync/hub/ingest/ingest.sql.h"
#include "sync/hub/ingest/recall.h"
#include "sync/hub/ingest/schema_fit.h"
#include "sync/hub/ingest/stream_log.h"
#include "sync/hub/ingest/wal_check.h"
#include "sync/hub/ingest/wal_watch.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { LOGS_AT_ONCE = 64, ROWS_AT_ONCE = 500, TAIL_EVENTS = 500 };
/* After a look gave way: before the next, twice as long each time. */
enum { PAUSE_MS = 200, PAUSE_MOST_MS = 10 * 60 * 1000, NAP_MS = 20 };

struct verify {
    struct database *db;
    bool on_server;
    const struct verify_wish *wish;
    struct verified done;
};

__attribute__((format(printf, 3, 4))) static void found(struct verify *v, const char *what,
                                                        const char *format, ...)
{
    struct verify_finding finding = {.what = what};
    va_list words;
    va_start(words, format);
    (void)vsnprintf(finding.text, sizeof finding.text, format, words);
    va_end(words);
    v->done.findings++;
    v->wish->report(v->wish->context, &finding);
}

static bool goes_on(const struct verify *v)
{
    return !v->wish->goes_on || v->wish->goes_on(v->wish->context);
}

/* What can't be read is a finding; that the server or memory is gone is not. */
static enum err unreadable(struct verify *v, enum err err, struct fault *fault)
{
    if (err != ERR_CORRUPT)
        return err;
    found(v, "unreadable", "%s: %s", fault->where, fault->text);
    return ERR_OK;
}

/* --- Pages and references -------------------------------------------------------------------- */

/* An event that was asked for again: what refers to it is right once it has come. */
static bool is_awaited(struct statement *s, int64_t recalled)
{
    const char *parent = column_count(s) > 2 ? column_text(s, 2) : NULL;
    return recalled && parent && strcmp(parent, "event") == 0;
}

/* Each row of the pragma but "ok" is a finding. */
static enum err look(struct verify *v, const char *pragma, const char *what, struct fault *fault)
{
    struct statement *s;
    bool row = true;
    int64_t recalled = 0;
    int64_t lost = 0;
    enum err err = recall_waiting(v->db, &recalled, &lost, fault);
    if (!err)
        err = database_prepare(v->db, pragma, &s, fault);
    if (err)
        return unreadable(v, err, fault);
    while ((err = statement_step(s, &row, fault)) == ERR_OK && row) {
        const char *text = column_text(s, 0);
        if (!is_awaited(s, recalled + lost) && (!text || strcmp(text, "ok") != 0))
            found(v, what, "%s", text ? text : "a row without a name");
    }
    statement_close(s);
    return unreadable(v, err, fault);
}

static void rest(const struct verify *v, int pause_ms)
{
    const struct timespec nap = {.tv_nsec = NAP_MS * 1000000L};
    for (int ms = 0; ms < pause_ms && goes_on(v); ms += NAP_MS)
        (void)nanosleep(&nap, NULL);
}

/* One statement that reads all pages. What it has found already ends it, too. */
static enum err look_giving_way(struct verify *v, const char *pragma, const char *what,
                                struct fault *fault)
{
    int64_t findings = v->done.findings;
    for (int pause_ms = PAUSE_MS;; pause_ms = pause_ms < PAUSE_MOST_MS ? pause_ms * 2 : pause_ms) {
        struct wal_watch *watch;
        enum err err = wal_watch_begin(&watch, v->db, v->wish->goes_on, v->wish->context, fault);
        if (err)
            return err;
        err = look(v, pragma, what, fault);
        bool gave_way = wal_watch_end(watch);
        if (!err || !gave_way || !goes_on(v))
            return err;
        if (v->done.findings > findings)
            return ERR_OK;
        v->done.gave_way++;
        rest(v, pause_ms);
    }
}

/* --- Pages of rows --------------------------------------------------------------------------- */

typedef void row_take(void *context, struct statement *s);

/* Of one log, up to a seq. */
struct part {
    int64_t log_no;
    int64_t last;
};

/*
 * All rows of a statement that gives so many with the number of its column 0 above another, page by
 * page: ?1 above which, ?2 how many. With a part of a log its number is ?1, the others follow, and
 * ?4 is its last seq.
 */
static enum err take_rows(struct verify *v, size_t index, const struct part *of, int64_t after,
                          row_take *take, void *context, struct fault *fault)
{
    int rows = ROWS_AT_ONCE;
    enum err err = ERR_OK;
    while (!err && rows == ROWS_AT_ONCE && goes_on(v)) {
        struct statement *s;
        bool row = true;
        int place = 1;
        err = database_statement(v->db, index, &s, fault);
        if (err)
            break;
        if (of)
            bind_int(s, place++, of->log_no);
        bind_int(s, place++, after);
        bind_int(s, place++, ROWS_AT_ONCE);
        if (of)
            bind_int(s, place, of->last);
        for (rows = 0; (err = database_step(v->db, s, &row, fault)) == ERR_OK && row; rows++) {
            take(context, s);
            after = column_int(s, 0);
        }
        statement_reset(s);
    }
    return err;
}

/* --- Events ---------------------------------------------------------------------------------- */

static void check_event(void *context, struct statement *s)
{
    struct verify *v = context;
    struct sha256 kept;
    struct sha256 is = sha256_of(column_slice(s, 2));
    v->done.events++;
    if (column_bytes(s, 1, kept.bytes, SHA256_BYTES) != ERR_OK || !sha256_equal(&kept, &is))
        found(v, "event", "event %" PRId64 " is not the one that came", column_int(s, 0));
}

/* --- Chains ---------------------------------------------------------------------------------- */

struct chain {
    struct verify *verify;
    struct stream_log log;
    char name[ID_TEXT + 1];
    int64_t next; /* seq; up to the watermark all must be there */
    int64_t above;
    int64_t gaps; /* places of the centre's own log that are empty */
    struct sha256 hash;
};

/* Below the watermark. Nobody can fill the centre's own: once they are told, that is all. */
static void find_gap(struct chain *chain, int64_t before)
{
    int64_t last = before <= chain->log.through ? before - 1 : chain->log.through;
    if (chain->next > last)
        return;
    if (chain->log.stream == STREAM_CENTRE)
        chain->gaps += last - chain->next + 1;
    else
        found(chain->verify, "chain", "log %s: %" PRId64 " to %" PRId64 " are missing", chain->name,
              chain->next, last);
}

static enum err check_gaps(struct chain *chain, struct fault *fault)
{
    int64_t told = 0;
    find_gap(chain, INT64_MAX);
    if (!chain->gaps)
        return ERR_OK;
    enum err err = recall_told(chain->verify->db, &chain->log, 1, chain->log.through, &told, fault);
    if (!err && told != chain->gaps)
        found(chain->verify, "chain", "log %s, the centre's: %" PRId64 " events are missing",
              chain->name, chain->gaps - told);
    return err;
}

static void follow(void *context, struct statement *s)
{
    struct chain *chain = context;
    struct verify *v = chain->verify;
    int64_t seq = column_int(s, 0);
    struct sha256 kept = {{0}};
    bool read = column_bytes(s, 1, kept.bytes, SHA256_BYTES) == ERR_OK;
    if (seq > chain->log.through)
        chain->above++;
    find_gap(chain, seq);
    bool follows = seq == chain->next;
    chain->hash = follows ? chain_next(&chain->hash, column_slice(s, 2)) : kept;
    if (!read || (follows && !sha256_equal(&chain->hash, &kept)))
        found(v, "chain", "log %s: %" PRId64 " doesn't follow from what is before it", chain->name,
              seq);
    chain->hash = kept;
    chain->next = seq + 1;
    if (seq == chain->log.through && !sha256_equal(&kept, &chain->log.hash))
        found(v, "chain", "log %s: the hash at its watermark %" PRId64 " is another", chain->name,
              seq);
}

static enum err count_held(struct verify *v, const struct chain *chain, int64_t *held,
                           struct fault *fault)
{
    struct statement *s;
    bool row;
    enum err err = database_statement(v->db, INGEST_VERIFY_HELD, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, chain->log.no);
    bind_int(s, 2, chain->log.through);
    err = database_step(v->db, s, &row, fault);
    if (!err)
        *held = row ? column_int(s, 0) : 0;
    statement_reset(s);
    return err;
}

/* Up to the watermark of now: what is there stays as it is, so that no snapshot need be held. */
static enum err follow_settled(struct verify *v, struct chain *chain, struct fault *fault)
{
    const struct part settled = {chain->log.no, chain->log.through};
    return take_rows(v, INGEST_VERIFY_ENTRIES, &settled, 0, follow, chain, fault);
}

static enum err check_end(struct verify *v, struct chain *chain, const struct id *id,
                          struct fault *fault)
{
    bool known = false;
    int64_t held = 0;
    const struct part rest = {chain->log.no, INT64_MAX};
    enum err err = stream_log_find(v->db, id, &known, &chain->log, fault);
    if (!err && known)
        err = take_rows(v, INGEST_VERIFY_ENTRIES, &rest, chain->next - 1, follow, chain, fault);
    if (!err)
        err = count_held(v, chain, &held, fault);
    if (err || !goes_on(v))
        return err;
    err = check_gaps(chain, fault);
    if (err)
        return err;
    if (chain->log.backed_up_through > chain->log.through)
        found(v, "chain", "log %s: more is backed up than held", chain->name);
    if (held != chain->above)
        found(v, "chain", "log %s: %" PRId64 " events above its watermark, and %" PRId64 " noted",
              chain->name, chain->above, held);
    return ERR_OK;
}

/* One snapshot: on a server each statement has its own otherwise. */
static enum err begin_reading(struct verify *v, struct fault *fault)
{
    return v->on_server ? database_begin(v->db, fault) : database_script(v->db, "BEGIN", fault);
}

/* A snapshot of the end alone: while one is held, a write-ahead log can only grow. */
static enum err check_whole_log(struct verify *v, const struct id *id, struct fault *fault)
{
    struct chain chain = {.verify = v, .next = 1};
    bool known = false;
    enum err err = stream_log_find(v->db, id, &known, &chain.log, fault);
    if (err || !known)
        return err;
    v->done.logs++;
    id_format(id, chain.name);
    chain.hash = chain_origin(id, chain.log.has_parent ? &chain.log.parent : NULL);
    err = follow_settled(v, &chain, fault);
    if (!err)
        err = begin_reading(v, fault);
    if (!err)
        err = check_end(v, &chain, id, fault);
    database_rollback(v->db);
    return err;
}

/* Only where it stands. */
static enum err check_watermark(struct verify *v, const struct id *id, struct fault *fault)
{
    struct stream_log log;
    struct sha256 hash;
    char name[ID_TEXT + 1];
    bool known = false;
    bool held = true;
    enum err err = stream_log_find(v->db, id, &known, &log, fault);
    if (!err && known && log.through > 0)
        err = stream_log_hash_at(v->db, &log, log.through, &held, &hash, fault);
    if (err || !known || log.through == 0)
        return err;
    int64_t told = 0;
    if (!held)
        err = recall_told(v->db, &log, log.through, log.through, &told, fault);
    if (err || told)
        return err;
    id_format(id, name);
    if (!held || !sha256_equal(&hash, &log.hash))
        found(v, "chain", "log %s: the hash at its watermark %" PRId64 " is another", name,
              log.through);
    return ERR_OK;
}

typedef enum err check_log(struct verify *v, const struct id *id, struct fault *fault);

static enum err check_logs(struct verify *v, check_log *check, struct fault *fault)
{
    struct id logs[LOGS_AT_ONCE];
    int64_t after = 0;
    int rows = LOGS_AT_ONCE;
    enum err err = ERR_OK;
    while (!err && rows == LOGS_AT_ONCE && goes_on(v)) {
        struct statement *s;
        bool row = true;
        size_t count = 0;
        err = database_statement(v->db, INGEST_VERIFY_LOGS, &s, fault);
        if (err)
            break;
        bind_int(s, 1, after);
        bind_int(s, 2, LOGS_AT_ONCE);
        for (rows = 0; (err = database_step(v->db, s, &row, fault)) == ERR_OK && row; rows++) {
            after = column_int(s, 0);
            if (column_bytes(s, 1, logs[count].bytes, ID_BYTES) != ERR_OK)
                found(v, "chain", "log number %" PRId64 " has no id", after);
            else
                count++;
        }
        statement_reset(s);
        for (size_t i = 0; i < count && !err; i++)
            err = unreadable(v, check(v, &logs[i], fault), fault);
    }
    return unreadable(v, err, fault);
}

static enum err check_events(struct verify *v, int64_t after, struct fault *fault)
{
    return unreadable(v, take_rows(v, INGEST_VERIFY_EVENTS, NULL, after, check_event, v, fault),
                      fault);
}

static enum err find_newest(struct verify *v, int64_t *newest, struct fault *fault)
{
    struct statement *s;
    bool row;
    enum err err = database_statement(v->db, INGEST_VERIFY_NEWEST, &s, fault);
    if (!err)
        err = database_step(v->db, s, &row, fault);
    if (err)
        return err;
    *newest = column_int(s, 0);
    statement_reset(s);
    return ERR_OK;
}

enum err verify_tail(struct hubdb *hub, const struct verify_wish *wish, struct fault *fault)
{
    struct verify v = {.db = hubdb_database(hub), .on_server = hubdb_on_server(hub), .wish = wish};
    int64_t newest = 0;
    enum err err = begin_reading(&v, fault);
    if (!err)
        err = unreadable(&v, find_newest(&v, &newest, fault), fault);
    if (!err)
        err = check_events(&v, newest > TAIL_EVENTS ? newest - TAIL_EVENTS : 0, fault);
    if (!err)
        err = check_logs(&v, check_watermark, fault);
    database_rollback(v.db);
    return err;
}

enum err verify_wal(const char *database, const struct verify_wish *wish, int64_t *findings,
                    struct fault *fault)
{
    struct verify v = {.wish = wish};
    struct wal_found wal;
    enum err err = wal_check(database, &wal, fault);
    if (err)
        return err;
    if (wal.damaged_at < 0)
        found(&v, "wal", "%s-wal: its header is damaged, or it is gone; what was in it is lost",
              database);
    else if (wal.damaged_at > 0)
        found(&v, "wal", "%s-wal: frame %" PRId64 " is damaged; it and what was after it is lost",
              database, wal.damaged_at);
    *findings = v.done.findings;
    return ERR_OK;
}

enum err verify_hub(struct hubdb *hub, const struct verify_wish *wish, struct verified *verified,
                    struct fault *fault)
{
    struct verify v = {.db = hubdb_database(hub), .on_server = hubdb_on_server(hub), .wish = wish};
    enum err err = ERR_OK;
    if (!hubdb_on_server(hub)) {
        err = unreadable(&v, schema_fit(database_name(v.db), NULL, true, fault), fault);
        if (!err)
            err = look_giving_way(&v, "PRAGMA integrity_check(20)", "pages", fault);
        if (!err)
            err = look_giving_way(&v, "PRAGMA foreign_key_check", "reference", fault);
    }
    if (!err)
        err = check_events(&v, 0, fault);
    if (!err)
        err = check_logs(&v, check_whole_log, fault);
    if (!err)
        *verified = v.done;
    return err;
}
