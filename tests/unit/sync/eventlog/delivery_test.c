#include "tests/support/log_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static bool is_log(struct log_fixture *f, enum stream stream, const struct id *log)
{
    struct eventlog_stream_status status = log_fixture_stream(f, stream);
    return id_equal(&status.log, log);
}

/* What only the hub has is told as lost, and isn't damage. */
static void count_damage(void *context, const struct eventlog_finding *finding)
{
    if (strcmp(finding->what, "lost") == 0)
        return;
    print_message("%s: %s\n", finding->what, finding->text);
    ++*(int *)context;
}

static void clean(struct log_fixture *f)
{
    int findings = 0;
    int64_t events;
    assert_int_equal(eventlog_verify(&f->config, count_damage, &findings, &events, &f->fault),
                     ERR_OK);
    assert_int_equal(findings, 0);
}

static int64_t through(struct log_fixture *f)
{
    return log_fixture_stream(f, STREAM_RETURNS).through;
}

static enum err acknowledge(struct log_fixture *f, const struct ack *ack)
{
    return log_fixture_acknowledge(f, STREAM_RETURNS, ack);
}

/* The hub has the log as far as `seq`, and then says that it has what isn't here: a fork. */
static void fork_behind(struct log_fixture *f, int64_t seq)
{
    struct ack ack = log_fixture_ack(f, STREAM_RETURNS, seq, 1);
    assert_int_equal(acknowledge(f, &ack), ERR_OK);
    ack.ack_no = 2;
    ack.through = 50;
    assert_int_equal(acknowledge(f, &ack), ERR_FORKED);
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

static void a_watermark_beyond_the_head_opens_a_fork(void **state)
{
    struct log_fixture *f = *state;
    log_fixture_append(f, EVENT_RETURN_CREATED, 5);
    struct ack ack = log_fixture_ack(f, STREAM_RETURNS, 3, 1);
    struct sha256 there = ack.hash;
    assert_int_equal(acknowledge(f, &ack), ERR_OK);
    ack.through = 9;
    ack.ack_no = 2;
    memset(&ack.hash, 7, sizeof ack.hash);
    assert_int_equal(acknowledge(f, &ack), ERR_FORKED);
    struct eventlog_stream_status status = log_fixture_stream(f, STREAM_RETURNS);
    assert_true(status.forked);
    assert_true(id_equal(&status.parent.log, &ack.log));
    assert_int_equal(status.parent.seq, 3);
    assert_true(sha256_equal(&status.parent.hash, &there));
    assert_int_equal(status.head, 2);
    assert_int_equal(status.through, 0);
    struct eventlog_status whole;
    eventlog_status(f->log, &whole);
    assert_int_equal(whole.lost[STREAM_RETURNS], 4); /* 6 to 9, which only the hub has */
    clean(f);
    /* The retained acknowledgement of the old log comes again, and changes nothing. */
    ack.ack_no = 3;
    assert_int_equal(acknowledge(f, &ack), ERR_OK);
    assert_true(is_log(f, STREAM_RETURNS, &status.log));
}

static void another_hash_at_the_watermark_opens_a_fork(void **state)
{
    struct log_fixture *f = *state;
    log_fixture_append(f, EVENT_RETURN_CREATED, 5);
    struct ack ack = log_fixture_ack(f, STREAM_RETURNS, 2, 1);
    assert_int_equal(acknowledge(f, &ack), ERR_OK);
    ack = log_fixture_ack(f, STREAM_RETURNS, 4, 2);
    ack.hash.bytes[0] ^= 1;
    assert_int_equal(acknowledge(f, &ack), ERR_FORKED);
    struct eventlog_stream_status status = log_fixture_stream(f, STREAM_RETURNS);
    assert_int_equal(status.parent.seq, 2);
    assert_int_equal(status.head, 3);
    clean(f);
}

static void what_the_hub_takes_back_is_sent_again_whole(void **state)
{
    struct log_fixture *f = *state;
    log_fixture_append(f, EVENT_RETURN_CREATED, 5);
    struct ack ack = log_fixture_ack(f, STREAM_RETURNS, 4, 1);
    assert_int_equal(acknowledge(f, &ack), ERR_OK);
    ack = log_fixture_ack(f, STREAM_RETURNS, 3, 2);
    ack.hash.bytes[0] ^= 1;
    assert_int_equal(acknowledge(f, &ack), ERR_FORKED);
    struct eventlog_stream_status status = log_fixture_stream(f, STREAM_RETURNS);
    assert_int_equal(status.parent.seq, 0);
    assert_int_equal(status.head, 5);
    clean(f);
}

static void a_fork_can_fork_and_everything_stays_once(void **state)
{
    struct log_fixture *f = *state;
    log_fixture_append(f, EVENT_RETURN_CREATED, 3);
    for (int round = 1; round <= 3; round++) {
        fork_behind(f, 1);
        log_fixture_append(f, EVENT_RETURN_CREATED, 1);
    }
    assert_int_equal(log_fixture_stream(f, STREAM_RETURNS).head, 3);
    assert_int_equal(log_fixture_number(f, "SELECT count(*) FROM event"), 6);
    assert_int_equal(log_fixture_number(f, "SELECT count(*) FROM log WHERE no < 65536"), 4);
    clean(f);
    log_fixture_reopen(f);
    clean(f);
}

/* The hub was restored to before the fork, and further back than where the fork left its parent. */
static void a_hub_restored_to_before_a_fork_gets_all_that_it_lost(void **state)
{
    struct log_fixture *f = *state;
    log_fixture_append(f, EVENT_RETURN_CREATED, 6);
    struct ack parent = log_fixture_ack(f, STREAM_RETURNS, 2, 1);
    fork_behind(f, 4);
    log_fixture_append(f, EVENT_RETURN_CREATED, 1);
    assert_int_equal(log_fixture_stream(f, STREAM_RETURNS).head, 3);
    parent.hub_epoch++;
    assert_int_equal(acknowledge(f, &parent), ERR_FORKED);
    struct eventlog_stream_status status = log_fixture_stream(f, STREAM_RETURNS);
    assert_true(id_equal(&status.parent.log, &parent.log));
    assert_int_equal(status.parent.seq, 2);
    assert_int_equal(status.head, 5);
    assert_int_equal(status.through, 0);
    clean(f);
    assert_int_equal(acknowledge(f, &parent), ERR_OK);
    assert_true(is_log(f, STREAM_RETURNS, &status.log));
}

static void a_hub_that_has_all_of_the_log_before_a_fork_lets_it_be(void **state)
{
    struct log_fixture *f = *state;
    log_fixture_append(f, EVENT_RETURN_CREATED, 6);
    struct ack parent = log_fixture_ack(f, STREAM_RETURNS, 2, 1);
    fork_behind(f, 4);
    struct id fork = log_fixture_stream(f, STREAM_RETURNS).log;
    parent.hub_epoch++;
    parent.through = 6;
    assert_int_equal(acknowledge(f, &parent), ERR_OK);
    assert_true(is_log(f, STREAM_RETURNS, &fork));
    clean(f);
}

/* Else each that the broker brings late would begin another history. */
static void a_late_answer_for_the_log_before_a_fork_changes_nothing(void **state)
{
    struct log_fixture *f = *state;
    log_fixture_append(f, EVENT_RETURN_CREATED, 6);
    struct ack parent = log_fixture_ack(f, STREAM_RETURNS, 2, 1);
    fork_behind(f, 4);
    struct id fork = log_fixture_stream(f, STREAM_RETURNS).log;
    assert_int_equal(acknowledge(f, &parent), ERR_OK);
    assert_true(is_log(f, STREAM_RETURNS, &fork));
    struct ack ack = log_fixture_ack(f, STREAM_RETURNS, 1, 1);
    ack.hub_epoch = ++parent.hub_epoch; /* a hub that was restored, and has heard of the fork */
    assert_int_equal(acknowledge(f, &ack), ERR_OK);
    assert_int_equal(acknowledge(f, &parent), ERR_OK);
    assert_true(is_log(f, STREAM_RETURNS, &fork));
}

static void a_fork_in_one_group_with_appends_keeps_their_order(void **state)
{
    struct log_fixture *f = *state;
    log_fixture_append(f, EVENT_RETURN_CREATED, 3);
    struct ack ack = log_fixture_ack(f, STREAM_RETURNS, 3, 1);
    ack.through = 4;
    struct log_command c[2];
    log_command_make(&c[0], f, EVENT_SALE_RECORDED, 1);
    log_command_make(&c[1], f, EVENT_RETURN_CREATED, 1);
    log_command_submit(&c[0]);
    assert_int_equal(acknowledge(f, &ack), ERR_FORKED);
    log_command_submit(&c[1]);
    assert_int_equal(log_command_await(&c[0]), ERR_OK);
    assert_int_equal(log_command_await(&c[1]), ERR_OK);
    assert_int_equal(c[1].first, 4);
    clean(f);
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

static void parked_items_move_with_a_fork(void **state)
{
    struct log_fixture *f = *state;
    log_fixture_append(f, EVENT_RETURN_CREATED, 5);
    struct ack ack = log_fixture_ack(f, STREAM_RETURNS, 1, 1);
    ack.parked_count = 1;
    ack.parked[0] = (struct ack_parked){.id = log_fixture_id(1), .seq = 4, .code = "poison"};
    assert_int_equal(acknowledge(f, &ack), ERR_OK);
    ack.ack_no = 2;
    ack.through = 50;
    assert_int_equal(acknowledge(f, &ack), ERR_FORKED);
    assert_int_equal(log_fixture_stream(f, STREAM_RETURNS).parked, 1);
    assert_int_equal(log_fixture_number(f, "SELECT seq FROM parked WHERE log = 1"), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOG_TEST(the_watermark_moves_and_lasts),
        LOG_TEST(an_older_acknowledgement_is_ignored),
        LOG_TEST(an_acknowledgement_of_another_log_is_ignored),
        LOG_TEST(a_new_epoch_takes_the_watermark_back),
        LOG_TEST(a_watermark_beyond_the_head_opens_a_fork),
        LOG_TEST(another_hash_at_the_watermark_opens_a_fork),
        LOG_TEST(what_the_hub_takes_back_is_sent_again_whole),
        LOG_TEST(a_fork_can_fork_and_everything_stays_once),
        LOG_TEST(a_hub_restored_to_before_a_fork_gets_all_that_it_lost),
        LOG_TEST(a_hub_that_has_all_of_the_log_before_a_fork_lets_it_be),
        LOG_TEST(a_late_answer_for_the_log_before_a_fork_changes_nothing),
        LOG_TEST(a_fork_in_one_group_with_appends_keeps_their_order),
        LOG_TEST(parked_items_come_and_go_with_the_acknowledgements),
        LOG_TEST(parked_items_move_with_a_fork),
        LOG_TEST(pages_of_what_is_parked_make_one_list),
        LOG_TEST(full_list_of_a_former_hub_takes_nothing_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
