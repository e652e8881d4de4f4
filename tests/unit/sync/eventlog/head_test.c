#include "hal/base/cleanup.h"
#include "tests/support/log_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static bool is_log(struct log_fixture *f, enum stream stream, const struct id *log)
{
    struct eventlog_stream_status status = log_fixture_stream(f, stream);
    return id_equal(&status.log, log);
}

/* What the log does at start when it and its head file disagree. */

/* Nothing is wrong but that these returns are missing, which is told for good. */
static void lost_and_told(struct log_fixture *f, int64_t events)
{
    struct eventlog_finding finding;
    assert_int_equal(log_fixture_verify(f, &finding), 1);
    assert_string_equal(finding.what, "lost");
    struct eventlog_status status;
    eventlog_status(f->log, &status);
    assert_int_equal(status.lost[STREAM_RETURNS], events);
    assert_int_equal(status.lost[STREAM_SALES], 0);
}

static bool forked_at_start(struct log_fixture *f)
{
    struct eventlog_status status;
    eventlog_status(f->log, &status);
    return status.forked_at_start;
}

static void a_lost_tail_is_continued_as_a_fork(void **state)
{
    struct log_fixture *f = *state;
    log_fixture_append(f, EVENT_RETURN_CREATED, 4);
    log_fixture_append(f, EVENT_SALE_RECORDED, 2);
    struct ack ack = log_fixture_ack(f, STREAM_RETURNS, 2, 1);
    assert_int_equal(log_fixture_acknowledge(f, STREAM_RETURNS, &ack), ERR_OK);
    struct eventlog_stream_status before = log_fixture_stream(f, STREAM_RETURNS);
    struct id sales = log_fixture_stream(f, STREAM_SALES).log;
    log_fixture_close(f);
    log_fixture_keep(f, "older");
    assert_int_equal(log_fixture_open(f), ERR_OK);
    log_fixture_append(f, EVENT_RETURN_CREATED, 1);
    log_fixture_close(f);
    log_fixture_restore(f, "older");
    assert_int_equal(log_fixture_open(f), ERR_OK);

    struct eventlog_stream_status after = log_fixture_stream(f, STREAM_RETURNS);
    assert_true(forked_at_start(f));
    assert_true(after.forked);
    assert_false(id_equal(&after.log, &before.log));
    assert_true(id_equal(&after.parent.log, &before.log));
    assert_int_equal(after.parent.seq, 2);
    assert_true(sha256_equal(&after.parent.hash, &ack.hash));
    assert_int_equal(after.head, 2); /* 3 and 4, chained anew */
    assert_int_equal(after.through, 0);
    assert_true(is_log(f, STREAM_SALES, &sales));
    assert_int_equal(log_fixture_append(f, EVENT_RETURN_CREATED, 1), 3);
    lost_and_told(f, 1);
    log_fixture_reopen(f);
    assert_false(forked_at_start(f));
    assert_true(is_log(f, STREAM_RETURNS, &after.log));
}

static void the_bodies_of_a_fork_are_the_same_bytes(void **state)
{
    struct log_fixture *f = *state;
    log_fixture_append(f, EVENT_RETURN_CREATED, 3);
    struct buf before CLEANUP(buf_free);
    struct buf after CLEANUP(buf_free);
    buf_init(&before, 65536);
    buf_init(&after, 65536);
    struct sha256 hash;
    struct id log = log_fixture_stream(f, STREAM_RETURNS).log;
    assert_int_equal(log_fixture_range(f, &log, 1, 9, &before, &hash, &hash), ERR_OK);
    log_fixture_close(f);
    log_fixture_keep(f, "older");
    assert_int_equal(log_fixture_open(f), ERR_OK);
    log_fixture_append(f, EVENT_RETURN_CREATED, 1);
    log_fixture_close(f);
    log_fixture_restore(f, "older");
    assert_int_equal(log_fixture_open(f), ERR_OK);
    struct eventlog_stream_status status = log_fixture_stream(f, STREAM_RETURNS);
    struct sha256 origin;
    assert_int_equal(log_fixture_range(f, &status.log, 1, 9, &after, &origin, &hash), ERR_OK);
    assert_true(slice_equal(buf_slice(&before), buf_slice(&after)));
    struct sha256 expected = chain_origin(&status.log, &status.parent);
    assert_true(sha256_equal(&origin, &expected));
    assert_true(sha256_equal(&hash, &status.head_hash));
}

