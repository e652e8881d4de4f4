#include "tests/support/await.h"
#include "tests/support/poster_house.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static bool is_told_twice(void *context)
{
    return ((struct poster_house *)context)->told == 2;
}

static const char both_posted[] = "SELECT count(*) = 2 FROM posting WHERE state = 'posted'";
static const char both_parked[] = "SELECT count(*) = 2 FROM posting WHERE state = 'parked'";
static const char told_posted[] = "SELECT count(*) = 2 FROM event JOIN inbox_out USING (body)"
                                  " WHERE type = 'com.tillback.journal.posted.v1'";
static const char told_parked[] = "SELECT count(*) = 2 FROM event JOIN inbox_out USING (body)"
                                  " WHERE type = 'com.tillback.journal.parked.v1'";

static void posted_entry_is_recorded_and_told_to_its_store(void **state)
{
    struct poster_house *f = *state;
    poster_house_start(f);
    poster_house_await(f, both_posted);
    poster_house_await(f, told_posted);
    assert_true(await(f->loop, is_told_twice, f, AWAIT_MS));
    assert_int_equal(f->fake.calls, 2);
    assert_int_equal(
        poster_house_number(f, "SELECT count(*) FROM posting WHERE number LIKE 'F-%accepted'"), 2);
}

static void refused_entry_is_parked_with_the_reason_and_tried_no_more(void **state)
{
    struct poster_house *f = *state;
    f->fake.then = ERR_REFUSED;
    poster_house_start(f);
    poster_house_await(f, both_parked);
    poster_house_await(f, told_parked);
    assert_int_equal(f->fake.calls, 2);
    assert_int_equal(
        poster_house_number(f, "SELECT count(*) FROM posting WHERE code = 'refused_by_connector'"
                               " AND detail LIKE '%doesn''t like it'"),
        2);
}

static void unreachable_system_is_tried_with_one_entry_at_a_time_until_it_answers(void **state)
{
    struct poster_house *f = *state;
    f->fake.failures_left = 4;
    poster_house_start(f);
    poster_house_await(f, both_posted);
    assert_int_equal(f->fake.calls, 6);
    assert_int_equal(poster_count(f->poster).retried, 4);
    assert_false(poster_count(f->poster).waiting);
}

/* Else it would be tried for ever, and nobody would hear of it. */
static void entry_at_which_the_system_breaks_twelve_times_is_parked_alone(void **state)
{
    struct poster_house *f = *state;
    f->fake.refused = "a/accepted";
    f->fake.how = ERR_IO;
    poster_house_start(f);
    poster_house_await(f,
                       "SELECT count(*) = 1 FROM posting WHERE reference = 'a/accepted'"
                       " AND state = 'parked' AND code = 'refused_by_connector' AND attempts = 12"
                       " AND detail LIKE '%doesn''t like this one'");
    poster_house_await(f, "SELECT count(*) = 1 FROM posting WHERE reference = 'b/accepted'"
                          " AND state = 'posted'");
    assert_int_equal(f->fake.refusals, 12);
}

static void closing_while_the_system_is_away_leaves_entries_ready(void **state)
{
    struct poster_house *f = *state;
    f->fake.failures_left = 1000000;
    poster_house_start(f);
    poster_house_await(f, "SELECT count(*) >= 1 FROM posting WHERE attempts > 0");
    poster_close(f->poster);
    f->poster = NULL;
    assert_int_equal(poster_house_number(f, "SELECT count(*) FROM posting WHERE state = 'ready'"),
                     2);
}

static void entry_of_a_closed_period_is_parked_before_any_try(void **state)
{
    struct poster_house *f = *state;
    struct closed_period closed = {0, 30000};
    f->books.companies[0].periods = (struct period_rule){&closed, 1, WHEN_CLOSED_PARK};
    poster_house_start(f);
    poster_house_await(f, both_parked);
    assert_int_equal(f->fake.calls, 0);
    assert_int_equal(
        poster_house_number(f, "SELECT count(*) FROM posting WHERE code = 'period_closed'"), 2);
}

