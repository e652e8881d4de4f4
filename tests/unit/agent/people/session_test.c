#include "agent/people/session.h"
#include "tests/support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

enum { IDLE_MS = 1000, AGE_MS = 5000 };

static const struct session_limits limits = {.idle_ms = IDLE_MS, .age_ms = AGE_MS};
static const struct person ann = {.id = "0193f2c4-7b1e-7c3a-9d55-0123456789ab",
                                  .role = ROLE_ASSOCIATE};

static void only_the_secret_opens_it(void **state)
{
    (void)state;
    struct sessions *sessions = sessions_open(&limits);
    char secret[SESSION_TEXT + 1];
    session_begin(sessions, &ann, 0, secret);
    assert_int_equal(strlen(secret), SESSION_TEXT);
    assert_string_equal(session_find(sessions, slice_of(secret), 1, true), ann.id);
    secret[3] = secret[3] == 'a' ? 'b' : 'a';
    assert_null(session_find(sessions, slice_of(secret), 1, true));
    assert_null(session_find(sessions, slice_of(""), 1, true));
    sessions_close(sessions);
}

static void unused_it_ends_and_use_keeps_it(void **state)
{
    (void)state;
    struct sessions *sessions = sessions_open(&limits);
    char secret[SESSION_TEXT + 1];
    session_begin(sessions, &ann, 0, secret);
    assert_non_null(session_find(sessions, slice_of(secret), 900, true));
    assert_non_null(session_find(sessions, slice_of(secret), 1800, false));
    /* Looking is no use: it ended 1000 ms after 900. */
    assert_null(session_lapse(sessions, slice_of(secret), 1899));
    assert_string_equal(session_lapse(sessions, slice_of(secret), 1900), ann.id); /* told once */
    assert_null(session_lapse(sessions, slice_of(secret), 1901));
    assert_null(session_find(sessions, slice_of(secret), 1901, true));
    sessions_close(sessions);
}

static void it_ends_at_its_age_however_much_it_is_used(void **state)
{
    (void)state;
    struct sessions *sessions = sessions_open(&limits);
    char secret[SESSION_TEXT + 1];
    session_begin(sessions, &ann, 0, secret);
    int64_t at = 0;
    for (; at < AGE_MS; at += 500)
        assert_non_null(session_find(sessions, slice_of(secret), at, true));
    assert_null(session_find(sessions, slice_of(secret), at, true));
    sessions_close(sessions);
}

static void ended_it_stays_ended(void **state)
{
    (void)state;
    struct sessions *sessions = sessions_open(&limits);
    char first[SESSION_TEXT + 1];
    char second[SESSION_TEXT + 1];
    session_begin(sessions, &ann, 0, first);
    session_begin(sessions, &ann, 0, second);
    session_end(sessions, slice_of(first));
    session_end(sessions, slice_of(first));
    assert_null(session_find(sessions, slice_of(first), 1, true));
    assert_non_null(session_find(sessions, slice_of(second), 1, true));
    sessions_close(sessions);
}

static void when_all_are_taken_the_longest_unused_gives_way(void **state)
{
    (void)state;
    struct sessions *sessions = sessions_open(&limits);
    char secrets[SESSIONS_MAX + 1][SESSION_TEXT + 1];
    for (size_t i = 0; i < SESSIONS_MAX; i++)
        session_begin(sessions, &ann, 0, secrets[i]);
    for (size_t i = 0; i < SESSIONS_MAX; i++)
        if (i != 5)
            assert_non_null(session_find(sessions, slice_of(secrets[i]), 10, true));
    session_begin(sessions, &ann, 20, secrets[SESSIONS_MAX]);
    assert_null(session_find(sessions, slice_of(secrets[5]), 20, true));
    assert_non_null(session_find(sessions, slice_of(secrets[SESSIONS_MAX]), 20, true));
    assert_non_null(session_find(sessions, slice_of(secrets[0]), 20, true));
    sessions_close(sessions);
}

static void a_new_pin_and_a_removal_end_it(void **state)
{
    (void)state;
    struct scratch scratch;
    scratch_make(&scratch);
    struct person_draft drafts[] = {{.number = "1", .name = "A", .rounds = 10},
                                    {.number = "2", .name = "B", .rounds = 10}};
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(staff_add(scratch.path, &drafts[i], slice_of("2580"), false, NULL),
                         ERR_OK);
    struct staff *staff;
    assert_int_equal(staff_open(&staff, scratch.path, NULL), ERR_OK);
    struct sessions *sessions = sessions_open(&limits);
    char secrets[2][SESSION_TEXT + 1];
    for (size_t i = 0; i < 2; i++)
        session_begin(sessions, staff_at(staff, i), 0, secrets[i]);
    sessions_check(sessions, staff);
    assert_non_null(session_find(sessions, slice_of(secrets[0]), 1, true));
    struct pin_verifier verifier;
    assert_int_equal(pin_verifier_make(slice_of("9630"), 10, &verifier, NULL), ERR_OK);
    assert_int_equal(staff_set_pin(scratch.path, "1", &verifier, false, NULL), ERR_OK);
    assert_int_equal(staff_remove(scratch.path, "2", NULL), ERR_OK);
    assert_true(staff_refresh(staff));
    sessions_check(sessions, staff);
    assert_null(session_find(sessions, slice_of(secrets[0]), 1, true));
    assert_null(session_find(sessions, slice_of(secrets[1]), 1, true));
    sessions_close(sessions);
    staff_close(staff);
    scratch_remove(&scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_secret_opens_it),
        cmocka_unit_test(unused_it_ends_and_use_keeps_it),
        cmocka_unit_test(it_ends_at_its_age_however_much_it_is_used),
        cmocka_unit_test(ended_it_stays_ended),
        cmocka_unit_test(when_all_are_taken_the_longest_unused_gives_way),
        cmocka_unit_test(a_new_pin_and_a_removal_end_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
