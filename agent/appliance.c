#include "agent/appliance.h"
#include "agent/api/api.h"
#include "agent/api/health.h"
#include "agent/capture/policy_file.h"
#include "agent/centre.h"
#include "agent/devices.h"
#include "agent/diag_order.h"
#include "agent/door.h"
#include "agent/endings.h"
#include "agent/hub_link.h"
#include "agent/intake.h"
#include "agent/lamp.h"
#include "agent/member_watch.h"
#include "agent/pulse.h"
#include "agent/retention.h"
#include "agent/service/setup.h"
#include "agent/update_order.h"
#include "agent/views/views.h"
#include "hal/base/cleanup.h"
#include "hal/base/version.h"
#include "hal/storage.h"
#include "hal/time_floor.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { URL_MAX = 128 };

struct appliance {
    char folder[PATH_MAX];
    const struct settings *settings;
    struct membership member;
    int lock;
    struct diag *diag;
    struct clock *clock;
    struct loop *loop;
    struct loop_signal *signals[2];
    struct policy_file *policy; /* until the centre has taken it over */
    struct contact_keys *contacts;
    struct endings endings;
    struct eventlog_view views[VIEWS_COUNT + 1];
    struct eventlog_config log_config;
    struct eventlog *log;
    struct capture *capture;
    struct hub_link *link;
    struct uplink *uplink; /* of the link; NULL: none */
    struct member_watch *member_watch;
    bool again;                   /* it has another identity: all is opened anew */
    struct scan_formats *formats; /* as well */
    struct known_formats known;   /* of the formats */
    struct intake *intake;
    struct devices *devices;
    struct service *service;
    struct updater *updater;
    struct lamp *lamp; /* NULL: it has none */
    struct api *api;
    struct door *door;
    struct pulse *pulse;
    struct retention *retention;
    struct centre *centre;
    struct loop_timer *clock_timer;
    bool link_up; /* written on the loop thread, read on the writer's */
    bool due;     /* returns may wait to be told complete; atomic */
};

/* --- News between the parts ------------------------------------------------------------------ */

static void on_signal(void *context)
{
    struct appliance *a = context;
    loop_stop(a->loop);
}

/* Diagnostics may well go to the disk that is filling up: they are the first to be shed. */
static void shed_diagnostics(struct appliance *a)
{
    struct eventlog_status status;
    eventlog_status(a->log, &status);
    diag_shed(a->diag, status.tight);
}

static void after_commit(void *context)
{
    struct appliance *a = context;
    if (!a->log)
        return; /* closing: nothing can be read any more */
    shed_diagnostics(a);
    capture_sweep(a->capture);
    if (a->link)
        hub_link_committed(a->link);
    if (a->api)
        api_committed(a->api);
    if (a->devices)
        devices_committed(a->devices);
    if (a->service)
        service_committed(a->service);
}

/* Writer thread. A lost post is made good by the next one. */
static void on_committed(void *context)
{
    struct appliance *a = context;
    enum err err = loop_post(a->loop, after_commit, a);
    (void)err;
}

static void on_link(void *context, bool online)
{
    struct appliance *a = context;
    __atomic_store_n(&a->link_up, online, __ATOMIC_RELAXED);
    if (a->api)
        api_link_changed(a->api);
    if (a->centre && !online)
        centre_disconnected(a->centre);
}

static void on_hub_heard(void *context)
{
    struct appliance *a = context;
    centre_connected(a->centre);
}

static void on_hub_message(void *context, const char *name, const struct mqtt_message *message)
{
    struct appliance *a = context;
    (void)centre_message(a->centre, name, message);
}

static void describe_config(void *context, struct jsonw *w)
{
    struct appliance *a = context;
    if (a->centre)
        centre_describe(a->centre, w);
    if (a->updater)
        updater_describe(a->updater, w);
    hub_link_describe(a->link, w);
}

/* What fails now is made good by the next start: the secret lies sealed to the key before, too. */
static void reseal_contacts(struct appliance *a)
{
    struct fault fault;
    if (contact_keys_reseal(a->contacts, &fault) != ERR_OK)
        diag_fault(a->diag, DIAG_WARN, "contact.secret_not_sealed", &fault);
}

