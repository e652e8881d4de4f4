/* A rollout's table of states, its waves, and its verdicts over random histories. */
#include "hal/base/cleanup.h"
#include "sync/hub/fleet/rollout.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

/* Rows: running, paused, halted, done, aborted. A dash: refused. */
static const struct {
    const char *event;
    const char *next[ROLLOUT_STATE_COUNT];
} table[ROLLOUT_EVENT_COUNT] = {
    {"wave_passed", {"running", "-", "-", "-", "-"}},
    {"all_passed", {"done", "-", "-", "-", "-"}},
    {"trouble", {"halted", "-", "-", "-", "-"}},
    {"pause", {"paused", "-", "-", "-", "-"}},
    {"resume", {"-", "running", "running", "-", "-"}},
    {"abort", {"aborted", "aborted", "aborted", "-", "-"}},
};

static void every_event_in_every_state_is_defined(void **state)
{
    (void)state;
    for (int e = 0; e < ROLLOUT_EVENT_COUNT; e++) {
        enum rollout_event event;
        assert_int_equal(rollout_event_find(table[e].event, &event), ERR_OK);
        for (int s = 0; s < ROLLOUT_STATE_COUNT; s++) {
            enum rollout_state next = (enum rollout_state)s;
            struct fault fault = {0};
            enum err err = rollout_next((enum rollout_state)s, event, &next, &fault);
            if (strcmp(table[e].next[s], "-") == 0) {
                assert_int_equal(err, ERR_REFUSED);
                assert_int_equal(next, s);
                assert_non_null(strstr(fault.text, table[e].event));
            } else {
                assert_int_equal(err, ERR_OK);
                assert_string_equal(rollout_state_name(next), table[e].next[s]);
            }
        }
    }
}

static void rules_come_back_as_they_were_written(void **state)
{
    (void)state;
    struct buf text CLEANUP(buf_free);
    struct rollout_rules read = rollout_at_once;
    buf_init(&text, 1024);
    struct jsonw w = jsonw_to(&text);
    jsonw_object(&w, NULL);
    rollout_rules_write(&w, &rollout_careful);
    jsonw_end(&w);
    assert_int_equal(rollout_rules_read(buf_slice(&text), &read, NULL), ERR_OK);
    assert_memory_equal(&read, &rollout_careful, sizeof read);
}

static void percents_must_grow_to_a_hundred(void **state)
{
    (void)state;
    static const char *const wrong[] = {"", "5", "5,5,100", "50,10,100", "0,100", "5,101", "5,x"};
    struct rollout_rules rules = rollout_careful;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(rollout_percents_read(wrong[i], &rules, NULL), ERR_INVALID);
    assert_memory_equal(&rules, &rollout_careful, sizeof rules);
    assert_int_equal(rollout_percents_read("5,25,100", &rules, NULL), ERR_OK);
    assert_int_equal(rules.percent_count, 3);
    assert_int_equal(rules.percents[1], 25);
}

static void canary_and_percents_make_the_waves(void **state)
{
    (void)state;
    struct rollout_rules rules = {.canary = 2, .percents = {10, 100}, .percent_count = 2};
    int64_t sizes[3] = {0};
    for (int64_t place = 0; place < 102; place++)
        sizes[rollout_wave_of(&rules, place, 102)]++;
    assert_int_equal(sizes[0], 2);
    assert_int_equal(sizes[1], 10);
    assert_int_equal(sizes[2], 90);
    assert_int_equal(rollout_wave_of(&rules, 0, 1), 0); /* fewer than canaries */
}

/* Whatever the rules and the crowd: in order, the last is the last wave's, none is left out. */
static void waves_are_in_order_and_the_last_takes_the_rest(void **state)
{
    (void)state;
    srand(7);
    for (int round = 0; round < 2000; round++) {
        struct rollout_rules rules = {.canary = rand() % 4};
        int64_t percent = 0;
        while (percent < 100) {
            percent += 1 + rand() % 60;
            rules.percents[rules.percent_count++] = percent < 100 ? percent : 100;
        }
        int64_t total = 1 + rand() % 50;
        size_t before = 0;
        for (int64_t place = 0; place < total; place++) {
            size_t wave = rollout_wave_of(&rules, place, total);
            assert_true(wave >= before && wave < rollout_wave_count(&rules));
            before = wave;
        }
        if (total > rules.canary)
            assert_true(before >= (rules.canary > 0));
    }
}

static const struct rollout_rules rules = {
    .canary = 1,
    .percents = {50, 100},
    .percent_count = 2,
    .failure_percent = 10,
    .silence_s = 60,
    .soak_s = 30,
    .backlog_events = 5,
};

