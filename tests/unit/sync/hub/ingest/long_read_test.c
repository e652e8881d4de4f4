/* Who reads for long beside a hub that never rests: comes to an end, and lets its log be cut. */
#include "sync/hub/ingest/backup.h"
#include "sync/hub/ingest/verify.h"
#include "sync/hub/ingest/wal_watch.h"
#include "tests/support/scratch.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

enum { MIB = 1024 * 1024, COMMITS_MOST = 8000 };

struct fixture {
    struct scratch scratch;
    struct hubdb_config config;
    char path[SCRATCH_PATH_MAX];
    char copy[SCRATCH_PATH_MAX];
    struct hubdb *hub;    /* the writer's */
    struct hubdb *beside; /* the reader's */
    int64_t piece_bytes;
    int64_t left_bytes; /* to be written */
    bool stop;
    bool ran_out; /* the writer came to its end before it was stopped */
};

static void check(enum err err, const struct fault *fault)
{
    if (err)
        fail_msg("%s: %s", fault->where, fault->text);
}

static void write_piece(struct fixture *f, int64_t bytes)
{
    struct fault fault = {0};
    struct statement *s = NULL;
    enum err err = database_prepare(hubdb_database(f->hub),
                                    "INSERT INTO filler (bytes) VALUES (zeroblob(?1))", &s, &fault);
    if (!err) {
        bind_int(s, 1, bytes);
        err = database_run(hubdb_database(f->hub), s, &fault);
    }
    statement_close(s);
    check(err, &fault);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct fault fault = {0};
    scratch_make(&f->scratch);
    f->config = (struct hubdb_config){.path = scratch_path(&f->scratch, "hub.db", f->path),
                                      .folder = f->scratch.path};
    scratch_path(&f->scratch, "copy.db", f->copy);
    check(hubdb_open(&f->hub, &f->config, &fault), &fault);
    database_checkpoint_by_hand(hubdb_database(f->hub));
    check(database_script(hubdb_database(f->hub),
                          "CREATE TABLE filler (no INTEGER PRIMARY KEY, bytes BLOB, mark INTEGER);"
                          "CREATE INDEX filler_by_mark ON filler (mark, bytes)",
                          &fault),
          &fault);
    check(hubdb_open_beside(&f->beside, &f->config, false, &fault), &fault);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    hubdb_close(f->beside);
    hubdb_close(f->hub);
    scratch_remove(&f->scratch);
    free(f);
    return 0;
}

enum { BREATH_US = 300 };

/* A commit after the other, with moments between them in which others may write. */
static void *write_on(void *context)
{
    struct fixture *f = context;
    int commits = 0;
    while (!__atomic_load_n(&f->stop, __ATOMIC_RELAXED) && commits++ < COMMITS_MOST) {
        write_piece(f, 100);
        if (database_wal_pages(hubdb_database(f->hub)) > 1000)
            (void)database_checkpoint(hubdb_database(f->hub));
        (void)usleep(BREATH_US);
    }
    f->ran_out = commits >= COMMITS_MOST;
    return NULL;
}

static void a_backup_of_a_hub_that_never_rests_comes_to_its_end(void **state)
{
    struct fixture *f = *state;
    struct fault fault = {0};
    struct hubdb *copy = NULL;
    struct hubdb_config config = f->config;
    pthread_t writer;
    write_piece(f, 16 * MIB);
    assert_int_equal(pthread_create(&writer, NULL, write_on, f), 0);
    enum err err = backup_make(f->beside, f->copy, &fault);
    __atomic_store_n(&f->stop, true, __ATOMIC_RELAXED);
    pthread_join(writer, NULL);
    check(err, &fault);
    assert_false(f->ran_out);
    config.path = f->copy;
    check(hubdb_open_copy(&copy, &config, &fault), &fault);
    hubdb_close(copy);
}

/* --- The look at all pages ------------------------------------------------------------------- */

static void report(void *context, const struct verify_finding *finding)
{
    (void)context;
    print_message("%s: %s\n", finding->what, finding->text);
}

/* What the hub commits while a look goes on, until it has written enough. */
static bool write_meanwhile(void *context)
{
    struct fixture *f = context;
    if (f->left_bytes > 0)
        write_piece(f, f->piece_bytes);
    f->left_bytes -= f->piece_bytes;
    return true;
}

static void a_look_at_all_pages_gives_way_to_a_busy_hub_and_is_made_later(void **state)
{
    struct fixture *f = *state;
    struct fault fault = {0};
    struct verified verified = {0};
    const struct verify_wish wish = {.report = report, .goes_on = write_meanwhile, .context = f};
    check(database_script(
              hubdb_database(f->hub),
              "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400000)"
              "INSERT INTO filler (bytes, mark) SELECT randomblob(20), i * 7919 % 400009 FROM n",
              &fault),
          &fault);
    database_cut_wal(hubdb_database(f->hub));
    f->piece_bytes = 8 * MIB;
    f->left_bytes = 2 * (int64_t)WAL_WATCH_GROWTH;
    check(verify_hub(f->beside, &wish, &verified, &fault), &fault);
    assert_true(verified.gave_way > 0);
    assert_int_equal(verified.findings, 0);
    assert_true(database_cut_wal_within(hubdb_database(f->hub), 0));
}

/* --- The watch ------------------------------------------------------------------------------- */

static const char endless[] =
    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE "
    "i < 2000000000) SELECT count(*) FROM n, filler";

static void what_reads_on_is_ended_when_the_log_has_grown(void **state)
{
    struct fixture *f = *state;
    struct fault fault = {0};
    struct wal_watch *watch;
    write_piece(f, 100);
    f->piece_bytes = 8 * MIB;
    f->left_bytes = 2 * (int64_t)WAL_WATCH_GROWTH;
    check(wal_watch_begin(&watch, hubdb_database(f->beside), write_meanwhile, f, &fault), &fault);
    assert_int_not_equal(database_script(hubdb_database(f->beside), endless, &fault), ERR_OK);
    assert_true(wal_watch_end(watch));
}

static bool goes_no_further(void *context)
{
    (void)context;
    return false;
}

static void what_nobody_wants_any_more_is_ended(void **state)
{
    struct fixture *f = *state;
    struct fault fault = {0};
    struct wal_watch *watch;
    write_piece(f, 100);
    check(wal_watch_begin(&watch, hubdb_database(f->beside), goes_no_further, NULL, &fault),
          &fault);
    assert_int_not_equal(database_script(hubdb_database(f->beside), endless, &fault), ERR_OK);
    assert_false(wal_watch_end(watch));
    check(database_script(hubdb_database(f->beside), "SELECT 1", &fault), &fault);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_backup_of_a_hub_that_never_rests_comes_to_its_end, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            a_look_at_all_pages_gives_way_to_a_busy_hub_and_is_made_later, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_reads_on_is_ended_when_the_log_has_grown, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_nobody_wants_any_more_is_ended, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
