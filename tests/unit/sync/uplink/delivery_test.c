#include "sync/contract/ack.h"
#include "sync/uplink/accepted.h"
#include "sync/uplink/uplink.h"
#include "tests/support/await.h"
#include "tests/support/broker.h"
#include "tests/support/fake_hub.h"
#include "tests/support/forwarder.h"
#include "tests/support/log_fixture.h"
#include "tests/support/uplink_house.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

enum { DRAIN_BEGINS_MS = 2000, TRIES = 3 };

static bool is_not_online(void *context)
{
    return !uplink_house_online(context);
}

static void events_reach_the_hub_and_its_answer_moves_the_watermark(void **state)
{
    struct uplink_house *f = *state;
    uplink_house_join(f);
    uplink_house_append(f, 300);
    uplink_house_start(f);
    uplink_house_await_all_held(f, AWAIT_MS);
    uplink_house_append(f, 20);
    uplink_house_await_all_held(f, AWAIT_MS);
    for (int64_t seq = 1; seq <= 320; seq++)
        assert_int_equal(f->hub.shelf.times[seq], 1);
    struct uplink_status status;
    uplink_status(f->uplink, &status);
    assert_int_equal(status.waiting[STREAM_RETURNS], 0);
}

/* What the hub told when it held so many. */
static struct ack told_once(const struct fake_hub *hub, int64_t through, int64_t ack_no)
{
    return (struct ack){.log = hub->shelf.log,
                        .through = through,
                        .hash = hub->shelf.hashes[through],
                        .ack_no = ack_no,
                        .hub_epoch = 5};
}

static void tell(struct fake_hub *hub, const struct ack *ack)
{
    struct buf text;
    buf_init(&text, 8192);
    ack_write(&text, ack);
    fake_hub_publish(hub, "ack/returns", (struct mqtt_message){.payload = buf_slice(&text)});
    buf_free(&text);
}

/* Brokers may bring it late, and hubs that share the work tell at the same time. */
static void an_older_answer_has_nothing_sent_again(void **state)
{
    struct uplink_house *f = *state;
    uplink_house_join(f);
    uplink_house_append(f, 20);
    uplink_house_start(f);
    uplink_house_await_all_held(f, AWAIT_MS);
    const struct ack older = told_once(&f->hub, 20, f->hub.shelf.ack_no);
    uplink_house_append(f, 20);
    uplink_house_await_all_held(f, AWAIT_MS);
    tell(&f->hub, &older);
    uplink_house_append(f, 20);
    uplink_house_await_all_held(f, AWAIT_MS);
    for (int64_t seq = 1; seq <= 60; seq++)
        assert_int_equal(f->hub.shelf.times[seq], 1);
}

static bool three_batches(void *context)
{
    return ((struct uplink_house *)context)->hub.batches >= 3;
}

static void without_an_answer_all_goes_again_on_a_new_connection(void **state)
{
    struct uplink_house *f = *state;
    uplink_house_join(f);
    f->hub.silent = true;
    f->limits.ack_timeout_ms = 300;
    uplink_house_append(f, 100);
    uplink_house_start(f);
    assert_true(await(f->loop, three_batches, f, AWAIT_MS));
    assert_true(f->hub.events < 100); /* less at a time */
    assert_false(uplink_house_all_held(f));
    struct uplink_status status;
    uplink_status(f->uplink, &status);
    assert_int_equal(status.last.code, ERR_TIMEOUT);
    f->hub.silent = false;
    uplink_house_await_all_held(f, AWAIT_MS);
}

