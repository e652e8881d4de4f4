#include "sync/hub/ingest/wal_watch.h"

#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

enum { LOOK_MS = 10, MS_NS = 1000000, SECOND_NS = 1000000000 };

struct wal_watch {
    sqlite3 *handle;
    char wal[PATH_MAX];
    int64_t begun_bytes;
    bool (*goes_on)(void *context);
    void *context;
    pthread_t thread;
    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t wake;
    bool ended;
    bool crowded;
};

static int64_t bytes_of(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 ? (int64_t)info.st_size : 0;
}

/* The lock is held. */
static void rest(struct wal_watch *watch)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += LOOK_MS * MS_NS;
    if (until.tv_nsec >= SECOND_NS) {
        until.tv_nsec -= SECOND_NS;
        until.tv_sec++;
    }
    (void)pthread_cond_timedwait(&watch->wake, &watch->lock, &until);
}

/* Interrupts again and again: SQLite forgets an interrupt that comes between two statements. */
static void *run(void *context)
{
    struct wal_watch *watch = context;
    pthread_mutex_lock(&watch->lock);
    while (!watch->ended) {
        watch->crowded |= bytes_of(watch->wal) > watch->begun_bytes + WAL_WATCH_GROWTH;
        if (watch->crowded || (watch->goes_on && !watch->goes_on(watch->context)))
            sqlite3_interrupt(watch->handle);
        rest(watch);
    }
    pthread_mutex_unlock(&watch->lock);
    return NULL;
}

static void drop(struct wal_watch *watch)
{
    pthread_cond_destroy(&watch->wake);
    pthread_mutex_destroy(&watch->lock);
    free(watch);
}

enum err wal_watch_begin(struct wal_watch **out, struct database *db,
                         bool (*goes_on)(void *context), void *context, struct fault *fault)
{
    struct wal_watch *watch = calloc(1, sizeof *watch);
    if (!watch)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    watch->handle = database_handle(db);
    watch->goes_on = goes_on;
    watch->context = context;
    (void)snprintf(watch->wal, sizeof watch->wal, "%s-wal",
                   sqlite3_db_filename(watch->handle, "main"));
    watch->begun_bytes = bytes_of(watch->wal);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&watch->lock, NULL);
    pthread_cond_init(&watch->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    int code = pthread_create(&watch->thread, NULL, run, watch);
    if (code) {
        drop(watch);
        return fault_errno(fault, code, "", "starting a thread");
    }
    *out = watch;
    return ERR_OK;
}

bool wal_watch_end(struct wal_watch *watch)
{
    pthread_mutex_lock(&watch->lock);
    watch->ended = true;
    pthread_cond_signal(&watch->wake);
    pthread_mutex_unlock(&watch->lock);
    pthread_join(watch->thread, NULL);
    bool crowded = watch->crowded;
    drop(watch);
    return crowded;
}
