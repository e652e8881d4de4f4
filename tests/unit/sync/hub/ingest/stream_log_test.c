#include "sync/hub/ingest/ingest.h"
#include "tests/support/ingest_house.h"
#include "tests/support/sent_log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void a_log_belongs_to_the_device_that_began_it(void **state)
{
    struct ingest_house *f = *state;
    struct sent_log log;
    sent_log_init(&log, 1, NULL);
    sent_log_fill(&log, 1, 10);
    ingest_house_give(f, &log, "box-a", 1, 5);
    assert_int_equal(ingest_house_give(f, &log, "box-b", 6, 10), INGEST_REFUSED);
    assert_false(f->result.has_ack);
    assert_int_equal(ingest_house_number(f, "SELECT max(through) FROM stream_log"), 5);
    assert_int_equal(ingest_house_exceptions(f, "batch_refused"), 1);
    sent_log_free(&log);
}

static void a_batch_whose_bodies_do_not_lead_to_its_hash_is_refused(void **state)
{
    struct ingest_house *f = *state;
    struct sent_log log;
    struct sent_log other;
    sent_log_init(&log, 1, NULL);
    sent_log_init(&other, 1, NULL);
    sent_log_fill(&log, 1, 10);
    sent_log_fill(&other, 11, 10);
    ingest_house_give(f, &log, "box-a", 1, 5);
    memcpy(&other.hashes[5], &log.hashes[5], sizeof other.hashes[5]);
    assert_int_equal(ingest_house_give(f, &other, "box-a", 6, 10), INGEST_REFUSED);
    assert_true(f->result.has_ack);
    assert_int_equal(f->result.ack.through, 5);
    assert_int_equal(ingest_house_number(f, "SELECT count(*) FROM event"), 5);
    sent_log_free(&log);
    sent_log_free(&other);
}

static void a_log_that_went_back_in_time_gets_the_hubs_watermark(void **state)
{
    struct ingest_house *f = *state;
    struct sent_log log;
    struct sent_log other;
    sent_log_init(&log, 1, NULL);
    sent_log_init(&other, 1, NULL);
    sent_log_fill(&log, 1, 20);
    sent_log_fill(&other, 1, 10);
    sent_log_fill(&other, 101, 20);
    ingest_house_give(f, &log, "box-a", 1, 20);
    assert_int_equal(ingest_house_give(f, &other, "box-a", 8, 15), INGEST_CONFLICT);
    assert_int_equal(f->result.ack.through, 20);
    assert_true(sha256_equal(&f->result.ack.hash, &log.hashes[20]));
    assert_int_equal(ingest_house_give(f, &other, "box-a", 21, 25), INGEST_CONFLICT);
    assert_int_equal(ingest_house_number(f, "SELECT count(*) FROM event"), 20);
    assert_true(ingest_house_exceptions(f, "seq_conflict") > 0);
    sent_log_free(&log);
    sent_log_free(&other);
}

static void a_forks_tail_brings_only_what_differs(void **state)
{
    struct ingest_house *f = *state;
    struct sent_log log;
    struct sent_log fork;
    sent_log_init(&log, 1, NULL);
    sent_log_fill(&log, 1, 20);
    ingest_house_give(f, &log, "box-a", 1, 20);
    const struct chain_parent parent = {log.log, 10, log.hashes[10]};
    sent_log_init(&fork, 2, &parent);
    sent_log_fill(&fork, 11, 3);
    sent_log_fill(&fork, 101, 4);
    assert_int_equal(ingest_house_give(f, &fork, "box-a", 1, 7), INGEST_TAKEN);
    assert_int_equal(f->result.events, 4);
    assert_int_equal(f->result.ack.through, 7);
    assert_true(f->result.newest);
    assert_int_equal(ingest_house_number(f, "SELECT count(*) FROM event"), 24);
    assert_int_equal(ingest_house_exceptions(f, "log_forked"), 1);
    assert_int_equal(ingest_house_exceptions(f, "fork_parent_differs"), 0);
    assert_int_equal(ingest_house_exceptions(f, "duplicate_event"), 0);
    ingest_house_give(f, &log, "box-a", 1, 20);
    assert_false(f->result.newest);
    sent_log_free(&log);
    sent_log_free(&fork);
}

/* Taken all the same: who was wrong at the parting is for people to find out. */
static void a_fork_from_an_event_that_the_hub_has_otherwise_is_told_to_people(void **state)
{
    struct ingest_house *f = *state;
    struct sent_log log;
    struct sent_log fork;
    sent_log_init(&log, 1, NULL);
    sent_log_fill(&log, 1, 20);
    ingest_house_give(f, &log, "box-a", 1, 20);
    const struct chain_parent parent = {log.log, 10, log.hashes[9]};
    sent_log_init(&fork, 2, &parent);
    sent_log_fill(&fork, 101, 4);
    assert_int_equal(ingest_house_give(f, &fork, "box-a", 1, 4), INGEST_TAKEN);
    assert_int_equal(ingest_house_exceptions(f, "fork_parent_differs"), 1);
    assert_int_equal(ingest_house_exceptions(f, "log_forked"), 1);
    sent_log_free(&log);
    sent_log_free(&fork);
}

