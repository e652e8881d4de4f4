/*
 * A database of any earlier version, with rows in all its tables, becomes one of this version,
 * which all statements fit.
 */
#include "hal/base/cleanup.h"
#include "sync/hub/fleet/commands.sql.h"
#include "sync/hub/fleet/config.sql.h"
#include "sync/hub/fleet/fleet.sql.h"
#include "sync/hub/fleet/rollouts.sql.h"
#include "sync/hub/fleet/roster.sql.h"
#include "sync/hub/ingest/ingest.sql.h"
#include "sync/hub/ingest/schema.sql.h"
#include "sync/hub/web/finance.sql.h"
#include "sync/hub/web/metrics.sql.h"
#include "sync/hub/web/read.sql.h"
#include "tests/support/hub_database.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { TABLES_MAX = 128, NAME_MAX_BYTES = 64, ROWS = 2, SQL_MAX = 8192 };

struct tables {
    char names[TABLES_MAX][NAME_MAX_BYTES];
    int64_t rows[TABLES_MAX];
    size_t count;
};

static void must(enum err err, const struct fault *fault)
{
    if (err)
        fail_msg("%s: %s", fault->where, fault->text);
}

static struct database *open_at(const struct scratch *scratch, size_t version)
{
    char path[SCRATCH_PATH_MAX];
    struct fault fault = {0};
    struct database *db;
    const char *where = hub_database_path(scratch, path);
    const struct database_config config = {
        .path = where, .backend = hub_database_on_server() ? &database_postgresql : NULL};
    must(database_open(&db, &config, &fault), &fault);
    must(database_migrate(db, schema_sql, version, &fault), &fault);
    return db;
}

static void run(struct database *db, const char *sql)
{
    struct fault fault = {0};
    must(database_script(db, sql, &fault), &fault);
}

static struct statement *ask(struct database *db, const char *sql)
{
    struct fault fault = {0};
    struct statement *s;
    must(database_prepare(db, sql, &s, &fault), &fault);
    return s;
}

static bool step(struct statement *s)
{
    struct fault fault = {0};
    bool row;
    must(statement_step(s, &row, &fault), &fault);
    return row;
}

static int64_t number(struct database *db, const char *sql)
{
    struct statement *s = ask(db, sql);
    int64_t value = step(s) ? column_int(s, 0) : 0;
    statement_close(s);
    return value;
}

static void assert_text(struct database *db, const char *sql, const char *wanted)
{
    struct statement *s = ask(db, sql);
    assert_true(step(s));
    assert_true(slice_is(column_slice(s, 0), wanted));
    statement_close(s);
}

static void list_tables(struct database *db, struct tables *tables)
{
    struct statement *s =
        ask(db, hub_database_on_server()
                    ? "SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema()"
                      " AND tablename <> 'schema_version'"
                    : "SELECT name FROM sqlite_master WHERE type = 'table'"
                      " AND name NOT LIKE 'sqlite_%' ORDER BY rowid");
    tables->count = 0;
    while (step(s)) {
        assert_true(tables->count < TABLES_MAX);
        slice_copy(column_slice(s, 0), tables->names[tables->count++], NAME_MAX_BYTES);
    }
    statement_close(s);
}

static int64_t count_rows(struct database *db, const char *table)
{
    char sql[SQL_MAX];
    (void)snprintf(sql, sizeof sql, "SELECT count(*) FROM %s", table);
    return number(db, sql);
}

/* One value for all columns of a type, so that what refers to a row of another table finds it. */
static void add_row(struct database *db, const char *table, int value)
{
    struct buf sql CLEANUP(buf_free);
    struct buf values CLEANUP(buf_free);
    char about[SQL_MAX];
    buf_init(&sql, SQL_MAX);
    buf_init(&values, SQL_MAX);
    buf_printf(&sql, "INSERT INTO %s (", table);
    (void)snprintf(about, sizeof about,
                   hub_database_on_server()
                       ? "SELECT column_name::text, data_type::text FROM information_schema.columns"
                         " WHERE table_schema = current_schema() AND table_name = '%s'"
                       : "SELECT name, type FROM pragma_table_info('%s')",
                   table);
    struct statement *s = ask(db, about);
    for (const char *comma = ""; step(s); comma = ", ") {
        struct slice name = column_slice(s, 0);
        struct slice type = column_slice(s, 1);
        bool is_blob = slice_is(type, "BLOB") || slice_is(type, "bytea");
        buf_printf(&sql, "%s%.*s", comma, (int)name.len, name.data);
        buf_printf(&values, is_blob ? "%sx'%032d'" : "%s'%d'", comma, value);
    }
    statement_close(s);
    buf_printf(&sql, ") VALUES (%.*s) ON CONFLICT DO NOTHING", (int)values.len, values.data);
    buf_append(&sql, "", 1);
    struct fault fault = {0};
    must(database_savepoint(db, &fault), &fault);
    enum err err = database_script(db, sql.data, &fault);
    if (err == ERR_CONFLICT) /* a table of one row */
        database_rollback_savepoint(db);
    else
        must(err ? err : database_release(db, &fault), &fault);
}

