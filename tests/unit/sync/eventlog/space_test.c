/* A real small file system that fills up and gets space again. */
#include "tests/support/log_fixture.h"
#include "tests/support/small_disk.h"

#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

enum { MEGABYTES = 16, RESERVE = 2 * 1024 * 1024, TRIES = 500 };

struct store {
    struct log_fixture f;
    struct small_disk disk;
    struct scratch own;
    bool mounted;
};

static int setup(void **state)
{
    struct store *s = calloc(1, sizeof *s);
    *state = s;
    log_fixture_make(&s->f);
    s->own = s->f.scratch;
    s->mounted = small_disk_make(&s->disk, MEGABYTES);
    if (!s->mounted)
        return 0;
    log_fixture_close(&s->f);
    (void)snprintf(s->f.scratch.path, sizeof s->f.scratch.path, "%.250s", s->disk.path);
    s->f.config.reserve_bytes = RESERVE;
    return log_fixture_open(&s->f) == ERR_OK ? 0 : -1;
}

static int teardown(void **state)
{
    struct store *s = *state;
    log_fixture_close(&s->f);
    s->f.scratch = s->own;
    if (s->mounted)
        small_disk_remove(&s->disk);
    log_fixture_remove(&s->f);
    free(s);
    return 0;
}

static bool can_save(struct store *s)
{
    struct eventlog_status status;
    eventlog_status(s->f.log, &status);
    return status.can_save;
}

static enum err append(struct store *s)
{
    struct log_command c;
    log_command_make(&c, &s->f, EVENT_RETURN_CREATED, 1);
    c.padding = 2000;
    log_command_submit(&c);
    return log_command_await(&c);
}

/* The log looks by itself, once a second, for space. */
static bool can_save_again(struct store *s)
{
    struct timespec pause = {.tv_nsec = 10 * 1000 * 1000};
    for (int i = 0; i < TRIES && !can_save(s); i++)
        (void)nanosleep(&pause, NULL);
    return can_save(s);
}

static void the_return_in_hand_is_finished_when_the_disk_fills(void **state)
{
    struct store *s = *state;
    if (!s->mounted)
        skip();
    assert_true(can_save(s));
    assert_int_equal(append(s), ERR_OK);
    small_disk_fill(&s->disk);
    assert_true(small_disk_free(&s->disk) < 4096);
    for (int i = 0; i < 50; i++)
        assert_int_equal(append(s), ERR_OK); /* with what was kept back */
    assert_false(can_save(s));               /* and nobody is told yes to another */
}

static void a_disk_that_is_full_to_the_end_refuses_and_recovers_without_a_restart(void **state)
{
    struct store *s = *state;
    if (!s->mounted)
        skip();
    small_disk_fill(&s->disk);
    assert_int_equal(append(s), ERR_OK);
    small_disk_fill(&s->disk); /* the reserve is eaten by others */
    int64_t saved = 1;
    enum err err = ERR_OK;
    for (int i = 0; i < 5000 && !err; i++) {
        err = append(s);
        saved += !err;
    }
    assert_int_equal(err, ERR_DISK_FULL);
    assert_false(can_save(s));
    small_disk_relieve(&s->disk);
    assert_true(can_save_again(s));
    assert_int_equal(append(s), ERR_OK);
    assert_int_equal(log_fixture_stream(&s->f, STREAM_RETURNS).head, saved + 1);
    assert_int_equal(log_fixture_findings(&s->f), 0);
}

static void a_start_on_a_full_disk_answers_questions_and_says_that_it_cannot_save(void **state)
{
    struct store *s = *state;
    if (!s->mounted)
        skip();
    assert_int_equal(append(s), ERR_OK);
    log_fixture_close(&s->f);
    small_disk_fill(&s->disk);
    assert_int_equal(log_fixture_open(&s->f), ERR_OK);
    assert_false(can_save(s));
    assert_int_equal(log_fixture_stream(&s->f, STREAM_RETURNS).head, 1);
    small_disk_relieve(&s->disk);
    assert_true(can_save_again(s));
}

static enum err back_up(struct store *s, int64_t ack_no)
{
    int64_t head = log_fixture_stream(&s->f, STREAM_RETURNS).head;
    struct ack ack = log_fixture_ack(&s->f, STREAM_RETURNS, head, ack_no);
    return log_fixture_acknowledge(&s->f, STREAM_RETURNS, &ack);
}

static enum err prune_all(struct store *s, int64_t *pruned)
{
    const struct eventlog_retention rules = {.max_events = 1};
    return eventlog_prune(s->f.log, &rules, pruned, &s->f.fault);
}