static void on_renewed(void *context)
{
    struct appliance *a = context;
    membership_note(&a->member);
    reseal_contacts(a);
}

/* Another identity, and perhaps another store: whoever waits for an answer asks again. */
static void on_member_changed(void *context, const char *what)
{
    struct appliance *a = context;
    diag_write(a->diag, DIAG_INFO, "appliance.enrolled", "%s: opening anew", what);
    reseal_contacts(a); /* while the secret is at hand: the former key is gone */
    a->again = true;
    loop_stop(a->loop);
}

/* What the hub is told of the appliance beside how delivery stands. */
static void describe_state(void *context, struct jsonw *w)
{
    struct appliance *a = context;
    struct eventlog_status log;
    struct uplink_status link;
    eventlog_status(a->log, &log);
    uplink_status(a->uplink, &link);
    struct health health =
        health_judge(&log, &a->member.trouble, &link, clock_monotonic_ms(a->clock));
    jsonw_text(w, "health", health.code);
    if (!health.healthy)
        jsonw_text(w, "reason", health.reason);
    jsonw_int(w, "lost", log.lost[STREAM_RETURNS] + log.lost[STREAM_SALES]);
    jsonw_bool(w, "time_trusted", clock_read(a->clock).trusted);
    endings_describe(&a->endings, w);
    if (a->updater)
        updater_describe(a->updater, w);
}

static bool is_link_up(void *context)
{
    struct appliance *a = context;
    return __atomic_load_n(&a->link_up, __ATOMIC_RELAXED);
}

static void on_scan(void *context, const struct scan *scan)
{
    struct appliance *a = context;
    service_scanned(a->service, scan);
    api_scanned(a->api, scan);
}

static void on_scanner_changed(void *context, const char *scanner, enum scanner_state state)
{
    struct appliance *a = context;
    api_scanner_changed(a->api, scanner, state);
}

static void on_printer_changed(void *context, const struct print_desk_printer *printer)
{
    struct appliance *a = context;
    if (a->api)
        api_printer_changed(a->api, printer);
}

static void on_print_changed(void *context, const struct print *print, const char *state)
{
    struct appliance *a = context;
    if (a->api)
        api_print_changed(a->api, print, state);
}

static void on_sign(void *context, const char *lane, enum panel_sign sign)
{
    struct appliance *a = context;
    if (a->devices)
        devices_show(a->devices, lane, sign);
}

/* So that a clock that has lost its battery doesn't fall behind what was once told. What a clock
 * that nobody vouches for shows is not kept: it may be far ahead, and would be for good. */
static void write_time(void *context)
{
    struct appliance *a = context;
    struct fault fault;
    int64_t now_ms = clock_floor_ms(a->clock);
    if (now_ms > time_floor_read(a->folder, 0) && time_floor_write(a->folder, now_ms, &fault))
        diag_fault(a->diag, DIAG_WARN, "appliance.time_not_written", &fault);
}

/* --- Opening, in order ----------------------------------------------------------------------- */

static enum err open_base(struct appliance *a, struct fault *fault)
{
    a->diag = diag_open(STDERR_FILENO, "tillbackd",
                        diag_level_of(settings_text(a->settings, "diagnostics.level")));
    enum err err = storage_make_folder(a->folder, fault);
    if (!err)
        err = storage_lock(a->folder, &a->lock, fault);
    if (!err)
        err = clock_open(&a->clock, time_floor_read(a->folder, TILLBACK_BUILD_MS), fault);
    if (!err)
        err = loop_open(&a->loop, fault);
    if (!err)
        err = loop_signal_open(a->loop, SIGTERM, on_signal, a, &a->signals[0], fault);
    if (!err)
        err = loop_signal_open(a->loop, SIGINT, on_signal, a, &a->signals[1], fault);
    return err;
}

