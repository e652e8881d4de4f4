/* Companies with connectors of their own. */
#include "tests/support/poster_house.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static const char *const south[] = {"south"};
static const struct posting_share only_south = {south, 1, true};
static const struct posting_share not_south = {south, 1, false};

/* The books have two companies: main with many entries, south with two. */
static void know_south(struct poster_house *f)
{
    char reference[32];
    f->companies[0] = f->books.companies[0];
    f->companies[1] = f->books.companies[0];
    f->companies[1].name = "south";
    f->books.companies = f->companies;
    f->books.count = 2;
    for (int i = 0; i < POSTING_BATCH_MAX; i++) {
        (void)snprintf(reference, sizeof reference, "m-%d/accepted", i);
        poster_house_entry(f, f->hub, "main", reference);
    }
    poster_house_entry(f, f->hub, "south", "s/accepted");
    poster_house_entry(f, f->hub, "south", "t/accepted");
}

static void start_both(struct poster_house *f, int64_t most_of_south_a_minute)
{
    know_south(f);
    poster_house_start_worker(f);
    poster_house_start_one(f, &f->poster, &f->fake, not_south, 0);
    poster_house_start_one(f, &f->other_poster, &f->other_fake, only_south, most_of_south_a_minute);
}

static const char south_posted[] =
    "SELECT count(*) = 2 FROM posting WHERE state = 'posted' AND company = 'south'";
static const char main_posted[] =
    "SELECT count(*) = 52 FROM posting WHERE state = 'posted' AND company = 'main'";

static void company_goes_on_while_the_system_of_another_is_away(void **state)
{
    struct poster_house *f = *state;
    f->fake.failures_left = 1000000;
    start_both(f, 0);
    poster_house_await(f, south_posted);
    poster_house_await(f,
                       "SELECT count(*) >= 1 FROM posting WHERE attempts > 0 AND company = 'main'");
    assert_true(poster_count(f->poster).waiting);
    assert_false(poster_count(f->other_poster).waiting);
    assert_int_equal(f->other_fake.calls, 2);
    poster_house_entry(f, f->other, "south", "u/accepted");
    poster_wake(f->other_poster);
    poster_house_await(f, "SELECT count(*) = 3 FROM posting WHERE state = 'posted'");
    f->fake.failures_left = 0;
    poster_house_await(f, main_posted);
    assert_int_equal(f->fake.of_south, 0);
}

static void each_system_keeps_to_its_own_pace(void **state)
{
    struct poster_house *f = *state;
    start_both(f, 1);
    poster_house_await(f, main_posted);
    poster_house_await(
        f, "SELECT count(*) = 1 FROM posting WHERE state = 'posted' AND company = 'south'");
    assert_int_equal(f->other_fake.calls, 1);
}

static void what_one_system_refuses_is_parked_and_another_posts(void **state)
{
    struct poster_house *f = *state;
    f->other_fake.then = ERR_REFUSED;
    start_both(f, 0);
    poster_house_await(f, main_posted);
    poster_house_await(
        f, "SELECT count(*) = 2 FROM posting WHERE state = 'parked' AND company = 'south'");
}

static void companies_of_one_system_take_turns(void **state)
{
    struct poster_house *f = *state;
    know_south(f);
    poster_house_start(f);
    poster_house_await(f, main_posted);
    poster_house_await(f, south_posted);
    assert_int_equal(f->fake.of_south, POSTING_BATCH_MAX + 1);
}

static void company_that_left_the_books_is_parked_by_who_has_the_others(void **state)
{
    struct poster_house *f = *state;
    poster_house_entry(f, f->hub, "sold", "x/accepted");
    start_both(f, 0);
    poster_house_await(f, main_posted);
    poster_house_await(
        f, "SELECT count(*) = 1 FROM posting WHERE state = 'parked' AND company = 'sold'");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, poster_house_setup, poster_house_teardown)
    const struct CMUnitTest tests[] = {
        TEST(company_goes_on_while_the_system_of_another_is_away),
        TEST(each_system_keeps_to_its_own_pace),
        TEST(what_one_system_refuses_is_parked_and_another_posts),
        TEST(companies_of_one_system_take_turns),
        TEST(company_that_left_the_books_is_parked_by_who_has_the_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
