#include "sync/hub/ingest/backup.h"
#include "sync/hub/ingest/epoch_mark.h"
#include "sync/hub/ingest/inbox.h"
#include "tests/support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define FIRST_MS INT64_C(1795000000000)
#define FIRST_EPOCH INT64_C(1795000000)

struct fixture {
    struct scratch scratch;
    char path[SCRATCH_PATH_MAX];
    char copy[SCRATCH_PATH_MAX];
    struct hubdb_config config;
    struct hubdb *hub;
    int64_t after; /* of the message that was looked at last */
};

static void check(enum err err, const struct fault *fault)
{
    if (err)
        fail_msg("%s: %s", fault->where, fault->text);
}

static void start(struct fixture *f)
{
    struct fault fault = {0};
    check(hubdb_open(&f->hub, &f->config, &fault), &fault);
}

static void stop(struct fixture *f)
{
    hubdb_close(f->hub);
    f->hub = NULL;
}

static void restart(struct fixture *f)
{
    stop(f);
    start(f);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    scratch_make(&f->scratch);
    scratch_path(&f->scratch, "hub.db", f->path);
    scratch_path(&f->scratch, "copy.db", f->copy);
    f->config =
        (struct hubdb_config){.path = f->path, .folder = f->scratch.path, .now_ms = FIRST_MS};
    start(f);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    stop(f);
    scratch_remove(&f->scratch);
    free(f);
    return 0;
}

static void run(struct fixture *f, const char *sql)
{
    struct fault fault = {0};
    check(database_script(hubdb_database(f->hub), sql, &fault), &fault);
}

static int64_t number_of(struct fixture *f, const char *sql)
{
    sqlite3_stmt *s;
    sqlite3 *db = database_handle(hubdb_database(f->hub));
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &s, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(s), SQLITE_ROW);
    int64_t number = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    return number;
}

static void make_backup(struct fixture *f)
{
    struct fault fault = {0};
    check(backup_make(f->hub, f->copy, &fault), &fault);
}

/* What an operator does by hand, without telling us. */
static void copy_back(struct fixture *f)
{
    char command[5 * SCRATCH_PATH_MAX];
    stop(f);
    (void)snprintf(command, sizeof command, "rm -f %s-wal %s-shm && cp %s %s", f->path, f->path,
                   f->copy, f->path);
    assert_int_equal(system(command), 0);
    start(f);
}

static const char add_log[] =
    "INSERT INTO device (id, first_seen_ms, last_seen_ms) VALUES ('box-a', 1, 1);"
    "INSERT INTO stream_log (log_id, device, stream, through, hash, backed_up_through, ack_no,"
    " created_ms, updated_ms)"
    " VALUES (zeroblob(16), 'box-a', 'returns', 7, zeroblob(32), 0, 3, 1, 1)";

static void an_epoch_begins_at_the_time_of_day_and_survives_restarts(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(hubdb_epoch(f->hub), FIRST_EPOCH);
    assert_false(hubdb_restored(f->hub));
    for (int i = 0; i < 3; i++)
        restart(f);
    assert_int_equal(hubdb_epoch(f->hub), FIRST_EPOCH);
    assert_false(hubdb_restored(f->hub));
}

static void a_restored_backup_begins_a_new_epoch(void **state)
{
    struct fixture *f = *state;
    struct fault fault = {0};
    make_backup(f);
    stop(f);
    check(backup_restore(&f->config, f->copy, &fault), &fault);
    start(f);
    assert_true(hubdb_restored(f->hub));
    assert_int_equal(hubdb_epoch(f->hub), FIRST_EPOCH + 1);
    restart(f);
    assert_int_equal(hubdb_epoch(f->hub), FIRST_EPOCH + 1);
}

static void a_backup_copied_back_by_hand_is_found_out(void **state)
{
    struct fixture *f = *state;
    make_backup(f);
    copy_back(f);
    assert_true(hubdb_restored(f->hub));
    assert_int_equal(hubdb_epoch(f->hub), FIRST_EPOCH + 1);
    copy_back(f);
    assert_int_equal(hubdb_epoch(f->hub), FIRST_EPOCH + 2);
}

