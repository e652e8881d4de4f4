#include "sync/hub/connect/export.h"
#include "tests/support/hub_database.h"
#include "tests/support/hub_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { COPIES = 450, READERS_MS = 50 };

struct reader {
    struct hub_run *run;
    struct hubdb *beside;
    int pieces;
    int lines;
};

static enum err take(void *context, struct slice text, struct fault *fault)
{
    (void)fault;
    struct reader *reader = context;
    reader->pieces++;
    for (size_t i = 0; i < text.len; i++)
        reader->lines += text.data[i] == '\n';
    hub_run_must(reader->run,
                 database_script(reader->run->db, "UPDATE ledger_cursor SET event_no = event_no",
                                 &reader->run->fault));
    assert_true(database_cut_wal_within(reader->run->db, READERS_MS));
    return ERR_OK;
}

static int exported(struct hub_run *run, int64_t from_day, int64_t to_day, int *pieces)
{
    struct reader reader = {.run = run};
    const struct hubdb_config config = {
        .path = sqlite3_db_filename(database_handle(run->db), "main"), .folder = run->scratch.path};
    hub_run_must(run, hubdb_open_beside(&reader.beside, &config, true, &run->fault));
    hub_run_must(run, export_journal(hubdb_database(reader.beside), EXPORT_CSV, from_day, to_day,
                                     take, &reader, &run->fault));
    hubdb_close(reader.beside);
    *pieces = reader.pieces;
    return reader.lines - 1;
}

/* Whoever takes the text may be slow: meanwhile the write-ahead log can be cut. */
static void nothing_is_held_while_the_text_is_taken(void **state)
{
    if (hub_database_on_server())
        skip(); /* where no reader is in a writer's way */
    struct hub_run *run = *state;
    int pieces = 0;
    hub_run_refund(run, 0, 1, 1999);
    hub_run_work(run);
    int64_t day = hub_run_number(run, "SELECT max(document_day) FROM journal_entry");
    int few = exported(run, 0, INT64_MAX, &pieces);
    assert_true(few > 0);
    hub_run_must(
        run, database_script(
                 run->db,
                 "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 450)"
                 "INSERT INTO journal_entry (reference, correlation, event_no, company,"
                 " document_day, made_ms, body) SELECT reference || '/' || i, correlation,"
                 " event_no, company, document_day + i % 3, made_ms, body FROM journal_entry, n",
                 &run->fault));
    assert_int_equal(exported(run, 0, INT64_MAX, &pieces), few * (COPIES + 1));
    assert_true(pieces > 2);
    assert_int_equal(exported(run, day + 1, day + 1, &pieces), few * COPIES / 3);
    assert_int_equal(exported(run, day + 3, INT64_MAX, &pieces), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_is_held_while_the_text_is_taken, hub_run_setup,
                                        hub_run_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