static void fill(struct database *db, struct tables *tables)
{
    struct fault fault = {0};
    list_tables(db, tables);
    must(database_begin(db, &fault), &fault);
    for (size_t i = 0; i < tables->count; i++) {
        bool has_rows = count_rows(db, tables->names[i]) > 0;
        for (int value = 1; !has_rows && value <= ROWS; value++)
            add_row(db, tables->names[i], value);
        tables->rows[i] = count_rows(db, tables->names[i]);
        assert_true(tables->rows[i] > 0);
    }
    must(database_commit(db, &fault), &fault);
}

/* Its tables filled, it becomes one of that version; a table that stays has its rows. */
static void fill_and_migrate(struct database *db, size_t version)
{
    static struct tables before;
    static struct tables after;
    struct fault fault = {0};
    fill(db, &before);
    must(database_migrate(db, schema_sql, version, &fault), &fault);
    list_tables(db, &after);
    for (size_t i = 0; i < before.count; i++)
        for (size_t k = 0; k < after.count; k++)
            if (strcmp(before.names[i], after.names[k]) == 0)
                assert_true(count_rows(db, after.names[k]) >= before.rows[i]);
}

/* From version to version, `steps` at once. */
static void climb(size_t version, size_t steps)
{
    struct scratch scratch;
    scratch_make(&scratch);
    struct database *db = open_at(&scratch, version);
    run(db, hub_database_on_server() ? "SET session_replication_role = replica"
                                     : "PRAGMA foreign_keys = OFF");
    while (version < SCHEMA_COUNT) {
        version = SCHEMA_COUNT - version < steps ? SCHEMA_COUNT : version + steps;
        fill_and_migrate(db, version);
    }
    if (!hub_database_on_server())
        assert_text(db, "PRAGMA integrity_check", "ok");
    database_close(db);
    scratch_remove(&scratch);
}

static void rows_of_every_version_survive_the_migrations(void **state)
{
    (void)state;
    size_t stride = hub_database_on_server() ? SCHEMA_COUNT / 3 : 1; /* a server takes its time */
    for (size_t version = 1; version < SCHEMA_COUNT; version += stride)
        climb(version, SCHEMA_COUNT);
}

static void rows_of_every_version_survive_each_migration(void **state)
{
    (void)state;
    climb(1, 1);
}

static void what_waits_to_be_posted_keeps_its_company(void **state)
{
    (void)state;
    struct scratch scratch;
    struct fault fault = {0};
    scratch_make(&scratch);
    struct database *db = open_at(&scratch, SCHEMA_CONNECTORS);
    run(db, "INSERT INTO device (id, first_seen_ms, last_seen_ms) VALUES ('a', 0, 0);"
            "INSERT INTO stream_log (log_no, log_id, device, stream, through, hash,"
            " backed_up_through, ack_no, created_ms, updated_ms)"
            " VALUES (1, x'01', 'a', 'returns', 0, x'00', 0, 0, 0, 0);"
            "INSERT INTO event (event_no, device, log_no, seq, received_ms, body_hash, body)"
            " VALUES (1, 'a', 1, 1, 0, x'00', x'00');"
            "INSERT INTO journal_entry (entry_no, reference, correlation, event_no, company,"
            " document_day, made_ms, body) VALUES (1, 'a/accepted', x'01', 1, 'north', 1, 0, '{}'),"
            " (2, 'b/accepted', x'01', 1, 'south', 1, 0, '{}');"
            "INSERT INTO posting (reference, state, updated_ms)"
            " VALUES ('a/accepted', 'ready', 0), ('b/accepted', 'parked', 0)");
    must(database_migrate(db, schema_sql, SCHEMA_COUNT, &fault), &fault);
    assert_text(db, "SELECT company FROM posting WHERE reference = 'a/accepted'", "north");
    assert_text(db, "SELECT company FROM posting WHERE reference = 'b/accepted'", "south");
    database_close(db);
    scratch_remove(&scratch);
}

#define ATTACH(db, list)                                                                           \
    must(database_attach(db, list, sizeof(list) / sizeof *(list),                                  \
                         &(struct database_statements *){0}, &(struct fault){0}),                  \
         &(struct fault){0})

