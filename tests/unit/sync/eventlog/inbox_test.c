/* Messages of the hub: each is kept and applied once, in the order of its numbers. */
#include "hal/base/cleanup.h"
#include "tests/support/log_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static enum err receive(struct log_fixture *f, int64_t epoch, int64_t number, uint8_t tag)
{
    struct buf body CLEANUP(buf_free);
    buf_init(&body, 65536);
    log_fixture_message(&body, tag, log_fixture_id(1));
    return log_fixture_receive(f, epoch, number, buf_slice(&body));
}

static int64_t inbox_through(struct log_fixture *f)
{
    struct eventlog_status status;
    eventlog_status(f->log, &status);
    return status.inbox_through;
}

static const char applied[] = "SELECT events FROM tally";

static void a_message_is_stored_applied_and_counted(void **state)
{
    struct log_fixture *f = *state;
    assert_int_equal(receive(f, 1, 1, 11), ERR_OK);
    assert_int_equal(receive(f, 1, 2, 12), ERR_OK);
    log_fixture_reopen(f);
    assert_int_equal(inbox_through(f), 2);
    assert_int_equal(log_fixture_number(f, applied), 2);
    assert_int_equal(log_fixture_findings(f), 0);
}

static void a_message_seen_before_changes_nothing(void **state)
{
    struct log_fixture *f = *state;
    assert_int_equal(receive(f, 1, 1, 11), ERR_OK);
    assert_int_equal(receive(f, 1, 1, 11), ERR_OK);
    assert_int_equal(receive(f, 1, 2, 11), ERR_OK); /* the same message numbered anew */
    assert_int_equal(inbox_through(f), 2);
    assert_int_equal(log_fixture_number(f, applied), 1);
    assert_int_equal(log_fixture_findings(f), 0);
}

static void a_gap_is_a_conflict(void **state)
{
    struct log_fixture *f = *state;
    assert_int_equal(receive(f, 1, 1, 11), ERR_OK);
    assert_int_equal(receive(f, 1, 3, 13), ERR_CONFLICT);
    assert_int_equal(inbox_through(f), 1);
    assert_int_equal(receive(f, 1, 2, 12), ERR_OK);
    assert_int_equal(receive(f, 1, 3, 13), ERR_OK);
    assert_int_equal(log_fixture_number(f, applied), 3);
}

static void a_new_epoch_starts_the_numbers_again(void **state)
{
    struct log_fixture *f = *state;
    assert_int_equal(receive(f, 1, 1, 11), ERR_OK);
    assert_int_equal(receive(f, 1, 2, 12), ERR_OK);
    assert_int_equal(receive(f, 2, 1, 11), ERR_OK);
    assert_int_equal(inbox_through(f), 1);
    assert_int_equal(receive(f, 2, 2, 13), ERR_OK);
    assert_int_equal(receive(f, 1, 3, 14), ERR_OK); /* late, of the old epoch */
    assert_int_equal(inbox_through(f), 2);
    assert_int_equal(log_fixture_number(f, applied), 3);
    assert_int_equal(log_fixture_findings(f), 0);
}

static void an_unreadable_message_is_kept_and_does_not_block(void **state)
{
    struct log_fixture *f = *state;
    struct slice poison = SLICE_LITERAL("{\"specversion\":\"1.0\",");
    assert_int_equal(log_fixture_receive(f, 1, 1, poison), ERR_INVALID);
    assert_int_equal(log_fixture_receive(f, 1, 1, poison),
                     ERR_OK); /* it has no id to be known by */
    assert_int_equal(log_fixture_number(f, "SELECT count(*) FROM inbox"), 1);
    assert_int_equal(inbox_through(f), 1);
    assert_int_equal(receive(f, 1, 2, 12), ERR_OK);
    assert_int_equal(log_fixture_number(f, "SELECT count(*) FROM inbox"), 2);
    assert_int_equal(log_fixture_number(f, applied), 1);
    assert_int_equal(log_fixture_findings(f), 0);
}

static enum err add_stream(void *context, const struct eventlog_record *record, struct fault *fault)
{
    (void)fault;
    int64_t *seen = context;
    *seen = *seen * 10 + (int64_t)record->stream;
    return ERR_OK;
}

static void a_message_stands_in_the_history_where_it_came(void **state)
{
    struct log_fixture *f = *state;
    log_fixture_append(f, EVENT_SALE_RECORDED, 1);
    assert_int_equal(receive(f, 1, 1, 11), ERR_OK);
    log_fixture_append(f, EVENT_RETURN_CREATED, 1);
    struct eventlog_reader *reader;
    assert_int_equal(eventlog_reader_open(&reader, &f->config, NULL), ERR_OK);
    int64_t seen = 0;
    struct id correlation = log_fixture_id(1);
    assert_int_equal(eventlog_history(reader, &correlation, add_stream, &seen, NULL), ERR_OK);
    eventlog_reader_close(reader);
    assert_int_equal(seen, STREAM_SALES * 100 + STREAM_CENTRE * 10 + STREAM_RETURNS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOG_TEST(a_message_is_stored_applied_and_counted),
        LOG_TEST(a_message_seen_before_changes_nothing),
        LOG_TEST(a_gap_is_a_conflict),
        LOG_TEST(a_new_epoch_starts_the_numbers_again),
        LOG_TEST(an_unreadable_message_is_kept_and_does_not_block),
        LOG_TEST(a_message_stands_in_the_history_where_it_came),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
