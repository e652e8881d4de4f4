#include "sync/hub/upkeep_command.h"
#include "hal/storage.h"
#include "sync/hub/ingest/backup.h"
#include "sync/hub/ingest/recall.h"
#include "sync/hub/ingest/rescue.h"
#include "sync/hub/ingest/server_backup.h"
#include "sync/hub/ingest/verify.h"

#include <stdio.h>

enum err upkeep_backup(const struct hubdb_config *config, const char *file, struct fault *fault)
{
    struct hubdb *hub = NULL;
    bool server = hubdb_is_server(config->path);
    enum err err = server ? server_backup_make(config, file, fault)
                          : hubdb_open_beside(&hub, config, false, fault);
    if (!err && !server)
        err = backup_make(hub, file, fault);
    hubdb_close(hub);
    if (!err)
        (void)printf("The database is copied to %s; keep contact-secret of %s apart from it.\n",
                     file, config->folder);
    return err;
}

enum err upkeep_restore(const struct hubdb_config *config, const char *file, struct fault *fault)
{
    int lock;
    enum err err = storage_lock(config->folder, &lock, fault);
    if (err)
        return err;
    err = hubdb_is_server(config->path) ? server_backup_restore(config, file, fault)
                                        : backup_restore(config, file, fault);
    storage_unlock(lock);
    if (!err)
        (void)printf("%s is in place. Start the hub: the appliances send again what it lacks.\n",
                     file);
    return err;
}

static void print_finding(void *unused_context, const struct verify_finding *finding)
{
    (void)unused_context;
    (void)printf("%s: %s\n", finding->what, finding->text);
}

enum err upkeep_verify(const struct hubdb_config *config, struct fault *fault)
{
    const struct verify_wish wish = {.report = print_finding};
    struct verified verified = {0};
    struct hubdb *hub = NULL;
    int64_t in_wal = 0;
    int64_t awaited = 0;
    int64_t lost = 0;
    /* Before it is opened: SQLite forgets a damaged end of its write-ahead log. */
    enum err err =
        hubdb_is_server(config->path) ? ERR_OK : verify_wal(config->path, &wish, &in_wal, fault);
    if (!err)
        err = hubdb_open_beside(&hub, config, true, fault);
    if (!err)
        err = verify_hub(hub, &wish, &verified, fault);
    if (!err)
        err = recall_waiting(hubdb_database(hub), &awaited, &lost, fault);
    hubdb_close(hub);
    if (err)
        return err;
    verified.findings += in_wal;
    if (verified.findings)
        return fault_set(fault, ERR_CORRUPT, config->path,
                         "%lld findings. Don't delete anything: stop the hub, and see "
                         "tillback-hub rescue: the appliances send again what is damaged",
                         (long long)verified.findings);
    (void)printf("%lld events in %lld logs read: all is as it came.\n", (long long)verified.events,
                 (long long)verified.logs);
    if (awaited)
        (void)printf("%lld events that were damaged are still to come from their appliances.\n",
                     (long long)awaited);
    if (lost)
        (void)printf("%lld events of the centre's own were lost; only a backup has them.\n",
                     (long long)lost);
    return ERR_OK;
}

enum err upkeep_rescue(const struct hubdb_config *config, struct fault *fault)
{
    struct rescued rescued = {.aside = ""};
    int lock;
    enum err err = storage_lock(config->folder, &lock, fault);
    if (err)
        return err;
    err = rescue_hub(config, print_finding, NULL, &rescued, fault);
    storage_unlock(lock);
    if (err)
        return err;
    if (*rescued.aside)
        (void)printf("The damaged database is in %s. %lld tables have lost rows%s\n", rescued.aside,
                     (long long)rescued.tables,
                     rescued.tables ? "; only a backup has what isn't events of appliances." : ".");
    if (rescued.recalled.logs)
        (void)printf("%lld events of %lld logs will be asked for again from their appliances, "
                     "once the hub runs.\n",
                     (long long)rescued.recalled.places, (long long)rescued.recalled.logs);
    if (!*rescued.aside && !rescued.recalled.logs)
        (void)puts("All is sound; nothing was changed.");
    return ERR_OK;
}
