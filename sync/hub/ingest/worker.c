#include "sync/hub/ingest/worker.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

enum { GROUP_MAX = 256 };

struct worker {
    struct loop *loop;
    struct hubdb *hub;
    struct worker_config config;
    pthread_t thread;
    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t wake;
    struct work *first;
    struct work **last;
    size_t waiting_bytes;
    bool stopping;
};

static void answer(void *context)
{
    struct work *work = context;
    while (work) {
        struct work *next = work->next;
        work->done(work, work->err, &work->fault);
        work = next;
    }
}

static enum err run_one(struct database *db, struct work *work)
{
    enum err err = database_savepoint(db, &work->fault);
    if (err)
        return err;
    work->err = work->run(work, db, &work->fault);
    if (work->err) {
        database_rollback_savepoint(db);
        return err_class(work->err) == ERR_CLASS_PARK ? ERR_OK : work->err;
    }
    return database_release(db, &work->fault);
}

/* None of the group happened. */
static void fail_all(struct work *first, enum err err, const struct fault *fault)
{
    for (struct work *work = first; work; work = work->next) {
        work->err = err;
        work->fault = *fault;
    }
}

static void run_group(struct worker *worker, struct work *first)
{
    struct database *db = hubdb_database(worker->hub);
    struct fault fault = {0};
    bool erased = false;
    enum err err = database_begin(db, &fault);
    for (struct work *work = first; work && !err; work = work->next) {
        err = run_one(db, work);
        erased |= work->erases;
        if (err)
            fault = work->fault;
    }
    if (!err)
        err = database_commit(db, &fault);
    if (err) {
        database_rollback(db);
        diag_fault(worker->config.diag, DIAG_ERROR, "hub.commit_failed", &fault);
        fail_all(first, err, &fault);
    } else if (erased) {
        database_cut_wal(db);
    }
    /* Without memory to hand the answers back nothing is acknowledged, and all comes again. */
    if (loop_post(worker->loop, answer, first) != ERR_OK)
        diag_write(worker->config.diag, DIAG_ERROR, "hub.answers_lost", "out of memory");
}

/* The lock is held. Takes up to GROUP_MAX pieces off the queue. */
static struct work *take_group(struct worker *worker)
{
    struct work *first = worker->first;
    struct work *last = first;
    if (!first)
        return NULL;
    worker->waiting_bytes -= first->bytes;
    for (int n = 1; n < GROUP_MAX && last->next; n++) {
        last = last->next;
        worker->waiting_bytes -= last->bytes;
    }
    worker->first = last->next;
    if (!worker->first)
        worker->last = &worker->first;
    last->next = NULL;
    return first;
}

static void look_for_change(struct worker *worker, int64_t *version)
{
    int64_t now = hubdb_news(worker->hub);
    if (now == *version)
        return;
    *version = now;
    if (loop_post(worker->loop, worker->config.changed, worker->config.context) != ERR_OK)
        diag_write(worker->config.diag, DIAG_WARN, "hub.change_untold", "out of memory");
}

/* The lock is held. Waits for work; false when `watch_ms` passed without any. */
static bool wait_for_work(struct worker *worker)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)(worker->config.watch_ms / 1000);
    until.tv_nsec += (long)(worker->config.watch_ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    int rc = 0;
    while (!worker->first && !worker->stopping && rc == 0)
        rc = worker->config.watch_ms ? pthread_cond_timedwait(&worker->wake, &worker->lock, &until)
                                     : pthread_cond_wait(&worker->wake, &worker->lock);
    return worker->first || worker->stopping;
}

static void *serve(void *context)
{
    struct worker *worker = context;
    int64_t version = hubdb_news(worker->hub);
    pthread_mutex_lock(&worker->lock);
    while (worker->first || !worker->stopping) {
        bool woken = wait_for_work(worker);
        struct work *group = take_group(worker);
        pthread_mutex_unlock(&worker->lock);
        if (group)
            run_group(worker, group);
        else if (!woken)
            look_for_change(worker, &version);
        pthread_mutex_lock(&worker->lock);
    }
    pthread_mutex_unlock(&worker->lock);
    return NULL;
}

enum err worker_open(struct worker **out, struct loop *loop, struct hubdb *hub,
                     const struct worker_config *config, struct fault *fault)
{
    struct worker *worker = calloc(1, sizeof *worker);
    if (!worker)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    worker->loop = loop;
    worker->hub = hub;
    worker->config = *config;
    worker->last = &worker->first;
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&worker->lock, NULL);
    pthread_cond_init(&worker->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    int error = pthread_create(&worker->thread, NULL, serve, worker);
    if (error) {
        pthread_cond_destroy(&worker->wake);
        pthread_mutex_destroy(&worker->lock);
        free(worker);
        return fault_errno(fault, error, "", "start the database's thread");
    }
    *out = worker;
    return ERR_OK;
}

void worker_close(struct worker *worker)
{
    if (!worker)
        return;
    pthread_mutex_lock(&worker->lock);
    worker->stopping = true;
    pthread_cond_signal(&worker->wake);
    pthread_mutex_unlock(&worker->lock);
    pthread_join(worker->thread, NULL);
    pthread_cond_destroy(&worker->wake);
    pthread_mutex_destroy(&worker->lock);
    free(worker);
}

enum err worker_submit(struct worker *worker, struct work *work)
{
    enum err err = ERR_OK;
    pthread_mutex_lock(&worker->lock);
    if (worker->waiting_bytes + work->bytes > worker->config.max_waiting_bytes) {
        err = ERR_BUSY;
    } else {
        work->next = NULL;
        work->err = ERR_OK;
        work->fault = (struct fault){0};
        *worker->last = work;
        worker->last = &work->next;
        worker->waiting_bytes += work->bytes;
        pthread_cond_signal(&worker->wake);
    }
    pthread_mutex_unlock(&worker->lock);
    return err;
}