/* Large events: to delete them in one transaction would need what there is not. */
static void append_large(struct store *s, int64_t *saved)
{
    struct log_command c;
    log_command_make(&c, &s->f, EVENT_RETURN_CREATED, 1);
    c.correlation = log_fixture_id((uint8_t)*saved);
    c.padding = 30000;
    log_command_submit(&c);
    assert_int_equal(log_command_await(&c), ERR_OK);
    ++*saved;
}

/* Asked again, as the hub and the clock do: who reads just then may be in the way of one attempt.
 */
static void makes_room(struct store *s)
{
    struct timespec pause = {.tv_nsec = 10 * 1000 * 1000};
    int64_t ack_no = 1;
    int64_t pruned;
    while (back_up(s, ack_no) && ++ack_no < TRIES)
        (void)nanosleep(&pause, NULL);
    int rounds = 1;
    while (prune_all(s, &pruned) && ++rounds < TRIES)
        (void)nanosleep(&pause, NULL);
    if (ack_no == TRIES || rounds == TRIES)
        fail_msg("%s: %s", s->f.fault.where, s->f.fault.text);
    assert_true(can_save_again(s));
    assert_int_equal(log_fixture_number(&s->f, "SELECT count(*) FROM event"), 1);
    assert_int_equal(log_fixture_findings(&s->f), 0);
}

static void retention_makes_room_on_a_disk_that_the_backlog_has_filled(void **state)
{
    struct store *s = *state;
    if (!s->mounted)
        skip();
    int64_t saved = 0;
    while (can_save(s))
        append_large(s, &saved);
    assert_true(saved > 100);
    small_disk_fill(&s->disk); /* and somebody else takes what the reserve has left */
    makes_room(s);
}

static bool is_tight(struct store *s)
{
    struct eventlog_status status;
    eventlog_status(s->f.log, &status);
    return status.tight;
}

/* The log's newest is in its write-ahead log alone, which a reader keeps from moving. */
static void retention_makes_room_when_others_fill_the_disk_while_somebody_reads(void **state)
{
    struct store *s = *state;
    if (!s->mounted)
        skip();
    char path[SCRATCH_PATH_MAX];
    sqlite3 *reader;
    int64_t saved = 0;
    while (!is_tight(s))
        append_large(s, &saved);
    assert_int_equal(sqlite3_open(scratch_path(&s->f.scratch, "tillback.db", path), &reader),
                     SQLITE_OK);
    assert_int_equal(sqlite3_exec(reader, "BEGIN; SELECT count(*) FROM event", NULL, NULL, NULL),
                     SQLITE_OK);
    while (can_save(s))
        append_large(s, &saved);
    small_disk_fill(&s->disk);
    sqlite3_close(reader);
    makes_room(s);
}

/* The cut is made, and the deleting fails: the next round goes on with it. */
static void a_cut_whose_deleting_was_stopped_is_ended_by_the_next(void **state)
{
    struct store *s = *state;
    if (!s->mounted)
        skip();
    for (int i = 0; i < 300; i++)
        assert_int_equal(append(s), ERR_OK);
    assert_int_equal(back_up(s, 1), ERR_OK);
    int64_t pruned = 0;
    assert_int_equal(prune_all(s, &pruned), ERR_OK);
    assert_int_equal(pruned, 299);
    /* As it stands after the cut alone: the rows below it are there again. */
    log_fixture_close(&s->f);
    log_fixture_tamper(&s->f,
                       "INSERT INTO event (pos, ordinal, correlation, hash, body) "
                       "SELECT 7, 7, correlation, hash, zeroblob(1000000) FROM event LIMIT 1");
    assert_int_equal(log_fixture_open(&s->f), ERR_OK);
    assert_int_equal(prune_all(s, &pruned), ERR_OK);
    assert_int_equal(pruned, 0);
    assert_int_equal(log_fixture_number(&s->f, "SELECT count(*) FROM event"), 1);
    assert_true(log_fixture_number(&s->f, "PRAGMA freelist_count") < 10); /* it were 245 pages */
}

#define SPACE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SPACE_TEST(the_return_in_hand_is_finished_when_the_disk_fills),
        SPACE_TEST(a_disk_that_is_full_to_the_end_refuses_and_recovers_without_a_restart),
        SPACE_TEST(retention_makes_room_on_a_disk_that_the_backlog_has_filled),
        SPACE_TEST(retention_makes_room_when_others_fill_the_disk_while_somebody_reads),
        SPACE_TEST(a_cut_whose_deleting_was_stopped_is_ended_by_the_next),
        SPACE_TEST(a_start_on_a_full_disk_answers_questions_and_says_that_it_cannot_save),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
