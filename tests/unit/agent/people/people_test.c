#include "agent/people/lockout.h"
#include "tests/support/await.h"
#include "tests/support/people_house.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void number_or_badge_with_its_pin_is_the_person(void **state)
{
    struct people_house *h = *state;
    assert_string_equal(people_house_verify(h, "1042", "2580").number, "1042");
    assert_string_equal(people_house_verify(h, "BADGE-7", "2580").number, "1042");
}

static void wrong_ones_are_told_alike(void **state)
{
    struct people_house *h = *state;
    assert_int_equal(people_house_verify(h, "1042", "2581").err, ERR_FORBIDDEN);
    assert_int_equal(people_house_verify(h, "1042", "").err, ERR_FORBIDDEN);
    assert_int_equal(people_house_verify(h, "1042", "2580258025802580").err, ERR_FORBIDDEN);
    assert_int_equal(people_house_verify(h, "nobody", "2580").err, ERR_FORBIDDEN);
    /* What stands in for the PIN of nobody is nobody's either. */
    assert_int_equal(people_house_verify(h, "nobody", "nobody").err, ERR_FORBIDDEN);
}

static void the_answer_never_comes_within_the_call(void **state)
{
    struct people_house *h = *state;
    struct people_heard heard = {0};
    people_verify(h->people, slice_of("1042"), slice_of("2580"), people_house_hear, &heard);
    assert_false(heard.came);
    assert_true(await_flag(h->loop, &heard.came, AWAIT_MS));
    assert_int_equal(heard.times, 1);
}

static void wrong_pins_lock_out_and_time_lets_in_again(void **state)
{
    struct people_house *h = *state;
    for (int i = 0; i < 3; i++)
        assert_int_equal(people_house_verify(h, "1042", "2581").err, ERR_FORBIDDEN);
    struct people_heard heard = people_house_verify(h, "1042", "2580");
    assert_int_equal(heard.err, ERR_BUSY);
    assert_int_equal(heard.retry_s, 5);
    clock_fake_advance(h->wall, 5000);
    assert_int_equal(people_house_verify(h, "1042", "2580").err, ERR_OK);
    assert_int_equal(people_house_verify(h, "1042", "2581").err, ERR_FORBIDDEN);
    assert_int_equal(people_house_verify(h, "1042", "2580").err, ERR_OK);
}

static void a_restart_gives_no_further_guesses(void **state)
{
    struct people_house *h = *state;
    for (int i = 0; i < 3; i++)
        assert_int_equal(people_house_verify(h, "1042", "2581").err, ERR_FORBIDDEN);
    people_close(h->people);
    people_house_open(h);
    assert_int_equal(people_house_verify(h, "1042", "2580").err, ERR_BUSY);
}

/* What Ann hears of these tries, a stranger hears too. */
static void a_number_that_nobody_has_is_refused_as_a_known_one(void **state)
{
    struct people_house *h = *state;
    static const int64_t waits_ms[] = {0,      0,      0,      5000,   30000,
                                       300000, 900000, 900000, 900000, 900000};
    for (size_t i = 0; i < sizeof waits_ms / sizeof *waits_ms; i++) {
        clock_fake_advance(h->wall, waits_ms[i] / 2);
        struct people_heard known = people_house_verify(h, "1042", "2581");
        struct people_heard stranger = people_house_verify(h, "1043", "2581");
        assert_int_equal(known.err, waits_ms[i] ? ERR_BUSY : ERR_FORBIDDEN);
        assert_int_equal(stranger.err, known.err);
        assert_int_equal(stranger.retry_s, known.retry_s);
        if (!waits_ms[i])
            continue;
        people_close(h->people);
        people_house_open(h);
        clock_fake_advance(h->wall, waits_ms[i] - waits_ms[i] / 2);
        assert_int_equal(people_house_verify(h, "1042", "2581").err, ERR_FORBIDDEN);
        assert_int_equal(people_house_verify(h, "1043", "2581").err, ERR_FORBIDDEN);
    }
    clock_fake_advance(h->wall, HOUSE_AGE_MS);
    assert_int_equal(people_house_verify(h, "1042", "2580").err, ERR_BUSY);
    assert_int_equal(people_house_verify(h, "1043", "2580").err, ERR_BUSY);
    assert_int_equal(people_house_verify(h, "1044", "2580").err, ERR_FORBIDDEN);
}