static void the_same_length_with_another_history_is_a_fork(void **state)
{
    struct log_fixture *f = *state;
    log_fixture_append(f, EVENT_RETURN_CREATED, 1);
    log_fixture_close(f);
    log_fixture_keep(f, "older");
    assert_int_equal(log_fixture_open(f), ERR_OK);
    log_fixture_append(f, EVENT_RETURN_CREATED, 1);
    log_fixture_close(f);
    char head[8192];
    char path[SCRATCH_PATH_MAX];
    FILE *file = fopen(scratch_path(&f->scratch, "head", path), "rb");
    assert_int_equal(fread(head, 1, sizeof head, file), sizeof head);
    (void)fclose(file);
    log_fixture_restore(f, "older");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(log_fixture_open(f), ERR_OK);
    log_fixture_append(f, EVENT_RETURN_CREATED, 1); /* another second event */
    log_fixture_close(f);
    scratch_write(path, head, sizeof head);
    assert_int_equal(log_fixture_open(f), ERR_OK);
    assert_true(forked_at_start(f));
    assert_int_equal(log_fixture_stream(f, STREAM_RETURNS).head, 2);
    assert_int_equal(log_fixture_findings(f), 0);
}

static void a_head_behind_the_log_is_a_crash_before_its_write_and_fine(void **state)
{
    struct log_fixture *f = *state;
    char head[8192];
    char path[SCRATCH_PATH_MAX];
    log_fixture_append(f, EVENT_RETURN_CREATED, 1);
    FILE *file = fopen(scratch_path(&f->scratch, "head", path), "rb");
    assert_int_equal(fread(head, 1, sizeof head, file), sizeof head);
    (void)fclose(file);
    log_fixture_append(f, EVENT_RETURN_CREATED, 2);
    log_fixture_close(f);
    scratch_write(path, head, sizeof head);
    assert_int_equal(log_fixture_open(f), ERR_OK);
    assert_false(forked_at_start(f));
    assert_int_equal(log_fixture_stream(f, STREAM_RETURNS).head, 3);
    assert_int_equal(log_fixture_findings(f), 0);
}

static void a_missing_head_is_written_again(void **state)
{
    struct log_fixture *f = *state;
    char path[SCRATCH_PATH_MAX];
    log_fixture_append(f, EVENT_RETURN_CREATED, 2);
    log_fixture_close(f);
    assert_int_equal(unlink(scratch_path(&f->scratch, "head", path)), 0);
    struct eventlog_finding finding;
    assert_int_equal(log_fixture_verify(f, &finding), 1);
    assert_string_equal(finding.what, "head");
    assert_int_equal(log_fixture_open(f), ERR_OK);
    assert_false(forked_at_start(f));
    assert_int_equal(log_fixture_findings(f), 0);
}

static void a_torn_slot_leaves_the_other(void **state)
{
    struct log_fixture *f = *state;
    char path[SCRATCH_PATH_MAX];
    log_fixture_append(f, EVENT_RETURN_CREATED, 1);
    log_fixture_append(f, EVENT_RETURN_CREATED, 1);
    log_fixture_close(f);
    log_fixture_keep(f, "older");
    scratch_path(&f->scratch, "head", path);
    for (long slot = 0; slot < 2; slot++) {
        char whole[8192];
        FILE *file = fopen(path, "r+b");
        assert_int_equal(fread(whole, 1, sizeof whole, file), sizeof whole);
        assert_int_equal(fseek(file, slot * 4096 + 100, SEEK_SET), 0);
        assert_int_equal(fputc('X', file), 'X');
        assert_int_equal(fclose(file), 0);
        assert_int_equal(log_fixture_findings(f), 0);
        scratch_write(path, whole, sizeof whole);
    }
}

static void an_emptied_folder_with_its_head_file_is_told(void **state)
{
    struct log_fixture *f = *state;
    char path[SCRATCH_PATH_MAX];
    log_fixture_append(f, EVENT_RETURN_CREATED, 2);
    log_fixture_close(f);
    assert_int_equal(unlink(scratch_path(&f->scratch, "tillback.db", path)), 0);
    assert_int_equal(log_fixture_open(f), ERR_OK);
    assert_true(forked_at_start(f));
    assert_int_equal(log_fixture_append(f, EVENT_RETURN_CREATED, 1), 1);
    lost_and_told(f, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOG_TEST(a_lost_tail_is_continued_as_a_fork),
        LOG_TEST(the_bodies_of_a_fork_are_the_same_bytes),
        LOG_TEST(the_same_length_with_another_history_is_a_fork),
        LOG_TEST(a_head_behind_the_log_is_a_crash_before_its_write_and_fine),
        LOG_TEST(a_missing_head_is_written_again),
        LOG_TEST(a_torn_slot_leaves_the_other),
        LOG_TEST(an_emptied_folder_with_its_head_file_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
