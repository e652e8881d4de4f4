#include "agent/retention.h"

#include <pthread.h>
#include <stdlib.h>

#define DAY_MS (24 * 60 * 60 * (int64_t)1000)
#define MIB (1024 * (int64_t)1024)

struct retention {
    struct eventlog *log;
    struct eventlog_retention rules;
    struct eventlog_retention working_rules; /* of the round that is under way */
    struct diag *diag;
    struct loop_timer *timer;
    pthread_t thread;
    bool started; /* the thread is to be joined */
    bool working; /* written on both threads */
};

static void *work(void *context)
{
    struct retention *retention = context;
    struct fault fault;
    int64_t pruned = 0;
    enum err err = eventlog_prune(retention->log, &retention->working_rules, &pruned, &fault);
    if (err)
        diag_fault(retention->diag, DIAG_WARN, "retention.failed", &fault);
    else if (pruned)
        diag_write(retention->diag, DIAG_INFO, "retention.pruned", "%lld events",
                   (long long)pruned);
    __atomic_store_n(&retention->working, false, __ATOMIC_RELEASE);
    return NULL;
}

static void join(struct retention *retention)
{
    if (retention->started)
        pthread_join(retention->thread, NULL);
    retention->started = false;
}

static void begin(void *context)
{
    struct retention *retention = context;
    if (__atomic_load_n(&retention->working, __ATOMIC_ACQUIRE))
        return;
    join(retention);
    retention->working = true;
    retention->working_rules = retention->rules;
    retention->started = pthread_create(&retention->thread, NULL, work, retention) == 0;
    if (!retention->started)
        retention->working = false; /* tried again at the next round */
}

struct eventlog_retention retention_rules(const struct settings *settings)
{
    return (struct eventlog_retention){
        .max_age_ms = settings_int(settings, "retention.days") * DAY_MS,
        .max_events = settings_int(settings, "retention.events"),
        .max_bytes = settings_int(settings, "retention.mib") * MIB,
        .least_ms = settings_int(settings, "retention.least_days") * DAY_MS,
    };
}

enum err retention_open(struct retention **out, struct loop *loop, struct eventlog *log,
                        const struct settings *settings, struct diag *diag, struct fault *fault)
{
    struct retention *retention = calloc(1, sizeof *retention);
    if (!retention)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    retention->log = log;
    retention->rules = retention_rules(settings);
    retention->diag = diag;
    retention->timer = loop_timer_open(loop, begin, retention);
    if (!retention->timer) {
        free(retention);
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    }
    int64_t every_ms = settings_int(settings, "retention.every_s") * 1000;
    loop_timer_start(retention->timer, every_ms, every_ms);
    *out = retention;
    return ERR_OK;
}

void retention_use(struct retention *retention, const struct eventlog_retention *rules)
{
    retention->rules = *rules;
}

void retention_close(struct retention *retention)
{
    if (!retention)
        return;
    loop_timer_close(retention->timer);
    join(retention);
    free(retention);
}