static enum err open_log(struct appliance *a, struct fault *fault)
{
    views_define(a->views);
    views_tell_due(a->views, &a->due);
    a->due = true; /* some may wait since before */
    contact_keys_view(a->contacts, &a->views[VIEWS_COUNT]);
    a->log_config = (struct eventlog_config){
        .folder = a->folder,
        .device_id = a->member.device,
        .store = a->member.store,
        .clock = a->clock,
        .diag = a->diag,
        .views = a->views,
        .view_count = VIEWS_COUNT + 1,
        .committed = on_committed,
        .context = a,
    };
    enum err err = eventlog_open(&a->log, &a->log_config, fault);
    if (!err)
        endings_begin(&a->endings, a->folder, clock_wall_ms(a->clock), a->diag);
    return err;
}

static enum err open_capture(struct appliance *a, struct fault *fault)
{
    enum err err = policy_file_open(&a->policy, settings_text(a->settings, "policy.file"), fault);
    if (!err)
        err = scan_formats_open(&a->formats, settings_text(a->settings, "scan.formats"), fault);
    if (err)
        return err;
    a->known = scan_formats_known(a->formats);
    struct capture_config config = {
        .log = a->log,
        .clock = a->clock,
        .store = {a->member.store, settings_text(a->settings, "store.country"),
                  settings_text(a->settings, "store.currency")},
        .policy = policy_file_policy(a->policy),
        .known = &a->known,
        .contacts = a->contacts,
        .link_up = is_link_up,
        .context = a,
        .due = &a->due,
    };
    return capture_open(&a->capture, &config, fault);
}

static enum err open_intake(struct appliance *a, struct fault *fault)
{
    const struct intake_config config = {
        .loop = a->loop,
        .diag = a->diag,
        .settings = a->settings,
        .capture = a->capture,
        .log_config = &a->log_config,
    };
    return intake_open(&a->intake, &config, fault);
}

static enum err open_link(struct appliance *a, struct fault *fault)
{
    const struct hub_link_config config = {
        .loop = a->loop,
        .clock = a->clock,
        .diag = a->diag,
        .settings = a->settings,
        .folder = a->folder,
        .member = &a->member,
        .contacts = a->contacts,
        .log = a->log,
        .log_config = &a->log_config,
    };
    const struct hub_link_listener listener = {.changed = on_link,
                                               .heard = on_hub_heard,
                                               .message = on_hub_message,
                                               .describe = describe_state,
                                               .renewed = on_renewed,
                                               .context = a};
    enum err err = hub_link_open(&a->link, &config, &listener, fault);
    if (!err)
        a->uplink = hub_link_uplink(a->link);
    return err;
}

static enum err open_devices(struct appliance *a, struct fault *fault)
{
    const struct devices_config config = {
        .loop = a->loop,
        .clock = a->clock,
        .diag = a->diag,
        .settings = a->settings,
        .folder = a->folder,
        .log = a->log,
        .log_config = &a->log_config,
    };
    const struct devices_listener listener = {.scanned = on_scan,
                                              .scanner_changed = on_scanner_changed,
                                              .printer_changed = on_printer_changed,
                                              .print_changed = on_print_changed,
                                              .context = a};
    return devices_open(&a->devices, &config, &listener, fault);
}

static enum err open_service(struct appliance *a, struct fault *fault)
{
    const struct service_config config = {
        .loop = a->loop,
        .log = a->log,
        .log_config = &a->log_config,
        .clock = a->clock,
        .diag = a->diag,
        .settings = a->settings,
        .folder = a->folder,
        .member = &a->member,
        .uplink = a->uplink,
        .prints = devices_prints(a->devices),
        .devices = devices_tell,
        .bind = devices_bind,
        .context = a->devices,
    };
    return service_open(&a->service, &config, fault);
}

static void on_update_changed(void *context)
{
    struct appliance *a = context;
    if (a->uplink)
        uplink_tell_state(a->uplink);
}

static enum err open_updater(struct appliance *a, struct fault *fault)
{
    const struct updater_config config = {
        .loop = a->loop,
        .clock = a->clock,
        .diag = a->diag,
        .folder = a->folder,
        .installer = settings_text(a->settings, "update.installer"),
        .ca_file = settings_text(a->settings, "update.ca"),
        .running = TILLBACK_VERSION,
        .kept = settings_text(a->settings, "diagnostics.system"),
        .retry_ms = settings_int(a->settings, "update.retry_s") * 1000,
        .look_ms = settings_int(a->settings, "update.look_s") * 1000,
        .changed = on_update_changed,
        .context = a,
    };
    return updater_open(&a->updater, &config, fault);
}

