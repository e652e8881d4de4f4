/* When the hub and the log hold different histories: what goes on is a fork, and loses nothing. */
#include "tests/support/log_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
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

/* What the hub said it held is not what we hold there. */
static void another_hash_where_the_watermark_stands_is_sent_again_whole(void **state)
{
    struct log_fixture *f = *state;
    log_fixture_append(f, EVENT_RETURN_CREATED, 5);
    struct ack ack = log_fixture_ack(f, STREAM_RETURNS, 4, 1);
    assert_int_equal(acknowledge(f, &ack), ERR_OK);
    ack.ack_no = 2;
    ack.hash.bytes[0] ^= 1;
    assert_int_equal(acknowledge(f, &ack), ERR_FORKED);
    struct eventlog_stream_status status = log_fixture_stream(f, STREAM_RETURNS);
    assert_int_equal(status.parent.seq, 0);
    assert_int_equal(status.head, 5);
    clean(f);
}

/* The first four are here no more; what the hub said when it had two, and four. */
static void cut_off_four(struct log_fixture *f, struct ack *two, struct ack *four)
{
    const struct eventlog_retention rules = {.max_events = 1};
    int64_t pruned;
    log_fixture_append(f, EVENT_RETURN_CREATED, 6);
    *two = log_fixture_ack(f, STREAM_RETURNS, 2, 1);
    *four = log_fixture_ack(f, STREAM_RETURNS, 4, 1);
    assert_int_equal(acknowledge(f, four), ERR_OK);
    assert_int_equal(eventlog_prune(f->log, &rules, &pruned, &f->fault), ERR_OK);
    assert_int_equal(pruned, 4);
}

static void another_hash_where_the_log_was_cut_opens_a_fork(void **state)
{
    struct log_fixture *f = *state;
    struct ack two;
    struct ack four;
    cut_off_four(f, &two, &four);
    four.ack_no = 2;
    assert_int_equal(acknowledge(f, &four), ERR_OK);
    four.ack_no = 3;
    four.hash = two.hash;
    assert_int_equal(acknowledge(f, &four), ERR_FORKED);
    struct eventlog_stream_status status = log_fixture_stream(f, STREAM_RETURNS);
    assert_int_equal(status.parent.seq, 4);
    assert_int_equal(status.head, 2);
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
    for (parent.through = 4; parent.through <= 6; parent.through++) {
        assert_int_equal(acknowledge(f, &parent), ERR_OK);
        assert_true(is_log(f, STREAM_RETURNS, &fork));
    }
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

static void parked_items_move_with_a_fork(void **state)
{
    struct log_fixture *f = *state;
    log_fixture_append(f, EVENT_RETURN_CREATED, 5);
    struct ack ack = log_fixture_ack(f, STREAM_RETURNS, 1, 1);
    ack.parked_count = 2;
    ack.parked[0] = (struct ack_parked){.id = log_fixture_id(1), .seq = 4, .code = "poison"};
    ack.parked[1] = (struct ack_parked){.id = log_fixture_id(2), .seq = 1, .code = "poison"};
    assert_int_equal(acknowledge(f, &ack), ERR_OK);
    ack.ack_no = 2;
    ack.through = 50;
    assert_int_equal(acknowledge(f, &ack), ERR_FORKED);
    assert_int_equal(log_fixture_stream(f, STREAM_RETURNS).parked, 2);
    assert_int_equal(log_fixture_number(f, "SELECT seq FROM parked WHERE log = 1"), 3);
    assert_int_equal(log_fixture_number(f, "SELECT seq FROM parked WHERE log = 0"), 1);
}

/* It may have begun another history there since. */
static void a_restored_hub_with_another_hash_before_a_fork_gets_everything(void **state)
{
    struct log_fixture *f = *state;
    log_fixture_append(f, EVENT_RETURN_CREATED, 6);
    struct ack parent = log_fixture_ack(f, STREAM_RETURNS, 2, 1);
    fork_behind(f, 4);
    parent.hub_epoch++;
    parent.hash.bytes[0] ^= 1;
    assert_int_equal(acknowledge(f, &parent), ERR_FORKED);
    struct eventlog_stream_status status = log_fixture_stream(f, STREAM_RETURNS);
    assert_int_equal(status.parent.seq, 0);
    assert_int_equal(status.head, 6);
    clean(f);
}

static void a_restored_hub_that_lacks_what_was_cut_opens_one_fork_and_no_more(void **state)
{
    struct log_fixture *f = *state;
    struct ack parent;
    struct ack ahead;
    cut_off_four(f, &parent, &ahead);
    ahead.ack_no = 2;
    ahead.through = 50;
    assert_int_equal(acknowledge(f, &ahead), ERR_FORKED);
    parent.hub_epoch++;
    assert_int_equal(acknowledge(f, &parent), ERR_FORKED);
    struct id fork = log_fixture_stream(f, STREAM_RETURNS).log;
    assert_int_equal(acknowledge(f, &parent), ERR_OK); /* the broker keeps it, and tells it again */
    assert_true(is_log(f, STREAM_RETURNS, &fork));
    clean(f);
}

static void an_answer_for_the_other_stream_s_log_changes_nothing(void **state)
{
    struct log_fixture *f = *state;
    log_fixture_append(f, EVENT_SALE_RECORDED, 3);
    log_fixture_append(f, EVENT_RETURN_CREATED, 3);
    struct id returns = log_fixture_stream(f, STREAM_RETURNS).log;
    struct ack sales = log_fixture_ack(f, STREAM_SALES, 1, 1);
    sales.hub_epoch++;
    assert_int_equal(acknowledge(f, &sales), ERR_OK);
    assert_true(is_log(f, STREAM_RETURNS, &returns));
    clean(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOG_TEST(a_watermark_beyond_the_head_opens_a_fork),
        LOG_TEST(another_hash_at_the_watermark_opens_a_fork),
        LOG_TEST(what_the_hub_takes_back_is_sent_again_whole),
        LOG_TEST(another_hash_where_the_watermark_stands_is_sent_again_whole),
        LOG_TEST(another_hash_where_the_log_was_cut_opens_a_fork),
        LOG_TEST(a_fork_can_fork_and_everything_stays_once),
        LOG_TEST(a_hub_restored_to_before_a_fork_gets_all_that_it_lost),
        LOG_TEST(a_hub_that_has_all_of_the_log_before_a_fork_lets_it_be),
        LOG_TEST(a_late_answer_for_the_log_before_a_fork_changes_nothing),
        LOG_TEST(a_fork_in_one_group_with_appends_keeps_their_order),
        LOG_TEST(parked_items_move_with_a_fork),
        LOG_TEST(a_restored_hub_with_another_hash_before_a_fork_gets_everything),
        LOG_TEST(a_restored_hub_that_lacks_what_was_cut_opens_one_fork_and_no_more),
        LOG_TEST(an_answer_for_the_other_stream_s_log_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
