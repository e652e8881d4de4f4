#include "tests/support/log_fixture.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Setting a test up must not fail, in release builds either. */
static void must(bool ok, const char *what)
{
    if (ok)
        return;
    (void)fprintf(stderr, "test fixture: %s\n", what);
    abort();
}

/* --- The view: how many events a correlation has, and where its last one is -------------- */

enum { TALLY_ADD, TALLY_COUNT };

static const struct database_sql tally_sql[] = {
    {"add", "INSERT INTO tally VALUES (?1, 1, ?2, ?3) ON CONFLICT (correlation) "
            "DO UPDATE SET events = events + 1, stream = ?2, seq = ?3"},
    {"count", "SELECT events FROM tally WHERE correlation = ?1"},
};

static enum err tally_apply(void *context, struct database_statements *sql,
                            const struct eventlog_record *record, struct fault *fault)
{
    (void)context;
    struct statement *s;
    enum err err = database_attached(sql, TALLY_ADD, &s, fault);
    if (err)
        return err;
    bind_blob(s, 1, record->event.correlation.bytes, ID_BYTES);
    bind_int(s, 2, record->stream);
    bind_int(s, 3, record->seq);
    return statement_run(s, fault);
}

static const struct eventlog_view tally = {
    .name = "tally",
    .version = 1,
    .create = "CREATE TABLE tally (correlation BLOB PRIMARY KEY, events INTEGER NOT NULL, "
              "stream INTEGER NOT NULL, seq INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
              "CREATE TABLE tally_first (one INTEGER PRIMARY KEY); "
              "INSERT INTO tally_first VALUES (1)",
    .drop = "DROP TABLE IF EXISTS tally; DROP TABLE IF EXISTS tally_first",
    .statements = tally_sql,
    .statement_count = sizeof tally_sql / sizeof tally_sql[0],
    .apply = tally_apply,
};

static enum err tally_count(struct database_statements *sql, const struct id *correlation,
                            int64_t *count, struct fault *fault)
{
    struct statement *s;
    bool row = false;
    enum err err = database_attached(sql, TALLY_COUNT, &s, fault);
    if (err)
        return err;
    bind_blob(s, 1, correlation->bytes, ID_BYTES);
    err = statement_step(s, &row, fault);
    *count = !err && row ? column_int(s, 0) : 0;
    statement_reset(s);
    return err;
}

/* --- The folder ------------------------------------------------------------------------------ */

static void committed(void *context)
{
    struct log_fixture *f = context;
    __atomic_add_fetch(&f->commits, 1, __ATOMIC_RELAXED);
}

void log_fixture_begin(struct log_fixture *f)
{
    *f = (struct log_fixture){.view = tally};
    scratch_make(&f->scratch);
    must(clock_fake_open(&f->clock, INT64_C(1700000000000), NULL) == ERR_OK, "the clock");
    f->config = (struct eventlog_config){
        .folder = f->scratch.path,
        .device_id = "box-1",
        .store = "0042",
        .clock = f->clock,
        .views = &f->view,
        .view_count = 1,
        .committed = committed,
        .context = f,
    };
}

void log_fixture_make(struct log_fixture *f)
{
    log_fixture_begin(f);
    must(log_fixture_open(f) == ERR_OK, f->fault.text);
}

enum err log_fixture_open(struct log_fixture *f)
{
    return eventlog_open(&f->log, &f->config, &f->fault);
}

void log_fixture_close(struct log_fixture *f)
{
    eventlog_close(f->log);
    f->log = NULL;
}

void log_fixture_reopen(struct log_fixture *f)
{
    log_fixture_close(f);
    must(log_fixture_open(f) == ERR_OK, f->fault.text);
}

void log_fixture_remove(struct log_fixture *f)
{
    log_fixture_close(f);
    clock_close(f->clock);
    scratch_remove(&f->scratch);
}

int log_fixture_setup(void **state)
{
    struct log_fixture *f = calloc(1, sizeof *f);
    log_fixture_make(f);
    *state = f;
    return 0;
}

int log_fixture_teardown(void **state)
{
    struct log_fixture *f = *state;
    log_fixture_remove(f);
    free(f);
    return 0;
}

static sqlite3 *open_raw(struct log_fixture *f)
{
    char path[SCRATCH_PATH_MAX];
    sqlite3 *db;
    must(sqlite3_open(scratch_path(&f->scratch, "tillback.db", path), &db) == SQLITE_OK, path);
    return db;
}

void log_fixture_tamper(struct log_fixture *f, const char *sql)
{
    sqlite3 *db = open_raw(f);
    must(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK, sqlite3_errmsg(db));
    sqlite3_close(db);
}

