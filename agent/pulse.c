#include "agent/pulse.h"
#include "agent/api/health.h"

#include <stdlib.h>
#include <string.h>

struct pulse {
    struct pulse_config config;
    struct watchdog *watchdog;
    struct loop_timer *timer;
    struct eventlog_command probe; /* decides nothing: its answer shows that the writer works */
    bool asked;                    /* the probe is on its way; written on both threads */
    const char *told;              /* the health that was told last */
};

static enum err decide(void *context, struct eventlog_txn *txn, struct fault *fault)
{
    (void)context;
    (void)txn;
    (void)fault;
    return ERR_OK;
}

/* A database that is lost and told as lost is for health to judge: the writer lives. */
static void answered(void *context, enum err err, const struct fault *fault)
{
    (void)err;
    (void)fault;
    struct pulse *pulse = context;
    __atomic_store_n(&pulse->asked, false, __ATOMIC_RELEASE);
}

static struct health judge(const struct pulse *pulse)
{
    struct eventlog_status log;
    struct uplink_status link = {0};
    eventlog_status(pulse->config.log, &log);
    if (pulse->config.uplink)
        uplink_status(pulse->config.uplink, &link);
    return health_judge(&log, pulse->config.identity, pulse->config.uplink ? &link : NULL,
                        clock_monotonic_ms(pulse->config.clock));
}

static void tell(struct pulse *pulse, const struct health *health)
{
    if (strcmp(health->code, pulse->told) == 0)
        return;
    pulse->told = health->code;
    watchdog_status(pulse->watchdog, health->healthy ? "healthy" : health->reason);
    diag_write(pulse->config.diag, health->healthy ? DIAG_INFO : DIAG_ERROR, "appliance.health",
               "%s: %s", health->code, health->healthy ? "all is well" : health->reason);
}

static void beat(void *context)
{
    struct pulse *pulse = context;
    if (__atomic_load_n(&pulse->asked, __ATOMIC_ACQUIRE))
        return; /* the writer has not answered since the last beat */
    struct health health = judge(pulse);
    tell(pulse, &health);
    if (health.healthy || !health.restart_helps)
        watchdog_feed(pulse->watchdog);
    __atomic_store_n(&pulse->asked, true, __ATOMIC_RELEASE);
    eventlog_submit(pulse->config.log, &pulse->probe);
}

enum err pulse_open(struct pulse **out, const struct pulse_config *config, struct fault *fault)
{
    struct pulse *pulse = calloc(1, sizeof *pulse);
    if (!pulse)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    pulse->config = *config;
    pulse->told = "";
    pulse->probe = (struct eventlog_command){.decide = decide, .done = answered, .context = pulse};
    enum err err =
        watchdog_open(&pulse->watchdog, config->notify_socket, config->watchdog_usec, fault);
    if (!err && !(pulse->timer = loop_timer_open(config->loop, beat, pulse)))
        err = fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    if (err) {
        pulse_close(pulse);
        return err;
    }
    int64_t interval_ms = watchdog_interval_ms(pulse->watchdog);
    if (interval_ms) /* nobody waits for it otherwise */
        loop_timer_start(pulse->timer, interval_ms, interval_ms);
    *out = pulse;
    return ERR_OK;
}

void pulse_ready(struct pulse *pulse)
{
    watchdog_ready(pulse->watchdog);
    struct health health = judge(pulse);
    tell(pulse, &health);
}

void pulse_stop(struct pulse *pulse)
{
    if (!pulse)
        return;
    watchdog_stopping(pulse->watchdog);
    loop_timer_close(pulse->timer);
    pulse->timer = NULL;
}

void pulse_close(struct pulse *pulse)
{
    if (!pulse)
        return;
    loop_timer_close(pulse->timer);
    watchdog_close(pulse->watchdog);
    free(pulse);
}