static void a_log_stays_of_the_stream_that_it_began_in(void **state)
{
    struct ingest_house *f = *state;
    struct sent_log log;
    sent_log_init(&log, 1, NULL);
    sent_log_fill(&log, 1, 10);
    ingest_house_give(f, &log, "box-a", 1, 5);
    log.stream = STREAM_SALES;
    assert_int_equal(ingest_house_give(f, &log, "box-a", 6, 10), INGEST_REFUSED);
    assert_false(f->result.has_ack);
    assert_int_equal(ingest_house_number(f, "SELECT max(through) FROM stream_log"), 5);
    sent_log_free(&log);
}

/* Else what one parent's tail holds would be told as held of the other's. */
static void a_log_keeps_the_parent_that_it_named_first(void **state)
{
    struct ingest_house *f = *state;
    struct sent_log log;
    struct sent_log fork;
    sent_log_init(&log, 1, NULL);
    sent_log_fill(&log, 1, 20);
    ingest_house_give(f, &log, "box-a", 1, 20);
    const struct chain_parent parent = {log.log, 10, log.hashes[10]};
    const struct chain_parent others[] = {
        {sent_id(1, 3), 10, log.hashes[10]},
        {log.log, 9, log.hashes[10]},
        {log.log, 10, log.hashes[9]},
    };
    sent_log_init(&fork, 2, &parent);
    sent_log_fill(&fork, 101, 4);
    assert_int_equal(ingest_house_give(f, &fork, "box-a", 1, 2), INGEST_TAKEN);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        fork.parent = others[i];
        assert_int_equal(ingest_house_give(f, &fork, "box-a", 3, 4), INGEST_REFUSED);
    }
    fork.has_parent = false;
    assert_int_equal(ingest_house_give(f, &fork, "box-a", 3, 4), INGEST_REFUSED);
    fork.has_parent = true;
    fork.parent = parent;
    assert_int_equal(ingest_house_give(f, &fork, "box-a", 3, 4), INGEST_TAKEN);
    assert_int_equal(f->result.ack.through, 4);
    log.has_parent = true; /* which had none */
    assert_int_equal(ingest_house_give(f, &log, "box-a", 11, 20), INGEST_REFUSED);
    sent_log_free(&log);
    sent_log_free(&fork);
}

static void an_event_twice_in_one_log_is_stored_once_and_told_to_people(void **state)
{
    struct ingest_house *f = *state;
    struct sent_log log;
    sent_log_init(&log, 1, NULL);
    sent_log_fill(&log, 1, 5);
    sent_log_fill(&log, 3, 2);
    assert_int_equal(ingest_house_give(f, &log, "box-a", 1, 7), INGEST_TAKEN);
    assert_int_equal(f->result.events, 5);
    assert_int_equal(f->result.ack.through, 7);
    assert_int_equal(ingest_house_number(f, "SELECT count(*) FROM event"), 5);
    assert_int_equal(ingest_house_exceptions(f, "duplicate_event"), 1);
    assert_int_equal(ingest_house_number(f, "SELECT times FROM hub_exception"), 2);
    assert_int_equal(ingest_house_number(f, "SELECT count(*) FROM hub_exception WHERE team = 'it'"
                                            " AND due_ms - raised_ms = 24 * 3600000"),
                     1);
    ingest_house_give(f, &log, "box-a", 1, 7);
    assert_int_equal(ingest_house_number(f, "SELECT times FROM hub_exception"), 2);
    sent_log_free(&log);
}

static void an_event_in_a_log_that_came_from_no_other_is_told_to_people(void **state)
{
    struct ingest_house *f = *state;
    struct sent_log log;
    struct sent_log other;
    sent_log_init(&log, 1, NULL);
    sent_log_fill(&log, 1, 5);
    ingest_house_give(f, &log, "box-a", 1, 5);
    sent_log_init(&other, 2, NULL);
    sent_log_fill(&other, 4, 4);
    assert_int_equal(ingest_house_give(f, &other, "box-a", 1, 4), INGEST_TAKEN);
    assert_int_equal(f->result.events, 2);
    assert_int_equal(ingest_house_exceptions(f, "duplicate_event"), 1);
    sent_log_free(&log);
    sent_log_free(&other);
}

static void nobody_forks_from_anothers_log(void **state)
{
    struct ingest_house *f = *state;
    struct sent_log log;
    struct sent_log fork;
    sent_log_init(&log, 1, NULL);
    sent_log_fill(&log, 1, 5);
    ingest_house_give(f, &log, "box-a", 1, 5);
    const struct chain_parent parent = {log.log, 3, log.hashes[3]};
    sent_log_init(&fork, 2, &parent);
    sent_log_fill(&fork, 50, 2);
    assert_int_equal(ingest_house_give(f, &fork, "box-b", 1, 2), INGEST_REFUSED);
    assert_int_equal(ingest_house_number(f, "SELECT count(*) FROM stream_log"), 1);
    sent_log_free(&log);
    sent_log_free(&fork);
}