static void a_lost_epoch_file_begins_an_epoch_never_used_before(void **state)
{
    struct fixture *f = *state;
    char path[SCRATCH_PATH_MAX];
    make_backup(f);
    copy_back(f);
    stop(f);
    (void)unlink(scratch_path(&f->scratch, "epoch", path));
    f->config.now_ms = FIRST_MS + 60 * 1000;
    start(f);
    assert_true(hubdb_restored(f->hub));
    assert_int_equal(hubdb_epoch(f->hub), FIRST_EPOCH + 60);
}

static void a_lost_database_begins_a_new_epoch(void **state)
{
    struct fixture *f = *state;
    stop(f);
    (void)unlink(f->path);
    start(f);
    assert_true(hubdb_restored(f->hub));
    assert_true(hubdb_epoch(f->hub) > FIRST_EPOCH);
}

static void a_clock_behind_does_not_take_the_epoch_back(void **state)
{
    struct fixture *f = *state;
    make_backup(f);
    f->config.now_ms = 0;
    copy_back(f);
    assert_int_equal(hubdb_epoch(f->hub), FIRST_EPOCH + 1);
}

static void a_backup_lets_appliances_prune_what_it_holds(void **state)
{
    struct fixture *f = *state;
    run(f, add_log);
    make_backup(f);
    assert_int_equal(number_of(f, "SELECT backed_up_through FROM stream_log"), 7);
    assert_int_equal(number_of(f, "SELECT ack_no FROM stream_log"), 4);
    run(f, "UPDATE stream_log SET through = 9");
    assert_int_equal(number_of(f, "SELECT backed_up_through FROM stream_log"), 7);
}

/* A folder of that name stands in its place. */
static void a_backup_that_is_not_in_place_lets_nothing_be_pruned(void **state)
{
    struct fixture *f = *state;
    struct fault fault = {0};
    char command[SCRATCH_PATH_MAX + 20];
    run(f, add_log);
    (void)snprintf(command, sizeof command, "mkdir -p %s/full", f->copy);
    assert_int_equal(system(command), 0);
    assert_int_not_equal(backup_make(f->hub, f->copy, &fault), ERR_OK);
    assert_int_equal(number_of(f, "SELECT backed_up_through FROM stream_log"), 0);
    assert_int_equal(number_of(f, "SELECT ack_no FROM stream_log"), 3);
}

static void a_backup_replaces_the_last_one_as_a_whole(void **state)
{
    struct fixture *f = *state;
    make_backup(f);
    run(f, add_log);
    make_backup(f);
    copy_back(f);
    assert_int_equal(number_of(f, "SELECT through FROM stream_log"), 7);
}

static void a_backup_works_beside_the_running_hub(void **state)
{
    struct fixture *f = *state;
    struct hubdb *beside = NULL;
    struct fault fault = {0};
    run(f, add_log);
    check(hubdb_open_beside(&beside, &f->config, false, &fault), &fault);
    check(backup_make(beside, f->copy, &fault), &fault);
    hubdb_close(beside);
    assert_int_equal(number_of(f, "SELECT backed_up_through FROM stream_log"), 7);
}

static void a_file_that_is_no_database_is_not_restored(void **state)
{
    struct fixture *f = *state;
    struct fault fault = {0};
    run(f, add_log);
    stop(f);
    scratch_write(f->copy, "no database at all, but long enough to look at", 46);
    assert_int_equal(backup_restore(&f->config, f->copy, &fault), ERR_CORRUPT);
    start(f);
    assert_int_equal(number_of(f, "SELECT through FROM stream_log"), 7);
}

static void a_newer_schema_is_refused(void **state)
{
    struct fixture *f = *state;
    struct fault fault = {0};
    run(f, "PRAGMA user_version=99");
    stop(f);
    assert_int_equal(hubdb_open(&f->hub, &f->config, &fault), ERR_NEWER_SCHEMA);
}

