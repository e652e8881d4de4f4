#include "sync/hub/token.h"
#include "hal/base/json_scan.h"
#include "hal/base/rfc3339.h"
#include "hal/storage.h"
#include "sync/hub/ingest/access.h"
#include "sync/hub/ingest/ingest.sql.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

typedef enum err command(struct database *db, int count, char *const *words, int64_t now_ms,
                         struct fault *fault);

/* Whoever may use the hub's command line. */
static enum err note(struct database *db, const char *action, const char *subject, int64_t now_ms,
                     struct fault *fault)
{
    const struct access_holder technician = {.name = "command line", .role = ACCESS_IT};
    const struct access_act act = {.holder = &technician,
                                   .action = action,
                                   .subject = subject,
                                   .reason = "",
                                   .now_ms = now_ms};
    return access_note(db, &act, fault);
}

static enum err read_holder(int count, char *const *words, struct access_holder *holder,
                            struct fault *fault)
{
    bool has_role = false;
    for (int i = 0; i + 1 < count; i += 2) {
        if (strcmp(words[i], "--role") == 0) {
            has_role = access_role_find(words[i + 1], &holder->role) == ERR_OK &&
                       holder->role != ACCESS_PROVIDER;
        } else if (strcmp(words[i], "--name") == 0 && strlen(words[i + 1]) <= ACCESS_NAME_MAX) {
            (void)snprintf(holder->name, sizeof holder->name, "%s", words[i + 1]);
        } else {
            return fault_set(fault, ERR_INVALID, "token add", "takes --role and --name");
        }
    }
    if (!has_role || count % 2)
        return fault_set(fault, ERR_INVALID, "--role", "must be viewer, it, finance or commerce");
    if (!*holder->name)
        (void)snprintf(holder->name, sizeof holder->name, "%s", access_role_name(holder->role));
    return ERR_OK;
}

static enum err add(struct database *db, int count, char *const *words, int64_t now_ms,
                    struct fault *fault)
{
    struct access_holder holder = {.name = ""};
    char token[ACCESS_TOKEN_TEXT + 1];
    enum err err = read_holder(count, words, &holder, fault);
    if (!err)
        err = database_begin(db, fault);
    if (!err)
        err = access_add(db, &holder, now_ms, token, fault);
    if (!err)
        err = note(db, "token.add", holder.name, now_ms, fault);
    if (!err)
        err = database_commit(db, fault);
    database_rollback(db);
    if (!err)
        (void)printf("%s\n", token);
    return err;
}

static enum err list(struct database *db, int count, char *const *words, int64_t now_ms,
                     struct fault *fault)
{
    (void)words;
    (void)now_ms;
    struct statement *s;
    bool row = true;
    if (count)
        return fault_set(fault, ERR_INVALID, "token list", "takes nothing more");
    enum err err = database_statement(db, INGEST_TOKEN_LIST, &s, fault);
    while (!err && (err = database_step(db, s, &row, fault)) == ERR_OK && row) {
        char made[RFC3339_TEXT + 1];
        rfc3339_format(column_int(s, 3), made);
        (void)printf("%" PRId64 "  %s  %s  %s%s\n", (int64_t)column_int(s, 0), made,
                     column_text(s, 2), column_text(s, 1), column_is_null(s, 4) ? "" : "  revoked");
    }
    return err;
}

static enum err revoke(struct database *db, int count, char *const *words, int64_t now_ms,
                       struct fault *fault)
{
    int64_t number;
    if (count != 1 || json_scan_int(slice_of(words[0]), &number) != ERR_OK)
        return fault_set(fault, ERR_INVALID, "token revoke", "needs a token's number");
    enum err err = database_begin(db, fault);
    if (!err)
        err = access_revoke(db, number, now_ms, fault);
    if (!err)
        err = note(db, "token.revoke", words[0], now_ms, fault);
    if (!err)
        err = database_commit(db, fault);
    database_rollback(db);
    return err;
}

/* Without a running hub the database may have to be made first, or brought to this version. */
static enum err open_database(const struct hubdb_config *config, bool may_make, int *lock,
                              struct hubdb **hub, struct fault *fault)
{
    enum err err = storage_lock(config->folder, lock, fault);
    if (err == ERR_LOCKED) {
        *lock = -1;
        return hubdb_open_beside(hub, config, false, fault);
    }
    return err ? err : hubdb_open_resting(hub, config, may_make, fault);
}

enum err token_run(const struct hubdb_config *config, int count, char *const *words,
                   struct fault *fault)
{
    static const struct {
        const char *name;
        command *run;
    } commands[] = {{"add", add}, {"list", list}, {"revoke", revoke}};
    for (size_t i = 0; count > 0 && i < sizeof commands / sizeof *commands; i++) {
        if (strcmp(words[0], commands[i].name) != 0)
            continue;
        struct hubdb *hub = NULL;
        int lock = -1;
        enum err err = open_database(config, commands[i].run == add, &lock, &hub, fault);
        if (!err)
            err = commands[i].run(hubdb_database(hub), count - 1, words + 1, config->now_ms, fault);
        hubdb_close(hub);
        if (lock >= 0)
            storage_unlock(lock);
        return err;
    }
    return fault_set(fault, ERR_INVALID, "token", "one of: add, list, revoke");
}
