#include "sync/eventlog/syncer.h"
#include "sync/eventlog/internal.h"

void syncer_open(struct syncer *syncer)
{
    pthread_cond_init(&syncer->begin, NULL);
    pthread_cond_init(&syncer->done, NULL);
}

void syncer_close(struct syncer *syncer)
{
    pthread_cond_destroy(&syncer->begin);
    pthread_cond_destroy(&syncer->done);
}

static void sync_once(struct eventlog *log)
{
    struct fault fault;
    /* The commits stand; only the notice of a lost tail is weaker until the next one. */
    if (head_sync(log->head, &fault))
        diag_fault(log->config.diag, DIAG_ERROR, "eventlog.head_not_synced", &fault);
}

static void *run(void *context)
{
    struct eventlog *log = context;
    struct syncer *syncer = &log->syncer;
    pthread_mutex_lock(&log->lock);
    for (;;) {
        while (!syncer->due && !syncer->stopping)
            pthread_cond_wait(&syncer->begin, &log->lock);
        if (!syncer->due)
            break;
        pthread_mutex_unlock(&log->lock);
        sync_once(log);
        pthread_mutex_lock(&log->lock);
        syncer->due = false;
        pthread_cond_signal(&syncer->done);
        if (log->first) /* the writer waits for more no longer */
            pthread_cond_signal(&log->wake);
    }
    pthread_mutex_unlock(&log->lock);
    return NULL;
}

int syncer_start(struct eventlog *log)
{
    int error = pthread_create(&log->syncer.thread, NULL, run, log);
    log->syncer.running = !error;
    return error;
}

void syncer_stop(struct eventlog *log)
{
    if (!log->syncer.running)
        return;
    pthread_mutex_lock(&log->lock);
    log->syncer.stopping = true;
    pthread_cond_signal(&log->syncer.begin);
    pthread_mutex_unlock(&log->lock);
    pthread_join(log->syncer.thread, NULL);
}

void syncer_begin(struct eventlog *log)
{
    pthread_mutex_lock(&log->lock);
    log->syncer.due = true;
    pthread_mutex_unlock(&log->lock);
    pthread_cond_signal(&log->syncer.begin);
}

void syncer_await(struct eventlog *log)
{
    pthread_mutex_lock(&log->lock);
    while (log->syncer.due)
        pthread_cond_wait(&log->syncer.done, &log->lock);
    pthread_mutex_unlock(&log->lock);
}
