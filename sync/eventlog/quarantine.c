#include "sync/eventlog/quarantine.h"
#include "hal/aside.h"
#include "hal/storage.h"
#include "sync/eventlog/checkpoint.h"

#include <limits.h>
#include <unistd.h>

static const char name[] = "tillback.db";

static enum err path_in(char *out, const char *folder, const char *file, struct fault *fault)
{
    return storage_path(out, PATH_MAX, folder, file)
               ? fault_set(fault, ERR_TOO_LARGE, folder, "the path is too long")
               : ERR_OK;
}

enum err quarantine_resume(const struct eventlog_config *config, struct fault *fault)
{
    return aside_resume(config->folder, name, fault);
}

static enum err salvage_into(const struct eventlog_config *config, const struct aside *aside,
                             const struct head *head, struct id_source *ids,
                             struct salvage_result *result, struct fault *fault)
{
    char database[PATH_MAX];
    char wal[PATH_MAX];
    enum err err = path_in(database, config->folder, name, fault);
    if (!err)
        err = path_in(wal, config->folder, "tillback.db-wal", fault);
    if (err)
        return err;
    struct salvage_source source = {database, wal, head, checkpoint_newest(config->folder)};
    return salvage_make(aside->made, config->vfs, &source, ids, clock_wall_ms(config->clock),
                        result, fault);
}

enum err quarantine_now(const struct eventlog_config *config, const struct head *head,
                        struct id_source *ids, struct fault *fault)
{
    struct aside aside;
    struct salvage_result result;
    enum err err = aside_begin(&aside, config->folder, name, clock_wall_ms(config->clock), fault);
    if (err)
        return err;
    err = salvage_into(config, &aside, head, ids, &result, fault);
    if (err) {
        aside_abandon(&aside);
        return err;
    }
    for (int i = 0; i < STREAMS_OF_APPLIANCE; i++)
        diag_write(config->diag, DIAG_ERROR, "eventlog.salvaged",
                   "%s: %lld events kept, %lld lost; the damaged files are in %s",
                   stream_name((enum stream)i), (long long)result.kept[i],
                   (long long)result.lost[i], aside.path);
    return aside_exchange(&aside, fault);
}

/* --- Suspicion ------------------------------------------------------------------------------- */

static enum err note_path(const struct eventlog_config *config, char *path, struct fault *fault)
{
    return path_in(path, config->folder, "suspect", fault);
}

enum err eventlog_suspect(const struct eventlog_config *config, struct fault *fault)
{
    char path[PATH_MAX];
    enum err err = note_path(config, path, fault);
    return err ? err
               : storage_replace(path, SLICE_LITERAL("damage was seen; check at start\n"), 0600,
                                 fault);
}

bool suspicion_noted(const struct eventlog_config *config)
{
    char path[PATH_MAX];
    return note_path(config, path, NULL) == ERR_OK && access(path, F_OK) == 0;
}

enum err suspicion_clear(const struct eventlog_config *config, struct fault *fault)
{
    char path[PATH_MAX];
    enum err err = note_path(config, path, fault);
    return err ? err : storage_remove(path, fault);
}