int64_t log_fixture_number(struct log_fixture *f, const char *sql)
{
    sqlite3 *db = open_raw(f);
    sqlite3_stmt *s;
    must(sqlite3_prepare_v2(db, sql, -1, &s, NULL) == SQLITE_OK, sqlite3_errmsg(db));
    int64_t number = sqlite3_step(s) == SQLITE_ROW ? sqlite3_column_int64(s, 0) : -1;
    sqlite3_finalize(s);
    sqlite3_close(db);
    return number;
}

static void copy(struct log_fixture *f, const char *from, const char *to)
{
    char path[SCRATCH_PATH_MAX];
    char chunk[65536];
    FILE *in = fopen(scratch_path(&f->scratch, from, path), "rb");
    must(in != NULL, path);
    FILE *out = fopen(scratch_path(&f->scratch, to, path), "wb");
    must(out != NULL, path);
    for (size_t n; (n = fread(chunk, 1, sizeof chunk, in)) > 0;)
        must(fwrite(chunk, 1, n, out) == n, path);
    (void)fclose(in);
    must(fclose(out) == 0, path);
}

void log_fixture_keep(struct log_fixture *f, const char *name)
{
    must(!f->log, "only a closed log is kept");
    copy(f, "tillback.db", name);
}

void log_fixture_restore(struct log_fixture *f, const char *name)
{
    must(!f->log, "only a closed log is restored");
    copy(f, name, "tillback.db");
}

struct eventlog_stream_status log_fixture_stream(struct log_fixture *f, enum stream stream)
{
    struct eventlog_status status;
    eventlog_status(f->log, &status);
    return status.streams[stream];
}

/* --- Commands -------------------------------------------------------------------------------- */

struct id log_fixture_id(uint8_t tag)
{
    struct id id = {{1, 2, 3, 4, 5, 6, 0x70, 8, 0x80, tag}};
    return id;
}

static enum err decide(void *context, struct eventlog_txn *txn, struct fault *fault)
{
    struct log_command *c = context;
    enum err err = tally_count(eventlog_txn_view(txn, "tally"), &c->correlation, &c->seen, fault);
    if (err)
        return err;
    struct buf data;
    buf_init(&data, EVENT_BODY_MAX);
    buf_append_text(&data, "{\"pad\":\"");
    for (size_t i = 0; i < c->padding; i++)
        buf_append_char(&data, (char)('a' + i % 26));
    buf_append_text(&data, "\"}");
    for (int i = 0; i < c->events && !err; i++) {
        int64_t seq = 0;
        struct event draft = {
            .type = c->type,
            .subject = slice_of(c->subject ? c->subject : "receipt/1"),
            .correlation = c->correlation,
            .sequence = c->seen + i + 1,
            .data = buf_slice(&data),
        };
        err = eventlog_append(txn, &draft, &seq, fault);
        if (i == 0)
            c->first = seq;
    }
    buf_free(&data);
    return err || !c->fail ? err : fault_set(fault, c->fail, "test", "as the test wants");
}

static enum err replay(void *context, struct eventlog_txn *txn, const struct eventlog_record *first,
                       struct fault *fault)
{
    (void)txn;
    (void)fault;
    struct log_command *c = context;
    c->replayed = true;
    c->first = first->seq;
    return ERR_OK;
}

static void done(void *context, enum err err, const struct fault *fault)
{
    struct log_command *c = context;
    pthread_mutex_lock(&c->lock);
    c->err = err;
    c->fault = *fault;
    c->ended = true;
    pthread_cond_signal(&c->wake);
    pthread_mutex_unlock(&c->lock);
}

void log_command_make(struct log_command *c, struct log_fixture *f, enum event_type type,
                      int events)
{
    *c = (struct log_command){
        .command = {.decide = decide, .replay = replay, .done = done, .context = c},
        .fixture = f,
        .type = type,
        .events = events,
        .correlation = log_fixture_id(1),
        .lock = PTHREAD_MUTEX_INITIALIZER,
        .wake = PTHREAD_COND_INITIALIZER,
    };
}

void log_command_key(struct log_command *c, const char *key, const char *hash)
{
    c->command.key = slice_of(key);
    c->command.request_hash = slice_of(hash);
}

void log_command_submit(struct log_command *c)
{
    eventlog_submit(c->fixture->log, &c->command);
}

enum err log_command_await(struct log_command *c)
{
    pthread_mutex_lock(&c->lock);
    while (!c->ended)
        pthread_cond_wait(&c->wake, &c->lock);
    pthread_mutex_unlock(&c->lock);
    return c->err;
}

