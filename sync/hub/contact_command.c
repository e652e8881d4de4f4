#include "sync/hub/contact_command.h"
#include "hal/storage.h"
#include "sync/hub/ingest/access.h"
#include "sync/hub/ingest/contact.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

struct asked {
    bool gives_up; /* else it erases */
    const char *customer;
    const char *reason;
};

static enum err note(struct database *db, const struct asked *asked, int64_t now_ms,
                     struct fault *fault)
{
    const struct access_holder technician = {.name = "command line", .role = ACCESS_IT};
    const struct access_act act = {
        .holder = &technician,
        .action = asked->gives_up ? "contact.give_up" : "customer.erase",
        .subject = asked->gives_up ? VAULT_FILE : asked->customer,
        .reason = asked->reason,
        .now_ms = now_ms,
    };
    return access_note(db, &act, fault);
}

static void count_told(void *context, const char *unused_device)
{
    (void)unused_device;
    ++*(int64_t *)context;
}

/* *count: the appliances that are told, or the keys that were given up. */
static enum err change(struct database *db, const struct asked *asked, int64_t now_ms,
                       int64_t *count, struct fault *fault)
{
    enum err err = database_begin(db, fault);
    if (!err && asked->gives_up)
        err = vault_give_up(db, count, fault);
    else if (!err)
        err = contact_erase(db, asked->customer, now_ms, count_told, count, fault);
    if (!err)
        err = note(db, asked, now_ms, fault);
    if (!err)
        err = database_commit(db, fault);
    database_rollback(db);
    if (!err)
        database_cut_wal(db);
    return err;
}

static enum err erase(const struct hubdb_config *config, const struct asked *asked,
                      struct fault *fault)
{
    struct hubdb *hub = NULL;
    int64_t count = 0;
    enum err err = hubdb_open_beside(&hub, config, false, fault);
    if (!err)
        err = change(hubdb_database(hub), asked, config->now_ms, &count, fault);
    hubdb_close(hub);
    if (!err)
        (void)printf("The keys of %s are destroyed here; %" PRId64 " appliances are told to do the "
                     "same.\nBackups of this database still hold them, sealed.\n",
                     asked->customer, count);
    return err;
}

static enum err begin_anew(struct database *db, const struct hubdb_config *config,
                           const struct asked *asked, int64_t *count, struct fault *fault)
{
    struct vault vault = {.open = false};
    char path[PATH_MAX];
    enum err err = vault_open(&vault, db, config->folder, fault);
    if (!err && vault.open)
        err = fault_set(fault, ERR_REFUSED, VAULT_FILE, "is there and fits: nothing is lost");
    if (!err)
        err = change(db, asked, config->now_ms, count, fault);
    if (!err && storage_path(path, sizeof path, config->folder, VAULT_FILE) != ERR_OK)
        err = fault_set(fault, ERR_TOO_LARGE, config->folder, "the path is too long");
    if (!err)
        err = storage_remove(path, fault);
    if (!err)
        err = vault_open(&vault, db, config->folder, fault);
    vault_wipe(&vault);
    return err;
}

/* A hub that runs would go on with the secret that it has. */
static enum err give_up(const struct hubdb_config *config, const struct asked *asked,
                        struct fault *fault)
{
    struct hubdb *hub = NULL;
    int64_t count = 0;
    int lock;
    enum err err = storage_lock(config->folder, &lock, fault);
    if (err)
        return err;
    err = hubdb_open_beside(&hub, config, false, fault);
    if (!err)
        err = begin_anew(hubdb_database(hub), config, asked, &count, fault);
    hubdb_close(hub);
    storage_unlock(lock);
    if (!err)
        (void)printf("%" PRId64
                     " keys that nobody can open were forgotten. A new contact-secret is "
                     "in place;\nother hubs on this database need a copy of it.\n",
                     count);
    return err;
}

static enum err read_words(int count, char *const *words, struct asked *asked, struct fault *fault)
{
    const char *verb = count ? words[0] : "";
    asked->gives_up = strcmp(verb, "give-up") == 0;
    int at = 1;
    if (!asked->gives_up && strcmp(verb, "erase") != 0)
        return fault_set(fault, ERR_INVALID, "contact", "one of: erase CUSTOMER, give-up");
    if (!asked->gives_up)
        asked->customer = count > at ? words[at++] : "";
    if (!asked->gives_up && (!*asked->customer || strlen(asked->customer) > CONTACT_CUSTOMER_MAX ||
                             strncmp(asked->customer, "--", 2) == 0))
        return fault_set(fault, ERR_INVALID, "contact erase", "needs the customer's token");
    if (count == at + 2 && strcmp(words[at], "--reason") == 0)
        asked->reason = words[at + 1];
    if (!asked->reason || strlen(asked->reason) < 3 || strlen(asked->reason) > ACCESS_REASON_MAX)
        return fault_set(fault, ERR_INVALID, "--reason", "must say why, in 3 to %d bytes",
                         ACCESS_REASON_MAX);
    return ERR_OK;
}

enum err contact_run(const struct hubdb_config *config, int count, char *const *words,
                     struct fault *fault)
{
    struct asked asked = {0};
    enum err err = read_words(count, words, &asked, fault);
    if (err)
        return err;
    return asked.gives_up ? give_up(config, &asked, fault) : erase(config, &asked, fault);
}
