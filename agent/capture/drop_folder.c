#include "agent/capture/drop_folder.h"
#include "agent/capture/poslog_xml.h"
#include "hal/base/cleanup.h"
#include "hal/storage.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { REASON_MAX_BYTES = 8 * 1024 * 1024, NUMBERS_MAX = 10000 };

enum place { INBOX, WORK, DONE, BAD, PLACE_COUNT };

struct drop_folder {
    struct drop_folder_config config;
    char places[PLACE_COUNT][PATH_MAX];
    char name[NAME_MAX + 1]; /* of the file in work */
    struct loop_timer *timer;
    struct fault why; /* it is refused whole, while people are told */
    bool busy;        /* a document is at the desk */
    bool closed;      /* while busy: freed when the desk answers */
};

static enum err path_of(const struct drop_folder *d, enum place place, const char *name,
                        char path[static PATH_MAX], struct fault *fault)
{
    enum err err = storage_path(path, PATH_MAX, d->places[place], name);
    return err ? fault_set(fault, err, name, "the path is too long") : ERR_OK;
}

static bool is_xml(const char *name)
{
    size_t len = strlen(name);
    return name[0] != '.' && len > 4 && strcasecmp(name + len - 4, ".xml") == 0;
}

/* By the clock that stamps files, right or wrong; one that was set back must not hold a file up. */
static bool settled(const struct drop_folder *d, const struct stat *info)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    int64_t age_ms = (now.tv_sec - info->st_mtim.tv_sec) * INT64_C(1000) +
                     (now.tv_nsec - info->st_mtim.tv_nsec) / 1000000;
    return age_ms >= d->config.settle_ms || age_ms < -d->config.settle_ms;
}

/* The first name in a place; false if there is none. */
static bool find_first(const struct drop_folder *d, enum place place,
                       char first[static NAME_MAX + 1])
{
    DIR *folder = opendir(d->places[place]);
    bool found = false;
    const struct dirent *entry;
    while (folder && (entry = readdir(folder))) {
        char path[PATH_MAX];
        struct stat info;
        if (!is_xml(entry->d_name) || (found && strcmp(entry->d_name, first) >= 0))
            continue;
        if (path_of(d, place, entry->d_name, path, NULL) || lstat(path, &info) != 0 ||
            !S_ISREG(info.st_mode) || (place == INBOX && !settled(d, &info)))
            continue;
        (void)snprintf(first, NAME_MAX + 1, "%s", entry->d_name);
        found = true;
    }
    if (folder)
        closedir(folder);
    return found;
}

/* Both folders are synced, so that the file is in one of them after a power cut too. */
static enum err move(const struct drop_folder *d, enum place from, enum place to, const char *as,
                     struct fault *fault)
{
    char source[PATH_MAX];
    char target[PATH_MAX];
    enum err err = path_of(d, from, d->name, source, fault);
    if (!err)
        err = path_of(d, to, as, target, fault);
    if (err)
        return err;
    /* By its number: musl has no renameat2. */
    if (syscall(SYS_renameat2, AT_FDCWD, source, AT_FDCWD, target, RENAME_NOREPLACE) != 0)
        return errno == EEXIST ? fault_set(fault, ERR_CONFLICT, as, "the name is taken")
                               : fault_errno(fault, errno, as, "move");
    err = storage_sync_folder(d->places[to], fault);
    return err ? err : storage_sync_folder(d->places[from], fault);
}

/* "day.xml", "day.1.xml", ...: the first name that is free in both forms. */
static enum err move_out(const struct drop_folder *d, enum place to, struct slice reason,
                         struct fault *fault)
{
    for (unsigned i = 0; i < NUMBERS_MAX; i++) {
        char as[NAME_MAX + 1];
        char beside[PATH_MAX];
        char taken[PATH_MAX];
        int stem = (int)strlen(d->name) - 4;
        int len = i == 0 ? snprintf(as, sizeof as, "%s", d->name)
                         : snprintf(as, sizeof as, "%.*s.%u%s", stem, d->name, i, d->name + stem);
        if (len < 0 || (size_t)len + 4 >= sizeof as)
            return fault_set(fault, ERR_TOO_LARGE, d->name, "the name is too long");
        enum err err = path_of(d, to, as, taken, fault);
        struct stat info;
        if (err || lstat(taken, &info) == 0) {
            if (err)
                return err;
            continue;
        }
        if (to == BAD) {
            int put = snprintf(beside, sizeof beside, "%s.txt", taken);
            if (put < 0 || (size_t)put >= sizeof beside)
                return fault_set(fault, ERR_TOO_LARGE, as, "the path is too long");
            err = storage_replace(beside, reason, 0600, fault);
        }
        if (!err)
            err = move(d, WORK, to, as, fault);
        if (err != ERR_CONFLICT)
            return err;
    }
    return fault_set(fault, ERR_TOO_LARGE, d->name, "too many files of this name");
}

static void put_away(struct drop_folder *d, enum place to, struct slice reason)
{
    struct fault fault;
    enum err err = move_out(d, to, reason, &fault);
    if (err)
        diag_fault(d->config.diag, DIAG_ERROR, "poslog.not_moved", &fault);
    else if (to == BAD)
        diag_write(d->config.diag, DIAG_WARN, "poslog.bad", "%s was moved to bad", d->name);
    loop_timer_start(d->timer, err ? d->config.poll_ms : 0, d->config.poll_ms);
}

