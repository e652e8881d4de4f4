/*
 * The power goes at the nth call of a day, and once more while the log is opened again. What was
 * answered must be there, what failed for certain must not, and nothing is damaged.
 * TILLBACK_SEED replays a run, POWER_CUT_EVERY=1 takes every n.
 */
#include "tests/support/log_fixture.h"
#include "tests/support/seed.h"
#include "tests/support/vfs_fault.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { STEPS = 14, SEEDS_EACH = 2, SAMPLE = 60 };

struct step {
    struct log_command c;
    bool submitted;
};

struct day {
    struct log_fixture f;
    struct vfs_fault *vfs;
    struct step steps[STEPS];
    int64_t acknowledged;
    bool received;
};

static enum err cut_off(struct day *d)
{
    const struct eventlog_retention rules = {.max_events = 1};
    int64_t pruned;
    return eventlog_prune(d->f.log, &rules, &pruned, NULL);
}

/* A log that was cut before: its checkpoint is needed until the next cut counts. */
static void day_begin(struct day *d)
{
    *d = (struct day){.vfs = vfs_fault_open("fault")};
    log_fixture_make(&d->f);
    log_fixture_close(&d->f);
    d->f.config.vfs = "fault";
    assert_int_equal(log_fixture_open(&d->f), ERR_OK);
    log_fixture_append(&d->f, EVENT_RETURN_CREATED, 3);
    struct ack ack = log_fixture_ack(&d->f, STREAM_RETURNS, 1, 1);
    assert_int_equal(log_fixture_acknowledge(&d->f, STREAM_RETURNS, &ack), ERR_OK);
    assert_int_equal(cut_off(d), ERR_OK);
}

static void day_end(struct day *d)
{
    log_fixture_remove(&d->f);
    vfs_fault_close(d->vfs);
}

static void submit(struct day *d, int i)
{
    struct log_command *c = &d->steps[i].c;
    log_command_make(c, &d->f, i % 4 == 3 ? EVENT_SALE_RECORDED : EVENT_RETURN_CREATED, 1 + i % 3);
    c->correlation = log_fixture_id((uint8_t)(100 + i));
    c->padding = i % 5 == 4 ? 20000 : 200;
    log_command_submit(c);
    d->steps[i].submitted = true;
}

/* Single commands, groups of three, an acknowledgement, a message, a cut, a restart in between. */
static void live(struct day *d, struct ack ack)
{
    for (int i = 0; i < STEPS; i++) {
        if (i == STEPS / 2) {
            log_fixture_close(&d->f);
            if (log_fixture_open(&d->f))
                return;
        }
        submit(d, i);
        if (i % 3 != 0)
            (void)log_command_await(&d->steps[i].c);
        if (i == 4 && log_fixture_acknowledge(&d->f, STREAM_RETURNS, &ack) == ERR_OK)
            d->acknowledged = ack.through;
        if (i == 6) {
            struct buf body;
            buf_init(&body, 65536);
            log_fixture_message(&body, 50, log_fixture_id(50));
            d->received = log_fixture_receive(&d->f, 1, 1, buf_slice(&body)) == ERR_OK;
            buf_free(&body);
        }
        if (i == 9) {
            enum err may_fail = cut_off(d);
            (void)may_fail;
        }
    }
    log_fixture_close(&d->f);
}

static enum err count(void *context, const struct eventlog_record *record, struct fault *fault)
{
    (void)fault;
    (void)record;
    ++*(int *)context;
    return ERR_OK;
}

static int events_of(struct eventlog_reader *reader, struct id correlation)
{
    int events = 0;
    assert_int_equal(eventlog_history(reader, &correlation, count, &events, NULL), ERR_OK);
    return events;
}