static void batches_go_compressed_to_a_hub_that_says_it_reads_them(void **state)
{
    struct uplink_house *f = *state;
    uplink_house_join(f);
    uplink_house_append(f, 1);
    uplink_house_start(f);
    uplink_house_await_all_held(f, AWAIT_MS);
    uplink_house_append(f, 1);
    uplink_house_await_all_held(f, AWAIT_MS);
    assert_int_equal(f->hub.compressed, 0);
    f->hub.age = HUB_READS_COMPRESSED;
    uplink_house_append(f, 1);
    uplink_house_await_all_held(f, AWAIT_MS);
    assert_int_equal(f->hub.compressed, 0);
    uplink_house_append(f, 20);
    uplink_house_await_all_held(f, AWAIT_MS);
    assert_true(f->hub.compressed > 0);
}

static void first_batch_of_the_next_process_goes_compressed_too(void **state)
{
    struct uplink_house *f = *state;
    uplink_house_join(f);
    f->hub.age = HUB_READS_COMPRESSED;
    for (int i = 0; i < 3; i++) {
        int plain = f->hub.batches - f->hub.compressed;
        uplink_house_append(f, 5);
        uplink_house_start(f);
        uplink_house_await_all_held(f, AWAIT_MS);
        plain = f->hub.batches - f->hub.compressed - plain;
        assert_true(i == 0 ? plain == 1 : plain == 0);
        uplink_close(f->uplink);
        f->uplink = NULL;
    }
    /* Behind another address may be another hub. */
    assert_false(accepted_recall(f->log.config.folder, "mqtts://elsewhere:8883"));
    assert_true(accepted_recall(f->log.config.folder, f->url));
    /* One that reads it no more has the first batch again as it is, and it is remembered. */
    f->hub.age = HUB_REFUSES_COMPRESSED;
    uplink_house_append(f, 5);
    uplink_house_start(f);
    uplink_house_await_all_held(f, AWAIT_MS);
    assert_false(accepted_recall(f->log.config.folder, f->url));
}

static void what_a_hub_refuses_compressed_goes_as_it_is_at_once(void **state)
{
    struct uplink_house *f = *state;
    uplink_house_join(f);
    f->hub.age = HUB_READS_COMPRESSED;
    uplink_house_append(f, 1);
    uplink_house_start(f);
    uplink_house_await_all_held(f, AWAIT_MS);
    f->hub.age = HUB_REFUSES_COMPRESSED;
    uplink_house_append(f, 1);
    uplink_house_await_all_held(f, AWAIT_MS);
    assert_int_equal(f->hub.compressed, 1);
    struct uplink_status status;
    uplink_status(f->uplink, &status);
    assert_int_equal(status.last.code, ERR_OK); /* the connection stayed */
}

/* What the broker keeps still says that compressed batches are read; who is there now is mute. */
static void an_older_hub_in_a_newer_ones_place_loses_nothing(void **state)
{
    struct uplink_house *f = *state;
    uplink_house_join(f);
    f->hub.age = HUB_READS_COMPRESSED;
    f->limits.ack_timeout_ms = 300;
    uplink_house_append(f, 1);
    uplink_house_start(f);
    uplink_house_await_all_held(f, AWAIT_MS);
    f->hub.age = HUB_OLDER;
    uplink_house_append(f, 5);
    uplink_house_await_all_held(f, AWAIT_MS);
    assert_true(f->hub.compressed >= 1);
    struct uplink_status status;
    uplink_status(f->uplink, &status);
    assert_int_equal(status.last.code, ERR_TIMEOUT);
    int compressed = f->hub.compressed;
    uplink_house_append(f, 5);
    uplink_house_await_all_held(f, AWAIT_MS);
    assert_int_equal(f->hub.compressed, compressed);
}

/* A busy machine may be late now and then; it is our fault when each of some tries is late. */
static bool all_held_soon(struct uplink_house *f)
{
    if (await(f->loop, uplink_house_all_held, f, DRAIN_BEGINS_MS))
        return true;
    uplink_house_await_all_held(f, AWAIT_MS);
    return false;
}

