#include "agent/counter.h"
#include "agent/devices.h"
#include "agent/door.h"
#include "hal/base/cleanup.h"
#include "hal/base/version.h"

#include <stdlib.h>

enum { URL_MAX = 128 };

struct counter {
    struct counter_config config;
    struct devices *devices;
    struct service *service;
    struct api *api;
    struct door *door;
};

/* --- News between the parts ------------------------------------------------------------------ */

static void on_scan(void *context, const struct scan *scan)
{
    struct counter *c = context;
    service_scanned(c->service, scan);
    api_scanned(c->api, scan);
}

static void on_scanner_changed(void *context, const char *scanner, enum scanner_state state)
{
    struct counter *c = context;
    api_scanner_changed(c->api, scanner, state);
}

static void on_printer_changed(void *context, const struct print_desk_printer *printer)
{
    struct counter *c = context;
    if (c->api)
        api_printer_changed(c->api, printer);
}

static void on_print_changed(void *context, const struct print *print, const char *state)
{
    struct counter *c = context;
    if (c->api)
        api_print_changed(c->api, print, state);
}

static void on_sign(void *context, const char *lane, enum panel_sign sign)
{
    struct counter *c = context;
    if (c->devices)
        devices_show(c->devices, lane, sign);
}

void counter_committed(struct counter *c)
{
    api_committed(c->api);
    devices_committed(c->devices);
    service_committed(c->service);
}

void counter_link_changed(struct counter *c)
{
    if (c->api)
        api_link_changed(c->api);
}

/* --- Opening, in order ----------------------------------------------------------------------- */

static enum err open_devices(struct counter *c, struct fault *fault)
{
    const struct devices_config config = {
        .loop = c->config.ground->loop,
        .clock = c->config.ground->clock,
        .diag = c->config.ground->diag,
        .settings = c->config.settings,
        .folder = c->config.ground->folder,
        .log = c->config.log,
        .log_config = c->config.log_config,
    };
    const struct devices_listener listener = {.scanned = on_scan,
                                              .scanner_changed = on_scanner_changed,
                                              .printer_changed = on_printer_changed,
                                              .print_changed = on_print_changed,
                                              .context = c};
    return devices_open(&c->devices, &config, &listener, fault);
}

static enum err open_service(struct counter *c, struct fault *fault)
{
    const struct service_config config = {
        .loop = c->config.ground->loop,
        .log = c->config.log,
        .log_config = c->config.log_config,
        .clock = c->config.ground->clock,
        .diag = c->config.ground->diag,
        .settings = c->config.settings,
        .folder = c->config.ground->folder,
        .member = c->config.member,
        .uplink = c->config.uplink,
        .prints = devices_prints(c->devices),
        .devices = devices_tell,
        .bind = devices_bind,
        .context = c->devices,
    };
    return service_open(&c->service, &config, fault);
}

static enum err open_api(struct counter *c, struct fault *fault)
{
    const struct api_config config = {
        .loop = c->config.ground->loop,
        .log = c->config.log,
        .log_config = c->config.log_config,
        .capture = c->config.capture,
        .poslog = c->config.poslog,
        .formats = c->config.formats,
        .identity = &c->config.member->trouble,
        .uplink = c->config.uplink,
        .prints = devices_prints(c->devices),
        .service = c->service,
        .sign = on_sign,
        .sign_context = c,
        .clock = c->config.ground->clock,
        .diag = c->config.ground->diag,
        .policy = c->config.policy,
        .folder = c->config.ground->folder,
        .store = c->config.member->store,
        .currency = settings_text(c->config.settings, "store.currency"),
        .device = c->config.member->device,
        .version = TILLBACK_VERSION,
        .describe_config = c->config.describe_config,
        .config_context = c->config.context,
    };
    return api_open(&c->api, &config, fault);
}

static enum err open_door(struct counter *c, struct fault *fault)
{
    struct buf url CLEANUP(buf_free);
    buf_init(&url, URL_MAX);
    const struct door_config config = {
        .loop = c->config.ground->loop,
        .clock = c->config.ground->clock,
        .diag = c->config.ground->diag,
        .settings = c->config.settings,
        .folder = c->config.ground->folder,
        .handle = api_handle,
        .context = c->api,
    };
    enum err err = door_open(&c->door, &config, fault);
    if (err)
        return err;
    door_url(c->door, &url);
    err = buf_check(&url, fault, "http.listen");
    return err ? err : api_announce(c->api, url.data, fault);
}

/* Each may use what stands above it. */
enum err counter_open(struct counter **out, const struct counter_config *config,
                      struct fault *fault)
{
    struct counter *c = calloc(1, sizeof *c);
    if (!c)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    *out = c;
    c->config = *config;
    enum err err = open_devices(c, fault);
    if (!err)
        err = open_service(c, fault);
    if (!err)
        err = open_api(c, fault);
    if (!err)
        err = open_door(c, fault);
    return err ? err : devices_listen(c->devices, fault);
}

void counter_stop(struct counter *c)
{
    if (!c)
        return;
    door_stop(c->door);
    service_close(c->service);
    c->service = NULL;
    devices_close(c->devices);
    c->devices = NULL;
}

void counter_hush(struct counter *c)
{
    if (!c)
        return;
    api_close(c->api);
    c->api = NULL;
}

void counter_close(struct counter *c)
{
    if (!c)
        return;
    door_close(c->door);
    free(c);
}

struct api *counter_api(const struct counter *c)
{
    return c->api;
}

struct print_desk *counter_prints(const struct counter *c)
{
    return devices_prints(c->devices);
}

struct service *counter_service(const struct counter *c)
{
    return c->service;
}

const char *counter_address(const struct counter *c)
{
    return door_address(c->door);
}