static enum err open_lamp(struct appliance *a, struct fault *fault)
{
    const struct lamp_config config = {.loop = a->loop,
                                       .log = a->log,
                                       .identity = &a->member.trouble,
                                       .uplink = a->uplink,
                                       .updater = a->updater,
                                       .clock = a->clock,
                                       .leds = settings_text(a->settings, "lamp")};
    return config.leds ? lamp_open(&a->lamp, &config, fault) : ERR_OK;
}

static enum err open_api(struct appliance *a, struct fault *fault)
{
    const struct api_config config = {
        .loop = a->loop,
        .log = a->log,
        .log_config = &a->log_config,
        .capture = a->capture,
        .poslog = intake_poslog(a->intake),
        .formats = a->formats,
        .identity = &a->member.trouble,
        .uplink = a->uplink,
        .prints = devices_prints(a->devices),
        .service = a->service,
        .sign = on_sign,
        .sign_context = a,
        .clock = a->clock,
        .diag = a->diag,
        .policy = policy_file_policy(a->policy),
        .folder = a->folder,
        .store = a->member.store,
        .currency = settings_text(a->settings, "store.currency"),
        .device = a->member.device,
        .version = TILLBACK_VERSION,
        .describe_config = describe_config,
        .config_context = a,
    };
    return api_open(&a->api, &config, fault);
}

static enum err open_door(struct appliance *a, struct fault *fault)
{
    struct buf url CLEANUP(buf_free);
    buf_init(&url, URL_MAX);
    const struct door_config config = {
        .loop = a->loop,
        .clock = a->clock,
        .diag = a->diag,
        .settings = a->settings,
        .handle = api_handle,
        .context = a->api,
    };
    enum err err = door_open(&a->door, &config, fault);
    if (err)
        return err;
    door_url(a->door, &url);
    err = buf_check(&url, fault, "http.listen");
    return err ? err : api_announce(a->api, url.data, fault);
}

static void run_rotate(void *context, struct order *order, const struct command *command)
{
    (void)command;
    struct appliance *a = context;
    struct fault fault;
    const struct slice nothing = {"", 0};
    if (hub_link_rotate(a->link, &fault) != ERR_OK)
        order_end(order, COMMAND_REFUSED, fault.text, nothing);
    else
        order_end(order, COMMAND_BEGUN, "a new key is made, and a certificate asked for", nothing);
}

/* What the centre has pushed takes the place of what the settings say. */
static enum err open_centre(struct appliance *a, struct fault *fault)
{
    const struct centre_config config = {
        .loop = a->loop,
        .log = a->log,
        .clock = a->clock,
        .diag = a->diag,
        .identity_folder = a->member.folder,
        .device = a->member.device,
        .store = a->member.store,
        .handlers = {[COMMAND_ROTATE_KEY] = {run_rotate, a},
                     [COMMAND_DIAG] = {diag_order_run, a->service},
                     [COMMAND_UPDATE] = {update_order_run, a->updater}},
        .pushed = {.settings = a->settings,
                   .folder = a->folder,
                   .capture = a->capture,
                   .api = a->api,
                   .retention = a->retention,
                   .prints = devices_prints(a->devices),
                   .uplink = a->uplink,
                   .target = hub_link_target(a->link),
                   .updater = a->updater,
                   .diag = a->diag},
    };
    struct policy_file *policy = a->policy;
    struct scan_formats *formats = a->formats;
    a->policy = NULL;
    a->formats = NULL;
    return centre_open(&a->centre, &config, policy, formats, fault);
}

