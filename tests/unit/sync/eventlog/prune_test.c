/* Retention: what is cut, what is not, and that nothing is forgotten by it. */
#include "tests/support/log_fixture.h"

#include <fcntl.h>
#include <glob.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const char view_as_number[] =
    "SELECT sum(events * 1000003 + seq * 101 + unicode(hex(correlation))) FROM tally";

static void append_of(struct log_fixture *f, uint8_t correlation, size_t padding)
{
    struct log_command c;
    log_command_make(&c, f, correlation % 4 ? EVENT_RETURN_CREATED : EVENT_SALE_RECORDED, 1);
    c.correlation = log_fixture_id(correlation);
    c.padding = padding;
    log_command_submit(&c);
    assert_int_equal(log_command_await(&c), ERR_OK);
}

/* 80 events, each of a correlation of its own; 60 of them returns. */
static void fill(struct log_fixture *f)
{
    for (uint8_t i = 0; i < 80; i++)
        append_of(f, i, 3000);
}

static void back_up(struct log_fixture *f, enum stream stream, int64_t through, int64_t ack_no)
{
    struct ack ack = log_fixture_ack(f, stream, through, ack_no);
    assert_int_equal(log_fixture_acknowledge(f, stream, &ack), ERR_OK);
}

/* --- What comes between choosing and cutting -------------------------------------------------- */

/* Keeps the writer busy until it is opened. */
struct gate {
    struct eventlog_command command;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool opened;
    int ended; /* commands */
};

static enum err wait_at(void *context, struct eventlog_txn *txn, struct fault *fault)
{
    (void)txn;
    (void)fault;
    struct gate *gate = context;
    pthread_mutex_lock(&gate->lock);
    while (!gate->opened)
        pthread_cond_wait(&gate->wake, &gate->lock);
    pthread_mutex_unlock(&gate->lock);
    return ERR_OK;
}

static void count_ended(void *context, enum err err, const struct fault *fault)
{
    (void)fault;
    struct gate *gate = context;
    assert_int_equal(err, ERR_OK);
    pthread_mutex_lock(&gate->lock);
    gate->ended++;
    pthread_cond_signal(&gate->wake);
    pthread_mutex_unlock(&gate->lock);
}

static void open_gate(struct gate *gate, int commands)
{
    pthread_mutex_lock(&gate->lock);
    gate->opened = true;
    pthread_cond_signal(&gate->wake);
    while (gate->ended < commands)
        pthread_cond_wait(&gate->wake, &gate->lock);
    pthread_mutex_unlock(&gate->lock);
}

struct pruner {
    struct log_fixture *f;
    int64_t max_events;
    enum err err;
};

static void *run_pruner(void *context)
{
    struct pruner *pruner = context;
    const struct eventlog_retention rules = {.max_events = pruner->max_events};
    int64_t pruned;
    pruner->err = eventlog_prune(pruner->f->log, &rules, &pruned, NULL);
    return NULL;
}

static size_t count_files(struct log_fixture *f, const char *name)
{
    char pattern[SCRATCH_PATH_MAX];
    glob_t found;
    size_t count =
        glob(scratch_path(&f->scratch, name, pattern), 0, NULL, &found) ? 0 : found.gl_pathc;
    globfree(&found);
    return count;
}

/* Made last of all before the cut is asked for. */
static void await_checkpoints(struct log_fixture *f, size_t count)
{
    while (count_files(f, "checkpoint-*.db") < count)
        (void)sched_yield();
}

static int64_t prune(struct log_fixture *f, struct eventlog_retention rules)
{
    int64_t pruned = -1;
    assert_int_equal(eventlog_prune(f->log, &rules, &pruned, &f->fault), ERR_OK);
    return pruned;
}

static void what_is_not_backed_up_is_kept_whatever_the_rules_say(void **state)
{
    struct log_fixture *f = *state;
    fill(f);
    struct eventlog_retention nothing = {.max_events = 1};
    assert_int_equal(prune(f, nothing), 0);
    back_up(f, STREAM_RETURNS, 40, 1);
    assert_int_equal(prune(f, nothing), 40);
    assert_int_equal(log_fixture_stream(f, STREAM_RETURNS).first_kept, 41);
    assert_int_equal(log_fixture_number(f, "SELECT count(*) FROM event"), 40);
    assert_int_equal(prune(f, nothing), 0);
    assert_int_equal(log_fixture_findings(f), 0);
    log_fixture_reopen(f);
    assert_int_equal(log_fixture_findings(f), 0);
}

