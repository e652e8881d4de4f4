/*
 * A store's log of which something is damaged at the hub: it is asked for again, comes again, and
 * nothing is made of it twice. With a server's database too.
 */
#include "sync/hub/ingest/centre.h"
#include "sync/hub/ingest/recall.h"
#include "sync/hub/ingest/verify.h"
#include "tests/support/hub_database.h"
#include "tests/support/hub_run.h"
#include "tests/support/take_batch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { REFUNDS = 6, BOOKED = 3 * REFUNDS, EVENTS = BOOKED + 3 };

struct fixture {
    struct hub_run run;
    struct buf bodies[EVENTS]; /* as the store has them */
    struct sha256 hashes[EVENTS + 1];
    int64_t entries;
    int64_t applied;
};

/* All but the last return is booked. */
static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct hub_run *run = &f->run;
    hub_run_open(run);
    for (int i = 1; i <= REFUNDS; i++)
        hub_run_refund(run, 0, i, 100 * i);
    hub_run_work(run);
    f->entries = hub_run_number(run, "SELECT count(*) FROM journal_entry");
    f->applied = hub_run_number(run, "SELECT count(*) FROM ledger_event WHERE state = 'applied'");
    assert_int_equal(f->applied, BOOKED);
    assert_true(f->entries > REFUNDS);
    hub_run_refund(run, 0, REFUNDS + 1, 4711);
    f->hashes[0] = chain_origin(&run->stores[0][STREAM_RETURNS].log, NULL);
    for (int i = 0; i < EVENTS; i++) {
        char sql[200];
        (void)snprintf(sql, sizeof sql,
                       "SELECT body FROM event JOIN entry USING (event_no) WHERE entry.seq = %d",
                       i + 1);
        char *body = hub_run_text(run, sql);
        buf_init(&f->bodies[i], EVENT_BODY_MAX);
        buf_append(&f->bodies[i], body, strlen(body));
        f->hashes[i + 1] = chain_next(&f->hashes[i], buf_slice(&f->bodies[i]));
        free(body);
    }
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < EVENTS; i++)
        buf_free(&f->bodies[i]);
    hub_run_close(&f->run);
    free(f);
    return 0;
}

static void damage(struct fixture *f, const char *sql)
{
    struct hub_run *run = &f->run;
    if (!hub_database_on_server())
        hub_run_must(run, database_script(run->db, "PRAGMA foreign_keys=OFF", &run->fault));
    hub_run_must(run, database_script(run->db, sql, &run->fault));
}

static struct recalled recall(struct fixture *f)
{
    struct hub_run *run = &f->run;
    struct recalled recalled = {0};
    char path[SCRATCH_PATH_MAX];
    const struct hubdb_config config = {.path = hub_database_path(&run->scratch, path),
                                        .folder = run->scratch.path,
                                        .now_ms = HUB_RUN_NOW_MS};
    hub_run_must(run, database_begin(run->db, &run->fault));
    hub_run_must(run, recall_damaged(run->db, HUB_RUN_NOW_MS, &recalled, &run->fault));
    hub_run_must(run, database_commit(run->db, &run->fault));
    hubdb_close(run->hub);
    hub_run_must(run, hubdb_open(&run->hub, &config, &run->fault));
    run->db = hubdb_database(run->hub);
    run->rules.hub_epoch = hubdb_epoch(run->hub);
    return recalled;
}

static struct ack acknowledgement(struct fixture *f)
{
    struct ingest_result result = {0};
    const struct id log = f->run.stores[0][STREAM_RETURNS].log;
    hub_run_must(&f->run,
                 ingest_acknowledgement(f->run.db, &f->run.rules, &log, &result, &f->run.fault));
    return result.ack;
}

