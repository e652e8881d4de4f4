#include "tests/support/poster_house.h"
#include "sync/hub/ingest/journal.h"
#include "tests/support/await.h"
#include "tests/support/hub_database.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { RETRY_LEAST_MS = 5, RETRY_MOST_MS = 20 };

static enum err fake_post(void *self, const struct post_order *order, struct posted *posted,
                          struct fault *fault)
{
    struct poster_fake *fake = self;
    int call = atomic_fetch_add(&fake->calls, 1) + 1;
    if (!fake->of_south && strcmp(order->entry->company, "south") == 0)
        fake->of_south = call;
    if (atomic_fetch_sub(&fake->failures_left, 1) > 0)
        return fault_set(fault, ERR_UNREACHABLE, "fake", "is away");
    if (fake->refused && strcmp(order->entry->reference, fake->refused) == 0) {
        atomic_fetch_add(&fake->refusals, 1);
        return fault_set(fault, fake->how ? fake->how : ERR_REFUSED, "fake",
                         "doesn't like this one");
    }
    if (fake->then)
        return fault_set(fault, fake->then, "fake", "doesn't like it");
    (void)snprintf(posted->number, sizeof posted->number, "F-%.20s", order->entry->reference);
    posted->day = order->day;
    return ERR_OK;
}

static void fake_close(void *self)
{
    (void)self;
}

static const struct connector_ops fake_ops = {"fake", fake_post, fake_close};

void poster_house_must(struct poster_house *f, enum err err)
{
    if (err)
        fail_msg("%s: %s", f->fault.where, f->fault.text);
}

static void on_told(void *context, const char (*devices)[DEVICE_ID_MAX + 1], size_t count)
{
    struct poster_house *f = context;
    for (size_t i = 0; i < count; i++)
        assert_string_equal(devices[i], "box-a");
    f->told += (int)count;
}

void poster_house_entry(struct poster_house *f, struct hubdb *hub, const char *company,
                        const char *reference)
{
    struct journal_line lines[] = {
        {.account = "1", .key = {"returns", "", "", "", ""}, .debit_minor = 5},
        {.account = "2", .key = {"tax", "", "", "", ""}, .credit_minor = 5},
    };
    const struct journal_origin origin = {{{7}}, 9, POSTER_HOUSE_NOW_MS};
    const struct entry entry = {.reference = reference,
                                .return_id = "r",
                                .number = "R-1",
                                .event_id = "01935a10-7c3d-7101-8101-000000000101",
                                .rule = "accepted",
                                .company = company,
                                .store = "0042",
                                .currency = "EUR",
                                .document_day = 20779,
                                .text = "t",
                                .lines = lines,
                                .line_count = 2};
    const struct journal_item item = {origin, &entry};
    poster_house_must(f, journal_add(hubdb_database(hub), &item, 1, &f->fault));
}

int poster_house_setup(void **state)
{
    struct poster_house *f = calloc(1, sizeof *f);
    char path[SCRATCH_PATH_MAX];
    scratch_make(&f->scratch);
    const struct hubdb_config config = {.path = hub_database_path(&f->scratch, path),
                                        .folder = f->scratch.path,
                                        .now_ms = POSTER_HOUSE_NOW_MS};
    poster_house_must(f, books_open(slice_of(""), &f->books, &f->fault));
    poster_house_must(f, clock_open(&f->clock, 0, &f->fault));
    poster_house_must(f, loop_open(&f->loop, &f->fault));
    poster_house_must(f, hubdb_open(&f->hub, &config, &f->fault));
    poster_house_must(
        f, database_script(hubdb_database(f->hub),
                           "INSERT INTO device (id, first_seen_ms, last_seen_ms)"
                           " VALUES ('box-a', 0, 0);"
                           "INSERT INTO stream_log (log_no, log_id, device, stream, through, hash,"
                           " backed_up_through, ack_no, created_ms, updated_ms)"
                           " VALUES (9, x'01', 'box-a', 'returns', 0, x'00', 0, 0, 0, 0);"
                           "INSERT INTO event (event_no, device, log_no, seq, received_ms,"
                           " body_hash, body) VALUES (9, 'box-a', 9, 1, 0, x'00', x'00');"
                           "INSERT INTO return_index VALUES (x'07000000000000000000000000000000',"
                           " 9, 'box-a', 'R-1', 'A', 0)",
                           &f->fault));
    poster_house_entry(f, f->hub, "main", "a/accepted");
    poster_house_entry(f, f->hub, "main", "b/accepted");
    poster_house_must(f, hubdb_open_beside(&f->reader, &config, true, &f->fault));
    poster_house_must(f, hubdb_open_beside(&f->other, &config, false, &f->fault));
    *state = f;
    return 0;
}

void poster_house_start_worker(struct poster_house *f)
{
    const struct worker_config worker = {.max_waiting_bytes = 8 * 1024 * 1024};
    poster_house_must(f, worker_open(&f->worker, f->loop, f->hub, &worker, &f->fault));
}

void poster_house_start_one(struct poster_house *f, struct poster **poster,
                            struct poster_fake *fake, struct posting_share share,
                            int64_t most_a_minute)
{
    const struct poster_config config = {.worker = f->worker,
                                         .books = &f->books,
                                         .name = "fake",
                                         .connector = {.ops = &fake_ops, .self = fake},
                                         .share = share,
                                         .clock = f->clock,
                                         .gate = {.retry_least_ms = RETRY_LEAST_MS,
                                                  .retry_most_ms = RETRY_MOST_MS,
                                                  .most_a_minute = most_a_minute},
                                         .told = on_told,
                                         .context = f};
    poster_house_must(f, poster_open(poster, f->loop, &config, &f->fault));
    poster_wake(*poster);
}

void poster_house_start(struct poster_house *f)
{
    poster_house_start_worker(f);
    poster_house_start_one(f, &f->poster, &f->fake, (struct posting_share){0}, 0);
}

int poster_house_teardown(void **state)
{
    struct poster_house *f = *state;
    poster_close(f->poster);
    poster_close(f->other_poster);
    worker_close(f->worker);
    loop_close(f->loop);
    hubdb_close(f->reader);
    hubdb_close(f->other);
    hubdb_close(f->hub);
    clock_close(f->clock);
    books_close(&f->books);
    scratch_remove(&f->scratch);
    free(f);
    return 0;
}

int64_t poster_house_number(struct poster_house *f, const char *sql)
{
    struct statement *s;
    bool row;
    assert_int_equal(database_prepare(hubdb_database(f->reader), sql, &s, NULL), ERR_OK);
    poster_house_must(f, statement_step(s, &row, &f->fault));
    int64_t value = row ? column_int(s, 0) : 0;
    statement_close(s);
    return value;
}

static bool holds(void *context)
{
    struct poster_house *f = context;
    return poster_house_number(f, f->awaited) == 1;
}

void poster_house_await(struct poster_house *f, const char *sql)
{
    f->awaited = sql;
    assert_true(await(f->loop, holds, f, AWAIT_MS));
}
