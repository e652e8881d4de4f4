/* What a log has lost comes back from the hub: each event once, and the note of the loss ends. */
#include "hal/base/cleanup.h"
#include "tests/support/log_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

enum { LOST = 5, BODIES = LOST + 2, BODY_MAX = 1024 };

/* Events of a log that was here once. */
struct former {
    struct id log;
    char texts[BODIES][BODY_MAX];
    struct slice bodies[BODIES];
};

static void make_former(struct former *former)
{
    former->log = log_fixture_id(77);
    for (uint8_t i = 0; i < BODIES; i++) {
        struct event event = {
            .id = log_fixture_id(100 + i),
            .type = EVENT_RETURN_CREATED,
            .source = SLICE_LITERAL("/store/0042/device/box-0"),
            .time_ms = INT64_C(1700000000000),
            .boot_id = SLICE_LITERAL("boot"),
            .correlation = log_fixture_id(i),
            .data = SLICE_LITERAL("{\"receipt\":\"R1\"}"),
        };
        struct buf body CLEANUP(buf_free);
        buf_init(&body, BODY_MAX);
        event_write(&body, &event);
        (void)snprintf(former->texts[i], BODY_MAX, "%.*s", (int)body.len, body.data);
        former->bodies[i] = slice_of(former->texts[i]);
    }
}

static void expect_former(struct log_fixture *f, struct former *former)
{
    make_former(former);
    assert_int_equal(log_fixture_expect(f, &former->log, STREAM_RETURNS, LOST), ERR_OK);
    assert_int_equal(log_fixture_lost(f), LOST);
}

static void keep_err(void *context, enum err err, const struct fault *fault)
{
    (void)fault;
    *(enum err *)context = err;
}

/* A command that changes nothing, behind all others. */
static void await_all(struct log_fixture *f)
{
    struct id own = log_fixture_stream(f, STREAM_RETURNS).log;
    assert_int_equal(log_fixture_expect(f, &own, STREAM_RETURNS, 1), ERR_OK);
}

static void give_back(struct log_fixture *f, const struct former *former, int64_t first,
                      int64_t last)
{
    enum err err = ERR_CLOSED;
    const struct batch_header header = {
        .log = former->log, .stream = STREAM_RETURNS, .first = first, .last = last};
    eventlog_restore(f->log, &header, &former->bodies[first - 1], (size_t)(last - first + 1),
                     keep_err, &err);
    await_all(f);
    assert_int_equal(err, ERR_OK);
}

static int64_t applied(struct log_fixture *f)
{
    return log_fixture_number(f, "SELECT sum(events) FROM tally");
}

static int64_t stored(struct log_fixture *f)
{
    return log_fixture_number(f, "SELECT count(*) FROM inbox");
}

static void what_comes_back_is_applied_once_and_shortens_the_note(void **state)
{
    struct log_fixture *f = *state;
    struct former former;
    expect_former(f, &former);
    give_back(f, &former, 1, 3);
    assert_int_equal(applied(f), 3);
    assert_int_equal(log_fixture_lost(f), 2);
    give_back(f, &former, 1, 3);
    assert_int_equal(applied(f), 3);
    assert_int_equal(log_fixture_number(f, "SELECT count(*) FROM lost"), 1);
    assert_int_equal(log_fixture_number(f, "SELECT count(*) FROM lost_proof"), 1);
    log_fixture_reopen(f);
    assert_int_equal(log_fixture_lost(f), 2);
    give_back(f, &former, 4, 5);
    assert_int_equal(applied(f), 5);
    assert_int_equal(log_fixture_lost(f), 0);
    assert_int_equal(log_fixture_findings(f), 0);
}

static void no_more_is_taken_than_is_missing(void **state)
{
    struct log_fixture *f = *state;
    struct former former;
    expect_former(f, &former);
    give_back(f, &former, 1, BODIES);
    assert_int_equal(applied(f), LOST);
    assert_int_equal(log_fixture_lost(f), 0);
    assert_int_equal(log_fixture_findings(f), 0);
}

/* The hub has told of it already, for a receipt that somebody asked for. */
static void what_is_here_by_another_way_counts_once(void **state)
{
    struct log_fixture *f = *state;
    struct former former;
    enum err err = ERR_CLOSED;
    expect_former(f, &former);
    eventlog_learn(f->log, &former.bodies[1], 1, keep_err, &err);
    await_all(f);
    assert_int_equal(err, ERR_OK);
    assert_int_equal(applied(f), 1);
    give_back(f, &former, 1, LOST);
    assert_int_equal(applied(f), LOST);
    assert_int_equal(stored(f), LOST);
    assert_int_equal(log_fixture_lost(f), 0);
    assert_int_equal(log_fixture_findings(f), 0);
}

/* Else it would be asked for again without end, and what is behind it never come. */
static void what_cannot_be_read_holds_nothing_up(void **state)
{
    struct log_fixture *f = *state;
    struct former former;
    expect_former(f, &former);
    former.bodies[2] = slice_of("{}");
    give_back(f, &former, 1, LOST);
    assert_int_equal(applied(f), LOST - 1);
    assert_int_equal(log_fixture_lost(f), 0);
    assert_int_equal(log_fixture_findings(f), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOG_TEST(what_comes_back_is_applied_once_and_shortens_the_note),
        LOG_TEST(no_more_is_taken_than_is_missing),
        LOG_TEST(what_is_here_by_another_way_counts_once),
        LOG_TEST(what_cannot_be_read_holds_nothing_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