static enum ingest_verdict send(struct fixture *f, int64_t first, int64_t last)
{
    struct hub_run *run = &f->run;
    struct ingest_result result;
    struct slice bodies[EVENTS];
    for (int64_t seq = first; seq <= last; seq++)
        bodies[seq - first] = buf_slice(&f->bodies[seq - 1]);
    const struct ingest_batch batch = {
        .device = "box-a",
        .header = {.log = run->stores[0][STREAM_RETURNS].log,
                   .stream = STREAM_RETURNS,
                   .first = first,
                   .last = last,
                   .prev = f->hashes[first - 1],
                   .hash = f->hashes[last]},
        .bodies = bodies,
        .count = (size_t)(last - first + 1),
        .received_ms = HUB_RUN_NOW_MS,
    };
    hub_run_must(run, database_begin(run->db, &run->fault));
    hub_run_must(run, take_batch(run->db, &run->rules, &batch, &result, &run->fault));
    hub_run_must(run, database_commit(run->db, &run->fault));
    return result.verdict;
}

/* What an appliance does with that acknowledgement. */
static void send_gaps(struct fixture *f)
{
    struct ack ack = acknowledgement(f);
    int64_t seq = ack.through + 1;
    for (size_t i = 0; i < ack.also_count; i++) {
        assert_int_equal(send(f, seq, ack.also[i].first - 1), INGEST_TAKEN);
        seq = ack.also[i].last + 1;
    }
    if (seq <= EVENTS)
        assert_int_equal(send(f, seq, EVENTS), INGEST_TAKEN);
}

static void print_finding(void *context, const struct verify_finding *finding)
{
    (void)context;
    print_message("%s: %s\n", finding->what, finding->text);
}

static void is_as_before(struct fixture *f)
{
    struct hub_run *run = &f->run;
    struct verified verified = {0};
    const struct verify_wish wish = {.report = print_finding};
    hub_run_must(run, verify_hub(run->hub, &wish, &verified, &run->fault));
    assert_int_equal(verified.findings, 0);
    assert_int_equal(acknowledgement(f).through, EVENTS);
    assert_int_equal(hub_run_number(run, "SELECT count(*) FROM event"), EVENTS);
    assert_int_equal(hub_run_number(run, "SELECT count(*) FROM recalled"), 0);
    assert_int_equal(hub_run_number(run, "SELECT count(*) FROM parked"), 0);
    hub_run_work(run);
    assert_int_equal(hub_run_number(run, "SELECT count(*) FROM ledger_event "
                                         "WHERE state = 'applied'"),
                     EVENTS);
    assert_int_equal(hub_run_number(run, "SELECT count(*) FROM parked"), 0);
    assert_int_equal(hub_run_number(run, "SELECT count(*) FROM journal_entry"),
                     f->entries / REFUNDS * (REFUNDS + 1));
    assert_int_equal(hub_run_number(run, "SELECT count(*) FROM return_index WHERE event_no NOT IN "
                                         "(SELECT event_no FROM event)"),
                     0);
}

static void of_a_sound_database_nothing_is_recalled(void **state)
{
    struct fixture *f = *state;
    int64_t epoch = hubdb_epoch(f->run.hub);
    struct ack before = acknowledgement(f);
    struct recalled recalled = recall(f);
    assert_int_equal(recalled.logs, 0);
    assert_int_equal(recalled.places, 0);
    assert_int_equal(hubdb_epoch(f->run.hub), epoch);
    assert_int_equal(acknowledgement(f).ack_no, before.ack_no);
}

#define BODY_OF(seq)                                                                               \
    "UPDATE event SET body = body_hash WHERE event_no = "                                          \
    "(SELECT event_no FROM entry WHERE seq = " #seq ")"

