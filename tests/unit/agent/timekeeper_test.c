/* The hub tells the time: the clock is trusted, the step noted, and nothing before it rewritten. */
#include "agent/timekeeper.h"
#include "hal/base/cleanup.h"
#include "hal/base/version.h"
#include "hal/time_floor.h"
#include "tests/support/log_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const int64_t now_ms = TILLBACK_BUILD_MS + INT64_C(86400000);
static const int64_t day_ms = INT64_C(86400000);

struct box {
    struct log_fixture f;
    struct timekeeper *keeper;
};

static int setup(void **state)
{
    struct box *b = calloc(1, sizeof *b);
    *state = b;
    log_fixture_make(&b->f);
    clock_fake_set_wall(b->f.clock, 0); /* 1970 */
    const struct timekeeper_config config = {
        .log = b->f.log,
        .clock = b->f.clock,
        .device = "box-1",
        .folder = b->f.scratch.path,
    };
    return timekeeper_open(&b->keeper, &config, NULL) == ERR_OK ? 0 : -1;
}

static int teardown(void **state)
{
    struct box *b = *state;
    log_fixture_close(&b->f);
    timekeeper_close(b->keeper);
    log_fixture_remove(&b->f);
    free(b);
    return 0;
}

/* What was submitted before is done when this is. */
static void settle(struct box *b)
{
    struct log_command c;
    log_command_make(&c, &b->f, EVENT_RETURN_CREATED, 0);
    log_command_submit(&c);
    assert_int_equal(log_command_await(&c), ERR_OK);
}

static int64_t notes(struct box *b)
{
    settle(b);
    return log_fixture_number(
        &b->f, "SELECT count(*) FROM event WHERE cast(body AS TEXT) LIKE '%clock.synchronised%'");
}

static void body_at(struct box *b, int64_t seq, struct buf *body)
{
    struct id log = log_fixture_stream(&b->f, STREAM_RETURNS).log;
    struct sha256 before;
    struct sha256 last;
    assert_int_equal(log_fixture_range(&b->f, &log, seq, 1, body, &before, &last), ERR_OK);
}

static void the_first_time_told_is_noted_and_what_was_saved_keeps_its_times(void **state)
{
    struct box *b = *state;
    struct buf before CLEANUP(buf_free);
    struct buf after CLEANUP(buf_free);
    struct buf note CLEANUP(buf_free);
    buf_init(&before, 65536);
    buf_init(&after, 65536);
    buf_init(&note, 65536);
    assert_int_equal(log_fixture_append(&b->f, EVENT_RETURN_CREATED, 1), 1);
    body_at(b, 1, &before);
    assert_non_null(strstr(before.data, "\"timetrusted\":false"));
    timekeeper_told(b->keeper, now_ms);
    assert_int_equal(notes(b), 1);
    body_at(b, 2, &note);
    char step[64];
    (void)snprintf(step, sizeof step, "\"step_ms\":%lld,\"source\":\"hub\"", (long long)now_ms);
    assert_non_null(strstr(note.data, step));
    assert_non_null(strstr(note.data, "\"timetrusted\":true"));
    body_at(b, 1, &after);
    assert_string_equal(before.data, after.data);
    assert_true(clock_read(b->f.clock).trusted);
}

static void a_small_step_later_needs_no_note_and_small_ones_add_up(void **state)
{
    struct box *b = *state;
    timekeeper_told(b->keeper, now_ms);
    for (int i = 1; i <= 3; i++) {
        timekeeper_told(b->keeper, now_ms + (int64_t)i * 300);
        assert_int_equal(notes(b), 1);
    }
    timekeeper_told(b->keeper, now_ms + 1200);
    assert_int_equal(notes(b), 2);
}

static void a_clock_that_people_set_back_is_neither_followed_nor_noted(void **state)
{
    struct box *b = *state;
    timekeeper_told(b->keeper, now_ms);
    clock_fake_set_wall(b->f.clock, now_ms - day_ms);
    assert_int_equal(clock_wall_ms(b->f.clock), now_ms);
    timekeeper_told(b->keeper, now_ms);
    assert_int_equal(notes(b), 1);
}

static void a_hub_that_is_before_our_build_is_not_believed(void **state)
{
    struct box *b = *state;
    timekeeper_told(b->keeper, TILLBACK_BUILD_MS - 1);
    timekeeper_told(b->keeper, 0);
    assert_int_equal(notes(b), 0);
    assert_false(clock_read(b->f.clock).trusted);
}

static void the_time_told_is_the_next_start_s_floor(void **state)
{
    struct box *b = *state;
    timekeeper_told(b->keeper, now_ms);
    assert_int_equal(time_floor_read(b->f.scratch.path, TILLBACK_BUILD_MS), now_ms);
}

#define BOX_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOX_TEST(the_first_time_told_is_noted_and_what_was_saved_keeps_its_times),
        BOX_TEST(a_small_step_later_needs_no_note_and_small_ones_add_up),
        BOX_TEST(a_clock_that_people_set_back_is_neither_followed_nor_noted),
        BOX_TEST(a_hub_that_is_before_our_build_is_not_believed),
        BOX_TEST(the_time_told_is_the_next_start_s_floor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