/* In work, until the timer comes. */
static void keep_waiting(struct drop_folder *d, const struct fault *fault)
{
    diag_fault(d->config.diag, DIAG_WARN, "poslog.waits", fault);
}

/* The desk has answered. False, and nothing is left of it, if it was closed meanwhile. */
static bool is_open(struct drop_folder *d)
{
    d->busy = false;
    if (!d->closed)
        return true;
    free(d);
    return false;
}

/* --- Refused whole ---------------------------------------------------------------------------- */

/* The sentence is the reason. */
static void put_bad(struct drop_folder *d)
{
    struct buf reason CLEANUP(buf_free);
    buf_init(&reason, REASON_MAX_BYTES);
    buf_printf(&reason, "%s: %s: %s\n", err_name(d->why.code), d->why.where, d->why.text);
    put_away(d, BAD, buf_slice(&reason));
}

/* Where people can't be told of it by this name, the folder has to do. */
static void told(struct drop_folder *d, enum err err, const struct fault *fault)
{
    if (err && err_class(err) != ERR_CLASS_PARK)
        keep_waiting(d, fault);
    else
        put_bad(d);
}

static void on_told(void *context, const struct capture_answer *answer)
{
    struct drop_folder *d = context;
    if (is_open(d))
        told(d, answer->err, answer->fault);
}

static void refuse(struct drop_folder *d, struct slice xml, const struct fault *why)
{
    char name[NAME_MAX + sizeof "file "];
    struct fault fault;
    (void)snprintf(name, sizeof name, "file %s", d->name);
    d->why = *why;
    d->busy = true;
    enum err err = poslog_tell_refused(d->config.desk, name, xml, why, on_told, d, &fault);
    if (err) {
        d->busy = false;
        told(d, err, &fault);
    }
}

/* --- Taken ------------------------------------------------------------------------------------ */

static void on_captured(void *context, const struct poslog_answer *answer)
{
    struct drop_folder *d = context;
    if (!is_open(d))
        return;
    if (answer->err) {
        keep_waiting(d, answer->fault);
        return;
    }
    diag_write(d->config.diag, DIAG_INFO, "poslog.captured",
               "%s: %zu captured, %zu known, %zu refused, %zu skipped", d->name,
               answer->counts.captured, answer->counts.duplicates, answer->counts.refused,
               answer->counts.skipped);
    put_away(d, answer->counts.refused ? BAD : DONE, answer->body);
}

static void take(struct drop_folder *d)
{
    char path[PATH_MAX];
    struct fault fault;
    struct buf xml CLEANUP(buf_free);
    buf_init(&xml, POSLOG_BYTES_MAX);
    enum err err = path_of(d, WORK, d->name, path, &fault);
    if (!err)
        err = storage_read(path, &xml, &fault);
    if (!err) {
        d->busy = true;
        err = poslog_take(d->config.desk, buf_slice(&xml), on_captured, d, &fault);
        if (err)
            d->busy = false;
    }
    if (err && err_class(err) == ERR_CLASS_PARK)
        refuse(d, buf_slice(&xml), &fault);
    else if (err)
        keep_waiting(d, &fault);
}

/* First what a stop has left in work, then the next. */
static void look(void *context)
{
    struct drop_folder *d = context;
    struct fault fault;
    if (d->busy)
        return;
    if (find_first(d, WORK, d->name)) {
        take(d);
        return;
    }
    if (!find_first(d, INBOX, d->name))
        return;
    if (move(d, INBOX, WORK, d->name, &fault) == ERR_OK)
        take(d);
    else
        keep_waiting(d, &fault);
}

static enum err make_places(struct drop_folder *d, struct fault *fault)
{
    static const char *const names[PLACE_COUNT] = {"", "work", "done", "bad"};
    enum err err = ERR_OK;
    for (size_t i = 0; !err && i < PLACE_COUNT; i++) {
        err = storage_path(d->places[i], PATH_MAX, d->config.path, names[i]);
        if (err)
            return fault_set(fault, err, "poslog.folder", "the path is too long");
        err = storage_make_folder(d->places[i], fault);
    }
    return err;
}

enum err drop_folder_open(struct drop_folder **out, const struct drop_folder_config *config,
                          struct fault *fault)
{
    struct drop_folder *d = calloc(1, sizeof *d);
    if (!d)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    d->config = *config;
    if (!d->config.poll_ms)
        d->config.poll_ms = DROP_FOLDER_POLL_MS;
    if (!d->config.settle_ms)
        d->config.settle_ms = DROP_FOLDER_SETTLE_MS;
    enum err err = make_places(d, fault);
    if (!err) {
        d->timer = loop_timer_open(config->loop, look, d);
        err = d->timer ? ERR_OK : fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    }
    if (err) {
        drop_folder_close(d);
        return err;
    }
    loop_timer_start(d->timer, 0, d->config.poll_ms);
    *out = d;
    return ERR_OK;
}

void drop_folder_close(struct drop_folder *d)
{
    if (!d)
        return;
    loop_timer_close(d->timer);
    d->timer = NULL;
    d->closed = true;
    if (!d->busy)
        free(d);
}
