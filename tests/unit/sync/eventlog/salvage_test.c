/* Damaged files: put aside, salvaged, told; and the log goes on. */
#include "hal/base/cleanup.h"
#include "tests/support/damaged.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { PAGE = 4096 };

static int64_t count(struct log_fixture *f, const char *sql)
{
    return log_fixture_number(f, sql);
}

static struct eventlog_status status_of(struct log_fixture *f)
{
    struct eventlog_status status;
    eventlog_status(f->log, &status);
    return status;
}

/* Kept and lost together are what was saved. */
static void all_is_accounted_for(struct log_fixture *f, int64_t most_lost)
{
    int64_t kept = count(f, "SELECT count(*) FROM event");
    assert_int_equal(kept + log_fixture_lost(f), DAMAGED_EVENTS);
    assert_true(log_fixture_lost(f) <= most_lost);
}

/* Cuts off all that may be, and tells the name of the checkpoint made of it. */
static void cut_off(struct log_fixture *f, char name[static 64])
{
    const struct eventlog_retention rules = {.max_events = 1};
    int64_t pruned;
    struct ack ack = log_fixture_ack(f, STREAM_RETURNS, 8, 1);
    assert_int_equal(log_fixture_acknowledge(f, STREAM_RETURNS, &ack), ERR_OK);
    assert_int_equal(eventlog_prune(f->log, &rules, &pruned, &f->fault), ERR_OK);
    assert_int_equal(pruned, 8);
    (void)snprintf(name, 64, "checkpoint-%lld.db",
                   (long long)count(f, "SELECT ordinal FROM checkpoint"));
}

/* --- Damage of each kind --------------------------------------------------------------------- */

static void a_database_of_zeros_is_put_aside_and_its_losses_told(void **state)
{
    struct log_fixture *f = *state;
    damaged_fill(f);
    struct eventlog_stream_status before = log_fixture_stream(f, STREAM_RETURNS);
    log_fixture_close(f);
    damaged_overwrite(f, "tillback.db", 0, 0, (size_t)damaged_size(f, "tillback.db"));
    assert_int_equal(log_fixture_open(f), ERR_OK);
    assert_int_equal(damaged_quarantines(f), 1);
    assert_int_equal(log_fixture_lost(f), DAMAGED_EVENTS);
    struct eventlog_stream_status after = log_fixture_stream(f, STREAM_RETURNS);
    assert_true(after.forked);
    assert_true(id_equal(&after.parent.log, &before.log));
    damaged_works(f);
}

static void a_damaged_first_page_loses_nothing(void **state)
{
    struct log_fixture *f = *state;
    damaged_fill(f);
    log_fixture_close(f);
    damaged_overwrite(f, "tillback.db", 0, 0x5a, PAGE);
    assert_int_equal(log_fixture_open(f), ERR_OK);
    assert_int_equal(damaged_quarantines(f), 1);
    all_is_accounted_for(f, 0);
    assert_int_equal(count(f, "SELECT count(*) FROM inbox"), 1);
    assert_int_equal(count(f, "SELECT through FROM inbox_mark"), 1);
    damaged_works(f);
}

static void a_checkpoint_that_is_damaged_too_is_not_relied_on(void **state)
{
    struct log_fixture *f = *state;
    char checkpoint[64];
    damaged_fill(f);
    cut_off(f, checkpoint);
    int64_t kept = count(f, "SELECT count(*) FROM event");
    log_fixture_close(f);
    damaged_overwrite(f, "tillback.db", 0, 0x5a, PAGE);
    damaged_overwrite(f, checkpoint, PAGE, 0x5a, (size_t)damaged_size(f, checkpoint) - PAGE);
    assert_int_equal(log_fixture_open(f), ERR_OK);
    assert_int_equal(damaged_quarantines(f), 1);
    assert_int_equal(count(f, "SELECT count(*) FROM event"), kept);
    damaged_works(f);
}

static void what_was_salvaged_is_the_same_bytes_under_a_new_log(void **state)
{
    struct log_fixture *f = *state;
    damaged_fill(f);
    struct buf before CLEANUP(buf_free);
    struct buf after CLEANUP(buf_free);
    buf_init(&before, 4 * 1024 * 1024);
    buf_init(&after, 4 * 1024 * 1024);
    struct sha256 hash;
    struct sha256 last;
    struct eventlog_stream_status old = log_fixture_stream(f, STREAM_RETURNS);
    assert_int_equal(log_fixture_range(f, &old.log, 1, 99, &before, &hash, &last), ERR_OK);
    log_fixture_close(f);
    damaged_overwrite(f, "tillback.db", 0, 0, PAGE);
    assert_int_equal(log_fixture_open(f), ERR_OK);
    struct eventlog_stream_status new = log_fixture_stream(f, STREAM_RETURNS);
    assert_int_equal(log_fixture_range(f, &new.log, 1, 99, &after, &hash, &last), ERR_OK);
    assert_true(slice_equal(buf_slice(&before), buf_slice(&after)));
    assert_int_equal(new.through, 0); /* it is sent again */
    assert_true(sha256_equal(&last, &new.head_hash));
}