/* On a server, too, which tells only then what it thinks of them. */
static void statements_of_every_file_fit_the_schema(void **state)
{
    (void)state;
    struct scratch scratch;
    struct fault fault = {0};
    scratch_make(&scratch);
    struct database *db = open_at(&scratch, SCHEMA_COUNT);
    ATTACH(db, ingest_sql);
    ATTACH(db, finance_sql);
    ATTACH(db, metrics_sql);
    ATTACH(db, read_sql);
    ATTACH(db, commands_sql);
    ATTACH(db, config_sql);
    ATTACH(db, fleet_sql);
    ATTACH(db, rollouts_sql);
    ATTACH(db, roster_sql);
    must(database_prepare_all(db, &fault), &fault);
    database_close(db);
    scratch_remove(&scratch);
}

/* A condition of theirs is easily missed, and then all events, or lines, are looked through. */
static void sales_and_lines_are_found_by_their_index(void **state)
{
    (void)state;
    static const struct {
        size_t statement;
        const char *index;
    } asked[] = {{INGEST_SALE_BY_SUBJECT, "event_of_sale"},
                 {INGEST_HOMES_OF_RETURN, "event_of_sale"},
                 {INGEST_HOLDER_OF_SALE, "event_of_sale"},
                 {INGEST_EXPECTED_MISSING, "(state=? AND missed=? AND day<?)"},
                 {INGEST_SETTLEMENT_LINE_NEW, "settlement_line_new"},
                 {INGEST_SETTLEMENT_BANK_NEW, "settlement_line_new_of_bank"},
                 {INGEST_SETTLEMENT_BANK_RELEASE, "settlement_line_by_file"},
                 {INGEST_SETTLEMENT_BANK_RELEASE, "settlement_line_of_bank"},
                 {INGEST_SETTLEMENT_BANK_RELEASE_ALL, "settlement_line_by_batch"},
                 {INGEST_SETTLEMENT_BANK_AGAIN, "settlement_line_of_bank"},
                 {INGEST_SETTLEMENT_BATCH_UNCHECKED, "settlement_batch_unchecked"}};
    struct scratch scratch;
    if (hub_database_on_server())
        skip();
    scratch_make(&scratch);
    struct database *db = open_at(&scratch, SCHEMA_COUNT);
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        struct buf sql CLEANUP(buf_free);
        bool found = false;
        buf_init(&sql, 2 * SQL_MAX);
        buf_printf(&sql, "EXPLAIN QUERY PLAN %s", ingest_sql[asked[i].statement].text);
        struct statement *s = ask(db, sql.data);
        while (step(s))
            found = found || strstr(column_text(s, 3), asked[i].index);
        statement_close(s);
        assert_true(found);
    }
    database_close(db);
    scratch_remove(&scratch);
}

/* Whether the plan has the text. */
static bool plans(struct database *db, size_t statement, const char *text)
{
    static const uint8_t id[16] = {1};
    struct buf sql CLEANUP(buf_free);
    bool found = false;
    buf_init(&sql, 2 * SQL_MAX);
    buf_printf(&sql, "EXPLAIN %s", ingest_sql[statement].text);
    struct statement *s = ask(db, sql.data);
    for (int i = 1; i <= statement_parameters(s); i++)
        bind_text(s, i, NULL);
    if (statement == INGEST_POSTING_MARK)
        bind_text(s, 1, "a reference");
    if (statement == INGEST_CENTRE_FACT)
        bind_blob(s, 2, id, sizeof id);
    if (statement == INGEST_EXCEPTION_REOPEN) {
        bind_text(s, 1, "a code");
        bind_text(s, 2, "centre");
        bind_blob(s, 3, id, sizeof id);
        bind_int(s, 4, 1);
    }
    while (step(s))
        found = found || strstr(column_text(s, 0), text);
    statement_close(s);
    return found;
}

/* A connection keeps the plan that it made when there was nothing in the tables yet. */
static void server_goes_by_keys_from_the_first_row_on(void **state)
{
    (void)state;
    struct scratch scratch;
    if (!hub_database_on_server())
        skip();
    scratch_make(&scratch);
    struct database *db = open_at(&scratch, SCHEMA_COUNT);
    assert_true(plans(db, INGEST_POSTING_MARK, "posting_reference_key"));
    assert_false(plans(db, INGEST_POSTING_MARK, "posting_of_company"));
    assert_false(plans(db, INGEST_EXCEPTION_REOPEN, "hub_exception_by_state"));
    assert_true(plans(db, INGEST_SETTLEMENT_LINE_AGAIN, "settlement_line_pkey"));
    assert_true(plans(db, INGEST_CENTRE_FACT, "return_index_pkey"));
    assert_false(plans(db, INGEST_CENTRE_FACT, "Hash"));
    database_close(db);
    scratch_remove(&scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_of_every_version_survive_the_migrations),
        cmocka_unit_test(rows_of_every_version_survive_each_migration),
        cmocka_unit_test(what_waits_to_be_posted_keeps_its_company),
        cmocka_unit_test(statements_of_every_file_fit_the_schema),
        cmocka_unit_test(sales_and_lines_are_found_by_their_index),
        cmocka_unit_test(server_goes_by_keys_from_the_first_row_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
