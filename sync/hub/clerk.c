#include "sync/hub/clerk.h"
#include "sync/hub/ingest/bookkeeper.h"

#include <stddef.h>
#include <stdlib.h>

enum { RETRY_MS = 1000, LOOK_MS = 2000 };

struct clerk {
    struct work work;
    struct loop *loop;
    struct clerk_config config;
    struct loop_timer *timer; /* to the next look, or the next try after a failure */
    struct clerk_counters counters;
    struct news news;
    bool running;
    bool again;
    bool closed;
};

static struct clerk *clerk_of(struct work *work)
{
    return (struct clerk *)((char *)work - offsetof(struct clerk, work));
}

static enum err run(struct work *work, struct database *db, struct fault *fault)
{
    struct clerk *clerk = clerk_of(work);
    return bookkeeper_step(db, clerk->config.books, clock_wall_ms(clerk->config.clock),
                           &clerk->news, fault);
}

static void take_news(struct clerk *clerk)
{
    const struct news *news = &clerk->news;
    clerk->counters.applied += news->applied;
    clerk->counters.parked += news->parked;
    clerk->counters.entries += news->entries;
    for (size_t i = 0; i < news->log_count; i++)
        if (arrival_acknowledge(clerk->config.desk, clerk->config.worker, &news->logs[i].id,
                                news->logs[i].device) ||
            arrival_push(clerk->config.desk, clerk->config.worker, news->logs[i].device))
            break; /* told with the next batch */
    if (news->applied && clerk->config.booked)
        clerk->config.booked(clerk->config.context);
}

static void done(struct work *work, enum err err, const struct fault *fault)
{
    struct clerk *clerk = clerk_of(work);
    clerk->running = false;
    if (clerk->closed) {
        free(clerk);
        return;
    }
    loop_timer_start(clerk->timer, err ? RETRY_MS : LOOK_MS, 0);
    if (err) {
        diag_fault(clerk->config.diag, DIAG_ERROR, "hub.not_booked", fault);
        return;
    }
    take_news(clerk);
    /* Booking may record events of the centre, which are to be booked too. */
    if (clerk->news.seen || clerk->again)
        clerk_wake(clerk);
}

static void on_timer(void *context)
{
    clerk_wake(context);
}

enum err clerk_open(struct clerk **out, struct loop *loop, const struct clerk_config *config,
                    struct fault *fault)
{
    struct clerk *clerk = calloc(1, sizeof *clerk);
    if (!clerk)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    clerk->loop = loop;
    clerk->config = *config;
    clerk->work = (struct work){.run = run, .done = done, .bytes = sizeof *clerk, .patient = true};
    clerk->timer = loop_timer_open(loop, on_timer, clerk);
    if (!clerk->timer) {
        free(clerk);
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    }
    *out = clerk;
    return ERR_OK;
}

void clerk_close(struct clerk *clerk)
{
    if (!clerk)
        return;
    loop_timer_close(clerk->timer);
    clerk->closed = true;
    if (!clerk->running)
        free(clerk);
}

void clerk_wake(struct clerk *clerk)
{
    clerk->again = clerk->running;
    if (clerk->running)
        return;
    clerk->running = worker_submit(clerk->config.worker, &clerk->work) == ERR_OK;
    if (!clerk->running)
        loop_timer_start(clerk->timer, RETRY_MS, 0);
}

struct clerk_counters clerk_count(const struct clerk *clerk)
{
    return clerk->counters;
}
