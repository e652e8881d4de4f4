/* What is told to the log of the people of a store, each act once. */
#include "hal/storage.h"
#include "tests/support/await.h"
#include "tests/support/people_house.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void assert_told(struct people_house *h, enum access_act act, const char *person,
                        const char *by)
{
    char line[128];
    (void)snprintf(line, sizeof line, "%d %s %s\n", act, person, by);
    assert_string_equal(h->told, line);
    h->told[0] = '\0';
}

static void a_lock_out_is_told_once_it_makes_somebody_wait(void **state)
{
    struct people_house *h = *state;
    char ann[ID_TEXT + 1];
    struct staff *staff;
    assert_int_equal(staff_open(&staff, h->scratch.path, NULL), ERR_OK);
    (void)snprintf(ann, sizeof ann, "%s", staff_at(staff, 0)->id);
    staff_close(staff);
    for (int i = 0; i < 2; i++)
        (void)people_house_verify(h, "1042", "2581");
    for (int i = 0; i < 4; i++)
        (void)people_house_verify(h, "nobody", "2581");
    assert_string_equal(h->told, "");
    (void)people_house_verify(h, "1042", "2581");
    assert_told(h, ACCESS_LOCKED_OUT, ann, ACCESS_BY_NOBODY);
}

static void a_change_of_the_staff_is_told_with_who_made_it(void **state)
{
    struct people_house *h = *state;
    char ann[ID_TEXT + 1];
    char bob[ID_TEXT + 1];
    struct people_heard heard = {0};
    people_verify(h->people, slice_of("1042"), slice_of("2580"), people_house_hear, &heard);
    assert_true(await_flag(h->loop, &heard.came, AWAIT_MS));
    struct person_draft draft = {.number = "7", .name = "Bob", .rounds = HOUSE_ROUNDS};
    assert_int_equal(staff_add(h->scratch.path, &draft, slice_of("2580"), false, NULL), ERR_OK);
    struct staff *staff;
    assert_int_equal(staff_open(&staff, h->scratch.path, NULL), ERR_OK);
    (void)snprintf(ann, sizeof ann, "%s", staff_at(staff, 0)->id);
    (void)snprintf(bob, sizeof bob, "%s", staff_at(staff, 1)->id);
    people_look(h->people, ACCESS_BY_CENTRE);
    assert_told(h, ACCESS_STAFF_ADDED, bob, ACCESS_BY_CENTRE);
    people_look(h->people, ACCESS_BY_CLI);
    assert_string_equal(h->told, "");

    heard = (struct people_heard){0};
    people_change_pin(h->people, staff_at(staff, 0), slice_of("2580"), slice_of("1397"),
                      people_house_hear, &heard);
    assert_true(await_flag(h->loop, &heard.came, AWAIT_MS));
    assert_int_equal(heard.err, ERR_OK);
    assert_told(h, ACCESS_PIN_CHANGED, ann, ann);

    struct pin_verifier verifier;
    assert_int_equal(pin_verifier_make(slice_of("4826"), HOUSE_ROUNDS, &verifier, NULL), ERR_OK);
    assert_int_equal(staff_set_pin(h->scratch.path, "1042", &verifier, false, NULL), ERR_OK);
    people_look(h->people, ACCESS_BY_CLI);
    assert_told(h, ACCESS_PIN_CHANGED, ann, ACCESS_BY_CLI);
    assert_int_equal(staff_remove(h->scratch.path, "7", NULL), ERR_OK);
    people_look(h->people, ACCESS_BY_CLI);
    assert_told(h, ACCESS_STAFF_REMOVED, bob, ACCESS_BY_CLI);
    staff_close(staff);
}

static void what_was_done_while_it_stood_still_is_told_at_the_start(void **state)
{
    struct people_house *h = *state;
    char ann[ID_TEXT + 1];
    struct staff *staff;
    assert_int_equal(staff_open(&staff, h->scratch.path, NULL), ERR_OK);
    (void)snprintf(ann, sizeof ann, "%s", staff_at(staff, 0)->id);
    staff_close(staff);
    people_close(h->people);
    assert_int_equal(staff_remove(h->scratch.path, "1042", NULL), ERR_OK);
    h->log_fails = true; /* what isn't saved is told again */
    people_house_open(h);
    assert_non_null(strstr(h->told, ann));
    people_close(h->people);
    h->told[0] = '\0';
    h->log_fails = false;
    people_house_open(h);
    assert_non_null(strstr(h->told, ann));
    people_close(h->people);
    h->told[0] = '\0';
    people_house_open(h);
    assert_string_equal(h->told, "");
}

static void a_change_after_one_that_was_not_saved_hides_neither(void **state)
{
    struct people_house *h = *state;
    struct person_draft bob = {.number = "7", .name = "Bob", .rounds = HOUSE_ROUNDS};
    struct person_draft eve = {.number = "8", .name = "Eve", .rounds = HOUSE_ROUNDS};
    h->log_fails = true;
    assert_int_equal(staff_add(h->scratch.path, &bob, slice_of("2580"), false, NULL), ERR_OK);
    people_look(h->people, ACCESS_BY_CLI);
    h->log_fails = false;
    assert_int_equal(staff_add(h->scratch.path, &eve, slice_of("2580"), false, NULL), ERR_OK);
    people_look(h->people, ACCESS_BY_CLI);
    people_close(h->people);
    h->told[0] = '\0';
    people_house_open(h);
    struct staff *staff;
    assert_int_equal(staff_open(&staff, h->scratch.path, NULL), ERR_OK);
    assert_non_null(strstr(h->told, staff_find(staff, slice_of("7"))->id));
    assert_non_null(strstr(h->told, staff_find(staff, slice_of("8"))->id));
    staff_close(staff);
}

static void the_first_technician_is_nobodys_act(void **state)
{
    struct people_house *h = *state;
    char path[SCRATCH_PATH_MAX];
    people_close(h->people);
    assert_int_equal(storage_remove(scratch_path(&h->scratch, "people/staff.json", path), NULL),
                     ERR_OK);
    assert_int_equal(storage_remove(scratch_path(&h->scratch, "people/staff.told", path), NULL),
                     ERR_OK);
    h->told[0] = '\0';
    people_house_open(h);
    people_close(h->people);
    people_house_open(h);
    assert_string_equal(h->told, "");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, people_house_setup, people_house_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_lock_out_is_told_once_it_makes_somebody_wait),
        TEST(a_change_of_the_staff_is_told_with_who_made_it),
        TEST(what_was_done_while_it_stood_still_is_told_at_the_start),
        TEST(a_change_after_one_that_was_not_saved_hides_neither),
        TEST(the_first_technician_is_nobodys_act),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
