#include "hal/database_backend.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct database_statements {
    struct database *db;
    struct database_statements *next;
    const struct database_sql *sql;
    size_t count;
    struct statement statements[];
};

/* --- Opening --------------------------------------------------------------------------------- */

enum err database_attach(struct database *db, const struct database_sql *statements, size_t count,
                         struct database_statements **set, struct fault *fault)
{
    for (struct database_statements *known = db->sets; known; known = known->next)
        if (known->sql == statements) {
            *set = known;
            return ERR_OK;
        }
    struct database_statements *made = calloc(1, sizeof *made + count * sizeof *made->statements);
    if (!made)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    made->db = db;
    made->sql = statements;
    made->count = count;
    made->next = db->sets;
    for (size_t i = 0; i < count; i++)
        made->statements[i].db = db;
    db->sets = made;
    *set = made;
    return ERR_OK;
}

enum err database_open(struct database **out, const struct database_config *config,
                       struct fault *fault)
{
    struct database *db = calloc(1, sizeof *db);
    if (!db)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    db->backend = config->backend ? config->backend : &database_sqlite;
    db->vfs = config->vfs;
    db->read_only = config->read_only;
    db->cache_kib = config->cache_kib;
    enum err err = db->backend->open(db, config, fault);
    if (!err)
        err = database_attach(db, config->statements, config->statement_count, &db->own, fault);
    if (err) {
        if (fault && !config->backend) /* a connection's URI may hold a password */
            (void)snprintf(fault->where, sizeof fault->where, "%s", config->path);
        database_close(db);
        return err;
    }
    *out = db;
    return ERR_OK;
}

void database_forget_prepared(struct database *db)
{
    for (struct database_statements *set = db->sets; set; set = set->next)
        for (size_t i = 0; i < set->count; i++)
            db->backend->statements->finalize(&set->statements[i]);
}

void database_close(struct database *db)
{
    if (!db)
        return;
    database_forget_prepared(db);
    while (db->sets) {
        struct database_statements *next = db->sets->next;
        free(db->sets);
        db->sets = next;
    }
    db->backend->close(db);
    free(db);
}

/* --- The schema ------------------------------------------------------------------------------ */

static enum err run_migrations(struct database *db, const struct database_sql *migrations,
                               size_t from, size_t count, struct fault *fault)
{
    for (size_t i = from; i < count; i++) {
        enum err err = database_script(db, migrations[i].text, fault);
        if (err)
            return fault_wrap(fault, err, migrations[i].name);
    }
    return db->backend->write_version(db, count, fault);
}

/* Whether the newer program that was here says that this one may go on. */
static enum err check_newer(struct database *db, int64_t version, size_t count, struct fault *fault)
{
    int64_t oldest = 0;
    enum err err = db->backend->read_oldest ? db->backend->read_oldest(db, &oldest, fault) : ERR_OK;
    if (err || (oldest > 0 && oldest <= (int64_t)count))
        return err;
    return fault_set(fault, ERR_NEWER_SCHEMA, db->backend->name(db),
                     "the database has schema version %lld, this program knows up to %zu; "
                     "start the newer program again",
                     (long long)version, count);
}

enum err database_migrate(struct database *db, const struct database_sql *migrations, size_t count,
                          struct fault *fault)
{
    int64_t version = 0;
    enum err err = db->backend->read_version(db, &version, fault);
    if (err)
        return err;
    if (version > (int64_t)count)
        return check_newer(db, version, count, fault);
    if (version == (int64_t)count)
        return ERR_OK;
    err = database_begin(db, fault);
    if (!err)
        err = db->backend->read_version(db, &version, fault); /* another may have been faster */
    if (!err && version < (int64_t)count)
        err = run_migrations(db, migrations, (size_t)version, count, fault);
    if (!err)
        err = database_commit(db, fault);
    if (err)
        database_rollback(db);
    return err;
}

enum err database_version(struct database *db, int64_t *version, struct fault *fault)
{
    return db->backend->read_version(db, version, fault);
}

enum err database_hurry(struct database *db, struct fault *fault)
{
    return db->backend->hurry ? db->backend->hurry(db, fault) : ERR_OK;
}

unsigned database_connected(const struct database *db)
{
    return db->backend->connected ? db->backend->connected(db) : 1;
}

