#include "hal/aside.h"
#include "hal/storage.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PREFIX "quarantine-"

static const char made_name[] = "salvaged.new";
static const char whole_name[] = "salvaged.db"; /* there: the exchange has begun */

static enum err path_in(char *out, const char *folder, const char *name, struct fault *fault)
{
    return storage_path(out, PATH_MAX, folder, name)
               ? fault_set(fault, ERR_TOO_LARGE, folder, "the path is too long")
               : ERR_OK;
}

/* What isn't there needn't be moved. */
static enum err move(const char *from_folder, const char *from, const char *to_folder,
                     const char *to, struct fault *fault)
{
    char old[PATH_MAX];
    char new[PATH_MAX];
    enum err err = path_in(old, from_folder, from, fault);
    if (!err)
        err = path_in(new, to_folder, to, fault);
    if (err)
        return err;
    return rename(old, new) == 0 || errno == ENOENT ? ERR_OK
                                                    : fault_errno(fault, errno, old, "rename");
}

static enum err sync_both(const char *a, const char *b, struct fault *fault)
{
    enum err err = storage_sync_folder(a, fault);
    return err ? err : storage_sync_folder(b, fault);
}

/* The write-ahead log first: it must never lie beside a database that is not its own. */
static enum err move_files(const char *folder, const char *name, const char *aside,
                           struct fault *fault)
{
    static const char *const suffixes[] = {"-wal", "-shm", ""};
    enum err err = ERR_OK;
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes && !err; i++) {
        char file[NAME_MAX + 1];
        if (snprintf(file, sizeof file, "%s%s", name, suffixes[i]) >= (int)sizeof file)
            return fault_set(fault, ERR_TOO_LARGE, name, "the name is too long");
        err = move(folder, file, aside, file, fault);
    }
    return err;
}

/* From here on a crash is made good by aside_resume: the whole one is there until the end. */
static enum err exchange(const char *folder, const char *name, const char *aside,
                         struct fault *fault)
{
    enum err err = move_files(folder, name, aside, fault);
    if (!err)
        err = sync_both(aside, folder, fault);
    if (!err)
        err = move(aside, whole_name, folder, name, fault);
    return err ? err : sync_both(folder, aside, fault);
}

enum err aside_resume(const char *folder, const char *name, struct fault *fault)
{
    DIR *dir = opendir(folder);
    if (!dir)
        return fault_errno(fault, errno, folder, "open folder");
    enum err err = ERR_OK;
    for (struct dirent *entry; !err && (entry = readdir(dir)) != NULL;) {
        char aside[PATH_MAX];
        char whole[PATH_MAX];
        if (strncmp(entry->d_name, PREFIX, sizeof PREFIX - 1) != 0)
            continue;
        err = path_in(aside, folder, entry->d_name, fault);
        if (!err)
            err = path_in(whole, aside, whole_name, fault);
        if (!err && access(whole, F_OK) == 0)
            err = exchange(folder, name, aside, fault);
    }
    (void)closedir(dir);
    return err;
}

enum err aside_begin(struct aside *aside, const char *folder, const char *name, int64_t now_ms,
                     struct fault *fault)
{
    time_t now = (time_t)(now_ms / 1000);
    struct tm utc;
    char text[32];
    char own[64];
    struct stat info;
    enum err err;
    int n = 1;
    *aside = (struct aside){.folder = folder, .name = name};
    (void)gmtime_r(&now, &utc);
    (void)strftime(text, sizeof text, "%Y%m%dT%H%M%SZ", &utc);
    do {
        (void)snprintf(own, sizeof own, n == 1 ? PREFIX "%s" : PREFIX "%s-%d", text, n);
        err = path_in(aside->path, folder, own, fault);
        n++;
    } while (!err && stat(aside->path, &info) == 0);
    if (!err)
        err = path_in(aside->made, aside->path, made_name, fault);
    return err ? err : storage_make_folder(aside->path, fault);
}

enum err aside_exchange(const struct aside *aside, struct fault *fault)
{
    enum err err = move(aside->path, made_name, aside->path, whole_name, fault);
    if (!err)
        err = storage_sync_folder(aside->path, fault);
    return err ? err : exchange(aside->folder, aside->name, aside->path, fault);
}

void aside_abandon(const struct aside *aside)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        char path[PATH_MAX + sizeof "-wal"];
        (void)snprintf(path, sizeof path, "%s%s", aside->made, suffixes[i]);
        (void)unlink(path);
    }
    (void)rmdir(aside->path);
}
