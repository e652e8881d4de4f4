#include "agent/people/lockout.h"
#include "agent/people/people.h"
#include "hal/base/cleanup.h"
#include "hal/storage.h"
#include "tests/support/await.h"
#include "tests/support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { FEW_ROUNDS = 10, IDLE_MS = 60000, DAY_MS = 86400000 };

static struct scratch scratch;
static struct loop *loop;
static struct clock *wall;
static struct people *people;

/* What was told, a line each: "act person by". */
static char told[1024];
static bool log_fails;

/* Stands for the log, and keeps the copy as it does once it has the acts. */
static void hear_access(void *context, const struct access *acts, size_t count,
                        const struct access_copy *copy)
{
    (void)context;
    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(told);
        (void)snprintf(told + len, sizeof told - len, "%d %s %s\n", acts[i].act, acts[i].person,
                       acts[i].by);
    }
    if (!copy || log_fails)
        return;
    struct buf kept CLEANUP(buf_free);
    buf_init(&kept, (size_t)64 * 1024);
    assert_int_equal(storage_read(copy->path, &kept, NULL), ERR_OK);
    if (slice_equal(buf_slice(&kept), copy->before))
        assert_int_equal(storage_replace(copy->path, copy->now, 0600, NULL), ERR_OK);
}

static void assert_told(enum access_act act, const char *person, const char *by)
{
    char line[128];
    (void)snprintf(line, sizeof line, "%d %s %s\n", act, person, by);
    assert_string_equal(told, line);
    told[0] = '\0';
}

static void open_people(void)
{
    struct fault fault;
    struct people_config config = {
        .loop = loop,
        .clock = wall,
        .folder = scratch.path,
        .limits = {.idle_ms = IDLE_MS, .age_ms = DAY_MS},
        .rounds = FEW_ROUNDS,
        .told = hear_access,
    };
    assert_int_equal(people_open(&people, &config, &fault), ERR_OK);
}

static int setup(void **state)
{
    (void)state;
    scratch_make(&scratch);
    assert_int_equal(loop_open(&loop, NULL), ERR_OK);
    assert_int_equal(clock_fake_open(&wall, INT64_C(1795000000000), NULL), ERR_OK);
    struct person_draft ann = {
        .number = "1042", .name = "Ann", .badge = "BADGE-7", .rounds = FEW_ROUNDS};
    assert_int_equal(staff_add(scratch.path, &ann, slice_of("2580"), false, NULL), ERR_OK);
    log_fails = false;
    open_people();
    told[0] = '\0';
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    people_close(people);
    people = NULL;
    loop_close(loop);
    clock_close(wall);
    scratch_remove(&scratch);
    return 0;
}

struct heard {
    bool came;
    int times;
    enum err err;
    int64_t retry_s;
    char number[PERSON_NUMBER_MAX + 1];
};

static void hear(void *context, const struct people_answer *answer)
{
    struct heard *heard = context;
    heard->came = true;
    heard->times++;
    heard->err = answer->err;
    heard->retry_s = answer->retry_s;
    heard->number[0] = '\0';
    if (answer->person)
        memcpy(heard->number, answer->person->number, sizeof heard->number);
    assert_true(!answer->err == (answer->person != NULL));
}

static struct heard verify(const char *who, const char *pin)
{
    struct heard heard = {0};
    people_verify(people, slice_of(who), slice_of(pin), hear, &heard);
    assert_true(await_flag(loop, &heard.came, AWAIT_MS));
    return heard;
}

static void number_or_badge_with_its_pin_is_the_person(void **state)
{
    (void)state;
    assert_string_equal(verify("1042", "2580").number, "1042");
    assert_string_equal(verify("BADGE-7", "2580").number, "1042");
}