static int64_t put(struct fixture *f, const char *text)
{
    struct fault fault = {0};
    int64_t number = 0;
    check(inbox_put(hubdb_database(f->hub), "box-a", slice_of(text), 1, &number, &fault), &fault);
    return number;
}

static int64_t next_message(struct fixture *f, char text[static 32])
{
    struct fault fault = {0};
    struct buf body;
    struct inbox_place place;
    buf_init(&body, 1000);
    check(inbox_next(hubdb_database(f->hub), "box-a", &body, &place, &fault), &fault);
    (void)snprintf(text, 32, "%.*s", (int)body.len, body.data ? body.data : "");
    buf_free(&body);
    assert_true(place.after <= place.number);
    f->after = place.after;
    return place.number;
}

static void messages_to_an_appliance_wait_in_order_until_it_holds_them(void **state)
{
    struct fixture *f = *state;
    struct fault fault = {0};
    char text[32];
    run(f, add_log);
    assert_int_equal(next_message(f, text), 0);
    assert_int_equal(put(f, "one"), 1);
    assert_int_equal(put(f, "two"), 2);
    assert_int_equal(next_message(f, text), 1);
    assert_string_equal(text, "one");
    check(inbox_acknowledge(hubdb_database(f->hub), "box-a", 1, 1, &fault), &fault);
    assert_int_equal(next_message(f, text), 2);
    assert_string_equal(text, "two");
    check(inbox_acknowledge(hubdb_database(f->hub), "box-a", 2, 1, &fault), &fault);
    assert_int_equal(next_message(f, text), 0);
}

/* The box of another name, whose messages it counts on from, was given this one. */
static void box_that_holds_more_than_was_numbered_for_it_gets_what_waits(void **state)
{
    struct fixture *f = *state;
    struct fault fault = {0};
    char text[32];
    run(f, add_log);
    assert_int_equal(put(f, "one"), 1);
    assert_int_equal(put(f, "two"), 2);
    assert_int_equal(put(f, "three"), 3);
    run(f, "INSERT INTO customer_erasure VALUES ('c', 'box-a', 1, 3)");
    check(inbox_acknowledge(hubdb_database(f->hub), "box-a", 57, 1, &fault), &fault);
    assert_int_equal(next_message(f, text), 58);
    assert_string_equal(text, "one");
    assert_int_equal(f->after, 57);
    check(inbox_acknowledge(hubdb_database(f->hub), "box-a", 58, 1, &fault), &fault);
    assert_int_equal(next_message(f, text), 59);
    assert_string_equal(text, "two");
    assert_int_equal(put(f, "four"), 61);
    assert_int_equal(number_of(f, "SELECT number FROM customer_erasure"), 60);
}

static void what_a_predecessor_has_not_taken_goes_to_who_came_in_its_place(void **state)
{
    struct fixture *f = *state;
    struct fault fault = {0};
    struct database *db = hubdb_database(f->hub);
    int64_t number;
    char text[32];
    run(f, add_log);
    run(f, "INSERT INTO device (id, first_seen_ms, last_seen_ms) VALUES ('older', 1, 1), ('old', "
           "2, 2);"
           "INSERT INTO takeover VALUES ('box-a', 'older'), ('box-a', 'old'), ('old', 'older')");
    const char *const sent[][2] = {{"older", "o1"}, {"older", "o2"}, {"old", "p1"}, {"old", "p2"}};
    for (size_t i = 0; i < 4; i++)
        check(inbox_put(db, sent[i][0], slice_of(sent[i][1]), 1, &number, &fault), &fault);
    check(inbox_acknowledge(db, "older", 1, 1, &fault), &fault);
    run(f, "INSERT INTO customer_erasure VALUES ('c', 'old', 1, 2)");
    assert_int_equal(put(f, "own"), 1);
    const char *const expected[] = {"own", "o2", "p1", "p2"};
    for (int64_t i = 0; i < 4; i++) {
        assert_int_equal(next_message(f, text), i + 1);
        assert_string_equal(text, expected[i]);
        check(inbox_acknowledge(db, "box-a", i + 1, 1, &fault), &fault);
    }
    assert_int_equal(next_message(f, text), 0);
    assert_int_equal(number_of(f, "SELECT number FROM customer_erasure WHERE device = 'box-a'"), 4);
    /* What is told to the old name later goes the same way. */
    check(inbox_put(db, "old", slice_of("late"), 1, &number, &fault), &fault);
    assert_int_equal(next_message(f, text), 5);
    assert_string_equal(text, "late");
}

