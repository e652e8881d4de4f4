#include "sync/hub/ingest/schema_shape.h"
#include "hal/base/buf.h"
#include "hal/base/cleanup.h"
#include "sync/hub/ingest/schema.sql.h"

#include <sqlite3.h>
#include <string.h>

enum { SHAPE_MAX = 1024 * 1024 };

static const char shape[] =
    "SELECT m.name || ': ' || c.name || ' ' || c.type || ' ' || c.\"notnull\" || ' ' || "
    "c.pk || ' ' || coalesce(c.dflt_value, '') "
    "FROM sqlite_schema AS m JOIN pragma_table_xinfo(m.name) AS c WHERE m.type = 'table' "
    "UNION ALL "
    "SELECT m.name || ': ' || f.\"from\" || ' to ' || f.\"table\" || '.' || coalesce(f.\"to\", '') "
    "FROM sqlite_schema AS m JOIN pragma_foreign_key_list(m.name) AS f WHERE m.type = 'table' "
    "UNION ALL "
    "SELECT m.name || ': ' || i.seqno || ' ' || coalesce(i.name, '') "
    "FROM sqlite_schema AS m JOIN pragma_index_info(m.name) AS i WHERE m.type = 'index'";

/* A line for each thing, with an end of line before it, too. */
static enum err read_shape(struct database *db, struct buf *lines, struct fault *fault)
{
    struct statement *s;
    bool row;
    enum err err = database_prepare(db, shape, &s, fault);
    if (err)
        return err;
    buf_append(lines, "\n", 1);
    while ((err = database_step(db, s, &row, fault)) == ERR_OK && row) {
        struct slice line = column_slice(s, 0);
        buf_append(lines, line.data, line.len);
        buf_append(lines, "\n", 1);
    }
    statement_close(s);
    return err ? err : buf_check(lines, fault, "schema");
}

static bool has_line(const struct buf *lines, const char *line)
{
    size_t len = strlen(line);
    const char *end = lines->data + lines->len;
    for (const char *at = lines->data; (at = memmem(at, (size_t)(end - at), line, len)) != NULL;
         at++)
        if (at[-1] == '\n' && at[len] == '\n')
            return true;
    return false;
}

static int make_ours(sqlite3 **ours)
{
    int rc = sqlite3_open(":memory:", ours);
    for (size_t i = 0; rc == SQLITE_OK && i < SCHEMA_COUNT; i++)
        rc = sqlite3_exec(*ours, schema_sql[i].text, NULL, NULL, NULL);
    return rc;
}

static enum err compare(sqlite3 *ours, const struct buf *lines, struct fault *fault)
{
    sqlite3_stmt *s = NULL;
    enum err err = ERR_OK;
    int rc = sqlite3_prepare_v2(ours, shape, -1, &s, NULL);
    while (rc == SQLITE_OK && !err && (rc = sqlite3_step(s)) == SQLITE_ROW) {
        const char *line = (const char *)sqlite3_column_text(s, 0);
        rc = line ? SQLITE_OK : SQLITE_NOMEM;
        if (line && !has_line(lines, line))
            err = fault_set(fault, ERR_CORRUPT, "schema", "\"%s\" isn't there any more", line);
    }
    sqlite3_finalize(s);
    return err || rc == SQLITE_DONE ? err
                                    : fault_set(fault, ERR_NO_MEMORY, "schema", "out of memory");
}

enum err schema_shape_check(struct database *db, struct fault *fault)
{
    struct buf lines CLEANUP(buf_free);
    sqlite3 *ours = NULL;
    buf_init(&lines, SHAPE_MAX);
    enum err err = read_shape(db, &lines, fault);
    if (!err)
        err = make_ours(&ours) == SQLITE_OK
                  ? compare(ours, &lines, fault)
                  : fault_set(fault, ERR_NO_MEMORY, "schema", "%s", sqlite3_errmsg(ours));
    sqlite3_close(ours);
    return err;
}