static void strangers_push_nobodys_lock_out(void **state)
{
    struct people_house *h = *state;
    for (int i = 0; i < 3; i++)
        assert_int_equal(people_house_verify(h, "1042", "2581").err, ERR_FORBIDDEN);
    for (int i = 0; i < STAFF_MAX + 1; i++) {
        char number[PERSON_NUMBER_MAX + 1];
        (void)snprintf(number, sizeof number, "5%05d", i);
        assert_int_equal(people_house_verify(h, number, "2581").err, ERR_FORBIDDEN);
    }
    assert_int_equal(people_house_verify(h, "1042", "2580").err, ERR_BUSY);
}

static void a_right_pin_is_forgotten_on_disk_too(void **state)
{
    struct people_house *h = *state;
    for (int i = 0; i < 2; i++)
        assert_int_equal(people_house_verify(h, "1042", "2581").err, ERR_FORBIDDEN);
    assert_int_equal(people_house_verify(h, "1042", "2580").err, ERR_OK);
    people_close(h->people);
    people_house_open(h);
    for (int i = 0; i < 2; i++)
        assert_int_equal(people_house_verify(h, "1042", "2581").err, ERR_FORBIDDEN);
    assert_int_equal(people_house_verify(h, "1042", "2580").err, ERR_OK);
}

static void guesses_sent_at_once_count_as_many(void **state)
{
    struct people_house *h = *state;
    struct people_heard heard[12] = {0};
    int busy = 0;
    for (size_t i = 0; i < 12; i++)
        people_verify(h->people, slice_of("1042"), slice_of("2581"), people_house_hear, &heard[i]);
    for (size_t i = 0; i < 12; i++) {
        assert_true(await_flag(h->loop, &heard[i].came, AWAIT_MS));
        busy += heard[i].err == ERR_BUSY;
    }
    assert_int_equal(busy, 9);
}

static void locked_for_good_only_a_new_pin_helps(void **state)
{
    struct people_house *h = *state;
    for (int i = 0; i < LOCKOUT_FOR_GOOD; i++) {
        assert_int_equal(people_house_verify(h, "1042", "2581").err, ERR_FORBIDDEN);
        clock_fake_advance(h->wall, HOUSE_AGE_MS);
    }
    struct people_heard heard = people_house_verify(h, "1042", "2580");
    assert_int_equal(heard.err, ERR_BUSY);
    assert_int_equal(heard.retry_s, 0);
    struct pin_verifier verifier;
    assert_int_equal(pin_verifier_make(slice_of("9630"), HOUSE_ROUNDS, &verifier, NULL), ERR_OK);
    assert_int_equal(staff_set_pin(h->scratch.path, "1042", &verifier, false, NULL), ERR_OK);
    assert_int_equal(people_house_verify(h, "1042", "9630").err, ERR_OK);
}

static const struct person *sign_in(struct people_house *h, char secret[static SESSION_TEXT + 1])
{
    struct staff *staff;
    assert_int_equal(staff_open(&staff, h->scratch.path, NULL), ERR_OK);
    people_begin_session(h->people, staff_find(staff, slice_of("1042")), secret);
    staff_close(staff);
    return people_of_session(h->people, (struct slice){secret, SESSION_TEXT}, true);
}

static void a_session_ends_unused_ended_or_with_its_person(void **state)
{
    struct people_house *h = *state;
    char secret[SESSION_TEXT + 1];
    assert_string_equal(sign_in(h, secret)->number, "1042");
    clock_fake_advance(h->wall, HOUSE_IDLE_MS);
    assert_null(people_of_session(h->people, slice_of(secret), true));
    assert_non_null(sign_in(h, secret));
    people_end_session(h->people, slice_of(secret));
    assert_null(people_of_session(h->people, slice_of(secret), true));
    assert_non_null(sign_in(h, secret));
    assert_int_equal(staff_remove(h->scratch.path, "1042", NULL), ERR_OK);
    assert_null(people_of_session(h->people, slice_of(secret), true));
}

static struct people_heard change_pin(struct people_house *h, const struct person *person,
                                      const char *pin, const char *new_pin)
{
    struct people_heard heard = {0};
    people_change_pin(h->people, person, slice_of(pin), slice_of(new_pin), people_house_hear,
                      &heard);
    assert_true(await_flag(h->loop, &heard.came, AWAIT_MS));
    return heard;
}