static enum rollout_verdict judge(const struct rollout_counts *counts, size_t wave, int64_t age_s)
{
    struct fault why = {0};
    enum rollout_verdict verdict = rollout_judge(&rules, counts, wave, age_s * 1000, &why);
    assert_int_equal(verdict == ROLLOUT_HALT, why.text[0] != '\0');
    return verdict;
}

static void canary_must_sing_before_others_follow(void **state)
{
    (void)state;
    struct rollout_counts counts = {.planned = 1};
    assert_int_equal(judge(&counts, 0, 100), ROLLOUT_WAIT);
    counts = (struct rollout_counts){.online = 1, .pending = 1};
    assert_int_equal(judge(&counts, 0, 100), ROLLOUT_WAIT);
    counts = (struct rollout_counts){.online = 0}; /* it is offline */
    assert_int_equal(judge(&counts, 0, 100), ROLLOUT_WAIT);
    counts = (struct rollout_counts){.online = 1, .good = 1};
    assert_int_equal(judge(&counts, 0, 10), ROLLOUT_WAIT); /* it soaks */
    assert_int_equal(judge(&counts, 0, 100), ROLLOUT_GO_ON);
}

static void offline_ones_hold_up_no_later_wave(void **state)
{
    (void)state;
    struct rollout_counts counts = {.online = 5, .good = 5};
    assert_int_equal(judge(&counts, 1, 100), ROLLOUT_GO_ON);
    assert_int_equal(judge(&counts, 2, 100), ROLLOUT_FINISH);
}

static void it_halts_for_failures_silence_and_backlog(void **state)
{
    (void)state;
    struct rollout_counts counts = {.online = 10, .good = 9, .bad = 1};
    assert_int_equal(judge(&counts, 1, 100), ROLLOUT_GO_ON); /* ten in a hundred are borne */
    counts = (struct rollout_counts){.online = 10, .good = 8, .bad = 2};
    assert_int_equal(judge(&counts, 1, 0), ROLLOUT_HALT); /* at once */
    counts = (struct rollout_counts){.online = 10, .good = 8, .silent = 2};
    assert_int_equal(judge(&counts, 1, 0), ROLLOUT_HALT);
    counts = (struct rollout_counts){.online = 10, .good = 10, .growing = 2};
    assert_int_equal(judge(&counts, 1, 0), ROLLOUT_HALT);
    counts = (struct rollout_counts){.online = 10, .good = 8, .bad = 1, .silent = 1};
    assert_int_equal(judge(&counts, 1, 0), ROLLOUT_HALT); /* together too many */
}

static void resumed_one_halts_for_new_trouble_only(void **state)
{
    (void)state;
    struct rollout_counts counts = {.online = 10, .good = 7, .bad = 2, .silent = 1, .forgiven = 3};
    assert_int_equal(judge(&counts, 1, 100), ROLLOUT_GO_ON);
    counts.bad = 4;
    assert_int_equal(judge(&counts, 1, 100), ROLLOUT_HALT);
}

/* Over random counts: nothing goes on while somebody may still answer, or with too much trouble. */
static void it_never_goes_on_too_early(void **state)
{
    (void)state;
    srand(11);
    for (int round = 0; round < 20000; round++) {
        struct rollout_counts counts = {
            .planned = rand() % 3,
            .good = rand() % 20,
            .bad = rand() % 4,
            .silent = rand() % 4,
            .pending = rand() % 3,
        };
        counts.online = counts.good + counts.bad + counts.silent + counts.pending;
        counts.growing = counts.good ? rand() % (int)(counts.good + 1) / 4 : 0;
        size_t wave = (size_t)(rand() % 3);
        int64_t age_s = rand() % 60;
        enum rollout_verdict verdict = judge(&counts, wave, age_s);
        int64_t trouble = counts.bad + counts.silent + counts.growing;
        bool too_many = trouble * 100 > rules.failure_percent * counts.online;
        assert_int_equal(verdict == ROLLOUT_HALT, too_many);
        if (verdict == ROLLOUT_GO_ON || verdict == ROLLOUT_FINISH) {
            assert_true(!counts.planned && !counts.pending && age_s >= rules.soak_s);
            assert_int_equal(verdict == ROLLOUT_FINISH, wave == 2);
            assert_true(wave > 0 || counts.good > 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_event_in_every_state_is_defined),
        cmocka_unit_test(rules_come_back_as_they_were_written),
        cmocka_unit_test(percents_must_grow_to_a_hundred),
        cmocka_unit_test(canary_and_percents_make_the_waves),
        cmocka_unit_test(waves_are_in_order_and_the_last_takes_the_rest),
        cmocka_unit_test(canary_must_sing_before_others_follow),
        cmocka_unit_test(offline_ones_hold_up_no_later_wave),
        cmocka_unit_test(it_halts_for_failures_silence_and_backlog),
        cmocka_unit_test(resumed_one_halts_for_new_trouble_only),
        cmocka_unit_test(it_never_goes_on_too_early),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