static void wrong_ones_are_told_alike(void **state)
{
    (void)state;
    assert_int_equal(verify("1042", "2581").err, ERR_FORBIDDEN);
    assert_int_equal(verify("1042", "").err, ERR_FORBIDDEN);
    assert_int_equal(verify("1042", "2580258025802580").err, ERR_FORBIDDEN);
    assert_int_equal(verify("nobody", "2580").err, ERR_FORBIDDEN);
    /* What stands in for the PIN of nobody is nobody's either. */
    assert_int_equal(verify("nobody", "nobody").err, ERR_FORBIDDEN);
}

static void the_answer_never_comes_within_the_call(void **state)
{
    (void)state;
    struct heard heard = {0};
    people_verify(people, slice_of("1042"), slice_of("2580"), hear, &heard);
    assert_false(heard.came);
    assert_true(await_flag(loop, &heard.came, AWAIT_MS));
    assert_int_equal(heard.times, 1);
}

static void wrong_pins_lock_out_and_time_lets_in_again(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++)
        assert_int_equal(verify("1042", "2581").err, ERR_FORBIDDEN);
    struct heard heard = verify("1042", "2580");
    assert_int_equal(heard.err, ERR_BUSY);
    assert_int_equal(heard.retry_s, 5);
    clock_fake_advance(wall, 5000);
    assert_int_equal(verify("1042", "2580").err, ERR_OK);
    assert_int_equal(verify("1042", "2581").err, ERR_FORBIDDEN);
    assert_int_equal(verify("1042", "2580").err, ERR_OK);
}

static void a_restart_gives_no_further_guesses(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++)
        assert_int_equal(verify("1042", "2581").err, ERR_FORBIDDEN);
    people_close(people);
    open_people();
    assert_int_equal(verify("1042", "2580").err, ERR_BUSY);
}

/* What Ann hears of these tries, a stranger hears too. */
static void a_number_that_nobody_has_is_refused_as_a_known_one(void **state)
{
    (void)state;
    static const int64_t waits_ms[] = {0,      0,      0,      5000,   30000,
                                       300000, 900000, 900000, 900000, 900000};
    for (size_t i = 0; i < sizeof waits_ms / sizeof *waits_ms; i++) {
        clock_fake_advance(wall, waits_ms[i] / 2);
        struct heard known = verify("1042", "2581");
        struct heard stranger = verify("1043", "2581");
        assert_int_equal(known.err, waits_ms[i] ? ERR_BUSY : ERR_FORBIDDEN);
        assert_int_equal(stranger.err, known.err);
        assert_int_equal(stranger.retry_s, known.retry_s);
        if (!waits_ms[i])
            continue;
        people_close(people);
        open_people();
        clock_fake_advance(wall, waits_ms[i] - waits_ms[i] / 2);
        assert_int_equal(verify("1042", "2581").err, ERR_FORBIDDEN);
        assert_int_equal(verify("1043", "2581").err, ERR_FORBIDDEN);
    }
    clock_fake_advance(wall, DAY_MS);
    assert_int_equal(verify("1042", "2580").err, ERR_BUSY);
    assert_int_equal(verify("1043", "2580").err, ERR_BUSY);
    assert_int_equal(verify("1044", "2580").err, ERR_FORBIDDEN);
}

static void strangers_push_nobodys_lock_out(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++)
        assert_int_equal(verify("1042", "2581").err, ERR_FORBIDDEN);
    for (int i = 0; i < STAFF_MAX + 1; i++) {
        char number[PERSON_NUMBER_MAX + 1];
        (void)snprintf(number, sizeof number, "5%05d", i);
        assert_int_equal(verify(number, "2581").err, ERR_FORBIDDEN);
    }
    assert_int_equal(verify("1042", "2580").err, ERR_BUSY);
}

