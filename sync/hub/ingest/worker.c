#include "sync/hub/ingest/worker.h"
#include "sync/hub/ingest/checkpointer.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

enum {
    GROUP_MAX = 256,
    QUIET_MS = 10,      /* without other work; then what is patient has its turn */
    PATIENCE_MS = 1000, /* and then at the latest */
    FOREVER_MS = 24 * 60 * 60 * 1000
};

struct queue {
    struct work *first;
    struct work **last;
};

struct worker {
    struct loop *loop;
    struct hubdb *hub;
    struct checkpointer *checkpointer;
    struct worker_config config;
    pthread_t thread;
    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t wake;
    struct queue urgent;
    struct queue patient;
    int64_t patient_since_ms; /* its first piece's, while there is one */
    int64_t busy_ms;          /* when urgent work was done last */
    size_t waiting_bytes;
    struct fault failing; /* of the group that was to be committed last; OK: it was */
    bool stopping;
};

/* --- A queue --------------------------------------------------------------------------------- */

static void put(struct queue *queue, struct work *work)
{
    work->next = NULL;
    *queue->last = work;
    queue->last = &work->next;
}

/* Up to `max` pieces off its front, of `bytes` in all. */
static struct work *take(struct queue *queue, int max, size_t *bytes)
{
    struct work *first = queue->first;
    struct work **end = &queue->first;
    for (int n = 0; n < max && *end; n++) {
        *bytes += (*end)->bytes;
        end = &(*end)->next;
    }
    queue->first = *end;
    *end = NULL;
    if (!queue->first)
        queue->last = &queue->first;
    return first;
}

/* --- Doing it -------------------------------------------------------------------------------- */

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
    if (!work->err)
        work->err = database_release(db, &work->fault);
    if (!work->err)
        return ERR_OK;
    database_rollback_savepoint(db);
    return err_class(work->err) == ERR_CLASS_PARK ? ERR_OK : work->err;
}

static void tell(struct worker *worker, void (*what)(void *context))
{
    if (what && loop_post(worker->loop, what, worker->config.context) != ERR_OK)
        diag_write(worker->config.diag, DIAG_WARN, "hub.change_untold", "out of memory");
}

/* None of the group happened. */
static void fail_all(struct work *first, enum err err, const struct fault *fault)
{
    for (struct work *work = first; work; work = work->next) {
        work->err = err;
        work->fault = *fault;
    }
}

static void note_end(struct worker *worker, enum err err, const struct fault *fault)
{
    pthread_mutex_lock(&worker->lock);
    worker->failing = err ? *fault : (struct fault){0};
    pthread_mutex_unlock(&worker->lock);
}

static void run_group(struct worker *worker, struct work *first)
{
    struct database *db = hubdb_database(worker->hub);
    struct fault fault = {0};
    bool erased = false;
    enum err err = hubdb_begin(worker->hub, &fault);
    if (err == ERR_FORKED) {
        tell(worker, worker->config.replaced);
        err = ERR_UNREACHABLE; /* what was to be done is done when it comes again */
    }
    for (struct work *work = first; work && !err; work = work->next) {
        err = run_one(db, work);
        erased |= work->erases;
        if (err)
            fault = work->fault;
    }
    if (!err)
        err = database_commit(db, &fault);
    note_end(worker, err, &fault);
    if (err) {
        database_rollback(db);
        diag_fault(worker->config.diag, DIAG_ERROR, "hub.commit_failed", &fault);
        fail_all(first, err, &fault);
        if (err == ERR_CORRUPT && !hubdb_on_server(worker->hub))
            tell(worker, worker->config.corrupt);
    } else if (erased) {
        database_cut_wal(db);
    }
    /* Without memory to hand the answers back nothing is acknowledged, and all comes again. */
    if (loop_post(worker->loop, answer, first) != ERR_OK)
        diag_write(worker->config.diag, DIAG_ERROR, "hub.answers_lost", "out of memory");
    checkpointer_tend(worker->checkpointer);
}

/* --- Whose turn it is ------------------------------------------------------------------------ */

static int64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The lock is held. When patient work has its turn. */
static int64_t patient_turn_ms(const struct worker *worker)
{
    int64_t quiet = worker->busy_ms + QUIET_MS;
    int64_t latest = worker->patient_since_ms + PATIENCE_MS;
    return worker->stopping ? 0 : quiet < latest ? quiet : latest;
}

