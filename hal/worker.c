#include "hal/worker.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

struct queue {
    struct worker_job *first;
    struct worker_job **end;
};

/* Outlives the worker when a post is still under way at its close: then the post frees it. */
struct worker {
    struct loop *loop;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct queue waiting;
    struct queue finished;
    bool posted; /* collect() will be called */
    bool stopping;
    bool closed;
};

static void put(struct queue *queue, struct worker_job *job)
{
    job->next = NULL;
    *queue->end = job;
    queue->end = &job->next;
}

static struct worker_job *take(struct queue *queue)
{
    struct worker_job *job = queue->first;
    if (job) {
        queue->first = job->next;
        if (!queue->first)
            queue->end = &queue->first;
    }
    return job;
}

static void worker_free(struct worker *worker)
{
    pthread_cond_destroy(&worker->changed);
    pthread_mutex_destroy(&worker->mutex);
    free(worker);
}

static struct worker_job *take_finished(struct worker *worker)
{
    pthread_mutex_lock(&worker->mutex);
    struct worker_job *job = take(&worker->finished);
    pthread_mutex_unlock(&worker->mutex);
    return job;
}

/* Loop thread. */
static void collect(void *context)
{
    struct worker *worker = context;
    pthread_mutex_lock(&worker->mutex);
    worker->posted = false;
    bool closed = worker->closed;
    pthread_mutex_unlock(&worker->mutex);
    if (closed) {
        worker_free(worker);
        return;
    }
    for (struct worker_job *job; (job = take_finished(worker)) != NULL;)
        job->done(job);
}

/* With the mutex held. A post that fails is made good by the next, or by the close. */
static void tell(struct worker *worker)
{
    if (!worker->posted && loop_post(worker->loop, collect, worker) == ERR_OK)
        worker->posted = true;
}

static void *work(void *context)
{
    struct worker *worker = context;
    pthread_mutex_lock(&worker->mutex);
    while (!worker->stopping) {
        struct worker_job *job = take(&worker->waiting);
        if (!job) {
            pthread_cond_wait(&worker->changed, &worker->mutex);
            continue;
        }
        pthread_mutex_unlock(&worker->mutex);
        job->run(job);
        job->ran = true;
        pthread_mutex_lock(&worker->mutex);
        put(&worker->finished, job);
        tell(worker);
    }
    pthread_mutex_unlock(&worker->mutex);
    return NULL;
}

enum err worker_open(struct worker **out, struct loop *loop, struct fault *fault)
{
    struct worker *worker = calloc(1, sizeof *worker);
    if (!worker)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    worker->loop = loop;
    worker->waiting.end = &worker->waiting.first;
    worker->finished.end = &worker->finished.first;
    pthread_mutex_init(&worker->mutex, NULL);
    pthread_cond_init(&worker->changed, NULL);
    int error = pthread_create(&worker->thread, NULL, work, worker);
    if (error) {
        worker_free(worker);
        return fault_errno(fault, error, "", "starting a thread");
    }
    *out = worker;
    return ERR_OK;
}

void worker_close(struct worker *worker)
{
    if (!worker)
        return;
    pthread_mutex_lock(&worker->mutex);
    worker->stopping = true;
    pthread_cond_signal(&worker->changed);
    pthread_mutex_unlock(&worker->mutex);
    pthread_join(worker->thread, NULL);
    for (struct worker_job *job; (job = take(&worker->finished)) != NULL;)
        job->done(job);
    for (struct worker_job *job; (job = take(&worker->waiting)) != NULL;)
        job->done(job);
    worker->closed = true;
    if (!worker->posted)
        worker_free(worker);
}

void worker_submit(struct worker *worker, struct worker_job *job)
{
    job->ran = false;
    pthread_mutex_lock(&worker->mutex);
    put(&worker->waiting, job);
    pthread_cond_signal(&worker->changed);
    pthread_mutex_unlock(&worker->mutex);
}