static void a_lock_out_is_told_once_it_makes_somebody_wait(void **state)
{
    (void)state;
    char ann[ID_TEXT + 1];
    struct staff *staff;
    assert_int_equal(staff_open(&staff, scratch.path, NULL), ERR_OK);
    (void)snprintf(ann, sizeof ann, "%s", staff_at(staff, 0)->id);
    staff_close(staff);
    for (int i = 0; i < 2; i++)
        (void)verify("1042", "2581");
    for (int i = 0; i < 4; i++)
        (void)verify("nobody", "2581");
    assert_string_equal(told, "");
    (void)verify("1042", "2581");
    assert_told(ACCESS_LOCKED_OUT, ann, ACCESS_BY_NOBODY);
}

static void a_change_of_the_staff_is_told_with_who_made_it(void **state)
{
    (void)state;
    char ann[ID_TEXT + 1];
    char bob[ID_TEXT + 1];
    struct heard heard = {0};
    people_verify(people, slice_of("1042"), slice_of("2580"), hear, &heard);
    assert_true(await_flag(loop, &heard.came, AWAIT_MS));
    struct person_draft draft = {.number = "7", .name = "Bob", .rounds = FEW_ROUNDS};
    assert_int_equal(staff_add(scratch.path, &draft, slice_of("2580"), false, NULL), ERR_OK);
    struct staff *staff;
    assert_int_equal(staff_open(&staff, scratch.path, NULL), ERR_OK);
    (void)snprintf(ann, sizeof ann, "%s", staff_at(staff, 0)->id);
    (void)snprintf(bob, sizeof bob, "%s", staff_at(staff, 1)->id);
    people_look(people, ACCESS_BY_CENTRE);
    assert_told(ACCESS_STAFF_ADDED, bob, ACCESS_BY_CENTRE);
    people_look(people, ACCESS_BY_CLI);
    assert_string_equal(told, "");

    heard = (struct heard){0};
    people_change_pin(people, staff_at(staff, 0), slice_of("2580"), slice_of("1397"), hear, &heard);
    assert_true(await_flag(loop, &heard.came, AWAIT_MS));
    assert_int_equal(heard.err, ERR_OK);
    assert_told(ACCESS_PIN_CHANGED, ann, ann);

    struct pin_verifier verifier;
    assert_int_equal(pin_verifier_make(slice_of("4826"), FEW_ROUNDS, &verifier, NULL), ERR_OK);
    assert_int_equal(staff_set_pin(scratch.path, "1042", &verifier, false, NULL), ERR_OK);
    people_look(people, ACCESS_BY_CLI);
    assert_told(ACCESS_PIN_CHANGED, ann, ACCESS_BY_CLI);
    assert_int_equal(staff_remove(scratch.path, "7", NULL), ERR_OK);
    people_look(people, ACCESS_BY_CLI);
    assert_told(ACCESS_STAFF_REMOVED, bob, ACCESS_BY_CLI);
    staff_close(staff);
}

static void what_was_done_while_it_stood_still_is_told_at_the_start(void **state)
{
    (void)state;
    char ann[ID_TEXT + 1];
    struct staff *staff;
    assert_int_equal(staff_open(&staff, scratch.path, NULL), ERR_OK);
    (void)snprintf(ann, sizeof ann, "%s", staff_at(staff, 0)->id);
    staff_close(staff);
    people_close(people);
    assert_int_equal(staff_remove(scratch.path, "1042", NULL), ERR_OK);
    log_fails = true; /* what isn't saved is told again */
    open_people();
    assert_non_null(strstr(told, ann));
    people_close(people);
    told[0] = '\0';
    log_fails = false;
    open_people();
    assert_non_null(strstr(told, ann));
    people_close(people);
    told[0] = '\0';
    open_people();
    assert_string_equal(told, "");
}