static const struct {
    const char *sql;
    const char *found; /* by verify, as what */
    int places;
    bool file_only; /* a server's references forbid it */
} wrongs[] = {
    {BODY_OF(5), "event", 1, false},
    {BODY_OF(1), "event", 1, false},
    {BODY_OF(20), "event", 1, false}, /* nothing was made of it yet */
    {BODY_OF(4) ";" BODY_OF(5) ";" BODY_OF(19) ";" BODY_OF(21), "event", 4, false},
    {"UPDATE event SET body = body_hash", "event", EVENTS, false},
    {"UPDATE event SET body_hash = body", "event", EVENTS, false},
    {"DELETE FROM entry WHERE seq = 7", "chain", 1, false},
    {"DELETE FROM entry WHERE seq IN (7, 20)", "chain", 2, false},
    {"DELETE FROM entry", "chain", EVENTS, false},
    {"UPDATE entry SET hash = (SELECT hash FROM stream_log) WHERE seq = 9", "chain", 2, false},
    {"UPDATE entry SET event_no = 3 WHERE seq = 4", "chain", 1, false},
    {BODY_OF(6) ";DELETE FROM entry WHERE seq = 6", "chain", 1, false},
    {"DELETE FROM event WHERE event_no = (SELECT event_no FROM entry WHERE seq = 8)", "reference",
     1, true},
    {"DELETE FROM event WHERE event_no = (SELECT event_no FROM entry WHERE seq = 20)", "chain", 1,
     true},
    {"DELETE FROM event", "reference", EVENTS, true},
    {"UPDATE stream_log SET through = 3", "chain", 0, false},
    {"UPDATE stream_log SET hash = (SELECT hash FROM entry WHERE seq = 1)", "chain", 0, false},
    {"INSERT INTO held_range (log_no, first, last) SELECT log_no, 30, 40 FROM stream_log", "chain",
     0, false},
};

struct search {
    const char *what;
    int findings;
};

static void count_finding(void *context, const struct verify_finding *finding)
{
    struct search *search = context;
    search->findings += strcmp(finding->what, search->what) == 0;
}

static bool finds(struct fixture *f, const char *what)
{
    struct search search = {.what = what};
    struct verified verified = {0};
    const struct verify_wish wish = {.report = count_finding, .context = &search};
    hub_run_must(&f->run, verify_hub(f->run.hub, &wish, &verified, &f->run.fault));
    return search.findings > 0;
}

static bool finds_at_the_start(struct fixture *f, const char *what)
{
    struct search search = {.what = what};
    const struct verify_wish wish = {.report = count_finding, .context = &search};
    hub_run_must(&f->run, verify_tail(f->run.hub, &wish, &f->run.fault));
    return search.findings > 0;
}

static void the_newest_is_looked_at_before_a_hub_is_ready(void **state)
{
    struct fixture *f = *state;
    assert_false(finds_at_the_start(f, "event") || finds_at_the_start(f, "chain"));
    damage(f, "UPDATE event SET body_hash = body WHERE event_no = "
              "(SELECT event_no FROM entry WHERE seq = 21)");
    assert_true(finds_at_the_start(f, "event"));
    assert_false(finds_at_the_start(f, "chain"));
    damage(f, "UPDATE stream_log SET hash = (SELECT hash FROM entry WHERE seq = 1)");
    assert_true(finds_at_the_start(f, "chain"));
}

static void what_is_damaged_is_found_and_comes_again_and_nothing_is_made_of_it_twice(void **state)
{
    for (size_t i = 0; i < sizeof wrongs / sizeof *wrongs; i++) {
        if (wrongs[i].file_only && hub_database_on_server())
            continue;
        if (i > 0) {
            (void)tear_down(state);
            (void)set_up(state);
        }
        struct fixture *f = *state;
        int64_t epoch = hubdb_epoch(f->run.hub);
        print_message("%s\n", wrongs[i].sql);
        assert_false(finds(f, wrongs[i].found));
        damage(f, wrongs[i].sql);
        assert_true(finds(f, wrongs[i].found));
        struct recalled recalled = recall(f);
        assert_int_equal(recalled.logs, 1);
        assert_int_equal(recalled.places, wrongs[i].places);
        assert_true(hubdb_epoch(f->run.hub) > epoch);
        send_gaps(f);
        is_as_before(f);
    }
}

static void each_log_s_loss_is_told_once(void **state)
{
    struct fixture *f = *state;
    damage(f, BODY_OF(4) ";" BODY_OF(9));
    assert_int_equal(recall(f).places, 2);
    assert_int_equal(recall(f).places, 0);
    assert_int_equal(hub_run_number(&f->run, "SELECT count(*) FROM hub_exception WHERE "
                                             "code = 'events_recalled' AND seq = 4 AND times = 1"),
                     1);
    int64_t waiting = 0;
    int64_t lost = 0;
    hub_run_must(&f->run, recall_waiting(f->run.db, &waiting, &lost, &f->run.fault));
    assert_int_equal(waiting, 2);
    assert_int_equal(lost, 0);
    send_gaps(f);
    is_as_before(f);
}