static bool is_ready(const struct worker *worker, int64_t now)
{
    return worker->urgent.first || (worker->patient.first && now >= patient_turn_ms(worker));
}

/* The lock is held. NULL when there is nothing to do yet. */
static struct work *take_group(struct worker *worker)
{
    size_t bytes = 0;
    struct work *group = NULL;
    if (worker->patient.first && patient_turn_ms(worker) <= now_ms())
        group = take(&worker->patient, GROUP_MAX, &bytes);
    if (!group)
        group = take(&worker->urgent, GROUP_MAX, &bytes);
    worker->waiting_bytes -= bytes;
    return group;
}

static void look_for_change(struct worker *worker, int64_t *version)
{
    int64_t now = hubdb_news(worker->hub);
    if (now == *version && now)
        return;
    bool replaced = hubdb_check(worker->hub, NULL) == ERR_FORKED;
    if (replaced || now != *version)
        tell(worker, replaced ? worker->config.replaced : worker->config.changed);
    *version = now;
}

static void wait_until(struct worker *worker, int64_t at_ms)
{
    const struct timespec until = {(time_t)(at_ms / 1000), (long)(at_ms % 1000) * 1000000};
    (void)pthread_cond_timedwait(&worker->wake, &worker->lock, &until);
}

/* The lock is held. Waits for work; false when `watch_ms` passed without any. */
static bool wait_for_work(struct worker *worker)
{
    int64_t now = now_ms();
    int64_t end = now + (worker->config.watch_ms ? worker->config.watch_ms : FOREVER_MS);
    while (!is_ready(worker, now) && !worker->stopping && now < end) {
        int64_t turn = worker->patient.first ? patient_turn_ms(worker) : end;
        wait_until(worker, turn < end ? turn : end);
        now = now_ms();
    }
    return is_ready(worker, now) || worker->stopping;
}

/* --- The thread ------------------------------------------------------------------------------ */

static void *serve(void *context)
{
    struct worker *worker = context;
    int64_t version = hubdb_news(worker->hub);
    pthread_mutex_lock(&worker->lock);
    while (worker->urgent.first || worker->patient.first || !worker->stopping) {
        bool woken = wait_for_work(worker);
        struct work *group = take_group(worker);
        bool urgent = group && !group->patient;
        pthread_mutex_unlock(&worker->lock);
        if (group)
            run_group(worker, group);
        else if (!woken)
            look_for_change(worker, &version);
        pthread_mutex_lock(&worker->lock);
        if (urgent)
            worker->busy_ms = now_ms();
    }
    pthread_mutex_unlock(&worker->lock);
    return NULL;
}

static enum err start(struct worker *worker, struct fault *fault)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&worker->lock, NULL);
    pthread_cond_init(&worker->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    int error = pthread_create(&worker->thread, NULL, serve, worker);
    if (!error)
        return ERR_OK;
    pthread_cond_destroy(&worker->wake);
    pthread_mutex_destroy(&worker->lock);
    return fault_errno(fault, error, "", "start the database's thread");
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
    worker->urgent.last = &worker->urgent.first;
    worker->patient.last = &worker->patient.first;
    enum err err = checkpointer_open(&worker->checkpointer, hub, fault);
    if (!err)
        err = start(worker, fault);
    if (err) {
        checkpointer_close(worker->checkpointer);
        free(worker);
        return err;
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
    checkpointer_close(worker->checkpointer);
    free(worker);
}

bool worker_fails(struct worker *worker, struct fault *fault)
{
    pthread_mutex_lock(&worker->lock);
    bool fails = worker->failing.code != ERR_OK;
    if (fails)
        *fault = worker->failing;
    pthread_mutex_unlock(&worker->lock);
    return fails;
}

enum err worker_submit(struct worker *worker, struct work *work)
{
    enum err err = ERR_OK;
    pthread_mutex_lock(&worker->lock);
    if (worker->waiting_bytes + work->bytes > worker->config.max_waiting_bytes) {
        err = ERR_BUSY;
    } else {
        work->err = ERR_OK;
        work->fault = (struct fault){0};
        if (work->patient && !worker->patient.first)
            worker->patient_since_ms = now_ms();
        put(work->patient ? &worker->patient : &worker->urgent, work);
        worker->waiting_bytes += work->bytes;
        pthread_cond_signal(&worker->wake);
    }
    pthread_mutex_unlock(&worker->lock);
    return err;
}