static void a_key_that_was_salvaged_replays(void **state)
{
    struct log_fixture *f = *state;
    damaged_fill(f);
    log_fixture_close(f);
    damaged_overwrite(f, "tillback.db", 0, 0, PAGE);
    assert_int_equal(log_fixture_open(f), ERR_OK);
    struct log_command c;
    log_command_make(&c, f, EVENT_RETURN_CREATED, 1);
    log_command_key(&c, "key-7", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    log_command_submit(&c);
    assert_int_equal(log_command_await(&c), ERR_OK);
    assert_true(c.replayed);
}

static void a_truncated_database_keeps_what_is_before_the_cut(void **state)
{
    struct log_fixture *f = *state;
    damaged_fill(f);
    log_fixture_close(f);
    char path[SCRATCH_PATH_MAX];
    scratch_path(&f->scratch, "tillback.db", path);
    assert_int_equal(truncate(path, damaged_size(f, "tillback.db") / PAGE / 2 * PAGE), 0);
    assert_int_equal(log_fixture_open(f), ERR_OK);
    assert_int_equal(damaged_quarantines(f), 1);
    all_is_accounted_for(f, DAMAGED_EVENTS - 5);
    damaged_works(f);
}

static void an_emptied_database_is_salvaged_from_its_wal(void **state)
{
    struct log_fixture *f = *state;
    damaged_fill(f);
    struct eventlog_reader *reader; /* keeps the log from being folded in */
    assert_int_equal(eventlog_reader_open(&reader, &f->config, NULL), ERR_OK);
    char path[SCRATCH_PATH_MAX];
    char wal[SCRATCH_PATH_MAX];
    scratch_path(&f->scratch, "tillback.db-wal", path);
    scratch_path(&f->scratch, "wal", wal);
    char *bytes = malloc((size_t)damaged_size(f, "tillback.db-wal"));
    size_t len = (size_t)damaged_size(f, "tillback.db-wal");
    FILE *in = fopen(path, "rb");
    assert_int_equal(fread(bytes, 1, len, in), len);
    (void)fclose(in);
    eventlog_reader_close(reader);
    log_fixture_close(f);
    scratch_write(path, bytes, len);
    free(bytes);
    scratch_path(&f->scratch, "tillback.db", path);
    assert_int_equal(truncate(path, 0), 0);
    assert_int_equal(log_fixture_open(f), ERR_OK);
    assert_int_equal(damaged_quarantines(f), 1);
    all_is_accounted_for(f, DAMAGED_EVENTS - 1);
    damaged_works(f);
}

/* A changed event is lost alone: its neighbours prove each other. */
static void a_flipped_byte_loses_one_event(void **state)
{
    struct log_fixture *f = *state;
    damaged_fill(f);
    log_fixture_close(f);
    log_fixture_tamper(f, "UPDATE event SET body = cast(replace(cast(body AS TEXT), "
                          "'\"pad\"', '\"bad\"') AS BLOB) WHERE pos = 30");
    assert_int_equal(log_fixture_open(f), ERR_OK);
    assert_int_equal(damaged_quarantines(f), 1);
    assert_int_equal(log_fixture_lost(f), 1);
    assert_int_equal(count(f, "SELECT first FROM lost"), 30);
    assert_int_equal(count(f, "SELECT count(*) FROM event"), DAMAGED_EVENTS - 1);
    damaged_works(f);
    assert_int_equal(damaged_quarantines(f), 1);
}

/* No event behind it tells which is right, its body or its hash: it isn't believed. */
static void a_newest_event_whose_body_was_changed_is_lost_and_not_taken_for_true(void **state)
{
    struct log_fixture *f = *state;
    damaged_fill(f);
    log_fixture_close(f);
    log_fixture_tamper(
        f, "UPDATE event SET body = CAST(replace(CAST(body AS TEXT), 'key-59', 'key-99') AS BLOB) "
           "WHERE pos = (SELECT max(pos) FROM event WHERE pos < 1 << 56)");
    assert_int_equal(log_fixture_open(f), ERR_OK);
    assert_int_equal(log_fixture_lost(f), 1);
    assert_int_equal(count(f, "SELECT count(*) FROM event"), DAMAGED_EVENTS - 1);
    assert_int_equal(
        count(f, "SELECT count(*) FROM event WHERE CAST(body AS TEXT) LIKE '%key-99%'"), 0);
    damaged_works(f);
}

static void a_flipped_hash_loses_nothing(void **state)
{
    struct log_fixture *f = *state;
    damaged_fill(f);
    log_fixture_close(f);
    log_fixture_tamper(f, "UPDATE event SET hash = zeroblob(32) WHERE pos = 30");
    assert_int_equal(log_fixture_open(f), ERR_OK);
    all_is_accounted_for(f, 0);
    damaged_works(f);
}

static void a_missing_event_loses_it_and_what_it_would_have_proven(void **state)
{
    struct log_fixture *f = *state;
    damaged_fill(f);
    log_fixture_close(f);
    log_fixture_tamper(f, "PRAGMA secure_delete = ON; DELETE FROM event WHERE pos = 20; VACUUM");
    assert_int_equal(log_fixture_open(f), ERR_OK);
    assert_int_equal(log_fixture_lost(f), 2); /* nothing shows that 21 is as it was */
    damaged_works(f);
}

/* Asked until it is saved; damage that is met on the way is mended by the log itself. */
static void append_at_last(struct log_fixture *f)
{
    for (int i = 0; i < 4; i++) {
        struct log_command c;
        log_command_make(&c, f, EVENT_RETURN_CREATED, 1);
        log_command_submit(&c);
        if (log_command_await(&c) == ERR_OK)
            return;
        print_message("%s: %s\n", c.fault.where, c.fault.text);
    }
    fail_msg("the log doesn't come back");
}

static void garbage_in_one_page(off_t page, int byte)
{
    struct log_fixture f;
    log_fixture_make(&f);
    damaged_fill(&f);
    log_fixture_close(&f);
    damaged_overwrite(&f, "tillback.db", page * PAGE, byte, PAGE);
    assert_int_equal(log_fixture_open(&f), ERR_OK);
    append_at_last(&f);
    log_fixture_close(&f);
    if (damaged_findings(&f))
        assert_int_equal(eventlog_suspect(&f.config, &f.fault), ERR_OK);
    assert_int_equal(log_fixture_open(&f), ERR_OK);
    assert_int_equal(damaged_findings(&f), 0);
    assert_int_equal(count(&f, "SELECT count(*) FROM event") + log_fixture_lost(&f),
                     DAMAGED_EVENTS + 1);
    assert_true(log_fixture_lost(&f) <= 20);
    log_fixture_remove(&f);
}

static void garbage_in_any_page_is_survived(void **state)
{
    struct log_fixture *f = *state;
    damaged_fill(f);
    log_fixture_close(f);
    off_t pages = damaged_size(f, "tillback.db") / PAGE;
    for (off_t page = 0; page < pages; page += page < 12 ? 1 : 11) {
        garbage_in_one_page(page, 0xa5);
        garbage_in_one_page(page, 0);
    }
}

/* Else each start would read everything. */
static void the_note_of_damage_goes_when_a_start_has_found_none(void **state)
{
    struct log_fixture *f = *state;
    char note[SCRATCH_PATH_MAX];
    log_fixture_append(f, EVENT_RETURN_CREATED, 3);
    assert_int_equal(eventlog_suspect(&f->config, &f->fault), ERR_OK);
    assert_int_equal(access(scratch_path(&f->scratch, "suspect", note), F_OK), 0);
    log_fixture_reopen(f);
    assert_int_not_equal(access(note, F_OK), 0);
    assert_int_equal(count(f, "SELECT count(*) FROM event"), 3);
}

/* --- While it runs --------------------------------------------------------------------------- */

static void damage_met_while_running_is_mended_without_a_restart(void **state)
{
    struct log_fixture *f = *state;
    damaged_fill(f);
    log_fixture_reopen(f); /* what was in the write-ahead log is in the database now */
    struct eventlog_reader *reader;
    assert_int_equal(eventlog_reader_open(&reader, &f->config, NULL), ERR_OK);
    off_t pages = damaged_size(f, "tillback.db") / PAGE;
    damaged_overwrite(f, "tillback.db", PAGE, 0x77, (size_t)(pages - 1) * PAGE);
    append_at_last(f);
    assert_int_equal(damaged_quarantines(f), 1);
    struct eventlog_status status;
    assert_int_equal(eventlog_reader_status(reader, &status, &f->fault), ERR_OK);
    struct eventlog_status live = status_of(f);
    assert_true(id_equal(&status.streams[0].log, &live.streams[0].log)); /* it reads the new one */
    eventlog_reader_close(reader);
    damaged_works(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOG_TEST(a_database_of_zeros_is_put_aside_and_its_losses_told),
        LOG_TEST(a_damaged_first_page_loses_nothing),
        LOG_TEST(a_checkpoint_that_is_damaged_too_is_not_relied_on),
        LOG_TEST(what_was_salvaged_is_the_same_bytes_under_a_new_log),
        LOG_TEST(a_key_that_was_salvaged_replays),
        LOG_TEST(a_truncated_database_keeps_what_is_before_the_cut),
        LOG_TEST(an_emptied_database_is_salvaged_from_its_wal),
        LOG_TEST(a_flipped_byte_loses_one_event),
        LOG_TEST(a_newest_event_whose_body_was_changed_is_lost_and_not_taken_for_true),
        LOG_TEST(a_flipped_hash_loses_nothing),
        LOG_TEST(a_missing_event_loses_it_and_what_it_would_have_proven),
        LOG_TEST(garbage_in_any_page_is_survived),
        LOG_TEST(the_note_of_damage_goes_when_a_start_has_found_none),
        LOG_TEST(damage_met_while_running_is_mended_without_a_restart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
