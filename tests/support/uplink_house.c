#include "tests/support/uplink_house.h"
#include "tests/support/await.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cmocka.h>

enum { LOOK_MS = 10 };

void uplink_house_join(struct uplink_house *f)
{
    fake_hub_join(&f->hub, f->loop, &f->pki, f->broker.url, f->runtime);
}

static void look(void *context)
{
    struct uplink_house *f = context;
    if (f->uplink)
        uplink_committed(f->uplink);
}

int uplink_house_setup(void **state)
{
    struct uplink_house *f = calloc(1, sizeof *f);
    struct fault fault;
    char path[SCRATCH_PATH_MAX];
    tls_pki_make(&f->pki);
    broker_start(&f->broker, &f->pki, "server", NULL);
    log_fixture_make(&f->log);
    (void)snprintf(f->runtime, sizeof f->runtime, "%s", tls_pki_path(&f->pki, "r", path));
    if (loop_open(&f->loop, &fault) || mkdir(f->runtime, 0700) != 0)
        fail_msg("no loop or folder");
    f->tls = tls_pki_context(&f->pki, TLS_CLIENT, FAKE_HUB_DEVICE);
    f->look = loop_timer_open(f->loop, look, f);
    f->url = f->broker.url;
    loop_timer_start(f->look, LOOK_MS, LOOK_MS);
    *state = f;
    return 0;
}

static void on_time(void *context, int64_t wall_ms)
{
    struct uplink_house *f = context;
    f->told_ms = wall_ms;
}

void uplink_house_start(struct uplink_house *f)
{
    struct fault fault;
    const struct uplink_config config = {
        .log = f->log.log,
        .reader = f->log.config,
        .target = {f->url, NULL, FAKE_HUB_DEVICE, f->runtime, f->tls},
        .limits = f->limits,
        .clock = f->log.clock,
    };
    const struct uplink_listener listener = {.time = on_time, .context = f};
    if (uplink_open(&f->uplink, f->loop, &config, &listener, &fault))
        fail_msg("%s: %s", fault.where, fault.text);
}

int uplink_house_teardown(void **state)
{
    struct uplink_house *f = *state;
    uplink_close(f->uplink);
    f->uplink = NULL;
    fake_hub_leave(&f->hub);
    loop_timer_close(f->look);
    log_fixture_remove(&f->log); /* what the log still had for the uplink is posted by now */
    tls_context_close(f->tls);
    loop_close(f->loop);
    broker_kill(&f->broker);
    tls_pki_remove(&f->pki);
    free(f);
    return 0;
}

void uplink_house_append(struct uplink_house *f, int events)
{
    (void)log_fixture_append(&f->log, EVENT_RETURN_CREATED, events);
}

bool uplink_house_all_held(void *context)
{
    struct uplink_house *f = context;
    struct eventlog_stream_status stream = log_fixture_stream(&f->log, STREAM_RETURNS);
    return stream.head > 0 && stream.through == stream.head;
}

bool uplink_house_online(void *context)
{
    struct uplink_house *f = context;
    struct uplink_status status;
    uplink_status(f->uplink, &status);
    return status.state == UPLINK_ONLINE;
}

void uplink_house_await_all_held(struct uplink_house *f, int64_t within_ms)
{
    if (!await(f->loop, uplink_house_all_held, f, within_ms))
        fail_msg("%d batches came, the watermark stands at %d", f->hub.batches,
                 (int)f->hub.shelf.through);
}
