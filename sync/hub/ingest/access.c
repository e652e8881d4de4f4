#include "sync/hub/ingest/access.h"
#include "hal/base/hex.h"
#include "hal/base/random.h"
#include "hal/base/sha256.h"
#include "sync/hub/ingest/ingest.sql.h"

#include <stdio.h>
#include <string.h>

enum { TOKEN_BYTES = ACCESS_TOKEN_TEXT / 2 };

static const char *const role_names[] = {
#define ACCESS_ROLE_NAME(upper, lower) #lower,
    ACCESS_ROLES(ACCESS_ROLE_NAME)};

const char *access_role_name(enum access_role role)
{
    return role_names[role];
}

enum err access_role_find(const char *name, enum access_role *role)
{
    for (size_t i = 0; i < ACCESS_ROLE_COUNT; i++) {
        if (strcmp(role_names[i], name) == 0) {
            *role = (enum access_role)i;
            return ERR_OK;
        }
    }
    return ERR_NOT_FOUND;
}

enum err access_check(unsigned roles, enum access_role role, struct fault *fault)
{
    return roles & ACCESS_BIT(role)
               ? ERR_OK
               : fault_set(fault, ERR_FORBIDDEN, "", "the role %s may not do that",
                           access_role_name(role));
}

enum err access_add(struct database *db, const struct access_holder *holder, int64_t now_ms,
                    char token[static ACCESS_TOKEN_TEXT + 1], struct fault *fault)
{
    uint8_t bytes[TOKEN_BYTES];
    char text[ACCESS_TOKEN_TEXT + 1];
    struct statement *s;
    enum err err = database_statement(db, INGEST_TOKEN_INSERT, &s, fault);
    if (err)
        return err;
    random_fill(NULL, bytes, sizeof bytes);
    hex_encode(bytes, sizeof bytes, text);
    const struct sha256 hash = sha256_of(slice_of(text));
    bind_text(s, 1, holder->name);
    bind_text(s, 2, access_role_name(holder->role));
    bind_blob(s, 3, hash.bytes, SHA256_BYTES);
    bind_int(s, 4, now_ms);
    err = database_run(db, s, fault);
    if (!err)
        memcpy(token, text, sizeof text);
    return err;
}

enum err access_revoke(struct database *db, int64_t number, int64_t now_ms, struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, INGEST_TOKEN_REVOKE, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, number);
    bind_int(s, 2, now_ms);
    err = database_run(db, s, fault);
    if (!err && database_changes(db) == 0)
        return fault_set(fault, ERR_NOT_FOUND, "token", "there is no such token in force");
    return err;
}

enum err access_find(struct database *db, struct slice token, struct access_holder *holder,
                     struct fault *fault)
{
    const struct sha256 hash = sha256_of(token);
    struct statement *s;
    bool row;
    enum err err =
        database_find_bytes(db, INGEST_TOKEN_FIND, hash.bytes, SHA256_BYTES, &s, &row, fault);
    if (err)
        return err;
    struct access_holder found = {.name = ""};
    bool known = false;
    if (row) {
        (void)snprintf(found.name, sizeof found.name, "%s", column_text(s, 0));
        known = access_role_find(column_text(s, 1), &found.role) == ERR_OK;
    }
    statement_reset(s);
    if (!known)
        return fault_set(fault, ERR_FORBIDDEN, "Authorization", "the token is nobody's");
    *holder = found;
    return ERR_OK;
}

enum err access_note(struct database *db, const struct access_act *act, struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, INGEST_AUDIT_INSERT, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, act->now_ms);
    bind_text(s, 2, act->holder->name);
    bind_text(s, 3, access_role_name(act->holder->role));
    bind_text(s, 4, act->action);
    bind_text(s, 5, act->subject);
    bind_text(s, 6, act->reason);
    return database_run(db, s, fault);
}