/* What the hub has and no backup of it would be lost with the hub. */
static void what_the_hub_has_and_its_backup_has_not_is_kept(void **state)
{
    struct log_fixture *f = *state;
    fill(f);
    struct ack ack = log_fixture_ack(f, STREAM_RETURNS, 40, 1);
    ack.backed_up_through = 25;
    assert_int_equal(log_fixture_acknowledge(f, STREAM_RETURNS, &ack), ERR_OK);
    assert_int_equal(prune(f, (struct eventlog_retention){.max_events = 1}), 25);
    assert_int_equal(log_fixture_stream(f, STREAM_RETURNS).first_kept, 26);
}

static void salvage_with(const char *damage)
{
    struct log_fixture f;
    log_fixture_make(&f);
    fill(&f);
    back_up(&f, STREAM_RETURNS, 40, 1);
    assert_int_equal(prune(&f, (struct eventlog_retention){.max_events = 1}), 40);
    log_fixture_close(&f);
    log_fixture_tamper(&f, damage);
    assert_int_equal(log_fixture_open(&f), ERR_OK);
    assert_int_equal(log_fixture_number(&f, "SELECT count(*) FROM event"), 40);
    assert_int_equal(log_fixture_number(&f, "SELECT count(*) FROM lost"), 0);
    assert_int_equal(log_fixture_number(&f, "SELECT first_kept FROM log WHERE no = 0"), 41);
    log_fixture_remove(&f);
}

/* The chain says where a log begins that was cut. */
static void a_damaged_beginning_is_not_believed(void **state)
{
    (void)state;
    salvage_with("UPDATE log SET first_kept = 57 WHERE no = 0");
    salvage_with("UPDATE log SET first_kept = 9 WHERE no = 0");
    salvage_with("UPDATE log SET first_kept = 1 << 30 WHERE no = 0");
}

/* The power went between the cut and the last of the deleting: what is left of it is no damage. */
static void a_rest_of_what_was_cut_is_no_damage_and_goes_with_the_next_cut(void **state)
{
    struct log_fixture *f = *state;
    char attach[SCRATCH_PATH_MAX + 200];
    fill(f);
    back_up(f, STREAM_RETURNS, 40, 1);
    log_fixture_close(f);
    log_fixture_keep(f, "before");
    assert_int_equal(log_fixture_open(f), ERR_OK);
    assert_int_equal(prune(f, (struct eventlog_retention){.max_events = 1}), 40);
    log_fixture_close(f);
    (void)snprintf(attach, sizeof attach,
                   "ATTACH '%s/before' AS b;"
                   "INSERT INTO event SELECT * FROM b.event WHERE pos BETWEEN 38 AND 40",
                   f->scratch.path);
    log_fixture_tamper(f, attach);
    assert_int_equal(log_fixture_open(f), ERR_OK);
    struct eventlog_stream_status returns = log_fixture_stream(f, STREAM_RETURNS);
    assert_int_equal(returns.first_kept, 41);
    assert_int_equal(returns.head, 60);
    assert_false(returns.forked);
    assert_int_equal(log_fixture_findings(f), 0);
    assert_int_equal(log_fixture_number(f, "SELECT count(*) FROM event"), 43);
    assert_int_equal(prune(f, (struct eventlog_retention){.max_events = 1}), 0);
    assert_int_equal(log_fixture_number(f, "SELECT count(*) FROM event"), 40);
    assert_int_equal(log_fixture_findings(f), 0);
}

static void the_rules_cut_by_count_size_and_age(void **state)
{
    struct log_fixture *f = *state;
    fill(f);
    back_up(f, STREAM_RETURNS, 60, 1);
    assert_int_equal(prune(f, (struct eventlog_retention){.max_events = 50}), 10);
    int64_t bytes =
        log_fixture_number(f, "SELECT sum(length(body)) FROM event WHERE pos < 1 << 56");
    assert_int_equal(prune(f, (struct eventlog_retention){.max_bytes = bytes / 2}), 25);
    assert_int_equal(prune(f, (struct eventlog_retention){.max_age_ms = 1000}), 0);
    clock_fake_advance(f->clock, 5000);
    append_of(f, 1, 10);
    assert_int_equal(prune(f, (struct eventlog_retention){.max_age_ms = 1000}), 25);
    assert_int_equal(log_fixture_stream(f, STREAM_RETURNS).first_kept, 61);
    assert_int_equal(log_fixture_findings(f), 0);
}

