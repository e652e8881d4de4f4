#include "agent/people/staff.h"
#include "hal/base/cleanup.h"
#include "hal/storage.h"
#include "tests/support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <sys/stat.h>

static struct scratch scratch;

static int setup(void **state)
{
    (void)state;
    scratch_make(&scratch);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    scratch_remove(&scratch);
    return 0;
}

static const struct person_draft ann = {
    .number = "1042", .name = "Ann Lee", .badge = "BADGE-7", .role = ROLE_ASSOCIATE, .rounds = 10};
static const struct person_draft mia = {
    .number = "2001", .name = "Mia Roth", .language = "de", .role = ROLE_MANAGER, .rounds = 10};

static void add(const struct person_draft *draft)
{
    struct fault fault;
    assert_int_equal(staff_add(scratch.path, draft, slice_of("2580"), false, &fault), ERR_OK);
}

static struct staff *open_staff(void)
{
    struct staff *staff;
    struct fault fault;
    assert_int_equal(staff_open(&staff, scratch.path, &fault), ERR_OK);
    return staff;
}

static void without_a_file_nobody_works_here(void **state)
{
    (void)state;
    struct staff *staff = open_staff();
    assert_int_equal(staff_count(staff), 0);
    assert_null(staff_find(staff, slice_of("1")));
    staff_close(staff);
}

static void people_are_found_by_number_and_by_badge(void **state)
{
    (void)state;
    add(&ann);
    add(&mia);
    struct staff *staff = open_staff();
    assert_int_equal(staff_count(staff), 2);
    const struct person *found = staff_find(staff, slice_of("1042"));
    assert_non_null(found);
    assert_string_equal(found->name, "Ann Lee");
    assert_ptr_equal(staff_find(staff, slice_of("BADGE-7")), found);
    assert_ptr_equal(staff_by_id(staff, found->id), found);
    assert_string_equal(staff_find(staff, slice_of("2001"))->language, "de");
    assert_null(staff_find(staff, slice_of("BADGE-8")));
    assert_null(staff_find(staff, slice_of("")));
    staff_close(staff);
}

static void the_file_keeps_neither_pin_nor_badge_and_is_private(void **state)
{
    (void)state;
    add(&ann);
    char path[SCRATCH_PATH_MAX];
    struct buf text CLEANUP(buf_free);
    buf_init(&text, 65536);
    scratch_path(&scratch, "people/staff.json", path);
    assert_int_equal(storage_read(path, &text, NULL), ERR_OK);
    assert_null(strstr(text.data, "2580\""));
    assert_null(strstr(text.data, "BADGE-7"));
    struct stat stat_now;
    assert_int_equal(stat(path, &stat_now), 0);
    assert_int_equal(stat_now.st_mode & 0777, 0600);
}

static void a_number_or_badge_is_given_once(void **state)
{
    (void)state;
    add(&ann);
    struct person_draft again = ann;
    struct fault fault;
    again.badge = NULL;
    assert_int_equal(staff_add(scratch.path, &again, slice_of("2580"), false, &fault),
                     ERR_CONFLICT);
    again.number = "1043";
    again.badge = "BADGE-7";
    assert_int_equal(staff_add(scratch.path, &again, slice_of("2580"), false, &fault),
                     ERR_CONFLICT);
    /* A badge that reads like somebody's number would be that person. */
    again.badge = "1042";
    assert_int_equal(staff_add(scratch.path, &again, slice_of("2580"), false, &fault),
                     ERR_CONFLICT);
}

