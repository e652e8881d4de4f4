#include "sync/hub/ingest/checkpointer.h"
#include "tests/support/hub_database.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include <cmocka.h>

/* A commit of a MiB; at four of them the log is moved, and at sixty-four it is too long. */
enum { MIB = 1024 * 1024, PIECE_PAGES = 256, DUE_PIECES = 4, CROWDED_PIECES = 64 };

struct fixture {
    struct scratch scratch;
    char path[SCRATCH_PATH_MAX];
    struct hubdb *hub;
    struct database *db;
    struct checkpointer *checkpointer;
    struct fault fault;
};

static void must(struct fixture *f, enum err err)
{
    if (err)
        fail_msg("%s: %s", err_name(err), f->fault.text);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    scratch_make(&f->scratch);
    const struct hubdb_config config = {.path = hub_database_path(&f->scratch, f->path),
                                        .folder = f->scratch.path};
    must(f, hubdb_open(&f->hub, &config, &f->fault));
    must(f, checkpointer_open(&f->checkpointer, f->hub, &f->fault));
    f->db = hubdb_database(f->hub);
    must(f, database_script(f->db, "CREATE TABLE piece (bytes BLOB NOT NULL)", &f->fault));
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    checkpointer_close(f->checkpointer);
    hubdb_close(f->hub);
    scratch_remove(&f->scratch);
    free(f);
    return 0;
}

static void write_pieces(struct fixture *f, int count)
{
    must(f, database_begin(f->db, &f->fault));
    for (int i = 0; i < count; i++)
        must(f, database_script(f->db, "INSERT INTO piece VALUES (zeroblob(1048576))", &f->fault));
    must(f, database_commit(f->db, &f->fault));
    checkpointer_tend(f->checkpointer);
}

static void write_piece(struct fixture *f)
{
    write_pieces(f, 1);
}

static int64_t file_bytes(const struct fixture *f)
{
    struct stat file;
    assert_int_equal(stat(f->path, &file), 0);
    return (int64_t)file.st_size;
}

static void what_is_in_the_log_is_moved_beside_the_writer(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < DUE_PIECES; i++)
        write_piece(f);
    checkpointer_close(f->checkpointer);
    f->checkpointer = NULL;
    assert_true(file_bytes(f) > DUE_PIECES * MIB);
}

static void a_log_that_begins_anew_with_a_large_commit_is_moved_too(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < CROWDED_PIECES; i++)
        write_piece(f);
    write_pieces(f, DUE_PIECES);
    checkpointer_close(f->checkpointer);
    f->checkpointer = NULL;
    assert_true(file_bytes(f) > (CROWDED_PIECES + DUE_PIECES) * MIB);
}

static void a_writer_without_a_pause_lets_the_log_grow_no_longer_than_that(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 2 * CROWDED_PIECES; i++) {
        write_piece(f);
        assert_true(database_wal_pages(f->db) < (CROWDED_PIECES + 2) * PIECE_PAGES);
    }
    assert_true(file_bytes(f) > CROWDED_PIECES * MIB);
}

static void a_reader_in_the_way_holds_up_the_log_and_not_the_writer(void **state)
{
    struct fixture *f = *state;
    const struct database_config config = {.path = f->path, .read_only = true};
    struct database *reader = NULL;
    must(f, database_open(&reader, &config, &f->fault));
    must(f, database_script(reader, "BEGIN; SELECT count(*) FROM piece", &f->fault));
    for (int i = 0; i < CROWDED_PIECES + 2; i++)
        write_piece(f);
    assert_true(database_wal_pages(f->db) > CROWDED_PIECES * PIECE_PAGES);
    database_close(reader);
    int pieces = 0;
    while (database_wal_pages(f->db) > CROWDED_PIECES * PIECE_PAGES &&
           ++pieces < 3 * CROWDED_PIECES)
        write_piece(f);
    assert_true(pieces < 3 * CROWDED_PIECES);
}

static int64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* It is waited for 50 ms: with each commit of a busy hub that would be the end of it. */
static void a_reader_in_the_way_is_not_waited_for_with_each_commit(void **state)
{
    enum { COMMITS = 40, LEAST_MS = COMMITS * 50, MOST_MS = LEAST_MS / 2 };
    struct fixture *f = *state;
    const struct database_config config = {.path = f->path, .read_only = true};
    struct database *reader = NULL;
    must(f, database_open(&reader, &config, &f->fault));
    must(f, database_script(reader, "BEGIN; SELECT count(*) FROM piece", &f->fault));
    while (database_wal_pages(f->db) < (CROWDED_PIECES + 8) * PIECE_PAGES)
        write_pieces(f, 8);
    int64_t begun_ms = now_ms();
    for (int i = 0; i < COMMITS; i++)
        write_pieces(f, 0);
    assert_true(now_ms() - begun_ms < MOST_MS);
    database_close(reader);
}

#define CHECKPOINTER_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest files[] = {
        CHECKPOINTER_TEST(what_is_in_the_log_is_moved_beside_the_writer),
        CHECKPOINTER_TEST(a_log_that_begins_anew_with_a_large_commit_is_moved_too),
        CHECKPOINTER_TEST(a_writer_without_a_pause_lets_the_log_grow_no_longer_than_that),
        CHECKPOINTER_TEST(a_reader_in_the_way_holds_up_the_log_and_not_the_writer),
        CHECKPOINTER_TEST(a_reader_in_the_way_is_not_waited_for_with_each_commit),
    };
    if (hub_database_on_server())
        return 0;
    return cmocka_run_group_tests(files, NULL, NULL);
}
