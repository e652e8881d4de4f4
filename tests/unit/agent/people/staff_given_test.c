/* The people that the centre names: how they are read, and what becomes of those who are there. */
#include "agent/people/staff_given.h"
#include "tests/support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#define PIN                                                                                        \
    "\"pin\":{\"rounds\":1000,\"salt\":\"00112233445566778899aabbccddeeff\","                      \
    "\"hash\":\"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\"}"
#define ADA "{\"number\":\"17\",\"name\":\"Ada\",\"role\":\"manager\"," PIN "}"
#define BEA                                                                                        \
    "{\"number\":\"18\",\"name\":\"Bea\",\"role\":\"associate\",\"language\":\"de\"," PIN "}"

static struct staff_given *read(const char *text)
{
    struct staff_given *given = NULL;
    struct fault fault = {0};
    if (staff_given_read(slice_of(text), &given, &fault) != ERR_OK)
        fail_msg("%s: %s", fault.where, fault.text);
    return given;
}

static const struct {
    const char *text;
    const char *where;
} wrong[] = {
    {"{}", "people"},
    {"{\"people\":[]}", "people"},
    {"{\"people\":[{\"number\":\"17\",\"role\":\"manager\"," PIN "}]}", "people[0].name"},
    {"{\"people\":[" ADA "," ADA "]}", "people[1].number"},
    {"{\"people\":[{\"number\":\"1\",\"name\":\"A\",\"role\":\"king\"," PIN "}]}",
     "people[0].role"},
    {"{\"people\":[{\"number\":\"1\",\"name\":\"A\",\"role\":\"manager\",\"pin\":{\"rounds\":1000,"
     "\"salt\":\"zz112233445566778899aabbccddeeff\",\"hash\":\"00112233445566778899aabbccddeeff"
     "00112233445566778899aabbccddeeff\"}}]}",
     "people[0].pin"},
    {"{\"people\":[{\"number\":\"1\",\"name\":\"A\",\"role\":\"manager\",\"pin\":\"1234\"}]}",
     "people[0].pin"},
};

static void wrong_person_is_named_by_path(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct staff_given *given = NULL;
        struct fault fault = {0};
        assert_int_not_equal(staff_given_read(slice_of(wrong[i].text), &given, &fault), ERR_OK);
        if (strncmp(fault.where, wrong[i].where, strlen(wrong[i].where)) != 0)
            fail_msg("at \"%s\", not at %s: %s", fault.where, wrong[i].where, fault.text);
        assert_null(given);
    }
}

static struct staff *open_staff(const struct scratch *scratch)
{
    struct staff *staff;
    assert_int_equal(staff_open(&staff, scratch->path, NULL), ERR_OK);
    return staff;
}

static void new_ones_come_with_a_pin_for_once_and_others_go(void **state)
{
    (void)state;
    struct scratch scratch;
    scratch_make(&scratch);
    const struct person_draft local = {
        .number = "99", .name = "Local", .role = ROLE_MANAGER, .rounds = 1000};
    assert_int_equal(staff_add(scratch.path, &local, SLICE_LITERAL("271828"), false, NULL), ERR_OK);
    struct staff_given *given = read("{\"people\":[" ADA "," BEA "]}");
    struct staff *staff = open_staff(&scratch);
    assert_true(staff_differs(staff, given));
    staff_close(staff);
    assert_int_equal(staff_govern(scratch.path, given, NULL), ERR_OK);
    staff = open_staff(&scratch);
    assert_false(staff_differs(staff, given));
    assert_int_equal(staff_count(staff), 2);
    assert_null(staff_find(staff, SLICE_LITERAL("99")));
    const struct person *ada = staff_find(staff, SLICE_LITERAL("17"));
    assert_true(ada->one_time);
    assert_int_equal(strlen(ada->id), ID_TEXT);
    assert_string_equal(staff_find(staff, SLICE_LITERAL("18"))->language, "de");
    staff_close(staff);
    staff_given_free(given);
    scratch_remove(&scratch);
}

static void who_is_there_keeps_id_and_pin(void **state)
{
    (void)state;
    struct scratch scratch;
    char id[ID_TEXT + 1];
    struct pin_verifier own;
    scratch_make(&scratch);
    const struct person_draft ada = {
        .number = "17", .name = "Old name", .role = ROLE_ASSOCIATE, .rounds = 1000};
    assert_int_equal(staff_add(scratch.path, &ada, SLICE_LITERAL("271828"), false, NULL), ERR_OK);
    struct staff *staff = open_staff(&scratch);
    memcpy(id, staff_at(staff, 0)->id, sizeof id);
    own = staff_at(staff, 0)->pin;
    staff_close(staff);
    struct staff_given *given = read("{\"people\":[" ADA "]}");
    assert_int_equal(staff_govern(scratch.path, given, NULL), ERR_OK);
    staff = open_staff(&scratch);
    const struct person *person = staff_at(staff, 0);
    assert_string_equal(person->id, id);
    assert_memory_equal(&person->pin, &own, sizeof own);
    assert_false(person->one_time);
    assert_int_equal(person->role, ROLE_MANAGER);
    assert_string_equal(person->name, "Ada");
    staff_close(staff);
    staff_given_free(given);
    scratch_remove(&scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_person_is_named_by_path),
        cmocka_unit_test(new_ones_come_with_a_pin_for_once_and_others_go),
        cmocka_unit_test(who_is_there_keeps_id_and_pin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
