#include "sync/eventlog/view_compare.h"
#include "hal/base/cleanup.h"
#include "sync/eventlog/log.sql.h"
#include "sync/eventlog/views.h"

#include <stdio.h>
#include <string.h>

enum { STATEMENT_MAX = 4096 };

static enum err prepare(struct database *db, const char *sql, struct statement **s,
                        struct fault *fault)
{
    struct fault why;
    if (database_prepare(db, sql, s, &why) == ERR_OK)
        return ERR_OK;
    return fault_set(fault, ERR_CORRUPT, "view", "%s", why.text);
}

/* A statement that reads a table whole, in an order that depends on its content only. */
static void select_sorted(struct buf *sql, const char *table, int columns)
{
    buf_printf(sql, "SELECT * FROM \"%s\" ORDER BY 1", table);
    for (int i = 2; i <= columns; i++)
        buf_printf(sql, ", %d", i);
}

static enum err open_table(struct database *db, const char *table, struct statement **s,
                           struct fault *fault)
{
    struct buf sql CLEANUP(buf_free);
    buf_init(&sql, STATEMENT_MAX);
    select_sorted(&sql, table, 1);
    enum err err = prepare(db, sql.data, s, fault);
    if (err)
        return err;
    int columns = column_count(*s);
    statement_close(*s);
    *s = NULL;
    buf_reset(&sql);
    select_sorted(&sql, table, columns);
    err = buf_check(&sql, fault, table);
    return err ? err : prepare(db, sql.data, s, fault);
}

static bool same_value(struct statement *a, struct statement *b, int column)
{
    enum column_kind kind = column_kind(a, column);
    if (kind != column_kind(b, column))
        return false;
    if (kind == COLUMN_INT)
        return column_int(a, column) == column_int(b, column);
    return slice_equal(column_slice(a, column), column_slice(b, column));
}

static bool same_row(struct statement *a, struct statement *b)
{
    int columns = column_count(a);
    bool same = columns == column_count(b);
    for (int i = 0; same && i < columns; i++)
        same = same_value(a, b, i);
    return same;
}

static enum err same_rows(struct database *a, struct statement *rows_a, struct database *b,
                          struct statement *rows_b, bool *same, struct fault *fault)
{
    bool more_a = true;
    bool more_b = true;
    *same = true;
    while (*same && more_a && more_b) {
        enum err err = database_step(a, rows_a, &more_a, fault);
        if (!err)
            err = database_step(b, rows_b, &more_b, fault);
        if (err)
            return err;
        *same = more_a == more_b && (!more_a || same_row(rows_a, rows_b));
    }
    return ERR_OK;
}

static enum err same_table(struct database *stored, struct database *made, const char *table,
                           bool *same, struct fault *fault)
{
    struct statement *rows_stored = NULL;
    struct statement *rows_made = NULL;
    enum err err = open_table(made, table, &rows_made, fault);
    *same = false; /* a table that can't be read is not the same */
    if (!err && open_table(stored, table, &rows_stored, fault) == ERR_OK)
        err = same_rows(stored, rows_stored, made, rows_made, same, fault);
    statement_close(rows_stored);
    statement_close(rows_made);
    return err;
}

static enum err compare_tables(struct database *stored, struct database *made,
                               eventlog_report *report, void *context, struct fault *fault)
{
    struct statement *tables;
    enum err err = database_statement(made, LOG_TABLES, &tables, fault);
    bool there = true;
    while (!err && there) {
        err = database_step(made, tables, &there, fault);
        if (err || !there)
            break;
        const char *table = column_text(tables, 0);
        bool same;
        err = same_table(stored, made, table, &same, fault);
        if (err || same)
            continue;
        struct eventlog_finding finding = {.what = "view"};
        (void)snprintf(finding.text, sizeof finding.text, "table %s differs from a rebuild of it",
                       table);
        report(context, &finding);
    }
    if (!err)
        statement_reset(tables);
    return err;
}

enum err view_compare(struct database *db, const struct eventlog_view *list, size_t count,
                      eventlog_report *report, void *context, struct fault *fault)
{
    /* The empty path is SQLite's own temporary file, deleted when it is closed. */
    struct database_config config = {
        .path = "", .statements = log_sql, .statement_count = LOG_COUNT};
    struct database *made;
    struct views views = {0};
    enum err err = database_open(&made, &config, fault);
    if (err)
        return err;
    err = views_attach(&views, made, list, count, fault);
    if (!err)
        err = database_run_plain(made, LOG_BEGIN, fault);
    if (!err)
        err = views_fill_from(&views, db, fault);
    if (!err)
        err = compare_tables(db, made, report, context, fault);
    views_detach(&views);
    database_close(made);
    return err;
}
