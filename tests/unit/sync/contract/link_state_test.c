#include "hal/base/cleanup.h"
#include "sync/contract/link_state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

static const char whole[] =
    "{\"session\":\"01000000-0000-0000-0000-000000000000\",\"online\":true,"
    "\"time\":\"2026-11-22T10:11:12.345Z\",\"waiting\":{\"returns\":23,\"sales\":7}}";

static struct link_state sample(void)
{
    return (struct link_state){.session = {{1}},
                               .online = true,
                               .time_ms = INT64_C(1795342272345),
                               .waiting = {[STREAM_RETURNS] = 23, [STREAM_SALES] = 7}};
}

static void write(struct buf *out, const struct link_state *state)
{
    struct jsonw w = jsonw_to(out);
    jsonw_object(&w, NULL);
    link_state_write(&w, state);
    jsonw_end(&w);
}

static void birth_comes_back_as_it_was_written(void **state)
{
    (void)state;
    struct buf out CLEANUP(buf_free);
    buf_init(&out, LINK_STATE_BYTES_MAX);
    struct link_state birth = sample();
    write(&out, &birth);
    assert_string_equal(out.data, whole);
    struct link_state read;
    assert_int_equal(link_state_read(buf_slice(&out), &read, NULL), ERR_OK);
    assert_true(read.online);
    assert_true(id_equal(&read.session, &birth.session));
    assert_true(read.time_ms == birth.time_ms);
    assert_int_equal(read.waiting[STREAM_RETURNS], 23);
    assert_int_equal(read.waiting[STREAM_SALES], 7);
}

static void will_says_no_more_than_offline(void **state)
{
    (void)state;
    struct buf out CLEANUP(buf_free);
    buf_init(&out, LINK_STATE_BYTES_MAX);
    struct link_state will = sample();
    will.online = false;
    write(&out, &will);
    assert_string_equal(out.data, "{\"session\":\"01000000-0000-0000-0000-000000000000\","
                                  "\"online\":false}");
    struct link_state read = {.online = true};
    assert_int_equal(link_state_read(buf_slice(&out), &read, NULL), ERR_OK);
    assert_false(read.online);
    assert_true(id_equal(&read.session, &will.session));
}

static void replaced(struct buf *out, const char *from, const char *to)
{
    const char *at = strstr(whole, from);
    assert_non_null(at);
    buf_append(out, whole, (size_t)(at - whole));
    buf_append_text(out, to);
    buf_append_text(out, at + strlen(from));
}

static void health_may_say_more(void **state)
{
    (void)state;
    struct buf text CLEANUP(buf_free);
    buf_init(&text, 4096);
    replaced(&text, "{\"session", "{\"disk\":{\"free\":1},\"session");
    struct link_state read;
    assert_int_equal(link_state_read(buf_slice(&text), &read, NULL), ERR_OK);
}

static void read_refuses_and_names_the_field(void **state)
{
    (void)state;
    static const struct {
        const char *from;
        const char *to;
        const char *where;
    } wrong[] = {
        {"01000000", "0100", "session"},
        {"true", "\"true\"", "online"},
        {"2026-11-22T", "today ", "time"},
        {"\"returns\":23", "\"returns\":-1", "waiting.returns"},
        {",\"sales\":7", "", "waiting.sales"},
        {"{\"returns\":23,\"sales\":7}", "[]", "waiting"},
        {"{\"session\"", "{\"session_id\"", "session"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct buf text CLEANUP(buf_free);
        buf_init(&text, 4096);
        replaced(&text, wrong[i].from, wrong[i].to);
        struct link_state read = {.time_ms = 77};
        struct fault fault = {0};
        assert_int_equal(link_state_read(buf_slice(&text), &read, &fault), ERR_INVALID);
        assert_string_equal(fault.where, wrong[i].where);
        assert_int_equal(read.time_ms, 77);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(birth_comes_back_as_it_was_written),
        cmocka_unit_test(will_says_no_more_than_offline),
        cmocka_unit_test(health_may_say_more),
        cmocka_unit_test(read_refuses_and_names_the_field),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