const char *database_name(struct database *db)
{
    return db->backend->name(db);
}

/* --- Transactions ---------------------------------------------------------------------------- */

enum err database_script(struct database *db, const char *sql, struct fault *fault)
{
    return db->backend->script(db, sql, fault);
}

enum err database_begin(struct database *db, struct fault *fault)
{
    return db->backend->move(db, DATABASE_BEGIN, fault);
}

enum err database_commit(struct database *db, struct fault *fault)
{
    return db->backend->move(db, DATABASE_COMMIT, fault);
}

void database_rollback(struct database *db)
{
    db->backend->rollback(db);
}

enum err database_savepoint(struct database *db, struct fault *fault)
{
    return db->backend->move(db, DATABASE_SAVEPOINT, fault);
}

enum err database_release(struct database *db, struct fault *fault)
{
    return db->backend->move(db, DATABASE_RELEASE, fault);
}

void database_rollback_savepoint(struct database *db)
{
    (void)db->backend->move(db, DATABASE_ROLLBACK_SAVEPOINT, NULL);
}

enum err database_lead(struct database *db, const char *matter, bool *leads, struct fault *fault)
{
    if (db->backend->lead)
        return db->backend->lead(db, matter, leads, fault);
    *leads = true;
    return ERR_OK;
}

enum err database_place(struct database *db, char place[static DATABASE_PLACE_MAX],
                        struct fault *fault)
{
    if (db->backend->place)
        return db->backend->place(db, place, fault);
    place[0] = '\0';
    return ERR_OK;
}

void database_reset(struct database *db)
{
    db->backend->reset_all(db);
}

int64_t database_changes(struct database *db)
{
    return db->backend->changes(db);
}

/* --- Statements ------------------------------------------------------------------------------ */

/* Which statement it was. */
static enum err name_fault(struct fault *fault, enum err err, const char *name)
{
    if (fault)
        (void)snprintf(fault->where, sizeof fault->where, "%s", name);
    return err;
}

enum err database_attached(struct database_statements *set, size_t index,
                           struct statement **statement, struct fault *fault)
{
    assert(index < set->count);
    struct statement *kept = &set->statements[index];
    const struct statement_backend *backend = set->db->backend->statements;
    if (kept->native) {
        backend->reset(kept);
        backend->unbind(kept);
    } else {
        enum err err = backend->prepare(kept, set->sql[index].text, true, fault);
        if (err)
            return name_fault(fault, err, set->sql[index].name);
    }
    *statement = kept;
    return ERR_OK;
}

enum err database_statement(struct database *db, size_t index, struct statement **statement,
                            struct fault *fault)
{
    return database_attached(db->own, index, statement, fault);
}

enum err database_prepare_all(struct database *db, struct fault *fault)
{
    for (struct database_statements *set = db->sets; set; set = set->next)
        for (size_t i = 0; i < set->count; i++) {
            struct statement *unused;
            enum err err = database_attached(set, i, &unused, fault);
            if (!err && db->backend->statements->check)
                err = db->backend->statements->check(unused, fault);
            if (err)
                return name_fault(fault, err, set->sql[i].name);
        }
    return ERR_OK;
}

enum err database_prepare(struct database *db, const char *sql, struct statement **statement,
                          struct fault *fault)
{
    struct statement *made = calloc(1, sizeof *made);
    if (!made)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    made->db = db;
    enum err err = db->backend->statements->prepare(made, sql, false, fault);
    if (err) {
        free(made);
        return err;
    }
    *statement = made;
    return ERR_OK;
}

void statement_close(struct statement *statement)
{
    if (!statement)
        return;
    statement->db->backend->statements->finalize(statement);
    free(statement);
}

enum err statement_step(struct statement *statement, bool *row, struct fault *fault)
{
    return statement->db->backend->statements->step(statement, row, fault);
}

enum err statement_run(struct statement *statement, struct fault *fault)
{
    bool row;
    enum err err = statement_step(statement, &row, fault);
    if (!err)
        statement_reset(statement);
    return err;
}

void statement_reset(struct statement *statement)
{
    if (statement)
        statement->db->backend->statements->reset(statement);
}