/* As long as the appliance is away. */
static void what_is_sound_above_a_gap_is_held_and_not_sent_again(void **state)
{
    struct fixture *f = *state;
    damage(f, BODY_OF(5));
    (void)recall(f);
    struct ack ack = acknowledgement(f);
    assert_int_equal(ack.through, 4);
    assert_int_equal(ack.also_count, 1);
    assert_int_equal(ack.also[0].first, 6);
    assert_int_equal(ack.also[0].last, EVENTS);
    struct verified verified = {0};
    const struct verify_wish wish = {.report = print_finding};
    hub_run_must(&f->run, verify_hub(f->run.hub, &wish, &verified, &f->run.fault));
    assert_int_equal(verified.findings, 0); /* it was told */
    send_gaps(f);
    is_as_before(f);
}

static void record(struct fixture *f, uint8_t number)
{
    char device[DEVICE_ID_MAX + 1];
    const struct centre_fact fact = {
        .correlation = {{77, number}},
        .subject = "exception/1",
        .type = EVENT_EXCEPTION_RESOLVED,
        .data = SLICE_LITERAL("{\"exception\":\"1\",\"code\":\"x\",\"state\":\"resolved\","
                              "\"how\":\"y\"}"),
        .now_ms = HUB_RUN_NOW_MS,
    };
    hub_run_must(&f->run, database_begin(f->run.db, &f->run.fault));
    hub_run_must(&f->run, centre_record(f->run.db, &fact, device, &f->run.fault));
    hub_run_must(&f->run, database_commit(f->run.db, &f->run.fault));
}

static void what_the_centre_lost_of_its_own_is_told_and_it_goes_on(void **state)
{
    struct fixture *f = *state;
    struct verified verified = {0};
    const struct verify_wish wish = {.report = print_finding};
    int64_t waiting = 0;
    int64_t lost = 0;
    for (uint8_t i = 1; i <= 4; i++)
        record(f, i);
    int64_t own = hub_run_number(&f->run, "SELECT through FROM stream_log WHERE stream = 'centre'");
    assert_true(own >= 4);
    damage(f, "DELETE FROM entry WHERE log_no = (SELECT log_no FROM stream_log WHERE stream = "
              "'centre') AND seq IN (2, 4)");
    damage(f, "UPDATE event SET body = body_hash WHERE device = 'centre' AND seq = 3");
    assert_int_equal(recall(f).places, 3);
    assert_int_equal(recall(f).places, 0);
    hub_run_must(&f->run, recall_waiting(f->run.db, &waiting, &lost, &f->run.fault));
    assert_int_equal(waiting, 0);
    assert_int_equal(lost, 3);
    assert_int_equal(hub_run_number(&f->run, "SELECT count(*) FROM hub_exception WHERE "
                                             "code = 'events_lost' AND seq = 2"),
                     1);
    record(f, 9);
    assert_int_equal(
        hub_run_number(&f->run, "SELECT through FROM stream_log WHERE stream = 'centre'"), own + 1);
    hub_run_must(&f->run, verify_hub(f->run.hub, &wish, &verified, &f->run.fault));
    assert_int_equal(verified.findings, 0);
    hub_run_must(&f->run, verify_tail(f->run.hub, &wish, &f->run.fault));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(of_a_sound_database_nothing_is_recalled),
        TEST(the_newest_is_looked_at_before_a_hub_is_ready),
        TEST(what_is_damaged_is_found_and_comes_again_and_nothing_is_made_of_it_twice),
        TEST(each_log_s_loss_is_told_once),
        TEST(what_is_sound_above_a_gap_is_held_and_not_sent_again),
        TEST(what_the_centre_lost_of_its_own_is_told_and_it_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
