#include "sync/eventlog/quarantine.h"
#include "hal/storage.h"
#include "sync/eventlog/checkpoint.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PREFIX "quarantine-"

/* The write-ahead log first: it must never lie beside a database that is not its own. */
static const char *const files[] = {"tillback.db-wal", "tillback.db-shm", "tillback.db"};

static enum err path_in(char *out, const char *folder, const char *name, struct fault *fault)
{
    return storage_path(out, PATH_MAX, folder, name)
               ? fault_set(fault, ERR_TOO_LARGE, folder, "the path is too long")
               : ERR_OK;
}

/* *moved is false when there is no such file. */
static enum err move(const char *from_folder, const char *from, const char *to_folder,
                     const char *to, bool *moved, struct fault *fault)
{
    char old[PATH_MAX];
    char new[PATH_MAX];
    enum err err = path_in(old, from_folder, from, fault);
    if (!err)
        err = path_in(new, to_folder, to, fault);
    if (err)
        return err;
    *moved = rename(old, new) == 0;
    return *moved || errno == ENOENT ? ERR_OK : fault_errno(fault, errno, old, "rename");
}

static enum err sync_both(const char *a, const char *b, struct fault *fault)
{
    enum err err = storage_sync_folder(a, fault);
    return err ? err : storage_sync_folder(b, fault);
}

/* From here on a crash is made good by quarantine_resume: salvaged.db is there until the end. */
static enum err exchange(const char *folder, const char *aside, struct fault *fault)
{
    bool moved;
    enum err err = ERR_OK;
    for (size_t i = 0; i < sizeof files / sizeof *files && !err; i++)
        err = move(folder, files[i], aside, files[i], &moved, fault);
    if (!err)
        err = sync_both(aside, folder, fault);
    if (!err)
        err = move(aside, "salvaged.db", folder, "tillback.db", &moved, fault);
    return err ? err : sync_both(folder, aside, fault);
}

enum err quarantine_resume(const struct eventlog_config *config, struct fault *fault)
{
    DIR *dir = opendir(config->folder);
    if (!dir)
        return fault_errno(fault, errno, config->folder, "open folder");
    enum err err = ERR_OK;
    for (struct dirent *entry; !err && (entry = readdir(dir)) != NULL;) {
        if (strncmp(entry->d_name, PREFIX, sizeof PREFIX - 1) != 0)
            continue;
        char aside[PATH_MAX];
        char salvaged[PATH_MAX];
        err = path_in(aside, config->folder, entry->d_name, fault);
        if (!err)
            err = path_in(salvaged, aside, "salvaged.db", fault);
        if (!err && access(salvaged, F_OK) == 0)
            err = exchange(config->folder, aside, fault);
    }
    (void)closedir(dir);
    return err;
}

/* A folder of its own for each time. */
static enum err make_aside(const struct eventlog_config *config, char *aside, struct fault *fault)
{
    time_t now = (time_t)(clock_wall_ms(config->clock) / 1000);
    struct tm utc;
    char text[32];
    char name[64];
    (void)gmtime_r(&now, &utc);
    (void)strftime(text, sizeof text, "%Y%m%dT%H%M%SZ", &utc);
    struct stat info;
    enum err err;
    int n = 1;
    do {
        (void)snprintf(name, sizeof name, n == 1 ? PREFIX "%s" : PREFIX "%s-%d", text, n);
        err = path_in(aside, config->folder, name, fault);
        n++;
    } while (!err && stat(aside, &info) == 0);
    return err ? err : storage_make_folder(aside, fault);
}

static void remove_attempt(const char *aside)
{
    static const char *const names[] = {"salvaged.new", "salvaged.new-wal", "salvaged.new-shm"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[PATH_MAX];
        if (storage_path(path, sizeof path, aside, names[i]) == ERR_OK)
            (void)unlink(path);
    }
    (void)rmdir(aside);
}

static enum err salvage_into(const struct eventlog_config *config, const char *aside,
                             const struct head *head, struct id_source *ids,
                             struct salvage_result *result, struct fault *fault)
{
    char database[PATH_MAX];
    char wal[PATH_MAX];
    char made[PATH_MAX];
    bool moved;
    enum err err = path_in(database, config->folder, "tillback.db", fault);
    if (!err)
        err = path_in(wal, config->folder, "tillback.db-wal", fault);
    if (!err)
        err = path_in(made, aside, "salvaged.new", fault);
    if (err)
        return err;
    struct salvage_source source = {database, wal, head, checkpoint_newest(config->folder)};
    err =
        salvage_make(made, config->vfs, &source, ids, clock_wall_ms(config->clock), result, fault);
    if (!err)
        err = move(aside, "salvaged.new", aside, "salvaged.db", &moved, fault);
    return err ? err : storage_sync_folder(aside, fault);
}

enum err quarantine_now(const struct eventlog_config *config, const struct head *head,
                        struct id_source *ids, struct fault *fault)
{
    char aside[PATH_MAX];
    struct salvage_result result;
    enum err err = make_aside(config, aside, fault);
    if (err)
        return err;
    err = salvage_into(config, aside, head, ids, &result, fault);
    if (err) {
        remove_attempt(aside);
        return err;
    }
    for (int i = 0; i < STREAMS_OF_APPLIANCE; i++)
        diag_write(config->diag, DIAG_ERROR, "eventlog.salvaged",
                   "%s: %lld events kept, %lld lost; the damaged files are in %s",
                   stream_name((enum stream)i), (long long)result.kept[i],
                   (long long)result.lost[i], aside);
    return exchange(config->folder, aside, fault);
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
