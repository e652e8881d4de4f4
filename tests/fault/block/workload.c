/*
 * What runs in the virtual machine whose disk is logged, and what looks afterwards at what a power
 * cut may have left of it.
 *
 *   block_workload eventlog FOLDER DEVICE OFFSET       appends, acknowledges, prunes
 *   block_workload hub FOLDER DEVICE OFFSET            takes a store's batches in
 *   block_workload JOURNAL/SYNC FOLDER DEVICE OFFSET   the same by SQLite alone: WAL/NORMAL, ...
 *   block_workload check-eventlog FOLDER MARK          exit 0 if all up to MARK is there and whole
 *   block_workload check-hub FOLDER MARK
 *   block_workload check-sqlite FOLDER MARK
 *
 * After each commit that was answered, a mark is written to a raw sector of the same disk: how many
 * were answered. So the log of the disk tells what must survive at each moment.
 */
#include "tests/fault/block/hub_workload.h"
#include "tests/support/log_fixture.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { COMMITS = 300, SECTOR = 512, PRUNE_EVERY = 100, ACKNOWLEDGE_EVERY = 25 };

static const char magic[8] = "TBMARK01";

static void must(bool holds, const char *what)
{
    if (holds)
        return;
    (void)printf("FAILED: %s\n", what);
    exit(2);
}

/* --- The mark -------------------------------------------------------------------------------- */

struct mark {
    int fd;
    off_t offset;
    char *sector; /* aligned for O_DIRECT */
};

static struct mark mark_open(const char *device, const char *offset)
{
    struct mark mark = {.fd = open(device, O_WRONLY | O_DIRECT),
                        .offset = strtoll(offset, NULL, 10)};
    must(mark.fd >= 0, device);
    must(posix_memalign((void **)&mark.sector, 4096, SECTOR) == 0, "memory");
    memset(mark.sector, 0, SECTOR);
    memcpy(mark.sector, magic, sizeof magic);
    return mark;
}

static void mark_write(struct mark *mark, int64_t answered)
{
    memcpy(mark->sector + sizeof magic, &answered, sizeof answered);
    must(pwrite(mark->fd, mark->sector, SECTOR, mark->offset) == SECTOR, "writing the mark");
}

/* --- The event log --------------------------------------------------------------------------- */

/* The fixture, in that folder instead of one of its own. */
static void open_log(struct log_fixture *f, const char *folder)
{
    log_fixture_make(f);
    log_fixture_close(f);
    f->config.folder = folder;
    (void)snprintf(f->scratch.path, sizeof f->scratch.path, "%s", folder);
    if (log_fixture_open(f) != ERR_OK)
        must(false, f->fault.text);
}

static void care(struct log_fixture *f, int commit, int64_t head)
{
    if (commit % ACKNOWLEDGE_EVERY == 0) {
        struct ack ack = log_fixture_ack(f, STREAM_RETURNS, head, commit);
        must(log_fixture_acknowledge(f, STREAM_RETURNS, &ack) == ERR_OK, "acknowledging");
    }
    if (commit % PRUNE_EVERY == 0) {
        const struct eventlog_retention rules = {.max_events = 30};
        int64_t pruned;
        must(eventlog_prune(f->log, &rules, &pruned, &f->fault) == ERR_OK, f->fault.text);
    }
}

static void run_eventlog(const char *folder, struct mark *mark)
{
    struct log_fixture f;
    open_log(&f, folder);
    for (int commit = 1; commit <= COMMITS; commit++) {
        struct log_command commands[3];
        int count = 1 + commit % 3;
        for (int i = 0; i < count; i++) { /* one group, if they come in time */
            log_command_make(&commands[i], &f, EVENT_RETURN_CREATED, 1);
            commands[i].correlation = log_fixture_id((uint8_t)commit);
            commands[i].padding = (size_t)(50 + commit * 37 % 900 + (commit % 20 ? 0 : 20000));
            log_command_submit(&commands[i]);
        }
        int64_t head = 0;
        for (int i = 0; i < count; i++) {
            must(log_command_await(&commands[i]) == ERR_OK, commands[i].fault.text);
            head = commands[i].first;
        }
        mark_write(mark, head);
        care(&f, commit, head);
    }
    log_fixture_close(&f);
}