static void messages_that_follow_each_other_go_in_one_batch(void **state)
{
    struct fixture *f = *state;
    struct fault fault = {0};
    struct inbox_place place;
    struct buf batch;
    run(f, add_log);
    for (int i = 0; i < 5; i++)
        (void)put(f, "{\"a\":1}");
    run(f, "UPDATE inbox_out SET number = 9 WHERE number = 5");
    buf_init(&batch, 1000);
    check(inbox_next_some(hubdb_database(f->hub), "box-a", 1000, &batch, &place, &fault), &fault);
    assert_true(slice_is(buf_slice(&batch), "[{\"a\":1},{\"a\":1},{\"a\":1},{\"a\":1}]"));
    assert_int_equal(place.number, 1);
    assert_int_equal(place.last, 4);
    buf_reset(&batch);
    check(inbox_next_some(hubdb_database(f->hub), "box-a", 18, &batch, &place, &fault), &fault);
    assert_int_equal(place.last, 2);
    buf_reset(&batch);
    check(inbox_next_some(hubdb_database(f->hub), "box-a", 1, &batch, &place, &fault), &fault);
    assert_int_equal(place.last, 1);
    buf_free(&batch);
}

static void taken_messages_are_kept_by_number_and_age(void **state)
{
    struct fixture *f = *state;
    struct fault fault = {0};
    struct database *db = hubdb_database(f->hub);
    const int64_t later_ms = (int64_t)(INBOX_KEPT_DAYS + 1) * 24 * 3600 * 1000;
    int64_t number;
    run(f, add_log);
    check(database_begin(db, &fault), &fault);
    for (int i = 0; i < INBOX_KEPT + 5; i++)
        (void)put(f, "one");
    check(inbox_put(db, "box-a", slice_of("young"), later_ms, &number, &fault), &fault);
    check(inbox_acknowledge(db, "box-a", INBOX_KEPT, 2, &fault), &fault);
    assert_int_equal(number_of(f, "SELECT count(*) FROM inbox_out"), INBOX_KEPT + 6);
    check(inbox_acknowledge(db, "box-a", INBOX_KEPT + 4, 2, &fault), &fault);
    assert_int_equal(number_of(f, "SELECT min(number) FROM inbox_out"), 5);
    /* Too old: some at each word of the appliance, and never one that it hasn't taken. */
    for (int i = 0; i < INBOX_KEPT / 200 + 1; i++)
        check(inbox_acknowledge(db, "box-a", INBOX_KEPT + 4, later_ms, &fault), &fault);
    assert_int_equal(number_of(f, "SELECT count(*) FROM inbox_out"), 2);
    check(database_commit(db, &fault), &fault);
}

/* Its box was restored from an image: what it took since is gone there, and comes again. */
static void an_appliance_that_went_back_gets_its_messages_again(void **state)
{
    struct fixture *f = *state;
    struct fault fault = {0};
    char text[32];
    run(f, add_log);
    assert_int_equal(put(f, "one"), 1);
    assert_int_equal(put(f, "two"), 2);
    check(inbox_acknowledge(hubdb_database(f->hub), "box-a", 2, 1, &fault), &fault);
    assert_int_equal(next_message(f, text), 0);
    check(inbox_acknowledge(hubdb_database(f->hub), "box-a", 0, 1, &fault), &fault);
    assert_int_equal(next_message(f, text), 1);
    assert_string_equal(text, "one");
}