static void what_is_young_is_kept_whatever_the_count(void **state)
{
    struct log_fixture *f = *state;
    fill(f);
    back_up(f, STREAM_RETURNS, 60, 1);
    struct eventlog_retention rules = {.max_events = 1, .least_ms = 1000};
    assert_int_equal(prune(f, rules), 0);
    clock_fake_advance(f->clock, 5000);
    append_of(f, 1, 10);
    back_up(f, STREAM_RETURNS, 61, 2);
    assert_int_equal(prune(f, rules), 60);
    assert_int_equal(log_fixture_findings(f), 0);
}

/* Of a newer version's type, say. Its time isn't known; those before it and behind it decide. */
static void what_cannot_be_read_is_neither_old_nor_young(void **state)
{
    struct log_fixture *f = *state;
    fill(f);
    back_up(f, STREAM_RETURNS, 60, 1);
    log_fixture_tamper(f, "UPDATE event SET body = CAST(replace(CAST(body AS TEXT), '.v1\"',"
                          " '.v99\"') AS BLOB) WHERE pos IN (1, 5)");
    assert_int_equal(prune(f, (struct eventlog_retention){.max_age_ms = 1000}), 0);
    clock_fake_advance(f->clock, 5000);
    assert_int_equal(prune(f, (struct eventlog_retention){.max_events = 1, .least_ms = 1000}), 59);
}

static void what_a_parked_item_needs_is_kept(void **state)
{
    struct log_fixture *f = *state;
    fill(f);
    append_of(f, 33, 10); /* the return of event 25, once more: that one is parked */
    struct ack ack = log_fixture_ack(f, STREAM_RETURNS, 61, 1);
    ack.parked_count = 1;
    ack.parked[0].id = log_fixture_id(250);
    ack.parked[0].seq = 61;
    assert_int_equal(log_fixture_acknowledge(f, STREAM_RETURNS, &ack), ERR_OK);
    assert_int_equal(prune(f, (struct eventlog_retention){.max_events = 1}), 24);
    assert_int_equal(log_fixture_number(f, "SELECT min(pos) FROM event"), 25);
    struct ack settled = log_fixture_ack(f, STREAM_RETURNS, 61, 2);
    assert_int_equal(log_fixture_acknowledge(f, STREAM_RETURNS, &settled), ERR_OK);
    assert_int_equal(prune(f, (struct eventlog_retention){.max_events = 1}), 36);
}

static void nothing_that_was_returned_is_forgotten(void **state)
{
    struct log_fixture *f = *state;
    fill(f);
    int64_t live = log_fixture_number(f, view_as_number);
    back_up(f, STREAM_RETURNS, 55, 1);
    back_up(f, STREAM_SALES, 20, 1);
    assert_int_equal(prune(f, (struct eventlog_retention){.max_events = 1}), 55 + 19);
    assert_int_equal(log_fixture_number(f, view_as_number), live);
    log_fixture_close(f);
    log_fixture_tamper(f, "DELETE FROM tally");
    assert_int_equal(eventlog_rebuild(&f->config, &f->fault), ERR_OK);
    assert_int_equal(log_fixture_number(f, view_as_number), live);
    f->view.version = 2; /* made again at start, from the checkpoint */
    assert_int_equal(log_fixture_open(f), ERR_OK);
    assert_int_equal(log_fixture_number(f, view_as_number), live);
    append_of(f, 5, 10);
    live = log_fixture_number(f, view_as_number);
    back_up(f, STREAM_RETURNS, 61, 2);
    assert_int_equal(prune(f, (struct eventlog_retention){.max_age_ms = 1}), 0);
    clock_fake_advance(f->clock, 10);
    (void)prune(f, (struct eventlog_retention){.max_age_ms = 1}); /* all of it: an empty log */
    append_of(f, 5, 10);
    assert_int_equal(log_fixture_findings(f), 0);
    log_fixture_reopen(f);
    append_of(f, 5, 10);
    assert_int_equal(log_fixture_findings(f), 0);
    assert_int_equal(log_fixture_number(f, "SELECT count(*) FROM tally"), 80);
}