static void ones_own_pin_replaces_the_given_one_and_ends_its_sessions(void **state)
{
    struct people_house *h = *state;
    char secret[SESSION_TEXT + 1];
    const struct person *person = sign_in(h, secret);
    assert_int_equal(change_pin(h, person, "2580", "1111").err, ERR_INVALID);
    assert_int_equal(change_pin(h, person, "2580", "2580").err, ERR_INVALID);
    assert_int_equal(change_pin(h, person, "2581", "9630").err, ERR_FORBIDDEN);
    assert_int_equal(change_pin(h, person, "2580", "9630").err, ERR_OK);
    assert_null(people_of_session(h->people, slice_of(secret), true));
    assert_int_equal(people_house_verify(h, "1042", "2580").err, ERR_FORBIDDEN);
    assert_int_equal(people_house_verify(h, "1042", "9630").err, ERR_OK);
}

static void closing_answers_what_is_under_way(void **state)
{
    struct people_house *h = *state;
    struct people_heard heard[3] = {0};
    for (size_t i = 0; i < 3; i++)
        people_verify(h->people, slice_of("BADGE-9"), slice_of("2580"), people_house_hear,
                      &heard[i]);
    people_close(h->people);
    h->people = NULL;
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(heard[i].times, 1);
        assert_int_equal(heard[i].err, ERR_CLOSED);
    }
    loop_run_once(h->loop, 0); /* a post that was under way finds nobody */
}

/* The diagnostics' words of a first start. */
static void read_pin(int fd, char pin[static PIN_ONE_TIME + 1])
{
    char line[1024];
    ssize_t len = read(fd, line, sizeof line - 1);
    assert_true(len > 0);
    line[len] = '\0';
    const char *at = strstr(line, "one-time PIN ");
    assert_non_null(at);
    assert_int_equal(sscanf(at, "one-time PIN %8[0-9]", pin), 1);
}

static void the_first_start_makes_one_technician_and_the_second_none(void **state)
{
    struct people_house *h = *state;
    people_close(h->people);
    assert_int_equal(staff_remove(h->scratch.path, "1042", NULL), ERR_OK);
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    struct diag *diag = diag_open(ends[1], "test", DIAG_INFO);
    struct people_config config = {.loop = h->loop,
                                   .clock = h->wall,
                                   .diag = diag,
                                   .folder = h->scratch.path,
                                   .rounds = HOUSE_ROUNDS};
    assert_int_equal(people_open(&h->people, &config, NULL), ERR_OK);
    char pin[PIN_ONE_TIME + 1] = "";
    read_pin(ends[0], pin);
    assert_string_equal(people_house_verify(h, "1", pin).number, "1");
    people_close(h->people);
    struct staff *staff;
    assert_int_equal(staff_open(&staff, h->scratch.path, NULL), ERR_OK);
    assert_int_equal(staff_count(staff), 1);
    assert_int_equal(staff_at(staff, 0)->role, ROLE_TECHNICIAN);
    assert_true(staff_at(staff, 0)->one_time);
    staff_close(staff);
    assert_int_equal(people_open(&h->people, &config, NULL), ERR_OK);
    assert_int_equal(people_house_verify(h, "1", pin).err, ERR_OK);
    people_close(h->people);
    h->people = NULL;
    diag_close(diag);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, people_house_setup, people_house_teardown)
    const struct CMUnitTest tests[] = {
        TEST(number_or_badge_with_its_pin_is_the_person),
        TEST(wrong_ones_are_told_alike),
        TEST(the_answer_never_comes_within_the_call),
        TEST(wrong_pins_lock_out_and_time_lets_in_again),
        TEST(a_restart_gives_no_further_guesses),
        TEST(a_number_that_nobody_has_is_refused_as_a_known_one),
        TEST(strangers_push_nobodys_lock_out),
        TEST(a_right_pin_is_forgotten_on_disk_too),
        TEST(guesses_sent_at_once_count_as_many),
        TEST(locked_for_good_only_a_new_pin_helps),
        TEST(a_session_ends_unused_ended_or_with_its_person),
        TEST(ones_own_pin_replaces_the_given_one_and_ends_its_sessions),
        TEST(closing_answers_what_is_under_way),
        TEST(the_first_start_makes_one_technician_and_the_second_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