/* It has lost everything, and the hub what is older than its history. */
static void an_emptied_appliance_gets_what_is_still_kept(void **state)
{
    struct fixture *f = *state;
    struct fault fault = {0};
    char text[32];
    run(f, add_log);
    run(f, "UPDATE device SET inbox_next = 20001");
    assert_int_equal(put(f, "kept"), 20001);
    assert_int_equal(put(f, "newest"), 20002);
    run(f, "INSERT INTO inbox_out (device, number, body, created_ms)"
           " VALUES ('box-a', 10001, 'older', 1), ('box-a', 10002, 'old', 1)");
    check(inbox_acknowledge(hubdb_database(f->hub), "box-a", 20001, 1, &fault), &fault);
    assert_int_equal(next_message(f, text), 20002);
    assert_int_equal(f->after, 20001);
    check(inbox_acknowledge(hubdb_database(f->hub), "box-a", 0, 1, &fault), &fault);
    assert_int_equal(next_message(f, text), 10002);
    assert_int_equal(f->after, 0);
    check(inbox_acknowledge(hubdb_database(f->hub), "box-a", 10002, 1, &fault), &fault);
    assert_int_equal(next_message(f, text), 20001);
    assert_int_equal(f->after, 10002);
}

static void under_a_new_epoch_waiting_messages_are_numbered_from_one(void **state)
{
    struct fixture *f = *state;
    struct fault fault = {0};
    char text[32];
    run(f, add_log);
    (void)put(f, "one");
    (void)put(f, "two");
    (void)put(f, "three");
    check(inbox_acknowledge(hubdb_database(f->hub), "box-a", 1, 1, &fault), &fault);
    make_backup(f);
    copy_back(f);
    assert_int_equal(next_message(f, text), 1);
    assert_string_equal(text, "two");
    assert_int_equal(put(f, "four"), 3);
}

static void the_group_of_its_hubs_is_a_secret_that_stays(void **state)
{
    struct fixture *f = *state;
    struct fault fault = {0};
    struct hubdb *beside;
    char first[EPOCH_MARK_GROUP_MAX + 1];
    (void)snprintf(first, sizeof first, "%s", hubdb_group(f->hub));
    assert_int_equal(strlen(first), EPOCH_MARK_GROUP_MAX);
    restart(f);
    assert_string_equal(hubdb_group(f->hub), first);
    check(hubdb_open_beside(&beside, &f->config, true, &fault), &fault);
    assert_string_equal(hubdb_group(beside), first);
    hubdb_close(beside);
    run(f, "UPDATE hub SET broker_group = ''"); /* as a database of an earlier version has it */
    restart(f);
    assert_int_equal(strlen(hubdb_group(f->hub)), EPOCH_MARK_GROUP_MAX);
    assert_string_not_equal(hubdb_group(f->hub), first);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(an_epoch_begins_at_the_time_of_day_and_survives_restarts),
        TEST(a_restored_backup_begins_a_new_epoch),
        TEST(a_backup_copied_back_by_hand_is_found_out),
        TEST(a_lost_epoch_file_begins_an_epoch_never_used_before),
        TEST(a_lost_database_begins_a_new_epoch),
        TEST(a_clock_behind_does_not_take_the_epoch_back),
        TEST(a_backup_lets_appliances_prune_what_it_holds),
        TEST(a_backup_that_is_not_in_place_lets_nothing_be_pruned),
        TEST(a_backup_replaces_the_last_one_as_a_whole),
        TEST(a_backup_works_beside_the_running_hub),
        TEST(a_file_that_is_no_database_is_not_restored),
        TEST(a_newer_schema_is_refused),
        TEST(messages_to_an_appliance_wait_in_order_until_it_holds_them),
        TEST(an_appliance_that_went_back_gets_its_messages_again),
        TEST(box_that_holds_more_than_was_numbered_for_it_gets_what_waits),
        TEST(what_a_predecessor_has_not_taken_goes_to_who_came_in_its_place),
        TEST(taken_messages_are_kept_by_number_and_age),
        TEST(messages_that_follow_each_other_go_in_one_batch),
        TEST(an_emptied_appliance_gets_what_is_still_kept),
        TEST(under_a_new_epoch_waiting_messages_are_numbered_from_one),
        TEST(the_group_of_its_hubs_is_a_secret_that_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