static void what_is_wrong_with_a_new_person_is_named(void **state)
{
    (void)state;
    static const struct {
        struct person_draft draft;
        const char *pin;
        const char *where;
    } cases[] = {
        {{.number = "", .name = "A"}, "2580", "number"},
        {{.number = "12345678901234567", .name = "A"}, "2580", "number"},
        {{.number = "1", .name = ""}, "2580", "name"},
        {{.number = "1", .name = "A\nB"}, "2580", "name"},
        {{.number = "1", .name = "A", .language = "deu"}, "2580", "language"},
        {{.number = "1", .name = "A"}, "1111", "pin"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fault fault;
        assert_int_equal(
            staff_add(scratch.path, &cases[i].draft, slice_of(cases[i].pin), false, &fault),
            ERR_INVALID);
        assert_string_equal(fault.where, cases[i].where);
    }
    struct staff *staff = open_staff();
    assert_int_equal(staff_count(staff), 0);
    staff_close(staff);
}

static void a_change_beside_it_is_noticed(void **state)
{
    (void)state;
    add(&ann);
    struct staff *staff = open_staff();
    assert_true(staff_refresh(staff)); /* the first look */
    assert_false(staff_refresh(staff));
    add(&mia);
    assert_true(staff_refresh(staff));
    assert_int_equal(staff_count(staff), 2);
    assert_int_equal(staff_remove(scratch.path, "1042", NULL), ERR_OK);
    assert_true(staff_refresh(staff));
    assert_null(staff_find(staff, slice_of("1042")));
    staff_close(staff);
}

static void each_change_of_a_person_has_its_act(void **state)
{
    (void)state;
    static const struct person was = {.id = "a", .number = "1", .name = "Ann", .language = "en"};
    struct person now = was;
    struct staff_act acts[STAFF_ACTS_MAX(1, 1)];
    assert_int_equal(staff_acts(&was, 1, &now, 1, acts), 0);
    (void)strcpy(now.name, "Anne");
    now.role = ROLE_MANAGER;
    now.pin.salt[0] = 1;
    assert_int_equal(staff_acts(&was, 1, &now, 1, acts), 3);
    assert_int_equal(acts[0].act, ACCESS_STAFF_CHANGED);
    assert_int_equal(acts[1].act, ACCESS_ROLE_CHANGED);
    assert_int_equal(acts[2].act, ACCESS_PIN_CHANGED);
    now = was;
    now.has_badge = true;
    assert_int_equal(staff_acts(&was, 1, &now, 1, acts), 1);
    assert_int_equal(acts[0].act, ACCESS_STAFF_CHANGED);
    (void)strcpy(now.id, "b");
    assert_int_equal(staff_acts(&was, 1, &now, 1, acts), 2);
    assert_int_equal(acts[0].act, ACCESS_STAFF_ADDED);
    assert_ptr_equal(acts[0].person, &now);
    assert_int_equal(acts[1].act, ACCESS_STAFF_REMOVED);
    assert_ptr_equal(acts[1].person, &was);
}

static void told_from(void *context, const struct staff_act *acts, size_t count,
                      const struct access_copy *copy)
{
    (void)acts;
    (void)copy;
    *(size_t *)context += count;
}

static void a_damaged_copy_of_what_was_told_begins_anew(void **state)
{
    (void)state;
    char path[SCRATCH_PATH_MAX];
    size_t count = 0;
    add(&ann);
    scratch_write(scratch_path(&scratch, "people/staff.told", path), "{", 1);
    struct staff *staff = open_staff();
    assert_int_equal(staff_tell(staff, false, told_from, &count, NULL), ERR_OK);
    assert_true(staff_refresh(staff));
    assert_int_equal(count, 1);
    assert_non_null(staff_find(staff, slice_of("1042")));
    staff_close(staff);
}

static void a_new_pin_replaces_the_old(void **state)
{
    (void)state;
    add(&ann);
    struct pin_verifier verifier;
    assert_int_equal(pin_verifier_make(slice_of("9630"), 10, &verifier, NULL), ERR_OK);
    assert_int_equal(staff_set_pin(scratch.path, "1042", &verifier, true, NULL), ERR_OK);
    struct staff *staff = open_staff();
    const struct person *person = staff_find(staff, slice_of("1042"));
    assert_true(person->one_time);
    assert_true(pin_matches(slice_of("9630"), &person->pin));
    assert_false(pin_matches(slice_of("2580"), &person->pin));
    staff_close(staff);
}

static void nobody_can_be_removed_twice(void **state)
{
    (void)state;
    add(&ann);
    assert_int_equal(staff_remove(scratch.path, "1042", NULL), ERR_OK);
    assert_int_equal(staff_remove(scratch.path, "1042", NULL), ERR_NOT_FOUND);
}

static void two_writers_are_kept_apart(void **state)
{
    (void)state;
    add(&ann);
    char folder[SCRATCH_PATH_MAX];
    int lock;
    assert_int_equal(storage_lock(scratch_path(&scratch, "people", folder), &lock, NULL), ERR_OK);
    assert_int_equal(staff_remove(scratch.path, "1042", NULL), ERR_LOCKED);
    storage_unlock(lock);
    assert_int_equal(staff_remove(scratch.path, "1042", NULL), ERR_OK);
}

static void a_damaged_file_is_said_and_changes_nobody(void **state)
{
    (void)state;
    add(&ann);
    struct staff *staff = open_staff();
    assert_true(staff_refresh(staff));
    char path[SCRATCH_PATH_MAX];
    static const char broken[] = "{\"people\":[{\"id\":7}]}";
    scratch_write(scratch_path(&scratch, "people/staff.json", path), broken, sizeof broken - 1);
    assert_false(staff_refresh(staff));
    assert_non_null(staff_find(staff, slice_of("1042")));
    staff_close(staff);
    struct fault fault;
    assert_int_not_equal(staff_open(&staff, scratch.path, &fault), ERR_OK);
    assert_string_equal(fault.where, "people[0].id");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(without_a_file_nobody_works_here, setup, teardown),
        cmocka_unit_test_setup_teardown(people_are_found_by_number_and_by_badge, setup, teardown),
        cmocka_unit_test_setup_teardown(the_file_keeps_neither_pin_nor_badge_and_is_private, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_number_or_badge_is_given_once, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_wrong_with_a_new_person_is_named, setup, teardown),
        cmocka_unit_test_setup_teardown(a_change_beside_it_is_noticed, setup, teardown),
        cmocka_unit_test(each_change_of_a_person_has_its_act),
        cmocka_unit_test_setup_teardown(a_damaged_copy_of_what_was_told_begins_anew, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_new_pin_replaces_the_old, setup, teardown),
        cmocka_unit_test_setup_teardown(nobody_can_be_removed_twice, setup, teardown),
        cmocka_unit_test_setup_teardown(two_writers_are_kept_apart, setup, teardown),
        cmocka_unit_test_setup_teardown(a_damaged_file_is_said_and_changes_nobody, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
