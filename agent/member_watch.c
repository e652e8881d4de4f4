#include "agent/member_watch.h"
#include "hal/worker.h"

#include <stddef.h>
#include <stdlib.h>

/* Somebody stands before one that isn't enrolled; another identity for one that is can wait. */
enum { STRANGER_LOOK_MS = 1000, LOOK_MS = 5000, TRY_MS = 3000 };

struct member_watch {
    struct member_watch_config config;
    struct loop_timer *timer;
    struct worker *worker; /* only while there is trouble */
    struct worker_job job; /* tries whether the identity can be used again */
    bool trying;
    bool usable; /* what the job found */
};

static struct member_watch *of_job(struct worker_job *job)
{
    return (struct member_watch *)((char *)job - offsetof(struct member_watch, job));
}

static void end(struct member_watch *watch, const char *what)
{
    loop_timer_stop(watch->timer);
    watch->config.changed(watch->config.context, what);
}

static void try_identity(struct worker_job *job)
{
    struct member_watch *watch = of_job(job);
    watch->usable =
        membership_usable(watch->config.member, watch->config.state, watch->config.settings);
}

static void tried(struct worker_job *job)
{
    struct member_watch *watch = of_job(job);
    watch->trying = false;
    if (job->ran && watch->usable && watch->timer)
        end(watch, "its identity can be used again");
}

static void look(void *context)
{
    struct member_watch *watch = context;
    if (watch->worker) {
        if (watch->trying)
            return;
        watch->trying = true;
        worker_submit(watch->worker, &watch->job);
    } else if (membership_changed(watch->config.member)) {
        end(watch, "it has another identity");
    }
}

enum err member_watch_open(struct member_watch **out, const struct member_watch_config *config,
                           struct fault *fault)
{
    struct member_watch *watch = calloc(1, sizeof *watch);
    if (!watch)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    watch->config = *config;
    watch->job = (struct worker_job){.run = try_identity, .done = tried};
    watch->timer = loop_timer_open(config->loop, look, watch);
    enum err err = watch->timer ? ERR_OK : fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    if (!err && config->member->trouble.code)
        err = worker_open(&watch->worker, config->loop, fault);
    if (err) {
        member_watch_close(watch);
        return err;
    }
    const int64_t every_ms = watch->worker              ? TRY_MS
                             : config->member->enrolled ? LOOK_MS
                                                        : STRANGER_LOOK_MS;
    loop_timer_start(watch->timer, every_ms, every_ms);
    *out = watch;
    return ERR_OK;
}

void member_watch_close(struct member_watch *watch)
{
    if (!watch)
        return;
    loop_timer_close(watch->timer);
    watch->timer = NULL; /* nothing is told any more */
    worker_close(watch->worker);
    free(watch);
}