static void a_hub_that_comes_late_gets_what_waited_within_2_s(void **state)
{
    struct uplink_house *f = *state;
    bool soon = false;
    uplink_house_start(f);
    assert_true(await(f->loop, uplink_house_online, f, AWAIT_MS));
    for (int i = 0; i < TRIES && !soon; i++) {
        fake_hub_leave(&f->hub);
        uplink_house_append(f, 50);
        uplink_house_join(f);
        soon = all_held_soon(f);
    }
    assert_true(soon);
    assert_true(uplink_house_online(f));
}

static void after_a_black_hole_the_drain_begins_within_2_s(void **state)
{
    struct uplink_house *f = *state;
    struct forwarder *road = forwarder_open(FORWARDER_WIRE, f->broker.port);
    char url[64];
    (void)snprintf(url, sizeof url, "mqtts://localhost:%u", forwarder_port(road));
    f->url = url;
    f->limits.ack_timeout_ms = 500;
    uplink_house_join(f);
    uplink_house_append(f, 5);
    uplink_house_start(f);
    uplink_house_await_all_held(f, AWAIT_MS);
    bool soon = false;
    for (int i = 0; i < TRIES && !soon; i++) {
        forwarder_set_hole(road, true);
        uplink_house_append(f, 5);
        assert_true(await(f->loop, is_not_online, f, AWAIT_MS));
        assert_false(await(f->loop, uplink_house_online, f, 3000));
        forwarder_set_hole(road, false);
        soon = all_held_soon(f);
    }
    assert_true(soon);
    uplink_close(f->uplink);
    f->uplink = NULL;
    forwarder_close(road);
}

static bool is_forked(void *context)
{
    struct uplink_house *f = context;
    return log_fixture_stream(&f->log, STREAM_RETURNS).forked;
}

static void a_watermark_beyond_the_log_makes_a_fork_that_is_sent(void **state)
{
    struct uplink_house *f = *state;
    uplink_house_join(f);
    uplink_house_append(f, 5);
    f->hub.lies = true;
    uplink_house_start(f);
    assert_true(await(f->loop, is_forked, f, AWAIT_MS));
    f->hub.lies = false;
    uplink_house_append(f, 3);
    uplink_house_await_all_held(f, AWAIT_MS);
    assert_true(f->hub.shelf.has_parent);
}

static bool is_forked_at_two(void *context)
{
    struct uplink_house *f = context;
    return log_fixture_stream(&f->log, STREAM_RETURNS).parent.seq == 2;
}

/* It speaks of the log that it knew, not of the fork. */
static void a_hub_restored_to_before_a_fork_gets_all_that_it_lost(void **state)
{
    struct uplink_house *f = *state;
    uplink_house_join(f);
    uplink_house_append(f, 5);
    uplink_house_start(f);
    uplink_house_await_all_held(f, AWAIT_MS);
    struct ack before = told_once(&f->hub, 2, 1);
    f->hub.lies = true;
    uplink_house_append(f, 2);
    assert_true(await(f->loop, is_forked, f, AWAIT_MS));
    f->hub.lies = false;
    uplink_house_append(f, 1);
    uplink_house_await_all_held(f, AWAIT_MS);
    before.hub_epoch++;
    tell(&f->hub, &before);
    assert_true(await(f->loop, is_forked_at_two, f, AWAIT_MS));
    uplink_house_append(f, 1);
    uplink_house_await_all_held(f, AWAIT_MS);
    assert_int_equal(f->hub.shelf.through, 7); /* of nine in all */
}

/* --- The log is cut meanwhile ------------------------------------------------------------------
 */

struct pruner {
    struct eventlog *log;
    bool stopping;
    int64_t pruned;
    enum err err;
};

static void *prune_on_and_on(void *context)
{
    struct pruner *p = context;
    const struct eventlog_retention rules = {.max_events = 1};
    while (!p->err && !__atomic_load_n(&p->stopping, __ATOMIC_RELAXED)) {
        struct fault fault;
        int64_t pruned = 0;
        p->err = eventlog_prune(p->log, &rules, &pruned, &fault);
        p->pruned += pruned;
    }
    return NULL;
}