/* The hub has 1 to 5 of a log and holds 21 to 30. `after` is the log as it went on from 5 instead.
 */
static void hold_behind_a_gap(struct ingest_house *f, struct sent_log *after)
{
    struct sent_log before;
    sent_log_init(&before, 1, NULL);
    sent_log_init(after, 1, NULL);
    sent_log_fill(&before, 1, 30);
    sent_log_fill(after, 1, 5);
    sent_log_fill(after, 201, 25);
    ingest_house_give(f, &before, "box-a", 1, 5);
    ingest_house_give(f, &before, "box-a", 21, 30);
    sent_log_free(&before);
}

static void held_events_that_the_chain_does_not_lead_to_give_way(void **state)
{
    struct ingest_house *f = *state;
    struct sent_log after;
    hold_behind_a_gap(f, &after);
    assert_int_equal(ingest_house_give(f, &after, "box-a", 25, 30), INGEST_CONFLICT);
    assert_int_equal(ingest_house_give(f, &after, "box-a", 6, 20), INGEST_TAKEN);
    assert_int_equal(f->result.ack.through, 20);
    assert_int_equal(f->result.ack.also_count, 0);
    assert_int_equal(ingest_house_exceptions(f, "chain_broken"), 1);
    assert_int_equal(ingest_house_give(f, &after, "box-a", 21, 30), INGEST_TAKEN);
    assert_int_equal(f->result.ack.through, 30);
    assert_true(sha256_equal(&f->result.ack.hash, &after.hashes[30]));
    /* What was held had happened, and stays known. */
    assert_int_equal(ingest_house_number(f, "SELECT count(*) FROM event"), 40);
    sent_log_free(&after);
}

/* Else it would be said to be broken, and sent again. */
static void what_is_held_behind_a_gap_of_one_waits_for_that_one(void **state)
{
    struct ingest_house *f = *state;
    struct sent_log log;
    sent_log_init(&log, 1, NULL);
    sent_log_fill(&log, 1, 10);
    ingest_house_give(f, &log, "box-a", 1, 4);
    ingest_house_give(f, &log, "box-a", 7, 10);
    assert_int_equal(ingest_house_give(f, &log, "box-a", 5, 5), INGEST_TAKEN);
    assert_int_equal(f->result.ack.through, 5);
    assert_int_equal(f->result.ack.also_count, 1);
    assert_int_equal(ingest_house_exceptions(f, "chain_broken"), 0);
    assert_int_equal(ingest_house_give(f, &log, "box-a", 6, 6), INGEST_TAKEN);
    assert_int_equal(f->result.ack.through, 10);
    sent_log_free(&log);
}

/* The batch that closes the gap reaches into what is held behind it. */
static void held_events_that_the_closing_batch_contradicts_give_way(void **state)
{
    struct ingest_house *f = *state;
    struct sent_log after;
    hold_behind_a_gap(f, &after);
    assert_int_equal(ingest_house_give(f, &after, "box-a", 6, 25), INGEST_TAKEN);
    assert_int_equal(f->result.ack.through, 25);
    assert_int_equal(f->result.ack.also_count, 0);
    assert_int_equal(ingest_house_exceptions(f, "seq_conflict"), 5);
    assert_int_equal(ingest_house_exceptions(f, "chain_broken"), 1);
    assert_int_equal(ingest_house_give(f, &after, "box-a", 26, 30), INGEST_TAKEN);
    assert_true(sha256_equal(&f->result.ack.hash, &after.hashes[30]));
    assert_int_equal(ingest_house_number(f, "SELECT count(*) FROM entry"), 30);
    assert_int_equal(ingest_house_number(f, "SELECT count(*) FROM event"), 40);
    sent_log_free(&after);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, ingest_house_setup, ingest_house_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_log_belongs_to_the_device_that_began_it),
        TEST(a_batch_whose_bodies_do_not_lead_to_its_hash_is_refused),
        TEST(a_log_that_went_back_in_time_gets_the_hubs_watermark),
        TEST(a_forks_tail_brings_only_what_differs),
        TEST(a_fork_from_an_event_that_the_hub_has_otherwise_is_told_to_people),
        TEST(a_log_stays_of_the_stream_that_it_began_in),
        TEST(a_log_keeps_the_parent_that_it_named_first),
        TEST(an_event_twice_in_one_log_is_stored_once_and_told_to_people),
        TEST(an_event_in_a_log_that_came_from_no_other_is_told_to_people),
        TEST(nobody_forks_from_anothers_log),
        TEST(held_events_that_the_chain_does_not_lead_to_give_way),
        TEST(held_events_that_the_closing_batch_contradicts_give_way),
        TEST(what_is_held_behind_a_gap_of_one_waits_for_that_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
