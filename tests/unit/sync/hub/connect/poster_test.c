#include "hal/base/cleanup.h"
#include "sync/hub/connect/poster.h"
#include "sync/hub/ingest/inbox.h"
#include "sync/hub/ingest/journal.h"
#include "tests/support/await.h"
#include "tests/support/hub_database.h"
#include "tests/support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { RETRY_LEAST_MS = 5, RETRY_MOST_MS = 20 };
#define NOW_MS INT64_C(1795342272000)

/* A fake accounting system: answers what the test wants, and counts. */
struct fake {
    atomic_int calls;
    atomic_int failures_left; /* as many first calls fail and may be repeated */
    atomic_int of_south;      /* which call was the first for that company */
    enum err then;            /* what the others give */
    const char *refused;      /* the reference of one that it never takes; NULL: of none */
    enum err how;             /* what that one gives; ERR_REFUSED when it isn't said */
    atomic_int refusals;
};

struct fixture {
    struct scratch scratch;
    struct loop *loop;
    struct clock *clock;
    struct hubdb *hub;
    struct hubdb *reader;
    struct hubdb *other; /* of a person who writes while the worker has the hub's */
    struct worker *worker;
    struct books books;
    struct company companies[2];
    struct poster *poster;
    struct fake fake;
    struct poster *other_poster; /* of a second connector */
    struct fake other_fake;
    int told;
    const char *awaited; /* a query that gives 1 once it holds */
    struct fault fault;
};

