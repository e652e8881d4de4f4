#include "agent/capture/peripheral.h"
#include "tests/support/await.h"
#include "tests/support/counter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

struct fixture {
    struct counter *counter;
    struct loop *loop;
    struct peripherals *peripherals;
    int64_t wanted;
};

static int setup(void **state)
{
    static struct fixture fixture;
    struct fixture *f = &fixture;
    memset(f, 0, sizeof *f);
    *state = f;
    f->counter = counter_open();
    assert_int_equal(loop_open(&f->loop, NULL), ERR_OK);
    struct peripherals_config config = {
        .loop = f->loop, .log = counter_log(f->counter), .settle_ms = 100};
    assert_int_equal(peripherals_open(&f->peripherals, &config, NULL), ERR_OK);
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    peripherals_close(f->peripherals);
    loop_close(f->loop);
    counter_close(f->counter);
    return 0;
}

static int64_t events(const struct fixture *f)
{
    struct eventlog_status status;
    eventlog_status(counter_log(f->counter), &status);
    return status.streams[STREAM_RETURNS].head;
}

static bool has_wanted(void *context)
{
    const struct fixture *f = context;
    return events(f) >= f->wanted;
}

static bool await_events(struct fixture *f, int64_t wanted)
{
    f->wanted = wanted;
    return await(f->loop, has_wanted, f, AWAIT_MS);
}

static enum err keep_body(void *context, int64_t seq, struct slice body, const struct sha256 *hash,
                          struct fault *fault)
{
    (void)seq;
    (void)hash;
    (void)fault;
    buf_reset(context);
    buf_append(context, body.data, body.len);
    return ERR_OK;
}

static void assert_last_event_has(const struct fixture *f, const char *words)
{
    struct eventlog_status status;
    struct sha256 before;
    struct buf body;
    buf_init(&body, EVENT_BODY_MAX);
    eventlog_status(counter_log(f->counter), &status);
    const struct eventlog_stream_status *stream = &status.streams[STREAM_RETURNS];
    const struct eventlog_span last = {stream->log, stream->head, 1};
    assert_int_equal(
        eventlog_range(counter_reader(f->counter), &last, &before, keep_body, &body, NULL), ERR_OK);
    assert_non_null(strstr(body.data, words));
    buf_free(&body);
}

static void a_device_that_went_and_came_is_told_once_each(void **state)
{
    struct fixture *f = *state;
    peripherals_note(f->peripherals, PERIPHERAL_PRINTER, "counter", PERIPHERAL_ATTACHED, "");
    peripherals_note(f->peripherals, PERIPHERAL_PRINTER, "counter", PERIPHERAL_FAILED, "paper_out");
    assert_true(await_events(f, 1));
    assert_last_event_has(f, "\"data\":{\"name\":\"counter\",\"kind\":\"printer\",\"state\":"
                             "\"failed\",\"detail\":\"paper_out\"}");
    peripherals_note(f->peripherals, PERIPHERAL_PRINTER, "counter", PERIPHERAL_ATTACHED, "");
    assert_true(await_events(f, 2));
    assert_last_event_has(f, "\"state\":\"attached\"");
}

static void what_is_there_from_the_start_and_a_loose_plug_are_not_told(void **state)
{
    struct fixture *f = *state;
    peripherals_note(f->peripherals, PERIPHERAL_SCANNER, "hand", PERIPHERAL_DETACHED, "");
    peripherals_note(f->peripherals, PERIPHERAL_SCANNER, "hand", PERIPHERAL_ATTACHED, "");
    peripherals_note(f->peripherals, PERIPHERAL_SCANNER, "hand", PERIPHERAL_DETACHED, "");
    peripherals_note(f->peripherals, PERIPHERAL_SCANNER, "hand", PERIPHERAL_ATTACHED, "");
    /* A second device settles after the first would have. */
    peripherals_note(f->peripherals, PERIPHERAL_SCANNER, "fixed", PERIPHERAL_DETACHED, "");
    assert_true(await_events(f, 1));
    assert_last_event_has(f, "\"name\":\"fixed\"");
    assert_int_equal(events(f), 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_device_that_went_and_came_is_told_once_each),
        TEST(what_is_there_from_the_start_and_a_loose_plug_are_not_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
