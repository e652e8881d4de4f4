#include "sync/hub/cashier.h"

#include <stddef.h>
#include <stdlib.h>

enum { RETRY_MS = 1000, LOOK_MS = 60 * 1000 };

struct cashier {
    struct work work;
    struct cashier_config config;
    struct loop_timer *timer; /* to the next look, or the next try after a failure */
    struct reconcile_news news;
    bool running;
    bool again;
    bool closed;
};

static struct cashier *cashier_of(struct work *work)
{
    return (struct cashier *)((char *)work - offsetof(struct cashier, work));
}

static enum err run(struct work *work, struct database *db, struct fault *fault)
{
    struct cashier *cashier = cashier_of(work);
    return reconcile_step(db, &cashier->config.rule, clock_wall_ms(cashier->config.clock),
                          &cashier->news, fault);
}

static void done(struct work *work, enum err err, const struct fault *fault)
{
    struct cashier *cashier = cashier_of(work);
    const struct reconcile_news *news = &cashier->news;
    cashier->running = false;
    if (cashier->closed) {
        free(cashier);
        return;
    }
    loop_timer_start(cashier->timer, err ? RETRY_MS : LOOK_MS, 0);
    if (err) {
        diag_fault(cashier->config.diag, DIAG_ERROR, "hub.not_reconciled", fault);
        return;
    }
    cashier->config.told(cashier->config.context, news->told.devices, news->told.count);
    if (news->more || cashier->again)
        cashier_wake(cashier);
}

static void on_timer(void *context)
{
    cashier_wake(context);
}

enum err cashier_open(struct cashier **out, struct loop *loop, const struct cashier_config *config,
                      struct fault *fault)
{
    struct cashier *cashier = calloc(1, sizeof *cashier);
    if (!cashier)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    cashier->config = *config;
    cashier->work =
        (struct work){.run = run, .done = done, .bytes = sizeof *cashier, .patient = true};
    cashier->timer = loop_timer_open(loop, on_timer, cashier);
    if (!cashier->timer) {
        free(cashier);
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    }
    *out = cashier;
    return ERR_OK;
}

void cashier_close(struct cashier *cashier)
{
    if (!cashier)
        return;
    loop_timer_close(cashier->timer);
    cashier->closed = true;
    if (!cashier->running)
        free(cashier);
}

void cashier_wake(struct cashier *cashier)
{
    cashier->again = cashier->running;
    if (cashier->running)
        return;
    cashier->running = worker_submit(cashier->config.worker, &cashier->work) == ERR_OK;
    if (!cashier->running)
        loop_timer_start(cashier->timer, RETRY_MS, 0);
}
