#include "provisioning/authority_store.h"

#include "hal/base/hex.h"
#include "hal/database.h"
#include "provisioning/authority.h"
#include "provisioning/authority.sql.h"
#include "provisioning/authority_schema.sql.h"

#include <stdlib.h>
#include <string.h>

struct authority_store {
    struct database *db;
};

enum err authority_store_open(struct authority_store **out, const char *path, struct fault *fault)
{
    struct authority_store *store = calloc(1, sizeof *store);
    if (!store)
        return fault_set(fault, ERR_NO_MEMORY, path, "out of memory");
    enum err err = database_open(&store->db,
                                 &(struct database_config){.path = path,
                                                           .statements = authority_sql,
                                                           .statement_count = AUTHORITY_COUNT},
                                 fault);
    if (!err)
        err = database_migrate(store->db, authority_schema_sql, AUTHORITY_SCHEMA_COUNT, fault);
    if (err) {
        authority_store_close(store);
        return err;
    }
    *out = store;
    return ERR_OK;
}

void authority_store_close(struct authority_store *store)
{
    if (!store)
        return;
    database_close(store->db);
    free(store);
}

enum err authority_store_issue(struct authority_store *store, const struct certificate_facts *facts,
                               enum certificate_purpose purpose, int64_t now_ms,
                               struct fault *fault)
{
    struct statement *statement;
    enum err err = database_statement(store->db, AUTHORITY_ISSUE, &statement, fault);
    if (err)
        return err;
    bind_text(statement, 1, facts->serial);
    bind_text(statement, 2, facts->common_name);
    bind_int(statement, 3, purpose);
    bind_int(statement, 4, now_ms);
    bind_int(statement, 5, facts->not_after_ms);
    return database_run(store->db, statement, fault);
}

enum err authority_store_revoke_name(struct authority_store *store, const char *name,
                                     enum crl_reason reason, int64_t now_ms, size_t *count,
                                     struct fault *fault)
{
    struct statement *statement;
    enum err err = database_statement(store->db, AUTHORITY_REVOKE_NAME, &statement, fault);
    if (err)
        return err;
    bind_text(statement, 1, name);
    bind_int(statement, 2, now_ms);
    bind_int(statement, 3, reason);
    err = database_run(store->db, statement, fault);
    if (!err)
        *count = (size_t)database_changes(store->db);
    return err;
}

static enum err take_number(struct authority_store *store, struct crl_order *order,
                            struct fault *fault)
{
    struct statement *statement;
    bool row = false;
    enum err err = database_statement(store->db, AUTHORITY_NUMBER_LIST, &statement, fault);
    if (err)
        return err;
    bind_int(statement, 1, order->this_update_ms);
    bind_int(statement, 2, order->next_update_ms);
    bind_int(statement, 3, AUTHORITY_BACKDATE_MS);
    err = database_step(store->db, statement, &row, fault);
    if (!err) {
        order->number = column_int(statement, 0);
        order->this_update_ms = column_int(statement, 1);
    }
    statement_reset(statement);
    return err;
}

static enum err read_entry(struct statement *statement, struct crl_entry *entry,
                           struct fault *fault)
{
    struct slice serial = column_slice(statement, 0);
    if (hex_decode(serial, entry->serial, sizeof entry->serial) != ERR_OK)
        return fault_set(fault, ERR_CORRUPT, "serial", "not a serial number: %.*s", (int)serial.len,
                         serial.data);
    entry->revoked_ms = column_int(statement, 1);
    entry->reason = (enum crl_reason)(int)column_int(statement, 2);
    return ERR_OK;
}

/*
 * Expired certificates stay on the list: a clock can be wrong, and renewal may be allowed after
 * expiry, but never after revocation.
 */
static enum err read_entries(struct authority_store *store, struct crl_entry **out, size_t *count,
                             struct fault *fault)
{
    struct statement *statement;
    struct crl_entry *entries = NULL;
    size_t n = 0, room = 0;
    bool row = true;
    enum err err = database_statement(store->db, AUTHORITY_REVOKED, &statement, fault);
    while (!err && (err = database_step(store->db, statement, &row, fault)) == ERR_OK && row) {
        if (n == room) {
            room = room ? 2 * room : 64;
            struct crl_entry *more = realloc(entries, room * sizeof *entries);
            if (!more) {
                err = fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
                break;
            }
            entries = more;
        }
        err = read_entry(statement, &entries[n++], fault);
    }
    statement_reset(statement);
    if (err) {
        free(entries);
        return err;
    }
    *out = entries;
    *count = n;
    return ERR_OK;
}

enum err authority_store_list(struct authority_store *store, struct crl_order *order,
                              struct crl_entry **entries, struct fault *fault)
{
    struct crl_entry *read = NULL;
    enum err err = database_begin(store->db, fault);
    if (err)
        return err;
    err = take_number(store, order, fault);
    if (!err)
        err = read_entries(store, &read, &order->count, fault);
    if (err) {
        database_rollback(store->db);
        return err;
    }
    order->entries = read;
    *entries = read;
    return ERR_OK;
}

enum err authority_store_list_end(struct authority_store *store, enum err err, struct fault *fault)
{
    if (!err)
        err = database_commit(store->db, fault);
    if (err)
        database_rollback(store->db);
    return err;
}

enum err authority_store_each(struct authority_store *store, const char *name,
                              authority_visit *visit, void *context, struct fault *fault)
{
    struct statement *statement;
    bool row = true;
    enum err err = database_statement(store->db, AUTHORITY_LIST, &statement, fault);
    if (err)
        return err;
    bind_text(statement, 1, name);
    while ((err = database_step(store->db, statement, &row, fault)) == ERR_OK && row) {
        struct authority_record record = {
            .purpose = (enum certificate_purpose)(int)column_int(statement, 2),
            .issued_ms = column_int(statement, 3),
            .not_after_ms = column_int(statement, 4),
            .revoked_ms = column_int(statement, 5),
        };
        slice_copy(column_slice(statement, 0), record.serial, sizeof record.serial);
        slice_copy(column_slice(statement, 1), record.name, sizeof record.name);
        visit(context, &record);
    }
    statement_reset(statement);
    return err;
}
