#include "tests/support/hub_day.h"
#include "sync/hub/ingest/backup.h"
#include "tests/support/take_batch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const int64_t now_ms = INT64_C(1795000000000);

static struct id made_id(int kind, int number)
{
    struct id id = {{0}};
    (void)snprintf((char *)id.bytes, ID_BYTES, "%02d-%08d", kind, number);
    return id;
}

static void make_log(struct hub_day *log)
{
    log->log = made_id(1, 1);
    log->hashes[0] = chain_origin(&log->log, NULL);
    for (int i = 0; i < HUB_DAY_EVENTS; i++) {
        char data[4096];
        (void)snprintf(data, sizeof data,
                       "{\"receipt\":\"R%d\",\"number\":\"N%d\",\"text\":\"%*s\"}", i, i,
                       i % 7 == 6 ? 3000 : 20, "");
        struct event event = {
            .id = made_id(2, i),
            .type = EVENT_RETURN_CREATED,
            .source = SLICE_LITERAL("/store/0042/device/box-a"),
            .time_ms = now_ms,
            .correlation = made_id(3, i),
            .sequence = 1,
            .data = slice_of(data),
        };
        struct buf body;
        buf_init(&body, EVENT_BODY_MAX);
        event_write(&body, &event);
        log->bodies[i] = buf_slice(&body); /* freed with the day */
        log->hashes[i + 1] = chain_next(&log->hashes[i], log->bodies[i]);
    }
}

static void free_log(struct hub_day *log)
{
    for (int i = 0; i < HUB_DAY_EVENTS; i++)
        free((void *)(uintptr_t)log->bodies[i].data);
}

enum err hub_day_open(struct hub_day *d)
{
    char path[SCRATCH_PATH_MAX];
    struct fault fault = {0};
    const struct hubdb_config config = {
        .path = scratch_path(&d->scratch, "hub.db", path),
        .folder = d->scratch.path,
        .vfs = d->vfs,
        .now_ms = now_ms,
    };
    return hubdb_open(&d->hub, &config, &fault);
}

void hub_day_close(struct hub_day *d)
{
    hubdb_close(d->hub);
    d->hub = NULL;
}

/* The hub's word, given after COMMIT only. */
static enum err give(struct hub_day *d, int64_t first, int64_t last, struct ingest_result *result)
{
    struct database *db = hubdb_database(d->hub);
    struct ingest_rules rules = {.hub_epoch = hubdb_epoch(d->hub)};
    struct ingest_batch batch = {
        .device = "box-a",
        .header = {.log = d->log,
                   .stream = STREAM_RETURNS,
                   .first = first,
                   .last = last,
                   .prev = d->hashes[first - 1],
                   .hash = d->hashes[last]},
        .bodies = &d->bodies[first - 1],
        .count = (size_t)(last - first + 1),
        .received_ms = now_ms,
    };
    struct fault fault;
    enum err err = database_begin(db, &fault);
    if (!err)
        err = take_batch(db, &rules, &batch, result, &fault);
    if (!err)
        err = database_commit(db, &fault);
    if (err)
        database_rollback(db);
    return err;
}

/* Batches of one to five, one of them ahead of its turn, a restart in between. */
void hub_day_live(struct hub_day *d)
{
    int64_t first = 1;
    while (first <= HUB_DAY_EVENTS) {
        int64_t last = first + first % 5 < HUB_DAY_EVENTS ? first + first % 5 : HUB_DAY_EVENTS;
        struct ingest_result result;
        if (first > HUB_DAY_EVENTS / 2 && first < HUB_DAY_EVENTS / 2 + 6) {
            hub_day_close(d);
            if (hub_day_open(d))
                return;
        }
        if (first % 4 == 1 && last + 2 <= HUB_DAY_EVENTS)
            (void)give(d, last + 1, last + 2, &result);
        if (give(d, first, last, &result) == ERR_OK && result.has_ack) {
            d->acknowledged = result.ack.through;
            d->epoch = result.ack.hub_epoch;
        }
        first = last + 1;
    }
    hub_day_close(d);
}

static int64_t number_of(struct hub_day *d, const char *sql)
{
    sqlite3_stmt *s;
    sqlite3 *db = database_handle(hubdb_database(d->hub));
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &s, NULL), SQLITE_OK);
    int64_t number = sqlite3_step(s) == SQLITE_ROW ? sqlite3_column_int64(s, 0) : -1;
    sqlite3_finalize(s);
    return number;
}

/* How many promises were broken. */
int hub_day_broken(struct hub_day *d)
{
    int broken = 0;
    struct fault fault;
    struct ingest_result result = {0};
    struct ingest_rules rules = {.hub_epoch = hubdb_epoch(d->hub)};
    enum err err = ingest_acknowledgement(hubdb_database(d->hub), &rules, &d->log, &result, &fault);
    int64_t through = err ? 0 : result.ack.through;
    broken += through < d->acknowledged;
    for (int64_t first = 1; first <= HUB_DAY_EVENTS; first += 6)
        broken += give(d, first, first + 5, &result) != ERR_OK;
    broken += result.ack.through != HUB_DAY_EVENTS;
    broken += number_of(d, "SELECT count(*) FROM event") != HUB_DAY_EVENTS;
    broken += number_of(d, "SELECT count(*) FROM pragma_integrity_check "
                           "WHERE integrity_check <> 'ok'") != 0;
    return broken;
}

void hub_day_back_up(struct hub_day *d)
{
    char path[SCRATCH_PATH_MAX];
    struct fault fault;
    enum err err = backup_make(d->hub, scratch_path(&d->scratch, "copy.db", path), &fault);
    (void)err; /* the copy that it makes is whole, or there is none */
}

void hub_day_begin(struct hub_day *d, const char *vfs)
{
    *d = (struct hub_day){.vfs = vfs};
    scratch_make(&d->scratch);
    make_log(d);
    assert_int_equal(hub_day_open(d), ERR_OK);
}

void hub_day_end(struct hub_day *d)
{
    hub_day_close(d);
    free_log(d);
    scratch_remove(&d->scratch);
}