static void a_pruned_log_is_salvaged_with_its_views(void **state)
{
    struct log_fixture *f = *state;
    fill(f);
    int64_t live = log_fixture_number(f, "SELECT sum(events) FROM tally");
    back_up(f, STREAM_RETURNS, 55, 1);
    assert_int_equal(prune(f, (struct eventlog_retention){.max_events = 5}), 55);
    log_fixture_close(f);
    char path[SCRATCH_PATH_MAX];
    int fd = open(scratch_path(&f->scratch, "tillback.db", path), O_WRONLY);
    char zeros[4096] = {0};
    assert_int_equal(pwrite(fd, zeros, sizeof zeros, 0), sizeof zeros);
    assert_int_equal(close(fd), 0);
    assert_int_equal(log_fixture_open(f), ERR_OK);
    struct eventlog_status status;
    eventlog_status(f->log, &status);
    assert_int_equal(status.lost[STREAM_RETURNS], 0);
    assert_int_equal(log_fixture_number(f, "SELECT sum(events) FROM tally"), live);
    assert_int_equal(log_fixture_number(f, "SELECT count(*) FROM tally"), 80);
}

static off_t size_of(struct log_fixture *f)
{
    char path[SCRATCH_PATH_MAX];
    struct stat info;
    assert_int_equal(stat(scratch_path(&f->scratch, "tillback.db", path), &info), 0);
    return info.st_size;
}

static void the_file_really_shrinks(void **state)
{
    struct log_fixture *f = *state;
    for (int i = 0; i < 12; i++)
        fill(f);
    log_fixture_reopen(f);
    off_t before = size_of(f);
    back_up(f, STREAM_RETURNS, 720, 1);
    back_up(f, STREAM_SALES, 240, 1);
    assert_int_equal(prune(f, (struct eventlog_retention){.max_events = 10}), 940);
    log_fixture_reopen(f);
    assert_true(size_of(f) < before / 10);
    assert_int_equal(log_fixture_findings(f), 0);
}

static void what_the_hub_takes_back_before_a_chosen_cut_is_not_cut(void **state)
{
    struct log_fixture *f = *state;
    struct pruner pruner = {.f = f, .max_events = 1};
    struct gate gate = {.lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER};
    pthread_t thread;
    fill(f);
    back_up(f, STREAM_RETURNS, 40, 1);
    struct ack less = log_fixture_ack(f, STREAM_RETURNS, 40, 2);
    less.backed_up_through = 10;
    gate.command =
        (struct eventlog_command){.decide = wait_at, .done = count_ended, .context = &gate};
    eventlog_submit(f->log, &gate.command);
    eventlog_acknowledge(f->log, STREAM_RETURNS, &less, count_ended, &gate);
    assert_int_equal(pthread_create(&thread, NULL, run_pruner, &pruner), 0);
    await_checkpoints(f, 1);
    open_gate(&gate, 2);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(pruner.err, ERR_BUSY);
    assert_int_equal(log_fixture_number(f, "SELECT count(*) FROM event"), 80);
    assert_int_equal(prune(f, (struct eventlog_retention){.max_events = 1}), 10);
    assert_int_equal(log_fixture_findings(f), 0);
}

/* Else the second would bring back the beginning that the first has cut off. */
static void of_two_cuts_at_a_time_one_is_put_off(void **state)
{
    struct log_fixture *f = *state;
    struct pruner pruners[] = {{.f = f, .max_events = 1}, {.f = f, .max_events = 50}};
    struct gate gate = {.lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER};
    pthread_t threads[2];
    fill(f);
    back_up(f, STREAM_RETURNS, 40, 1);
    gate.command =
        (struct eventlog_command){.decide = wait_at, .done = count_ended, .context = &gate};
    eventlog_submit(f->log, &gate.command);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, run_pruner, &pruners[i]), 0);
        await_checkpoints(f, i + 1);
    }
    open_gate(&gate, 1);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    size_t busy = pruners[0].err == ERR_BUSY ? 0 : 1;
    assert_int_equal(pruners[busy].err, ERR_BUSY);
    assert_int_equal(pruners[1 - busy].err, ERR_OK);
    assert_int_equal(log_fixture_findings(f), 0);
}

static void what_the_hub_says_of_its_backup_goes_no_further_than_its_watermark(void **state)
{
    struct log_fixture *f = *state;
    fill(f);
    struct ack ack = log_fixture_ack(f, STREAM_RETURNS, 30, 1);
    ack.backed_up_through = 60;
    assert_int_equal(log_fixture_acknowledge(f, STREAM_RETURNS, &ack), ERR_OK);
    assert_int_equal(prune(f, (struct eventlog_retention){.max_events = 1}), 30);
    assert_int_equal(log_fixture_findings(f), 0);
}

