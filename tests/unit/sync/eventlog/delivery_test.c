#include "tests/support/log_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static int64_t through(struct log_fixture *f)
{
    return log_fixture_stream(f, STREAM_RETURNS).through;
}

static enum err acknowledge(struct log_fixture *f, const struct ack *ack)
{
    return log_fixture_acknowledge(f, STREAM_RETURNS, ack);
}

static void the_watermark_moves_and_lasts(void **state)
{
    struct log_fixture *f = *state;
    log_fixture_append(f, EVENT_RETURN_CREATED, 5);
    struct ack ack = log_fixture_ack(f, STREAM_RETURNS, 3, 1);
    ack.backed_up_through = 2;
    log_fixture_reopen(f); /* a closed log has told its commits */
    int commits = f->commits;
    assert_int_equal(acknowledge(f, &ack), ERR_OK);
    log_fixture_reopen(f);
    assert_int_equal(f->commits, commits + 1);
    assert_int_equal(through(f), 3);
    assert_int_equal(log_fixture_stream(f, STREAM_RETURNS).backed_up_through, 2);
    struct eventlog_status status;
    eventlog_status(f->log, &status);
    assert_int_equal(status.hub_epoch, 1);
}

static void the_newest_epoch_of_both_streams_is_told(void **state)
{
    static const enum stream streams[] = {STREAM_SALES, STREAM_RETURNS, STREAM_SALES};
    struct log_fixture *f = *state;
    log_fixture_append(f, EVENT_RETURN_CREATED, 1);
    log_fixture_append(f, EVENT_SALE_RECORDED, 1);
    for (int i = 0; i < 3; i++) {
        struct ack ack = log_fixture_ack(f, streams[i], 1, 1);
        struct eventlog_status status;
        ack.hub_epoch = i + 2;
        assert_int_equal(log_fixture_acknowledge(f, streams[i], &ack), ERR_OK);
        eventlog_status(f->log, &status);
        assert_int_equal(status.hub_epoch, i + 2);
    }
}

static void an_older_acknowledgement_is_ignored(void **state)
{
    struct log_fixture *f = *state;
    log_fixture_append(f, EVENT_RETURN_CREATED, 5);
    struct ack newer = log_fixture_ack(f, STREAM_RETURNS, 4, 7);
    struct ack older = log_fixture_ack(f, STREAM_RETURNS, 2, 6);
    assert_int_equal(acknowledge(f, &newer), ERR_OK);
    assert_int_equal(acknowledge(f, &older), ERR_OK);
    assert_int_equal(through(f), 4);
    older.ack_no = 7;
    assert_int_equal(acknowledge(f, &older), ERR_OK);
    assert_int_equal(through(f), 4);
    log_fixture_reopen(f);
    assert_int_equal(acknowledge(f, &older), ERR_OK);
    assert_int_equal(through(f), 4);
}

static void an_acknowledgement_of_another_log_is_ignored(void **state)
{
    struct log_fixture *f = *state;
    log_fixture_append(f, EVENT_RETURN_CREATED, 5);
    struct ack ack = log_fixture_ack(f, STREAM_RETURNS, 4, 7);
    ack.log = log_fixture_id(9);
    ack.through = 100;
    assert_int_equal(acknowledge(f, &ack), ERR_OK);
    assert_int_equal(through(f), 0);
    assert_false(log_fixture_stream(f, STREAM_RETURNS).forked);
}

static void a_new_epoch_takes_the_watermark_back(void **state)
{
    struct log_fixture *f = *state;
    log_fixture_append(f, EVENT_RETURN_CREATED, 5);
    struct ack ack = log_fixture_ack(f, STREAM_RETURNS, 4, 7);
    assert_int_equal(acknowledge(f, &ack), ERR_OK);
    ack = log_fixture_ack(f, STREAM_RETURNS, 1, 1);
    ack.hub_epoch = 2;
    assert_int_equal(acknowledge(f, &ack), ERR_OK);
    assert_int_equal(through(f), 1);
    assert_int_equal(log_fixture_stream(f, STREAM_RETURNS).backed_up_through, 1);
    assert_false(log_fixture_stream(f, STREAM_RETURNS).forked);
}

static void parked_items_come_and_go_with_the_acknowledgements(void **state)
{
    struct log_fixture *f = *state;
    log_fixture_append(f, EVENT_RETURN_CREATED, 5);
    struct ack ack = log_fixture_ack(f, STREAM_RETURNS, 3, 1);
    ack.parked_count = 2;
    for (uint8_t i = 0; i < 2; i++) {
        ack.parked[i] = (struct ack_parked){.id = log_fixture_id(i), .seq = i + 1};
        (void)snprintf(ack.parked[i].code, ACK_CODE_MAX, "period_closed");
        (void)snprintf(ack.parked[i].detail, ACK_DETAIL_MAX, "October is closed");
    }
    assert_int_equal(acknowledge(f, &ack), ERR_OK);
    assert_int_equal(log_fixture_stream(f, STREAM_RETURNS).parked, 2);
    log_fixture_reopen(f);
    assert_int_equal(log_fixture_stream(f, STREAM_RETURNS).parked, 2);
    assert_int_equal(log_fixture_stream(f, STREAM_SALES).parked, 0);
    ack.ack_no = 2;
    ack.parked_count = 1;
    assert_int_equal(acknowledge(f, &ack), ERR_OK);
    assert_int_equal(log_fixture_stream(f, STREAM_RETURNS).parked, 1);
}

