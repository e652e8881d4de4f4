#include "agent/capture/access_note.h"
#include "hal/storage.h"
#include "tests/support/counter.h"
#include "tests/support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const char ann[] = "0193f2c4-7b1e-7c3a-9d55-0123456789ab";
static const char made[] = "0193f2c4-7b1e-7c3a-9d55-0123456789ac";

static enum err keep_body(void *context, int64_t seq, struct slice body, const struct sha256 *hash,
                          struct fault *fault)
{
    (void)seq;
    (void)hash;
    (void)fault;
    buf_append(context, body.data, body.len);
    return ERR_OK;
}

/* Notes it, and reads the log when it is closed and opened again: what is there was saved. */
static void assert_noted(const struct access *access, const char *subject, const char *data)
{
    struct counter *counter = counter_open();
    struct eventlog_status status;
    struct sha256 before;
    struct buf body;
    access_note(counter_log(counter), NULL, access, 1, NULL);
    counter_restart(counter);
    eventlog_status(counter_log(counter), &status);
    const struct eventlog_stream_status *stream = &status.streams[STREAM_RETURNS];
    assert_int_equal(stream->head, 1);
    buf_init(&body, EVENT_BODY_MAX);
    const struct eventlog_span one = {stream->log, 1, 1};
    assert_int_equal(eventlog_range(counter_reader(counter), &one, &before, keep_body, &body, NULL),
                     ERR_OK);
    assert_non_null(strstr(body.data, "\"type\":\"com.tillback.access.changed.v1\""));
    assert_non_null(strstr(body.data, subject));
    assert_non_null(strstr(body.data, data));
    buf_free(&body);
    counter_close(counter);
}

static void what_befell_a_person_is_told_of_the_person(void **state)
{
    (void)state;
    assert_noted(&(struct access){ACCESS_LOCKED_OUT, ann, "", ACCESS_BY_NOBODY, NULL},
                 "\"subject\":\"person/0193f2c4-7b1e-7c3a-9d55-0123456789ab\"",
                 "\"data\":{\"act\":\"locked_out\",\"by\":\"nobody\"}");
}

static void what_befell_a_lane_is_told_of_the_lane(void **state)
{
    (void)state;
    assert_noted(&(struct access){ACCESS_TOKEN_REMOVED, "", "01", ACCESS_BY_CLI, NULL},
                 "\"subject\":\"lane/01\"",
                 "\"data\":{\"act\":\"token_removed\",\"by\":\"cli\",\"lane\":\"01\"}");
}

static void what_a_person_did_at_a_lane_has_both(void **state)
{
    (void)state;
    assert_noted(
        &(struct access){ACCESS_RECEIPT_REPRINTED, ann, "02", ann, made},
        "\"subject\":\"person/0193f2c4-7b1e-7c3a-9d55-0123456789ab\"",
        "\"data\":{\"act\":\"receipt_reprinted\",\"by\":\"0193f2c4-7b1e-7c3a-9d55-"
        "0123456789ab\",\"lane\":\"02\",\"return_id\":\"0193f2c4-7b1e-7c3a-9d55-0123456789ac\"}");
}

static void what_befell_neither_is_told_of_the_appliance(void **state)
{
    (void)state;
    assert_noted(&(struct access){ACCESS_RECEIPT_REPRINTED, "", "", ACCESS_BY_CLI, NULL},
                 "\"subject\":\"appliance\"", "\"act\":\"receipt_reprinted\"");
}

static void assert_kept(const char *path, const char *text)
{
    struct buf kept;
    buf_init(&kept, 1024);
    assert_int_equal(storage_read(path, &kept, NULL), ERR_OK);
    assert_true(slice_is(buf_slice(&kept), text));
    buf_free(&kept);
}

static void a_copy_follows_its_acts_and_never_leaps_one(void **state)
{
    (void)state;
    struct scratch scratch;
    char path[SCRATCH_PATH_MAX];
    scratch_make(&scratch);
    scratch_write(scratch_path(&scratch, "copy", path), "one", 3);
    struct counter *counter = counter_open();
    static const struct access acts[] = {
        {ACCESS_STAFF_ADDED, ann, "", ACCESS_BY_CLI, NULL},
        {ACCESS_ROLE_CHANGED, ann, "", ACCESS_BY_CLI, NULL},
    };
    const struct access_copy first = {path, SLICE_LITERAL("one"), SLICE_LITERAL("two")};
    access_note(counter_log(counter), NULL, acts, 2, &first);
    counter_restart(counter);
    assert_kept(path, "two");
    struct eventlog_status status;
    eventlog_status(counter_log(counter), &status);
    assert_int_equal(status.streams[STREAM_RETURNS].head, 2);
    const struct access_copy leaps = {path, SLICE_LITERAL("three"), SLICE_LITERAL("four")};
    access_note(counter_log(counter), NULL, acts, 2, &leaps);
    counter_close(counter);
    assert_kept(path, "two");
    scratch_remove(&scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_befell_a_person_is_told_of_the_person),
        cmocka_unit_test(what_befell_a_lane_is_told_of_the_lane),
        cmocka_unit_test(what_a_person_did_at_a_lane_has_both),
        cmocka_unit_test(what_befell_neither_is_told_of_the_appliance),
        cmocka_unit_test(a_copy_follows_its_acts_and_never_leaps_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