static enum err fake_post(void *self, const struct post_order *order, struct posted *posted,
                          struct fault *fault)
{
    struct fake *fake = self;
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

static void must(struct fixture *f, enum err err)
{
    if (err)
        fail_msg("%s: %s", f->fault.where, f->fault.text);
}

static void on_told(void *context, const char (*devices)[DEVICE_ID_MAX + 1], size_t count)
{
    struct fixture *f = context;
    for (size_t i = 0; i < count; i++)
        assert_string_equal(devices[i], "box-a");
    f->told += (int)count;
}

/* An entry as the ledger leaves it, of a return that box-a took in. */
static void put_entry(struct fixture *f, struct hubdb *hub, const char *company,
                      const char *reference)
{
    struct journal_line lines[] = {
        {.account = "1", .key = {"returns", "", "", "", ""}, .debit_minor = 5},
        {.account = "2", .key = {"tax", "", "", "", ""}, .credit_minor = 5},
    };
    const struct journal_origin origin = {{{7}}, 9, NOW_MS};
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
    must(f, journal_add(hubdb_database(hub), &item, 1, &f->fault));
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    char path[SCRATCH_PATH_MAX];
    scratch_make(&f->scratch);
    const struct hubdb_config config = {
        .path = hub_database_path(&f->scratch, path), .folder = f->scratch.path, .now_ms = NOW_MS};
    must(f, books_open(slice_of(""), &f->books, &f->fault));
    must(f, clock_open(&f->clock, 0, &f->fault));
    must(f, loop_open(&f->loop, &f->fault));
    must(f, hubdb_open(&f->hub, &config, &f->fault));
    must(f, database_script(hubdb_database(f->hub),
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
    put_entry(f, f->hub, "main", "a/accepted");
    put_entry(f, f->hub, "main", "b/accepted");
    must(f, hubdb_open_beside(&f->reader, &config, true, &f->fault));
    must(f, hubdb_open_beside(&f->other, &config, false, &f->fault));
    *state = f;
    return 0;
}

static void start_worker(struct fixture *f)
{
    const struct worker_config worker = {.max_waiting_bytes = 8 * 1024 * 1024};
    must(f, worker_open(&f->worker, f->loop, f->hub, &worker, &f->fault));
}

static void start_poster(struct fixture *f, struct poster **poster, struct fake *fake,
                         struct posting_share share, int64_t most_a_minute)
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
    must(f, poster_open(poster, f->loop, &config, &f->fault));
    poster_wake(*poster);
}

static void start(struct fixture *f)
{
    start_worker(f);
    start_poster(f, &f->poster, &f->fake, (struct posting_share){0}, 0);
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
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

static int64_t number(struct fixture *f, const char *sql)
{
    struct statement *s;
    bool row;
    assert_int_equal(database_prepare(hubdb_database(f->reader), sql, &s, NULL), ERR_OK);
    must(f, statement_step(s, &row, &f->fault));
    int64_t value = row ? column_int(s, 0) : 0;
    statement_close(s);
    return value;
}

static bool holds(void *context)
{
    struct fixture *f = context;
    return number(f, f->awaited) == 1;
}

static void await_query(struct fixture *f, const char *sql)
{
    f->awaited = sql;
    assert_true(await(f->loop, holds, f, AWAIT_MS));
}

static bool is_told_twice(void *context)
{
    return ((struct fixture *)context)->told == 2;
}

static const char both_posted[] = "SELECT count(*) = 2 FROM posting WHERE state = 'posted'";
static const char both_parked[] = "SELECT count(*) = 2 FROM posting WHERE state = 'parked'";
static const char told_posted[] = "SELECT count(*) = 2 FROM event JOIN inbox_out USING (body)"
                                  " WHERE type = 'com.tillback.journal.posted.v1'";
static const char told_parked[] = "SELECT count(*) = 2 FROM event JOIN inbox_out USING (body)"
                                  " WHERE type = 'com.tillback.journal.parked.v1'";

static void posted_entry_is_recorded_and_told_to_its_store(void **state)
{
    struct fixture *f = *state;
    start(f);
    await_query(f, both_posted);
    await_query(f, told_posted);
    assert_true(await(f->loop, is_told_twice, f, AWAIT_MS));
    assert_int_equal(f->fake.calls, 2);
    assert_int_equal(number(f, "SELECT count(*) FROM posting WHERE number LIKE 'F-%accepted'"), 2);
}

static void refused_entry_is_parked_with_the_reason_and_tried_no_more(void **state)
{
    struct fixture *f = *state;
    f->fake.then = ERR_REFUSED;
    start(f);
    await_query(f, both_parked);
    await_query(f, told_parked);
    assert_int_equal(f->fake.calls, 2);
    assert_int_equal(number(f, "SELECT count(*) FROM posting WHERE code = 'refused_by_connector'"
                               " AND detail LIKE '%doesn''t like it'"),
                     2);
}

static void unreachable_system_is_tried_with_one_entry_at_a_time_until_it_answers(void **state)
{
    struct fixture *f = *state;
    f->fake.failures_left = 4;
    start(f);
    await_query(f, both_posted);
    assert_int_equal(f->fake.calls, 6);
    assert_int_equal(poster_count(f->poster).retried, 4);
    assert_false(poster_count(f->poster).waiting);
}

/* Else it would be tried for ever, and nobody would hear of it. */
static void entry_at_which_the_system_breaks_twelve_times_is_parked_alone(void **state)
{
    struct fixture *f = *state;
    f->fake.refused = "a/accepted";
    f->fake.how = ERR_IO;
    start(f);
    await_query(f, "SELECT count(*) = 1 FROM posting WHERE reference = 'a/accepted'"
                   " AND state = 'parked' AND code = 'refused_by_connector' AND attempts = 12"
                   " AND detail LIKE '%doesn''t like this one'");
    await_query(f, "SELECT count(*) = 1 FROM posting WHERE reference = 'b/accepted'"
                   " AND state = 'posted'");
    assert_int_equal(f->fake.refusals, 12);
}

static void closing_while_the_system_is_away_leaves_entries_ready(void **state)
{
    struct fixture *f = *state;
    f->fake.failures_left = 1000000;
    start(f);
    await_query(f, "SELECT count(*) >= 1 FROM posting WHERE attempts > 0");
    poster_close(f->poster);
    f->poster = NULL;
    assert_int_equal(number(f, "SELECT count(*) FROM posting WHERE state = 'ready'"), 2);
}

static void entry_of_a_closed_period_is_parked_before_any_try(void **state)
{
    struct fixture *f = *state;
    struct closed_period closed = {0, 30000};
    f->books.companies[0].periods = (struct period_rule){&closed, 1, WHEN_CLOSED_PARK};
    start(f);
    await_query(f, both_parked);
    assert_int_equal(f->fake.calls, 0);
    assert_int_equal(number(f, "SELECT count(*) FROM posting WHERE code = 'period_closed'"), 2);
}

static void entry_of_a_closed_period_is_posted_in_an_open_one_once_finance_approves(void **state)
{
    struct fixture *f = *state;
    struct database *db = hubdb_database(f->other);
    struct closed_period closed = {0, 30000};
    f->books.companies[0].periods = (struct period_rule){&closed, 1, WHEN_CLOSED_PARK};
    start(f);
    await_query(f, both_parked);
    must(f, database_script(db,
                            "UPDATE posting SET code = 'refused' WHERE reference ="
                            " (SELECT reference FROM journal_entry WHERE entry_no = 2)",
                            &f->fault));
    assert_int_equal(posting_decide(db, 2, POSTING_LATER_DAY, NOW_MS, &f->fault), ERR_NOT_FOUND);
    must(f, posting_decide(db, 1, POSTING_LATER_DAY, NOW_MS, &f->fault));
    poster_wake(f->poster);
    await_query(f, "SELECT count(*) = 1 FROM posting WHERE state = 'posted'");
    assert_int_equal(number(f, "SELECT posted_day FROM posting WHERE state = 'posted'"), 30001);
    assert_int_equal(number(f, "SELECT count(*) FROM posting WHERE moved_from IS NOT NULL"), 1);
    assert_int_equal(number(f, "SELECT count(*) FROM posting WHERE state = 'parked'"), 1);
}

static void parked_entry_is_posted_once_a_person_says_so(void **state)
{
    struct fixture *f = *state;
    struct database *db = hubdb_database(f->hub);
    assert_int_equal(posting_decide(db, 1, POSTING_AGAIN, NOW_MS, &f->fault), ERR_NOT_FOUND);
    must(f, database_script(db, "UPDATE posting SET state = 'parked'", &f->fault));
    must(f, posting_decide(db, 1, POSTING_AGAIN, NOW_MS, &f->fault));
    must(f, posting_decide(db, 2, POSTING_DISCARD, NOW_MS, &f->fault));
    start(f);
    await_query(f, "SELECT count(*) = 1 FROM posting WHERE state = 'posted'");
    assert_int_equal(number(f, "SELECT count(*) FROM posting WHERE state = 'discarded'"), 1);
    assert_int_equal(f->fake.calls, 1);
}

/* How many postings were told, with or without word of a parked entry. */
static int told_with(struct fixture *f, bool parked)
{
    struct statement *s;
    bool row;
    int count = 0;
    must(f, database_prepare(hubdb_database(f->reader),
                             "SELECT body FROM event WHERE type = 'com.tillback.journal.posted.v1'",
                             &s, &f->fault));
    while (statement_step(s, &row, &f->fault) == ERR_OK && row) {
        struct slice body = column_slice(s, 0);
        count += (memmem(body.data, body.len, "\"parked\":true", 13) != NULL) == parked;
    }
    statement_close(s);
    return count;
}

/* Else the store would take the return for posted, whichever of its entries came last. */
static void store_is_told_with_what_is_posted_that_another_entry_is_parked(void **state)
{
    struct fixture *f = *state;
    f->fake.refused = "a/accepted"; /* the first of the same batch */
    start(f);
    await_query(f, "SELECT count(*) = 1 FROM posting WHERE state = 'posted'");
    assert_int_equal(told_with(f, true), 1);
    put_entry(f, f->other, "main", "c/accepted"); /* of the same return, later */
    poster_wake(f->poster);
    await_query(f, "SELECT count(*) = 2 FROM posting WHERE state = 'posted'");
    assert_int_equal(told_with(f, true), 2);
    f->fake.refused = NULL;
    must(f, posting_decide(hubdb_database(f->other), 1, POSTING_AGAIN, NOW_MS, &f->fault));
    poster_wake(f->poster);
    await_query(f, "SELECT count(*) = 3 FROM posting WHERE state = 'posted'");
    assert_int_equal(told_with(f, false), 1);
}

/* A hub that was restored, and another beside it, say of one entry what was said before. */
static void what_is_posted_or_parked_is_said_under_one_id(void **state)
{
    struct fixture *f = *state;
    struct database *db = hubdb_database(f->other);
    start(f);
    await_query(f, told_posted);
    must(f, database_script(db, "UPDATE posting SET state = 'ready', attempts = 0", &f->fault));
    poster_wake(f->poster);
    await_query(f, both_posted);
    assert_int_equal(f->fake.calls, 4);
    assert_int_equal(number(f, told_posted), 1);
    assert_int_equal(number(f, "SELECT count(*) FROM inbox_out"), 2);
}

static void entry_that_is_parked_again_is_told_again(void **state)
{
    struct fixture *f = *state;
    struct database *db = hubdb_database(f->other);
    f->fake.then = ERR_REFUSED;
    start(f);
    await_query(f, both_parked);
    must(f, posting_decide(db, 1, POSTING_AGAIN, NOW_MS, &f->fault));
    poster_wake(f->poster);
    await_query(f, "SELECT count(*) = 3 FROM event WHERE type = 'com.tillback.journal.parked.v1'");
}

/* --- Companies with connectors of their own -------------------------------------------------- */

static const char *const south[] = {"south"};
static const struct posting_share only_south = {south, 1, true};
static const struct posting_share not_south = {south, 1, false};

/* The books have two companies: main with many entries, south with two. */
static void know_south(struct fixture *f)
{
    char reference[32];
    f->companies[0] = f->books.companies[0];
    f->companies[1] = f->books.companies[0];
    f->companies[1].name = "south";
    f->books.companies = f->companies;
    f->books.count = 2;
    for (int i = 0; i < POSTING_BATCH_MAX; i++) {
        (void)snprintf(reference, sizeof reference, "m-%d/accepted", i);
        put_entry(f, f->hub, "main", reference);
    }
    put_entry(f, f->hub, "south", "s/accepted");
    put_entry(f, f->hub, "south", "t/accepted");
}

static void start_both(struct fixture *f, int64_t most_of_south_a_minute)
{
    know_south(f);
    start_worker(f);
    start_poster(f, &f->poster, &f->fake, not_south, 0);
    start_poster(f, &f->other_poster, &f->other_fake, only_south, most_of_south_a_minute);
}

static const char south_posted[] =
    "SELECT count(*) = 2 FROM posting WHERE state = 'posted' AND company = 'south'";
static const char main_posted[] =
    "SELECT count(*) = 52 FROM posting WHERE state = 'posted' AND company = 'main'";

static void company_goes_on_while_the_system_of_another_is_away(void **state)
{
    struct fixture *f = *state;
    f->fake.failures_left = 1000000;
    start_both(f, 0);
    await_query(f, south_posted);
    await_query(f, "SELECT count(*) >= 1 FROM posting WHERE attempts > 0 AND company = 'main'");
    assert_true(poster_count(f->poster).waiting);
    assert_false(poster_count(f->other_poster).waiting);
    assert_int_equal(f->other_fake.calls, 2);
    put_entry(f, f->other, "south", "u/accepted");
    poster_wake(f->other_poster);
    await_query(f, "SELECT count(*) = 3 FROM posting WHERE state = 'posted'");
    f->fake.failures_left = 0;
    await_query(f, main_posted);
    assert_int_equal(f->fake.of_south, 0);
}

static void each_system_keeps_to_its_own_pace(void **state)
{
    struct fixture *f = *state;
    start_both(f, 1);
    await_query(f, main_posted);
    await_query(f, "SELECT count(*) = 1 FROM posting WHERE state = 'posted' AND company = 'south'");
    assert_int_equal(f->other_fake.calls, 1);
}

static void what_one_system_refuses_is_parked_and_another_posts(void **state)
{
    struct fixture *f = *state;
    f->other_fake.then = ERR_REFUSED;
    start_both(f, 0);
    await_query(f, main_posted);
    await_query(f, "SELECT count(*) = 2 FROM posting WHERE state = 'parked' AND company = 'south'");
}

static void companies_of_one_system_take_turns(void **state)
{
    struct fixture *f = *state;
    know_south(f);
    start(f);
    await_query(f, main_posted);
    await_query(f, south_posted);
    assert_int_equal(f->fake.of_south, POSTING_BATCH_MAX + 1);
}

static void company_that_left_the_books_is_parked_by_who_has_the_others(void **state)
{
    struct fixture *f = *state;
    put_entry(f, f->hub, "sold", "x/accepted");
    start_both(f, 0);
    await_query(f, main_posted);
    await_query(f, "SELECT count(*) = 1 FROM posting WHERE state = 'parked' AND company = 'sold'");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(posted_entry_is_recorded_and_told_to_its_store),
        TEST(refused_entry_is_parked_with_the_reason_and_tried_no_more),
        TEST(unreachable_system_is_tried_with_one_entry_at_a_time_until_it_answers),
        TEST(entry_at_which_the_system_breaks_twelve_times_is_parked_alone),
        TEST(closing_while_the_system_is_away_leaves_entries_ready),
        TEST(entry_of_a_closed_period_is_parked_before_any_try),
        TEST(entry_of_a_closed_period_is_posted_in_an_open_one_once_finance_approves),
        TEST(parked_entry_is_posted_once_a_person_says_so),
        TEST(store_is_told_with_what_is_posted_that_another_entry_is_parked),
        TEST(what_is_posted_or_parked_is_said_under_one_id),
        TEST(entry_that_is_parked_again_is_told_again),
        TEST(company_goes_on_while_the_system_of_another_is_away),
        TEST(each_system_keeps_to_its_own_pace),
        TEST(what_one_system_refuses_is_parked_and_another_posts),
        TEST(companies_of_one_system_take_turns),
        TEST(company_that_left_the_books_is_parked_by_who_has_the_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