int64_t log_fixture_append(struct log_fixture *f, enum event_type type, int events)
{
    struct log_command c;
    log_command_make(&c, f, type, events);
    log_command_submit(&c);
    must(log_command_await(&c) == ERR_OK, c.fault.text);
    return c.first + events - 1;
}

/* --- Delivery -------------------------------------------------------------------------------- */

struct ack log_fixture_ack(struct log_fixture *f, enum stream stream, int64_t through,
                           int64_t ack_no)
{
    struct ack ack = {
        .log = log_fixture_stream(f, stream).log,
        .through = through,
        .backed_up_through = through,
        .ack_no = ack_no,
        .hub_epoch = 1,
    };
    struct buf ignored;
    buf_init(&ignored, 16 * EVENT_BODY_MAX);
    struct sha256 before;
    must(log_fixture_range(f, &ack.log, through ? through : 1, 1, &ignored, &before, &ack.hash) ==
             ERR_OK,
         "reading the hash to acknowledge");
    buf_free(&ignored);
    return ack;
}

enum err log_fixture_acknowledge(struct log_fixture *f, enum stream stream, const struct ack *ack)
{
    struct log_command waiter;
    log_command_make(&waiter, f, EVENT_RETURN_CREATED, 0);
    eventlog_acknowledge(f->log, stream, ack, done, &waiter);
    return log_command_await(&waiter);
}

int64_t log_fixture_lost(struct log_fixture *f)
{
    struct eventlog_status status;
    eventlog_status(f->log, &status);
    return status.lost[STREAM_RETURNS] + status.lost[STREAM_SALES];
}

enum err log_fixture_expect(struct log_fixture *f, const struct id *log, enum stream stream,
                            int64_t through)
{
    struct log_command waiter;
    log_command_make(&waiter, f, EVENT_RETURN_CREATED, 0);
    eventlog_expect(f->log, log, stream, through, done, &waiter);
    return log_command_await(&waiter);
}

enum err log_fixture_receive(struct log_fixture *f, int64_t epoch, int64_t number,
                             struct slice body)
{
    struct log_command waiter;
    log_command_make(&waiter, f, EVENT_RETURN_CREATED, 0);
    const struct inbox_place place = {epoch, number, number - 1, number};
    eventlog_receive(f->log, &place, body, done, &waiter);
    return log_command_await(&waiter);
}

void log_fixture_message(struct buf *out, uint8_t tag, struct id correlation)
{
    struct event event = {
        .id = log_fixture_id(tag),
        .type = EVENT_JOURNAL_POSTED,
        .source = SLICE_LITERAL("/hub"),
        .time_ms = INT64_C(1700000000000),
        .boot_id = SLICE_LITERAL("hub"),
        .correlation = correlation,
        .data = SLICE_LITERAL("{\"entry\":\"J-1\"}"),
    };
    event_write(out, &event);
}

/* --- Reading --------------------------------------------------------------------------------- */

struct range {
    struct buf *out;
    struct sha256 *last;
};

static enum err add_body(void *context, int64_t seq, struct slice body, const struct sha256 *hash,
                         struct fault *fault)
{
    (void)fault;
    struct range *range = context;
    buf_printf(range->out, "%lld:", (long long)seq);
    buf_append(range->out, body.data, body.len);
    buf_append_char(range->out, '\n');
    *range->last = *hash;
    return ERR_OK;
}

enum err log_fixture_range(struct log_fixture *f, const struct id *log, int64_t first, int64_t max,
                           struct buf *out, struct sha256 *before, struct sha256 *last)
{
    struct eventlog_reader *reader;
    must(eventlog_reader_open(&reader, &f->config, NULL) == ERR_OK, "opening a reader");
    struct range range = {out, last};
    const struct eventlog_span span = {*log, first, max};
    enum err err = eventlog_range(reader, &span, before, add_body, &range, &f->fault);
    eventlog_reader_close(reader);
    return err;
}

struct findings {
    struct eventlog_finding *first;
    int count;
};

static void count_finding(void *context, const struct eventlog_finding *finding)
{
    struct findings *findings = context;
    if (findings->count++ == 0)
        *findings->first = *finding;
}

int log_fixture_verify(struct log_fixture *f, struct eventlog_finding *first)
{
    struct findings findings = {first, 0};
    int64_t events;
    *first = (struct eventlog_finding){0};
    enum err err = eventlog_verify(&f->config, count_finding, &findings, &events, &f->fault);
    must(err == ERR_OK, f->fault.text);
    return findings.count;
}

int log_fixture_findings(struct log_fixture *f)
{
    struct eventlog_finding first;
    int findings = log_fixture_verify(f, &first);
    if (findings)
        (void)printf("%d findings, the first: %s: %s\n", findings, first.what, first.text);
    return findings;
}
