#include "hal/pkcs11_call.h"

#include <pthread.h>
#include <time.h>

/* A module is the whole process's, and so is the order of what is asked of it. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_cond_t changed; /* by the monotonic clock: the wall's may jump */
static struct pkcs11_call *running;

static void make_condition(void)
{
    pthread_condattr_t attributes;
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&changed, &attributes);
    (void)pthread_condattr_destroy(&attributes);
}

static void *work(void *context)
{
    struct pkcs11_call *call = context;
    struct fault fault = {.code = ERR_OK};
    enum err err = call->run(call, &fault);
    pthread_mutex_lock(&mutex);
    call->err = err;
    call->fault = fault;
    call->done = true;
    running = NULL;
    bool late = call->late;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&mutex);
    if (late)
        call->end(call, false);
    return NULL;
}

static struct timespec deadline_of(int64_t limit_ms)
{
    struct timespec at;
    (void)clock_gettime(CLOCK_MONOTONIC, &at);
    int64_t ns = at.tv_nsec + limit_ms % 1000 * 1000000;
    at.tv_sec += limit_ms / 1000 + ns / 1000000000;
    at.tv_nsec = (long)(ns % 1000000000);
    return at;
}

/* With the mutex held. */
static enum err begin(struct pkcs11_call *call, const struct timespec *deadline,
                      struct fault *fault)
{
    int code = 0;
    while (running && !running->late && code == 0)
        code = pthread_cond_timedwait(&changed, &mutex, deadline);
    if (running)
        return fault_set(fault, ERR_UNREACHABLE, "token",
                         "it has not answered yet what it was asked before");
    running = call;
    code = pthread_create(&call->thread, NULL, work, call);
    if (code) {
        running = NULL;
        return fault_errno(fault, code, "token", "starting a thread");
    }
    return ERR_OK;
}

enum err pkcs11_call_run(struct pkcs11_call *call, struct fault *fault)
{
    (void)pthread_once(&once, make_condition);
    int64_t limit_ms = call->limit_ms;
    struct timespec deadline = deadline_of(limit_ms);
    pthread_mutex_lock(&mutex);
    enum err err = begin(call, &deadline, fault);
    bool began = !err;
    for (int code = 0; began && !call->done && code == 0;)
        code = pthread_cond_timedwait(&changed, &mutex, &deadline);
    bool late = began && !call->done;
    call->late = late;
    if (late)
        (void)pthread_detach(call->thread);
    pthread_mutex_unlock(&mutex);
    if (late) /* it is its thread's now */
        return fault_set(fault, ERR_UNREACHABLE, "token", "it has not answered within %lld ms",
                         (long long)limit_ms);
    if (began) {
        (void)pthread_join(call->thread, NULL);
        err = call->err;
        if (err && fault)
            *fault = call->fault;
    }
    if (!err)
        call->take(call);
    call->end(call, !err);
    return err;
}