int statement_parameters(struct statement *statement)
{
    return statement->db->backend->statements->parameters(statement);
}

enum err database_step(struct database *db, struct statement *statement, bool *row,
                       struct fault *fault)
{
    (void)db;
    return statement_step(statement, row, fault);
}

enum err database_first(struct database *db, size_t index, struct statement **statement, bool *row,
                        struct fault *fault)
{
    enum err err = database_statement(db, index, statement, fault);
    return err ? err : database_step(db, *statement, row, fault);
}

enum err database_find(struct database *db, size_t index, int64_t key, struct statement **statement,
                       bool *row, struct fault *fault)
{
    struct statement *found;
    enum err err = database_statement(db, index, &found, fault);
    if (err)
        return err;
    bind_int(found, 1, key);
    *statement = found;
    return database_step(db, found, row, fault);
}

enum err database_find_bytes(struct database *db, size_t index, const void *key, size_t len,
                             struct statement **statement, bool *row, struct fault *fault)
{
    struct statement *found;
    enum err err = database_statement(db, index, &found, fault);
    if (err)
        return err;
    bind_blob(found, 1, key, len);
    *statement = found;
    return database_step(db, found, row, fault);
}

enum err database_run(struct database *db, struct statement *statement, struct fault *fault)
{
    (void)db;
    return statement_run(statement, fault);
}

enum err database_send(struct database *db, struct statement *statement, struct fault *fault)
{
    const struct statement_backend *backend = db->backend->statements;
    return backend->send ? backend->send(statement, fault) : statement_run(statement, fault);
}

enum err database_send_row(struct database *db, struct statement *statement, struct fault *fault)
{
    const struct statement_backend *backend = db->backend->statements;
    return backend->send_row ? backend->send_row(statement, fault)
                             : database_send(db, statement, fault);
}

bool database_asks(const struct database *db)
{
    return db->backend->statements->ask != NULL;
}

enum err database_ask(struct database *db, struct statement *statement, struct fault *fault)
{
    const struct statement_backend *backend = db->backend->statements;
    return backend->ask ? backend->ask(statement, fault) : ERR_OK;
}

enum err database_run_plain(struct database *db, size_t index, struct fault *fault)
{
    struct statement *statement;
    enum err err = database_statement(db, index, &statement, fault);
    return err ? err : database_run(db, statement, fault);
}

/* --- Bindings and columns -------------------------------------------------------------------- */

void bind_int(struct statement *statement, int position, int64_t value)
{
    statement->db->backend->statements->bind_int(statement, position, value);
}

void bind_slice(struct statement *statement, int position, struct slice text)
{
    statement->db->backend->statements->bind_text(statement, position, text);
}

void bind_text(struct statement *statement, int position, const char *text)
{
    if (text)
        bind_slice(statement, position, slice_of(text));
    else
        statement->db->backend->statements->bind_null(statement, position);
}

void bind_blob(struct statement *statement, int position, const void *data, size_t len)
{
    statement->db->backend->statements->bind_blob(statement, position, (struct slice){data, len});
}

void bind_column(struct statement *statement, int position, struct statement *row, int column)
{
    statement->db->backend->statements->bind_column(statement, position, row, column);
}

int column_count(struct statement *statement)
{
    return statement->db->backend->statements->column_count(statement);
}

const char *column_name(struct statement *statement, int column)
{
    return statement->db->backend->statements->column_name(statement, column);
}

enum column_kind column_kind(struct statement *statement, int column)
{
    return statement->db->backend->statements->column_kind(statement, column);
}

bool column_is_null(struct statement *statement, int column)
{
    return column_kind(statement, column) == COLUMN_NULL;
}

int64_t column_int(struct statement *statement, int column)
{
    return statement->db->backend->statements->column_int(statement, column);
}

const char *column_text(struct statement *statement, int column)
{
    return statement->db->backend->statements->column_text(statement, column);
}

struct slice column_slice(struct statement *statement, int column)
{
    return statement->db->backend->statements->column_slice(statement, column);
}

enum err column_bytes(struct statement *statement, int column, void *out, size_t len)
{
    struct slice bytes = column_slice(statement, column);
    if (bytes.len != len)
        return ERR_CORRUPT;
    memcpy(out, bytes.data, len);
    return ERR_OK;
}
