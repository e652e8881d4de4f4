#include "tests/support/items.h"
#include "tests/support/hub_database.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

const struct database_sql items_schema[ITEMS_VERSION] = {
    {"first", "CREATE TABLE item (no INTEGER PRIMARY KEY, name TEXT UNIQUE, -- 'INTEGER' or BLOB?\n"
              " body BLOB, big INTEGER) ;"
              "INSERT INTO item (name, body) VALUES ('why? INTEGER', x'00ff5c')"},
    {"second", "CREATE TABLE pair (a INTEGER NOT NULL, b INTEGER NOT NULL, PRIMARY KEY (a, b))"
               " WITHOUT ROWID"},
};

static const struct database_sql statements[] = {
    {"put", "INSERT INTO item (name, body, big) VALUES (?1, ?2, ?3) RETURNING no"},
    {"get", "SELECT name, body, big, big IS NULL FROM item WHERE name = ?1 ORDER BY no"},
    {"body_of", "SELECT name FROM item WHERE body = ?1 AND (name = ?2 OR ?2 IS NULL)"},
    {"max_of", "SELECT max(0, ?1 - 3600000), instr('abc', 'c')"},
    {"sum", "SELECT sum(big) FROM item"},
    {"row", "INSERT INTO item (name, body, big) VALUES (?1, ?2, ?3)"
            " ON CONFLICT (name) DO UPDATE SET big = excluded.big"},
    {"named", "INSERT INTO item (name, big) VALUES ('a $1 of the text''s', ?1)"},
};

static struct database *open_one(struct items *f)
{
    char path[SCRATCH_PATH_MAX];
    const struct database_config config = {
        .path = hub_database_path(&f->scratch, path),
        .statements = statements,
        .statement_count = sizeof statements / sizeof *statements,
        .backend = &database_postgresql,
    };
    struct database *db;
    if (database_open(&db, &config, &f->fault))
        fail_msg("%s: %s", f->fault.where, f->fault.text);
    return db;
}

void items_must(struct items *f, enum err err)
{
    if (err)
        fail_msg("%s: %s: %s", err_name(err), f->fault.where, f->fault.text);
}

int items_setup(void **state)
{
    struct items *f = calloc(1, sizeof *f);
    *state = f;
    scratch_make(&f->scratch);
    if (!hub_database_on_server())
        return 0;
    f->db = open_one(f);
    items_must(f, database_migrate(f->db, items_schema, ITEMS_VERSION, &f->fault));
    f->other = open_one(f);
    return 0;
}

int items_teardown(void **state)
{
    struct items *f = *state;
    database_close(f->other);
    database_close(f->db);
    scratch_remove(&f->scratch);
    free(f);
    return 0;
}

struct statement *items_statement(struct items *f, struct database *db, size_t index)
{
    struct statement *s;
    items_must(f, database_statement(db, index, &s, &f->fault));
    return s;
}

int64_t items_put(struct items *f, struct database *db, const char *name, int64_t big)
{
    struct statement *s = items_statement(f, db, ITEMS_PUT);
    bool row;
    bind_text(s, 1, name);
    bind_slice(s, 2, (struct slice){"{\"a\":\"\\u00e4\"}\0", 15});
    if (big)
        bind_int(s, 3, big);
    items_must(f, database_step(db, s, &row, &f->fault));
    assert_true(row);
    int64_t no = column_int(s, 0);
    statement_reset(s);
    return no;
}

void items_send(struct items *f, const char *name, int64_t big)
{
    struct statement *s = items_statement(f, f->db, ITEMS_PUT);
    char lent[32];
    (void)snprintf(lent, sizeof lent, "%s", name);
    bind_text(s, 1, lent);
    bind_int(s, 3, big);
    items_must(f, database_send(f->db, s, &f->fault));
    memset(lent, 'x', sizeof lent - 1);
}

int64_t items_sum(struct items *f, struct database *db)
{
    struct statement *s = items_statement(f, db, ITEMS_SUM);
    bool row;
    items_must(f, database_step(db, s, &row, &f->fault));
    int64_t value = column_int(s, 0);
    statement_reset(s);
    return value;
}