static enum err open_pulse(struct appliance *a, struct fault *fault)
{
    struct pulse_config config = {
        .loop = a->loop,
        .log = a->log,
        .identity = &a->member.trouble,
        .uplink = a->uplink,
        .clock = a->clock,
        .diag = a->diag,
        .notify_socket = getenv("NOTIFY_SOCKET"),
        .watchdog_usec = getenv("WATCHDOG_USEC"),
    };
    a->clock_timer = loop_timer_open(a->loop, write_time, a);
    if (!a->clock_timer)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    loop_timer_start(a->clock_timer, TIME_FLOOR_INTERVAL_MS, TIME_FLOOR_INTERVAL_MS);
    return pulse_open(&a->pulse, &config, fault);
}

static enum err open_member(struct appliance *a, struct fault *fault)
{
    struct fault later;
    enum err err = membership_read(&a->member, a->folder, a->settings, fault);
    if (!err && membership_remember(&a->member, a->folder, &later) != ERR_OK)
        diag_fault(a->diag, DIAG_WARN, "appliance.member_not_kept", &later);
    return err ? err : contact_keys_open(&a->contacts, a->folder, a->member.folder, a->diag, fault);
}

static enum err open_retention(struct appliance *a, struct fault *fault)
{
    return retention_open(&a->retention, a->loop, a->log, a->settings, a->diag, fault);
}

static enum err listen_to_devices(struct appliance *a, struct fault *fault)
{
    return devices_listen(a->devices, fault);
}

static enum err open_member_watch(struct appliance *a, struct fault *fault)
{
    const struct member_watch_config config = {.loop = a->loop,
                                               .member = &a->member,
                                               .state = a->folder,
                                               .settings = a->settings,
                                               .changed = on_member_changed,
                                               .context = a};
    return member_watch_open(&a->member_watch, &config, fault);
}

/* Each may use what stands above it. */
static enum err (*const opening[])(struct appliance *a, struct fault *fault) = {
    open_base,         open_member,    open_log,     open_capture,      open_intake, open_link,
    open_devices,      open_service,   open_updater, open_lamp,         open_api,    open_door,
    listen_to_devices, open_retention, open_centre,  open_member_watch, open_pulse,
};

enum err appliance_open(struct appliance **out, const char *folder, const struct settings *settings,
                        struct fault *fault)
{
    struct appliance *a = calloc(1, sizeof *a);
    if (!a)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    a->lock = -1;
    a->settings = settings;
    (void)snprintf(a->folder, sizeof a->folder, "%s", folder);
    enum err err = ERR_OK;
    for (size_t i = 0; !err && i < sizeof opening / sizeof *opening; i++)
        err = opening[i](a, fault);
    if (err) {
        appliance_close(a);
        return err;
    }
    *out = a;
    return ERR_OK;
}

const char *appliance_address(const struct appliance *a)
{
    return door_address(a->door);
}

bool appliance_run(struct appliance *a)
{
    pulse_ready(a->pulse);
    loop_run(a->loop);
    return a->again;
}

void appliance_close(struct appliance *a)
{
    if (!a)
        return;
    pulse_stop(a->pulse);
    loop_timer_close(a->clock_timer);
    member_watch_close(a->member_watch);
    door_stop(a->door);
    service_close(a->service);
    a->service = NULL;
    lamp_close(a->lamp);
    updater_close(a->updater);
    a->updater = NULL;
    centre_stop(a->centre);
    devices_close(a->devices);
    a->devices = NULL;
    hub_link_stop(a->link);
    a->uplink = NULL;
    intake_stop(a->intake);
    retention_close(a->retention);
    eventlog_close(a->log); /* what was accepted is decided and saved; the answers are posted */
    a->log = NULL;
    pulse_close(a->pulse);
    for (size_t i = 0; i < 2; i++)
        loop_signal_close(a->signals[i]);
    api_close(a->api);
    a->api = NULL;
    loop_close(a->loop);
    capture_close(a->capture);
    contact_keys_close(a->contacts);
    centre_close(a->centre);
    intake_close(a->intake);
    scan_formats_close(a->formats);
    policy_file_close(a->policy);
    hub_link_close(a->link);
    door_close(a->door);
    if (a->clock && a->lock >= 0)
        write_time(a);
    endings_end_well(&a->endings, a->folder, a->diag);
    clock_close(a->clock);
    if (a->lock >= 0)
        storage_unlock(a->lock);
    diag_close(a->diag);
    free(a);
}