static int check_eventlog(const char *folder, int64_t mark)
{
    struct log_fixture f;
    open_log(&f, folder);
    struct eventlog_status status;
    eventlog_status(f.log, &status);
    int64_t head = status.streams[STREAM_RETURNS].head;
    int findings = log_fixture_findings(&f);
    if (status.lost[STREAM_RETURNS] || status.forked_at_start)
        (void)printf("%lld events are told as lost\n", (long long)status.lost[STREAM_RETURNS]);
    if (head < mark)
        (void)printf("%lld were answered, %lld are there\n", (long long)mark, (long long)head);
    bool kept =
        head >= mark && !findings && !status.lost[STREAM_RETURNS] && !status.forked_at_start;
    log_fixture_close(&f);
    return kept ? 0 : 1;
}

/* --- The hub --------------------------------------------------------------------------------- */

static void mark_answered(void *context, int64_t through)
{
    mark_write(context, through);
}

/* --- SQLite alone ---------------------------------------------------------------------------- */

static sqlite3 *open_sqlite(const char *folder)
{
    char path[SCRATCH_PATH_MAX];
    sqlite3 *db;
    (void)snprintf(path, sizeof path, "%s/raw.db", folder);
    must(sqlite3_open(path, &db) == SQLITE_OK, path);
    return db;
}

static void run_sql(sqlite3 *db, const char *sql)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        must(false, sqlite3_errmsg(db));
}

static void run_sqlite(const char *setting, const char *folder, struct mark *mark)
{
    char sql[512];
    const char *slash = strchr(setting, '/');
    must(slash != NULL, "a setting is JOURNAL/SYNC");
    sqlite3 *db = open_sqlite(folder);
    (void)snprintf(sql, sizeof sql,
                   "PRAGMA journal_mode=%.*s; PRAGMA synchronous=%s; PRAGMA wal_autocheckpoint=50;"
                   "CREATE TABLE row (no INTEGER PRIMARY KEY, body TEXT)",
                   (int)(slash - setting), setting, slash + 1);
    run_sql(db, sql);
    for (int commit = 1; commit <= COMMITS; commit++) {
        (void)snprintf(sql, sizeof sql, "INSERT INTO row (body) VALUES (hex(randomblob(%d)))",
                       50 + commit * 37 % 900);
        run_sql(db, sql);
        mark_write(mark, commit);
    }
    sqlite3_close(db);
}

static int64_t number(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *s = NULL;
    int64_t found = -1;
    if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) == SQLITE_OK && sqlite3_step(s) == SQLITE_ROW)
        found = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    return found;
}

static int check_sqlite(const char *folder, int64_t mark)
{
    sqlite3 *db = open_sqlite(folder);
    int64_t bad = number(db, "SELECT count(*) FROM pragma_integrity_check "
                             "WHERE integrity_check <> 'ok'");
    int64_t rows = number(db, "SELECT count(*) FROM row");
    if (rows < 0)
        rows = 0; /* the cut came before there was a table */
    sqlite3_close(db);
    if (bad)
        (void)printf("the database is damaged\n");
    if (rows < mark)
        (void)printf("%lld were answered, %lld are there\n", (long long)mark, (long long)rows);
    return !bad && rows >= mark ? 0 : 1;
}

/* --------------------------------------------------------------------------------------------- */

int main(int argc, char **argv)
{
    must(argc >= 4, "see the top of workload.c for the words");
    if (strcmp(argv[1], "check-eventlog") == 0)
        return check_eventlog(argv[2], strtoll(argv[3], NULL, 10));
    if (strcmp(argv[1], "check-hub") == 0)
        return hub_workload_check(argv[2], strtoll(argv[3], NULL, 10));
    if (strcmp(argv[1], "check-sqlite") == 0)
        return check_sqlite(argv[2], strtoll(argv[3], NULL, 10));
    must(argc == 5, "a workload needs a device and an offset");
    struct mark mark = mark_open(argv[3], argv[4]);
    if (strcmp(argv[1], "eventlog") == 0)
        run_eventlog(argv[2], &mark);
    else if (strcmp(argv[1], "hub") == 0)
        hub_workload_run(argv[2], COMMITS, mark_answered, &mark);
    else
        run_sqlite(argv[1], argv[2], &mark);
    (void)printf("WORKLOAD DONE\n");
    return 0;
}