/* What was read for the road, and what is cut, keep out of each other's way. */
static void pruning_that_races_a_sending_uplink_loses_nothing_and_sends_nothing_twice(void **state)
{
    enum { ROUNDS = 25, EACH = 40 };
    struct uplink_house *f = *state;
    struct pruner pruner = {.log = f->log.log};
    pthread_t thread;
    uplink_house_join(f);
    f->hub.backs_up = true;
    f->hub.age = HUB_READS_COMPRESSED;
    uplink_house_append(f, EACH);
    uplink_house_start(f);
    assert_int_equal(pthread_create(&thread, NULL, prune_on_and_on, &pruner), 0);
    for (int round = 1; round < ROUNDS; round++) {
        uplink_house_append(f, EACH);
        loop_run_once(f->loop, 5);
    }
    uplink_house_await_all_held(f, AWAIT_MS);
    __atomic_store_n(&pruner.stopping, true, __ATOMIC_RELAXED);
    (void)pthread_join(thread, NULL);
    assert_int_equal(pruner.err, ERR_OK);
    assert_true(pruner.pruned > 0);
    for (int64_t seq = 1; seq <= (int64_t)ROUNDS * EACH; seq++)
        assert_int_equal(f->hub.shelf.times[seq], 1);
}

static bool is_cut(void *context)
{
    struct uplink_house *f = context;
    const struct eventlog_retention rules = {.max_events = 1};
    int64_t pruned = 0;
    assert_int_equal(eventlog_prune(f->log.log, &rules, &pruned, NULL), ERR_OK);
    return pruned > 0;
}

static bool has_the_first_kept(void *context)
{
    struct uplink_house *f = context;
    return f->hub.shelf.times[log_fixture_stream(&f->log, STREAM_RETURNS).first_kept] > 0;
}

/* It asks for events that nobody has any more; what is still here doesn't wait for them. */
static void a_hub_that_lost_what_was_cut_here_gets_the_rest(void **state)
{
    struct uplink_house *f = *state;
    uplink_house_join(f);
    f->hub.backs_up = true;
    uplink_house_append(f, 6);
    uplink_house_start(f);
    uplink_house_await_all_held(f, AWAIT_MS);
    assert_true(await(f->loop, is_cut, f, AWAIT_MS));
    f->hub.shelf.through = 2;
    for (int64_t seq = 3; seq <= 6; seq++)
        f->hub.shelf.times[seq] = 0;
    uplink_house_append(f, 2);
    assert_true(await(f->loop, has_the_first_kept, f, AWAIT_MS));
    assert_int_equal(f->hub.shelf.times[3], 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, uplink_house_setup, uplink_house_teardown)
    const struct CMUnitTest tests[] = {
        TEST(events_reach_the_hub_and_its_answer_moves_the_watermark),
        TEST(an_older_answer_has_nothing_sent_again),
        TEST(without_an_answer_all_goes_again_on_a_new_connection),
        TEST(batches_go_compressed_to_a_hub_that_says_it_reads_them),
        TEST(first_batch_of_the_next_process_goes_compressed_too),
        TEST(what_a_hub_refuses_compressed_goes_as_it_is_at_once),
        TEST(an_older_hub_in_a_newer_ones_place_loses_nothing),
        TEST(a_hub_that_comes_late_gets_what_waited_within_2_s),
        TEST(after_a_black_hole_the_drain_begins_within_2_s),
        TEST(a_watermark_beyond_the_log_makes_a_fork_that_is_sent),
        TEST(a_hub_restored_to_before_a_fork_gets_all_that_it_lost),
        TEST(a_hub_that_lost_what_was_cut_here_gets_the_rest),
        TEST(pruning_that_races_a_sending_uplink_loses_nothing_and_sends_nothing_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