static void what_is_parked_of_one_stream_is_not_settled_by_the_other(void **state)
{
    struct log_fixture *f = *state;
    log_fixture_append(f, EVENT_RETURN_CREATED, 2);
    log_fixture_append(f, EVENT_SALE_RECORDED, 2);
    struct ack returns = log_fixture_ack(f, STREAM_RETURNS, 2, 1);
    returns.parked_count = 1;
    returns.parked[0] = (struct ack_parked){.id = log_fixture_id(1), .seq = 1, .code = "poison"};
    assert_int_equal(acknowledge(f, &returns), ERR_OK);
    const struct ack sales = log_fixture_ack(f, STREAM_SALES, 2, 1);
    assert_int_equal(log_fixture_acknowledge(f, STREAM_SALES, &sales), ERR_OK);
    log_fixture_reopen(f);
    assert_int_equal(log_fixture_stream(f, STREAM_RETURNS).parked, 1);
}

static void park(struct ack *ack, int64_t first, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ack->parked[i] = (struct ack_parked){.id = log_fixture_id((uint8_t)(first + (int64_t)i)),
                                             .seq = first + (int64_t)i};
        (void)snprintf(ack->parked[i].code, ACK_CODE_MAX, "period_closed");
    }
    ack->parked_count = count;
}

static int64_t parked_here(struct log_fixture *f)
{
    return log_fixture_stream(f, STREAM_RETURNS).parked;
}

static void pages_of_what_is_parked_make_one_list(void **state)
{
    struct log_fixture *f = *state;
    log_fixture_append(f, EVENT_RETURN_CREATED, 130);
    struct ack ack = log_fixture_ack(f, STREAM_RETURNS, 120, 1);
    park(&ack, 71, 50);
    ack.parked_above = 70;
    ack.parked_total = 120;
    assert_int_equal(acknowledge(f, &ack), ERR_OK);
    assert_int_equal(parked_here(f), 50);
    struct ack page = log_fixture_ack(f, STREAM_RETURNS, 3, 0); /* older than what is known */
    park(&page, 21, 50);
    page.parked_below = 71;
    page.parked_above = 20;
    page.parked_total = 120;
    assert_int_equal(acknowledge(f, &page), ERR_OK);
    park(&page, 1, 20);
    page.parked_below = 21;
    page.parked_above = 0;
    assert_int_equal(acknowledge(f, &page), ERR_OK);
    assert_int_equal(parked_here(f), 120);
    assert_int_equal(log_fixture_stream(f, STREAM_RETURNS).through, 120);

    /* One of the newest was settled; those further down stay. */
    ack.ack_no = 2;
    park(&ack, 70, 50);
    ack.parked_above = 69;
    ack.parked_total = 119;
    assert_int_equal(acknowledge(f, &ack), ERR_OK);
    assert_int_equal(parked_here(f), 119);
    /* And then of the lowest page all but one. */
    park(&page, 7, 1);
    assert_int_equal(acknowledge(f, &page), ERR_OK);
    assert_int_equal(parked_here(f), 100);
    log_fixture_reopen(f);
    assert_int_equal(parked_here(f), 100);
}

/* It says of a full list only that it is the newest. */
static void full_list_of_a_former_hub_takes_nothing_away(void **state)
{
    struct log_fixture *f = *state;
    log_fixture_append(f, EVENT_RETURN_CREATED, 60);
    struct ack ack = log_fixture_ack(f, STREAM_RETURNS, 60, 1);
    park(&ack, 1, 10);
    assert_int_equal(acknowledge(f, &ack), ERR_OK);
    ack.ack_no = 2;
    park(&ack, 11, 50);
    assert_int_equal(acknowledge(f, &ack), ERR_OK);
    assert_int_equal(parked_here(f), 60);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOG_TEST(the_watermark_moves_and_lasts),
        LOG_TEST(the_newest_epoch_of_both_streams_is_told),
        LOG_TEST(an_older_acknowledgement_is_ignored),
        LOG_TEST(an_acknowledgement_of_another_log_is_ignored),
        LOG_TEST(a_new_epoch_takes_the_watermark_back),
        LOG_TEST(parked_items_come_and_go_with_the_acknowledgements),
        LOG_TEST(what_is_parked_of_one_stream_is_not_settled_by_the_other),
        LOG_TEST(pages_of_what_is_parked_make_one_list),
        LOG_TEST(full_list_of_a_former_hub_takes_nothing_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