/* What is gone here can't be sent again, and no other history is to be begun for that. */
static void a_hub_that_lost_what_is_cut_here_is_sent_the_rest_of_the_same_log(void **state)
{
    struct log_fixture *f = *state;
    fill(f);
    struct ack ack = log_fixture_ack(f, STREAM_RETURNS, 10, 2);
    back_up(f, STREAM_RETURNS, 30, 1);
    assert_int_equal(prune(f, (struct eventlog_retention){.max_events = 1}), 30);
    ack.hub_epoch++;
    assert_int_equal(log_fixture_acknowledge(f, STREAM_RETURNS, &ack), ERR_OK);
    assert_false(log_fixture_stream(f, STREAM_RETURNS).forked);
    assert_int_equal(log_fixture_stream(f, STREAM_RETURNS).through, 30);
    assert_int_equal(log_fixture_findings(f), 0);
}

static void what_a_cut_that_was_stopped_left_behind_is_in_nobody_s_way(void **state)
{
    struct log_fixture *f = *state;
    char path[SCRATCH_PATH_MAX];
    static const char rubbish[] = "half a checkpoint";
    fill(f);
    for (int ordinal = 1; ordinal <= 80; ordinal++) {
        char name[64];
        (void)snprintf(name, sizeof name, "checkpoint-%d.new", ordinal);
        scratch_write(scratch_path(&f->scratch, name, path), rubbish, sizeof rubbish);
    }
    back_up(f, STREAM_RETURNS, 40, 1);
    assert_int_equal(prune(f, (struct eventlog_retention){.max_events = 1}), 40);
    assert_int_equal(count_files(f, "checkpoint-*.new"), 0);
    back_up(f, STREAM_RETURNS, 50, 2);
    assert_int_equal(prune(f, (struct eventlog_retention){.max_events = 1}), 10);
    assert_int_equal(count_files(f, "checkpoint-*"), 1);
    assert_int_equal(log_fixture_findings(f), 0);
}

/* On a disk that is nearly full the room is needed. */
static void a_checkpoint_that_fails_leaves_nothing_behind(void **state)
{
    struct log_fixture *f = *state;
    const struct eventlog_retention rules = {.max_events = 1};
    char path[SCRATCH_PATH_MAX];
    int64_t pruned;
    fill(f);
    back_up(f, STREAM_RETURNS, 60, 1);
    for (int ordinal = 1; ordinal <= 80; ordinal++) { /* nothing can be put in a folder's place */
        char name[64];
        (void)snprintf(name, sizeof name, "checkpoint-%d.db", ordinal);
        assert_int_equal(mkdir(scratch_path(&f->scratch, name, path), 0700), 0);
    }
    assert_int_not_equal(eventlog_prune(f->log, &rules, &pruned, &f->fault), ERR_OK);
    assert_int_equal(count_files(f, "checkpoint-*.new"), 0);
    assert_int_equal(log_fixture_number(f, "SELECT count(*) FROM event"), 80);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOG_TEST(what_the_hub_takes_back_before_a_chosen_cut_is_not_cut),
        LOG_TEST(of_two_cuts_at_a_time_one_is_put_off),
        LOG_TEST(what_the_hub_says_of_its_backup_goes_no_further_than_its_watermark),
        LOG_TEST(a_hub_that_lost_what_is_cut_here_is_sent_the_rest_of_the_same_log),
        LOG_TEST(what_a_cut_that_was_stopped_left_behind_is_in_nobody_s_way),
        LOG_TEST(a_checkpoint_that_fails_leaves_nothing_behind),
        LOG_TEST(what_is_not_backed_up_is_kept_whatever_the_rules_say),
        LOG_TEST(what_the_hub_has_and_its_backup_has_not_is_kept),
        cmocka_unit_test(a_damaged_beginning_is_not_believed),
        LOG_TEST(a_rest_of_what_was_cut_is_no_damage_and_goes_with_the_next_cut),
        LOG_TEST(the_rules_cut_by_count_size_and_age),
        LOG_TEST(what_cannot_be_read_is_neither_old_nor_young),
        LOG_TEST(what_is_young_is_kept_whatever_the_count),
        LOG_TEST(what_a_parked_item_needs_is_kept),
        LOG_TEST(nothing_that_was_returned_is_forgotten),
        LOG_TEST(a_pruned_log_is_salvaged_with_its_views),
        LOG_TEST(the_file_really_shrinks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
