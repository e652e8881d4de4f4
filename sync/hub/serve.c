#include "sync/hub/serve.h"

#include <signal.h>
#include <stdio.h>

enum { AGAIN_MS = 2000 };

struct serving {
    struct loop *loop;
    bool again;
    bool ended; /* it was asked to end, for good */
};

static void stop(void *context)
{
    struct serving *serving = context;
    serving->ended = true;
    loop_stop(serving->loop);
}

static void begin_anew(void *context)
{
    struct serving *serving = context;
    serving->again = true;
    loop_stop(serving->loop);
}

static enum err serve_once(struct serving *serving, const struct hub_config *config,
                           struct fault *fault)
{
    struct hub *hub = NULL;
    serving->again = false;
    enum err err = hub_open(&hub, serving->loop, config, fault);
    if (!err) {
        (void)printf("ready http=%s\n", hub_address(hub));
        (void)fflush(stdout);
        loop_run(serving->loop);
    }
    hub_close(hub);
    return err;
}

/* A server that has just taken over may need a while. */
static void wait_for_server(struct serving *serving, struct loop_timer *pause)
{
    loop_timer_start(pause, AGAIN_MS, 0);
    loop_run(serving->loop);
}

static enum err serve_on(struct serving *serving, const struct hub_config *config,
                         struct fault *fault)
{
    struct loop_timer *pause = loop_timer_open(serving->loop, begin_anew, serving);
    if (!pause)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    enum err err = serve_once(serving, config, fault);
    while (serving->again && !serving->ended) {
        err = serve_once(serving, config, fault);
        if (!err)
            continue;
        diag_fault(config->diag, DIAG_ERROR, "hub.not_opened", fault);
        wait_for_server(serving, pause);
    }
    loop_timer_close(pause);
    return serving->ended ? ERR_OK : err;
}

enum err serve(struct loop *loop, const struct hub_config *given, struct fault *fault)
{
    struct serving serving = {.loop = loop};
    struct loop_signal *terminate = NULL;
    struct loop_signal *interrupt = NULL;
    struct hub_config config = *given;
    config.begin_anew = begin_anew;
    config.context = &serving;
    enum err err = loop_signal_open(loop, SIGTERM, stop, &serving, &terminate, fault);
    if (!err)
        err = loop_signal_open(loop, SIGINT, stop, &serving, &interrupt, fault);
    if (!err)
        err = serve_on(&serving, &config, fault);
    loop_signal_close(interrupt);
    loop_signal_close(terminate);
    return err;
}