static void a_change_after_one_that_was_not_saved_hides_neither(void **state)
{
    (void)state;
    struct person_draft bob = {.number = "7", .name = "Bob", .rounds = FEW_ROUNDS};
    struct person_draft eve = {.number = "8", .name = "Eve", .rounds = FEW_ROUNDS};
    log_fails = true;
    assert_int_equal(staff_add(scratch.path, &bob, slice_of("2580"), false, NULL), ERR_OK);
    people_look(people, ACCESS_BY_CLI);
    log_fails = false;
    assert_int_equal(staff_add(scratch.path, &eve, slice_of("2580"), false, NULL), ERR_OK);
    people_look(people, ACCESS_BY_CLI);
    people_close(people);
    told[0] = '\0';
    open_people();
    struct staff *staff;
    assert_int_equal(staff_open(&staff, scratch.path, NULL), ERR_OK);
    assert_non_null(strstr(told, staff_find(staff, slice_of("7"))->id));
    assert_non_null(strstr(told, staff_find(staff, slice_of("8"))->id));
    staff_close(staff);
}

static void the_first_technician_is_nobodys_act(void **state)
{
    (void)state;
    char path[SCRATCH_PATH_MAX];
    people_close(people);
    assert_int_equal(storage_remove(scratch_path(&scratch, "people/staff.json", path), NULL),
                     ERR_OK);
    assert_int_equal(storage_remove(scratch_path(&scratch, "people/staff.told", path), NULL),
                     ERR_OK);
    told[0] = '\0';
    open_people();
    people_close(people);
    open_people();
    assert_string_equal(told, "");
}

static void a_right_pin_is_forgotten_on_disk_too(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++)
        assert_int_equal(verify("1042", "2581").err, ERR_FORBIDDEN);
    assert_int_equal(verify("1042", "2580").err, ERR_OK);
    people_close(people);
    open_people();
    for (int i = 0; i < 2; i++)
        assert_int_equal(verify("1042", "2581").err, ERR_FORBIDDEN);
    assert_int_equal(verify("1042", "2580").err, ERR_OK);
}

static void guesses_sent_at_once_count_as_many(void **state)
{
    (void)state;
    struct heard heard[12] = {0};
    int busy = 0;
    for (size_t i = 0; i < 12; i++)
        people_verify(people, slice_of("1042"), slice_of("2581"), hear, &heard[i]);
    for (size_t i = 0; i < 12; i++) {
        assert_true(await_flag(loop, &heard[i].came, AWAIT_MS));
        busy += heard[i].err == ERR_BUSY;
    }
    assert_int_equal(busy, 9);
}

static void locked_for_good_only_a_new_pin_helps(void **state)
{
    (void)state;
    for (int i = 0; i < LOCKOUT_FOR_GOOD; i++) {
        assert_int_equal(verify("1042", "2581").err, ERR_FORBIDDEN);
        clock_fake_advance(wall, DAY_MS);
    }
    struct heard heard = verify("1042", "2580");
    assert_int_equal(heard.err, ERR_BUSY);
    assert_int_equal(heard.retry_s, 0);
    struct pin_verifier verifier;
    assert_int_equal(pin_verifier_make(slice_of("9630"), FEW_ROUNDS, &verifier, NULL), ERR_OK);
    assert_int_equal(staff_set_pin(scratch.path, "1042", &verifier, false, NULL), ERR_OK);
    assert_int_equal(verify("1042", "9630").err, ERR_OK);
}

static const struct person *sign_in(char secret[static SESSION_TEXT + 1])
{
    struct staff *staff;
    assert_int_equal(staff_open(&staff, scratch.path, NULL), ERR_OK);
    people_begin_session(people, staff_find(staff, slice_of("1042")), secret);
    staff_close(staff);
    return people_of_session(people, (struct slice){secret, SESSION_TEXT}, true);
}

static void a_session_ends_unused_ended_or_with_its_person(void **state)
{
    (void)state;
    char secret[SESSION_TEXT + 1];
    assert_string_equal(sign_in(secret)->number, "1042");
    clock_fake_advance(wall, IDLE_MS);
    assert_null(people_of_session(people, slice_of(secret), true));
    assert_non_null(sign_in(secret));
    people_end_session(people, slice_of(secret));
    assert_null(people_of_session(people, slice_of(secret), true));
    assert_non_null(sign_in(secret));
    assert_int_equal(staff_remove(scratch.path, "1042", NULL), ERR_OK);
    assert_null(people_of_session(people, slice_of(secret), true));
}

