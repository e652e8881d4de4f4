#include "agent/lamp.h"
#include "agent/api/health.h"
#include "hal/device_setting.h"
#include "hal/panel_device.h"

#include <stdio.h>
#include <stdlib.h>

enum { LOOK_MS = 1000 };

struct lamp {
    struct lamp_config config;
    struct beacon *beacon;
    struct loop_timer *timer;
};

enum beacon_state lamp_judge(const struct eventlog_status *log, const struct fault *identity,
                             const struct uplink_status *link, bool updating, int64_t now_ms)
{
    bool waits = false;
    for (int i = 0; i < STREAMS_OF_APPLIANCE; i++)
        waits = waits || log->streams[i].parked || log->lost[i];
    if (!health_judge(log, identity, link, now_ms).healthy)
        return BEACON_ILL;
    if (updating)
        return BEACON_UPDATING;
    if (!link)
        return BEACON_NOBODYS;
    if (waits)
        return BEACON_ATTENTION;
    return link->state == UPLINK_ONLINE ? BEACON_ONLINE : BEACON_OFFLINE;
}

static void look(void *context)
{
    struct lamp *lamp = context;
    struct eventlog_status log;
    struct uplink_status link;
    eventlog_status(lamp->config.log, &log);
    if (lamp->config.uplink)
        uplink_status(lamp->config.uplink, &link);
    beacon_show(lamp->beacon,
                lamp_judge(&log, lamp->config.identity, lamp->config.uplink ? &link : NULL,
                           updater_is_installing(lamp->config.updater),
                           clock_monotonic_ms(lamp->config.clock)));
}

static enum err open_beacon(struct lamp *lamp, struct fault *fault)
{
    enum { GREEN, RED, COUNT };
    char device[DEVICE_TEXT_MAX + 1];
    char value[2 * DEVICE_TEXT_MAX];
    struct device_option options[COUNT] = {[GREEN] = {.name = "green"}, [RED] = {.name = "red"}};
    const struct panel_ops *ops;
    void *context;
    (void)snprintf(value, sizeof value, "leds,%s", lamp->config.leds);
    enum err err = device_setting_read(value, device, options, COUNT, fault);
    if (err)
        return err;
    const struct panel_device_config config = {
        .lamps = {[PANEL_GREEN] = options[GREEN].value, [PANEL_RED] = options[RED].value},
        .beeper = "",
    };
    err = panel_device_make(&config, &ops, &context, fault);
    return err ? err : beacon_open(&lamp->beacon, lamp->config.loop, ops, context, fault);
}

enum err lamp_open(struct lamp **out, const struct lamp_config *config, struct fault *fault)
{
    struct lamp *lamp = calloc(1, sizeof *lamp);
    if (!lamp)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    lamp->config = *config;
    enum err err = open_beacon(lamp, fault);
    if (!err && !(lamp->timer = loop_timer_open(config->loop, look, lamp)))
        err = fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    if (err) {
        fault_within(fault, "lamp");
        lamp_close(lamp);
        return err;
    }
    loop_timer_start(lamp->timer, LOOK_MS, LOOK_MS);
    *out = lamp;
    return ERR_OK;
}

void lamp_close(struct lamp *lamp)
{
    if (!lamp)
        return;
    loop_timer_close(lamp->timer);
    beacon_close(lamp->beacon);
    free(lamp);
}
