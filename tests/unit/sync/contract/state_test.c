#include "hal/base/cleanup.h"
#include "sync/contract/state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

static const char whole[] =
    "{\"session_id\":\"01000000-0000-0000-0000-000000000000\",\"state\":\"online\","
    "\"time\":\"2026-11-22T10:11:12.345Z\",\"time_trusted\":true,\"version\":\"1.0.0\","
    "\"boot_id\":\"b\",\"logs\":[{\"stream\":\"sales\","
    "\"log_id\":\"02000000-0000-0000-0000-000000000000\",\"head\":9,\"through\":7}],"
    "\"parked\":2,\"disk_free_bytes\":123456789012,\"problems\":[\"disk_low\"]}";

static struct state sample(void)
{
    return (struct state){
        .session = {{1}},
        .online = true,
        .time_ms = INT64_C(1795342272345),
        .time_trusted = true,
        .version = "1.0.0",
        .boot_id = "b",
        .logs = {{.stream = STREAM_SALES, .log = {{2}}, .head = 9, .through = 7}},
        .log_count = 1,
        .parked = 2,
        .disk_free_bytes = INT64_C(123456789012),
        .problems = {"disk_low"},
        .problem_count = 1,
    };
}

static void health_comes_back_as_it_was_written(void **state)
{
    (void)state;
    struct buf out CLEANUP(buf_free);
    buf_init(&out, STATE_BYTES_MAX);
    struct state health = sample();
    state_write(&out, &health);
    assert_string_equal(out.data, whole);
    struct state read;
    assert_int_equal(state_read(buf_slice(&out), &read, NULL), ERR_OK);
    assert_true(read.online);
    assert_true(id_equal(&read.session, &health.session));
    assert_true(read.time_ms == health.time_ms);
    assert_true(read.time_trusted);
    assert_string_equal(read.version, "1.0.0");
    assert_string_equal(read.boot_id, "b");
    assert_int_equal(read.log_count, 1);
    assert_int_equal(read.logs[0].stream, STREAM_SALES);
    assert_int_equal(read.logs[0].head, 9);
    assert_int_equal(read.logs[0].through, 7);
    assert_int_equal(read.parked, 2);
    assert_true(read.disk_free_bytes == health.disk_free_bytes);
    assert_int_equal(read.problem_count, 1);
    assert_string_equal(read.problems[0], "disk_low");
}

static void will_says_no_more_than_offline(void **state)
{
    (void)state;
    struct buf out CLEANUP(buf_free);
    buf_init(&out, STATE_BYTES_MAX);
    struct state will = sample();
    will.online = false;
    state_write(&out, &will);
    assert_string_equal(out.data, "{\"session_id\":\"01000000-0000-0000-0000-000000000000\","
                                  "\"state\":\"offline\"}");
    struct state read = {.online = true};
    assert_int_equal(state_read(buf_slice(&out), &read, NULL), ERR_OK);
    assert_false(read.online);
    assert_true(id_equal(&read.session, &will.session));
}

static void read_refuses_and_names_the_field(void **state)
{
    (void)state;
    static const struct {
        const char *from;
        const char *to;
        const char *where;
    } wrong[] = {
        {"01000000", "0100", "session_id"},
        {"\"online\"", "\"asleep\"", "state"},
        {"2026-11-22T", "today ", "time"},
        {"\"sales\"", "\"centre\"", "logs.stream"},
        {"02000000", "x", "logs.log_id"},
        {"\"head\":9", "\"head\":-9", "logs[0].head"},
        {"\"parked\":2", "\"parked\":null", "parked"},
        {"\"disk_low\"", "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"", "problems"},
        {"\"disk_low\"", "7", "problems[0]"},
        {"\"version\":\"1.0.0\",", "", "version"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct buf text CLEANUP(buf_free);
        buf_init(&text, 4096);
        const char *at = strstr(whole, wrong[i].from);
        assert_non_null(at);
        buf_append(&text, whole, (size_t)(at - whole));
        buf_append_text(&text, wrong[i].to);
        buf_append_text(&text, at + strlen(wrong[i].from));
        struct state read = {.parked = 77};
        struct fault fault = {0};
        assert_int_equal(state_read(buf_slice(&text), &read, &fault), ERR_INVALID);
        assert_string_equal(fault.where, wrong[i].where);
        assert_int_equal(read.parked, 77);
    }
}

static void late_will_does_not_overwrite_a_new_birth(void **state)
{
    (void)state;
    struct state birth = sample();
    struct state late_will = {.session = {{9}}};
    struct state own_will = {.session = birth.session};
    struct state next_birth = {.session = {{8}}, .online = true};
    assert_false(state_is_news(&late_will, &birth));
    assert_true(state_is_news(&own_will, &birth));
    assert_true(state_is_news(&next_birth, &birth));
    assert_true(state_is_news(&late_will, &(struct state){.session = {{7}}}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(health_comes_back_as_it_was_written),
        cmocka_unit_test(will_says_no_more_than_offline),
        cmocka_unit_test(read_refuses_and_names_the_field),
        cmocka_unit_test(late_will_does_not_overwrite_a_new_birth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