static void entry_of_a_closed_period_is_posted_in_an_open_one_once_finance_approves(void **state)
{
    struct poster_house *f = *state;
    struct database *db = hubdb_database(f->other);
    struct closed_period closed = {0, 30000};
    f->books.companies[0].periods = (struct period_rule){&closed, 1, WHEN_CLOSED_PARK};
    poster_house_start(f);
    poster_house_await(f, both_parked);
    poster_house_must(f,
                      database_script(db,
                                      "UPDATE posting SET code = 'refused' WHERE reference ="
                                      " (SELECT reference FROM journal_entry WHERE entry_no = 2)",
                                      &f->fault));
    assert_int_equal(posting_decide(db, 2, POSTING_LATER_DAY, POSTER_HOUSE_NOW_MS, &f->fault),
                     ERR_NOT_FOUND);
    poster_house_must(f, posting_decide(db, 1, POSTING_LATER_DAY, POSTER_HOUSE_NOW_MS, &f->fault));
    poster_wake(f->poster);
    poster_house_await(f, "SELECT count(*) = 1 FROM posting WHERE state = 'posted'");
    assert_int_equal(
        poster_house_number(f, "SELECT posted_day FROM posting WHERE state = 'posted'"), 30001);
    assert_int_equal(
        poster_house_number(f, "SELECT count(*) FROM posting WHERE moved_from IS NOT NULL"), 1);
    assert_int_equal(poster_house_number(f, "SELECT count(*) FROM posting WHERE state = 'parked'"),
                     1);
}

static void parked_entry_is_posted_once_a_person_says_so(void **state)
{
    struct poster_house *f = *state;
    struct database *db = hubdb_database(f->hub);
    assert_int_equal(posting_decide(db, 1, POSTING_AGAIN, POSTER_HOUSE_NOW_MS, &f->fault),
                     ERR_NOT_FOUND);
    poster_house_must(f, database_script(db, "UPDATE posting SET state = 'parked'", &f->fault));
    poster_house_must(f, posting_decide(db, 1, POSTING_AGAIN, POSTER_HOUSE_NOW_MS, &f->fault));
    poster_house_must(f, posting_decide(db, 2, POSTING_DISCARD, POSTER_HOUSE_NOW_MS, &f->fault));
    poster_house_start(f);
    poster_house_await(f, "SELECT count(*) = 1 FROM posting WHERE state = 'posted'");
    assert_int_equal(
        poster_house_number(f, "SELECT count(*) FROM posting WHERE state = 'discarded'"), 1);
    assert_int_equal(f->fake.calls, 1);
}

/* How many postings were told, with or without word of a parked entry. */
static int told_with(struct poster_house *f, bool parked)
{
    struct statement *s;
    bool row;
    int count = 0;
    poster_house_must(
        f, database_prepare(hubdb_database(f->reader),
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
    struct poster_house *f = *state;
    f->fake.refused = "a/accepted"; /* the first of the same batch */
    poster_house_start(f);
    poster_house_await(f, "SELECT count(*) = 1 FROM posting WHERE state = 'posted'");
    assert_int_equal(told_with(f, true), 1);
    poster_house_entry(f, f->other, "main", "c/accepted"); /* of the same return, later */
    poster_wake(f->poster);
    poster_house_await(f, "SELECT count(*) = 2 FROM posting WHERE state = 'posted'");
    assert_int_equal(told_with(f, true), 2);
    f->fake.refused = NULL;
    poster_house_must(f, posting_decide(hubdb_database(f->other), 1, POSTING_AGAIN,
                                        POSTER_HOUSE_NOW_MS, &f->fault));
    poster_wake(f->poster);
    poster_house_await(f, "SELECT count(*) = 3 FROM posting WHERE state = 'posted'");
    assert_int_equal(told_with(f, false), 1);
}

/* A hub that was restored, and another beside it, say of one entry what was said before. */
static void what_is_posted_or_parked_is_said_under_one_id(void **state)
{
    struct poster_house *f = *state;
    struct database *db = hubdb_database(f->other);
    poster_house_start(f);
    poster_house_await(f, told_posted);
    poster_house_must(
        f, database_script(db, "UPDATE posting SET state = 'ready', attempts = 0", &f->fault));
    poster_wake(f->poster);
    poster_house_await(f, both_posted);
    assert_int_equal(f->fake.calls, 4);
    assert_int_equal(poster_house_number(f, told_posted), 1);
    assert_int_equal(poster_house_number(f, "SELECT count(*) FROM inbox_out"), 2);
}

static void entry_that_is_parked_again_is_told_again(void **state)
{
    struct poster_house *f = *state;
    struct database *db = hubdb_database(f->other);
    f->fake.then = ERR_REFUSED;
    poster_house_start(f);
    poster_house_await(f, both_parked);
    poster_house_must(f, posting_decide(db, 1, POSTING_AGAIN, POSTER_HOUSE_NOW_MS, &f->fault));
    poster_wake(f->poster);
    poster_house_await(
        f, "SELECT count(*) = 3 FROM event WHERE type = 'com.tillback.journal.parked.v1'");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, poster_house_setup, poster_house_teardown)
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