/* How many promises were broken. */
static int broken(struct day *d)
{
    int broken = 0;
    struct eventlog_reader *reader;
    assert_int_equal(eventlog_reader_open(&reader, &d->f.config, NULL), ERR_OK);
    for (int i = 0; i < STEPS; i++) {
        struct log_command *c = &d->steps[i].c;
        if (!d->steps[i].submitted)
            continue;
        int events = events_of(reader, c->correlation);
        if (c->err == ERR_OK)
            broken += events != c->events;
        else if (c->err == ERR_UNKNOWN_OUTCOME)
            broken += events != 0 && events != c->events;
        else
            broken += events != 0;
    }
    broken += d->received && events_of(reader, log_fixture_id(50)) != 1;
    eventlog_reader_close(reader);
    struct eventlog_status status;
    eventlog_status(d->f.log, &status);
    broken += status.forked_at_start || status.streams[STREAM_RETURNS].forked;
    broken += status.streams[STREAM_RETURNS].through < d->acknowledged;
    return broken;
}

/* One day with the power cut at call `nth`; *reached: the day was that long. */
static int run_day(int nth, uint64_t seed, bool lying, bool *reached)
{
    struct day *d = malloc(sizeof *d);
    assert_non_null(d);
    day_begin(d);
    struct ack ack = log_fixture_ack(&d->f, STREAM_RETURNS, 3, 2);
    vfs_fault_lie(d->vfs, lying);
    vfs_fault_cut(d->vfs, nth);
    live(d, ack);
    log_fixture_close(&d->f);
    *reached = vfs_fault_struck(d->vfs);
    vfs_fault_power_on(d->vfs, seed);
    vfs_fault_cut(d->vfs, 1 + (int)(seed % 8));
    (void)log_fixture_open(&d->f);
    log_fixture_close(&d->f);
    vfs_fault_power_on(d->vfs, seed + 1);
    enum err err = log_fixture_open(&d->f);
    if (err && !lying)
        print_message("cut at %d, seed %llu: %s\n", nth, (unsigned long long)seed, d->f.fault.text);
    int bad = err ? 1 : broken(d);
    if (!err && !lying)
        bad += log_fixture_findings(&d->f);
    if (bad && !lying)
        print_message("cut at %d, seed %llu: %d promises broken\n", nth, (unsigned long long)seed,
                      bad);
    day_end(d);
    free(d);
    return bad;
}

static int calls_of_a_day(void)
{
    struct day *d = malloc(sizeof *d);
    assert_non_null(d);
    day_begin(d);
    struct ack ack = log_fixture_ack(&d->f, STREAM_RETURNS, 3, 2);
    vfs_fault_heal(d->vfs);
    live(d, ack);
    log_fixture_close(&d->f);
    int calls = vfs_fault_calls(d->vfs);
    day_end(d);
    free(d);
    return calls;
}

static void what_was_answered_outlives_a_power_cut_at_any_call(void **state)
{
    (void)state;
    uint64_t seed = seed_chosen();
    int calls = calls_of_a_day();
    int stride = getenv("POWER_CUT_EVERY") ? 1 : 1 + calls / SAMPLE;
    int first = 1 + (int)(seed % (uint64_t)stride);
    print_message("%d calls in a day, the power goes at one in %d\n", calls, stride);
    bool reached = true;
    for (int nth = first; reached; nth += stride)
        for (uint64_t k = 0; k < SEEDS_EACH; k++)
            assert_int_equal(run_day(nth, seed + (uint64_t)nth * 31 + k, false, &reached), 0);
}

/* The control: the same days on a disk that only says it has synced must lose something. */
static void a_disk_that_lies_about_syncs_is_caught_losing(void **state)
{
    (void)state;
    int lost = 0;
    bool reached;
    for (int i = 0; i < 12; i++)
        lost += run_day(60 + 5 * i, (uint64_t)i, true, &reached);
    assert_true(lost > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_answered_outlives_a_power_cut_at_any_call),
        cmocka_unit_test(a_disk_that_lies_about_syncs_is_caught_losing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