static struct heard change_pin(const struct person *person, const char *pin, const char *new_pin)
{
    struct heard heard = {0};
    people_change_pin(people, person, slice_of(pin), slice_of(new_pin), hear, &heard);
    assert_true(await_flag(loop, &heard.came, AWAIT_MS));
    return heard;
}

static void ones_own_pin_replaces_the_given_one_and_ends_its_sessions(void **state)
{
    (void)state;
    char secret[SESSION_TEXT + 1];
    const struct person *person = sign_in(secret);
    assert_int_equal(change_pin(person, "2580", "1111").err, ERR_INVALID);
    assert_int_equal(change_pin(person, "2580", "2580").err, ERR_INVALID);
    assert_int_equal(change_pin(person, "2581", "9630").err, ERR_FORBIDDEN);
    assert_int_equal(change_pin(person, "2580", "9630").err, ERR_OK);
    assert_null(people_of_session(people, slice_of(secret), true));
    assert_int_equal(verify("1042", "2580").err, ERR_FORBIDDEN);
    assert_int_equal(verify("1042", "9630").err, ERR_OK);
}

static void closing_answers_what_is_under_way(void **state)
{
    (void)state;
    struct heard heard[3] = {0};
    for (size_t i = 0; i < 3; i++)
        people_verify(people, slice_of("BADGE-9"), slice_of("2580"), hear, &heard[i]);
    people_close(people);
    people = NULL;
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(heard[i].times, 1);
        assert_int_equal(heard[i].err, ERR_CLOSED);
    }
    loop_run_once(loop, 0); /* a post that was under way finds nobody */
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
    (void)state;
    people_close(people);
    assert_int_equal(staff_remove(scratch.path, "1042", NULL), ERR_OK);
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    struct diag *diag = diag_open(ends[1], "test", DIAG_INFO);
    struct people_config config = {
        .loop = loop, .clock = wall, .diag = diag, .folder = scratch.path, .rounds = FEW_ROUNDS};
    assert_int_equal(people_open(&people, &config, NULL), ERR_OK);
    char pin[PIN_ONE_TIME + 1] = "";
    read_pin(ends[0], pin);
    assert_string_equal(verify("1", pin).number, "1");
    people_close(people);
    struct staff *staff;
    assert_int_equal(staff_open(&staff, scratch.path, NULL), ERR_OK);
    assert_int_equal(staff_count(staff), 1);
    assert_int_equal(staff_at(staff, 0)->role, ROLE_TECHNICIAN);
    assert_true(staff_at(staff, 0)->one_time);
    staff_close(staff);
    assert_int_equal(people_open(&people, &config, NULL), ERR_OK);
    assert_int_equal(verify("1", pin).err, ERR_OK);
    people_close(people);
    people = NULL;
    diag_close(diag);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(number_or_badge_with_its_pin_is_the_person),
        TEST(wrong_ones_are_told_alike),
        TEST(the_answer_never_comes_within_the_call),
        TEST(wrong_pins_lock_out_and_time_lets_in_again),
        TEST(a_restart_gives_no_further_guesses),
        TEST(a_number_that_nobody_has_is_refused_as_a_known_one),
        TEST(strangers_push_nobodys_lock_out),
        TEST(a_lock_out_is_told_once_it_makes_somebody_wait),
        TEST(a_change_of_the_staff_is_told_with_who_made_it),
        TEST(what_was_done_while_it_stood_still_is_told_at_the_start),
        TEST(a_change_after_one_that_was_not_saved_hides_neither),
        TEST(the_first_technician_is_nobodys_act),
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
