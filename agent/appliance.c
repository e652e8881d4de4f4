#include "agent/appliance.h"
#include "agent/api/api.h"
#include "agent/api/health.h"
#include "agent/capture/drop_folder.h"
#include "agent/capture/peripheral.h"
#include "agent/capture/policy_file.h"
#include "agent/capture/tap.h"
#include "agent/centre.h"
#include "agent/diag_order.h"
#include "agent/endings.h"
#include "agent/hub_link.h"
#include "agent/lamp.h"
#include "agent/lanes.h"
#include "agent/print/desk.h"
#include "agent/pulse.h"
#include "agent/retention.h"
#include "agent/service/binding.h"
#include "agent/service/desk.h"
#include "agent/service/setup.h"
#include "agent/update_order.h"
#include "agent/views/views.h"
#include "hal/base/version.h"
#include "hal/storage.h"
#include "hal/time_floor.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TAPS_MAX = 8, MEMBER_LOOK_MS = 1000 };

struct appliance {
    char folder[PATH_MAX];
    struct membership member;
    int lock;
    struct diag *diag;
    struct clock *clock;
    struct loop *loop;
    struct loop_signal *signals[2];
    struct policy_file *policy; /* until the centre has taken it over */
    struct contact_keys *contacts;
    struct endings endings;
    bool began; /* endings_begin was */
    struct eventlog_view views[VIEWS_COUNT + 1];
    struct eventlog_config log_config;
    struct eventlog *log;
    struct capture *capture;
    struct hub_link *link;
    struct uplink *uplink; /* of the link; NULL: none */
    struct loop_timer *member_timer;
    bool again; /* it has another identity: all is opened anew */
    struct tls_context *http_tls;
    struct scan_formats *formats; /* as well */
    struct known_formats known;   /* of the formats */
    struct poslog_desk *poslog;
    struct drop_folder *drop_folder;
    struct tap *taps[TAPS_MAX];
    size_t tap_count;
    struct peripherals *peripherals;
    struct print_desk *prints;
    struct service *service;
    struct updater *updater;
    struct lamp *lamp; /* NULL: it has none */
    struct api *api;
    struct http_server *http;
    struct lanes *lanes;
    struct pulse *pulse;
    struct retention *retention;
    struct centre *centre;
    struct loop_timer *clock_timer;
    bool link_up; /* written on the loop thread, read on the writer's */
};

/* --- News between the parts ------------------------------------------------------------------ */

static void on_signal(void *context)
{
    struct appliance *a = context;
    loop_stop(a->loop);
}

static void tell_lanes(struct appliance *a)
{
    struct eventlog_status status;
    eventlog_status(a->log, &status);
    lanes_can_save(a->lanes, status.can_save);
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
    if (a->prints)
        print_desk_committed(a->prints);
    if (a->lanes)
        tell_lanes(a);
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
static void look_at_member(void *context)
{
    struct appliance *a = context;
    if (!membership_changed(&a->member))
        return;
    diag_write(a->diag, DIAG_INFO, "appliance.enrolled", "it has another identity: opening anew");
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
    struct health health = health_judge(&log, &link, clock_monotonic_ms(a->clock));
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
    peripherals_note(a->peripherals, PERIPHERAL_SCANNER, scanner,
                     state == SCANNER_READY ? PERIPHERAL_ATTACHED : PERIPHERAL_DETACHED, "");
}

static void on_sign(void *context, const char *lane, enum panel_sign sign)
{
    struct appliance *a = context;
    if (a->lanes)
        lanes_show(a->lanes, lane, sign);
}

static void on_printer_changed(void *context, const struct print_desk_printer *printer)
{
    static const enum peripheral_state states[] = {
        [PRINTER_OFFLINE] = PERIPHERAL_DETACHED, [PRINTER_READY] = PERIPHERAL_ATTACHED,
        [PRINTER_PAPER_OUT] = PERIPHERAL_FAILED, [PRINTER_COVER_OPEN] = PERIPHERAL_FAILED,
        [PRINTER_FAILED] = PERIPHERAL_FAILED,
    };
    struct appliance *a = context;
    bool failed = states[printer->state] == PERIPHERAL_FAILED;
    peripherals_note(a->peripherals, PERIPHERAL_PRINTER, printer->name, states[printer->state],
                     failed ? printer_state_name(printer->state) : printer->detail);
    if (a->api)
        api_printer_changed(a->api, printer);
}

static void on_print_changed(void *context, const struct print *print, const char *state)
{
    struct appliance *a = context;
    if (a->api)
        api_print_changed(a->api, print, state);
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

static enum err open_base(struct appliance *a, const struct settings *settings, struct fault *fault)
{
    a->diag = diag_open(STDERR_FILENO, "tillbackd",
                        diag_level_of(settings_text(settings, "diagnostics.level")));
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
    return eventlog_open(&a->log, &a->log_config, fault);
}

static enum err open_capture(struct appliance *a, const struct settings *settings,
                             struct fault *fault)
{
    enum err err = policy_file_open(&a->policy, settings_text(settings, "policy.file"), fault);
    if (!err)
        err = scan_formats_open(&a->formats, settings_text(settings, "scan.formats"), fault);
    if (err)
        return err;
    a->known = scan_formats_known(a->formats);
    struct capture_config config = {
        .log = a->log,
        .clock = a->clock,
        .store = {a->member.store, settings_text(settings, "store.country"),
                  settings_text(settings, "store.currency")},
        .policy = policy_file_policy(a->policy),
        .known = &a->known,
        .contacts = a->contacts,
        .link_up = is_link_up,
        .context = a,
    };
    return capture_open(&a->capture, &config, fault);
}

static enum err open_intake(struct appliance *a, const struct settings *settings,
                            struct fault *fault)
{
    struct poslog_config config = {
        .loop = a->loop,
        .capture = a->capture,
        .log_config = &a->log_config,
        .mapping_file = settings_text(settings, "poslog.mapping"),
    };
    enum err err = poslog_open(&a->poslog, &config, fault);
    struct drop_folder_config folder = {
        .loop = a->loop,
        .desk = a->poslog,
        .diag = a->diag,
        .path = settings_text(settings, "poslog.folder"),
    };
    if (!err && folder.path)
        err = drop_folder_open(&a->drop_folder, &folder, fault);
    return err;
}

static enum err open_link(struct appliance *a, const struct settings *settings, struct fault *fault)
{
    const struct hub_link_config config = {
        .loop = a->loop,
        .clock = a->clock,
        .diag = a->diag,
        .settings = settings,
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

static enum err open_printer(void *context, const char *name, const char *value,
                             struct fault *fault)
{
    struct appliance *a = context;
    enum err err = print_desk_add_printer(a->prints, name, value, fault);
    if (!err)
        peripherals_note(a->peripherals, PERIPHERAL_PRINTER, name, PERIPHERAL_DETACHED, "");
    return err;
}

static enum err open_prints(struct appliance *a, const struct settings *settings,
                            struct fault *fault)
{
    struct print_desk_config config = {
        .loop = a->loop,
        .log = a->log,
        .log_config = &a->log_config,
        .clock = a->clock,
        .diag = a->diag,
        .folder = a->folder,
        .template_file = settings_text(settings, "print.template"),
        .logo_file = settings_text(settings, "print.logo"),
        .store_name = settings_text(settings, "store.name"),
        .store_address = settings_text(settings, "store.address"),
        .language = settings_text(settings, "print.language"),
    };
    struct print_desk_listener listener = {on_printer_changed, on_print_changed, a};
    struct peripherals_config peripherals = {.loop = a->loop, .log = a->log, .diag = a->diag};
    enum err err = peripherals_open(&a->peripherals, &peripherals, fault);
    if (!err)
        err = print_desk_open(&a->prints, &config, &listener, fault);
    if (!err)
        err = settings_each(settings, "printer.*", open_printer, a, fault);
    return err;
}

/* --- For technicians --- */

static void add_device(struct doctor_running *running, bool printer, const char *name, bool ready,
                       const char *detail)
{
    if (running->device_count == DOCTOR_DEVICES_MAX)
        return;
    struct doctor_device *device = &running->devices[running->device_count++];
    *device = (struct doctor_device){.printer = printer, .ready = ready};
    (void)snprintf(device->name, sizeof device->name, "%.*s", FINDING_SUBJECT_MAX, name);
    (void)snprintf(device->detail, sizeof device->detail, "%.*s", DOCTOR_DETAIL_MAX, detail);
}

static void tell_devices(void *context, struct doctor_running *running)
{
    struct appliance *a = context;
    for (size_t i = 0; a->lanes && i < lanes_scanner_count(a->lanes); i++) {
        struct lanes_scanner scanner = lanes_scanner(a->lanes, i);
        add_device(running, false, scanner.name, scanner.state == SCANNER_READY, scanner.detail);
    }
    for (size_t i = 0; i < print_desk_printer_count(a->prints); i++) {
        struct print_desk_printer printer = print_desk_printer(a->prints, i);
        add_device(running, true, printer.name, printer.state == PRINTER_READY,
                   printer.detail[0] ? printer.detail : printer_state_name(printer.state));
    }
}

static enum err open_scanner(void *context, const char *name, const char *value,
                             struct fault *fault);

static enum err open_service(struct appliance *a, const struct settings *settings,
                             struct fault *fault)
{
    const struct service_config config = {
        .loop = a->loop,
        .log = a->log,
        .log_config = &a->log_config,
        .clock = a->clock,
        .diag = a->diag,
        .settings = settings,
        .folder = a->folder,
        .member = &a->member,
        .uplink = a->uplink,
        .prints = a->prints,
        .devices = tell_devices,
        .bind = open_scanner,
        .context = a,
    };
    return service_open(&a->service, &config, fault);
}

static void on_update_changed(void *context)
{
    struct appliance *a = context;
    if (a->uplink)
        uplink_tell_state(a->uplink);
}

static enum err open_updater(struct appliance *a, const struct settings *settings,
                             struct fault *fault)
{
    const struct updater_config config = {
        .loop = a->loop,
        .clock = a->clock,
        .diag = a->diag,
        .folder = a->folder,
        .installer = settings_text(settings, "update.installer"),
        .ca_file = settings_text(settings, "update.ca"),
        .running = TILLBACK_VERSION,
        .retry_ms = settings_int(settings, "update.retry_s") * 1000,
        .look_ms = settings_int(settings, "update.look_s") * 1000,
        .changed = on_update_changed,
        .context = a,
    };
    return updater_open(&a->updater, &config, fault);
}

static enum err open_lamp(struct appliance *a, const struct settings *settings, struct fault *fault)
{
    const struct lamp_config config = {.loop = a->loop,
                                       .log = a->log,
                                       .uplink = a->uplink,
                                       .updater = a->updater,
                                       .clock = a->clock,
                                       .leds = settings_text(settings, "lamp")};
    return config.leds ? lamp_open(&a->lamp, &config, fault) : ERR_OK;
}

static enum err open_http_tls(struct appliance *a, const struct settings *settings,
                              struct fault *fault)
{
    const char *certificate = settings_text(settings, "http.certificate");
    if (!certificate)
        return ERR_OK;
    struct tls_config config = {
        .role = TLS_SERVER,
        .ca_file = settings_text(settings, "http.ca"),
        .certificate_file = certificate,
        .key_file = settings_text(settings, "http.key"),
        .peer_certificate_optional = true,
        .clock = a->clock,
    };
    return tls_context_open(&a->http_tls, &config, fault);
}

static enum err announce(struct appliance *a, struct fault *fault)
{
    char address[128];
    (void)snprintf(address, sizeof address, "%s://%s", a->http_tls ? "https" : "http",
                   http_server_address(a->http));
    return api_announce(a->api, address, fault);
}

static enum err open_http(struct appliance *a, const struct settings *settings, struct fault *fault)
{
    struct api_config api_config = {
        .loop = a->loop,
        .log = a->log,
        .log_config = &a->log_config,
        .capture = a->capture,
        .poslog = a->poslog,
        .formats = a->formats,
        .uplink = a->uplink,
        .prints = a->prints,
        .service = a->service,
        .sign = on_sign,
        .sign_context = a,
        .clock = a->clock,
        .diag = a->diag,
        .policy = policy_file_policy(a->policy),
        .folder = a->folder,
        .store = a->member.store,
        .currency = settings_text(settings, "store.currency"),
        .device = a->member.device,
        .version = TILLBACK_VERSION,
        .describe_config = describe_config,
        .config_context = a,
    };
    enum err err = api_open(&a->api, &api_config, fault);
    if (!err)
        err = open_http_tls(a, settings, fault);
    if (err)
        return err;
    struct http_config config = {
        .address = settings_text(settings, "http.listen"),
        .tls = a->http_tls,
        /* A browser holds six connections, and a store's may all come through one proxy. */
        .limits = {.per_address = 64},
        .handle = api_handle,
        .context = a->api,
        .diag = a->diag,
    };
    err = http_server_open(&a->http, a->loop, &config, fault);
    return err ? err : announce(a, fault);
}

static enum err open_scanner(void *context, const char *name, const char *value,
                             struct fault *fault)
{
    struct appliance *a = context;
    enum err err = lanes_add_scanner(a->lanes, name, value, fault);
    if (!err)
        peripherals_note(a->peripherals, PERIPHERAL_SCANNER, name, PERIPHERAL_DETACHED, "");
    return err;
}

static enum err open_panel(void *context, const char *name, const char *value, struct fault *fault)
{
    struct appliance *a = context;
    return lanes_add_panel(a->lanes, name, value, fault);
}

static enum err open_lanes(struct appliance *a, const struct settings *settings,
                           struct fault *fault)
{
    struct lanes_listener listener = {on_scan, on_scanner_changed, a};
    enum err err = lanes_open(&a->lanes, a->loop, a->diag, &listener, fault);
    if (!err)
        err = settings_each(settings, "scanner.*", open_scanner, a, fault);
    if (!err)
        err = ports_conf_each(a->folder, open_scanner, a, fault);
    if (!err)
        err = settings_each(settings, "panel.*", open_panel, a, fault);
    return err;
}

static enum err open_tap(void *context, const char *name, const char *value, struct fault *fault)
{
    struct appliance *a = context;
    if (a->tap_count == TAPS_MAX)
        return fault_set(fault, ERR_TOO_LARGE, "tap", "at most %d taps", TAPS_MAX);
    struct tap_config config = {
        .loop = a->loop, .capture = a->capture, .diag = a->diag, .name = name, .value = value};
    return tap_open(&a->taps[a->tap_count++], &config, fault);
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
static enum err open_centre(struct appliance *a, const struct settings *settings,
                            struct fault *fault)
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
        .pushed = {.settings = settings,
                   .folder = a->folder,
                   .capture = a->capture,
                   .api = a->api,
                   .retention = a->retention,
                   .prints = a->prints,
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
    a->member_timer = loop_timer_open(a->loop, look_at_member, a);
    if (!a->member_timer)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    loop_timer_start(a->member_timer, MEMBER_LOOK_MS, MEMBER_LOOK_MS);
    return pulse_open(&a->pulse, &config, fault);
}

static void look_at_last_ending(struct appliance *a)
{
    struct fault fault;
    a->began = endings_begin(a->folder, clock_wall_ms(a->clock), &a->endings, &fault) == ERR_OK;
    if (!a->began)
        diag_fault(a->diag, DIAG_WARN, "appliance.ending", &fault);
    else if (a->endings.after_torn)
        diag_write(a->diag, DIAG_WARN, "appliance.torn",
                   "it was not ended well: a power cut, or it was killed (%lld times by now)",
                   (long long)a->endings.torn);
}

static void note_good_ending(struct appliance *a)
{
    struct fault fault;
    if (a->began && endings_end_well(a->folder, &a->endings, &fault) != ERR_OK)
        diag_fault(a->diag, DIAG_WARN, "appliance.ending", &fault);
}

enum err appliance_open(struct appliance **out, const char *folder, const struct settings *settings,
                        struct fault *fault)
{
    struct appliance *a = calloc(1, sizeof *a);
    if (!a)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    a->lock = -1;
    (void)snprintf(a->folder, sizeof a->folder, "%s", folder);
    enum err err = open_base(a, settings, fault);
    if (!err)
        err = membership_read(&a->member, a->folder, settings, fault);
    if (!err)
        err = contact_keys_open(&a->contacts, a->folder, a->member.folder, a->diag, fault);
    if (!err)
        err = open_log(a, fault);
    if (!err)
        look_at_last_ending(a);
    if (!err)
        err = open_capture(a, settings, fault);
    if (!err)
        err = open_intake(a, settings, fault);
    if (!err)
        err = open_link(a, settings, fault);
    if (!err)
        err = open_prints(a, settings, fault);
    if (!err)
        err = open_service(a, settings, fault);
    if (!err)
        err = open_updater(a, settings, fault);
    if (!err)
        err = open_lamp(a, settings, fault);
    if (!err)
        err = open_http(a, settings, fault);
    if (!err)
        err = open_lanes(a, settings, fault);
    if (!err)
        err = settings_each(settings, "tap.*", open_tap, a, fault);
    if (!err)
        err = retention_open(&a->retention, a->loop, a->log, settings, a->diag, fault);
    if (!err)
        err = open_centre(a, settings, fault);
    if (!err)
        err = open_pulse(a, fault);
    if (err) {
        appliance_close(a);
        return err;
    }
    *out = a;
    return ERR_OK;
}

const char *appliance_address(const struct appliance *a)
{
    return http_server_address(a->http);
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
    loop_timer_close(a->member_timer);
    http_server_close(a->http); /* answers that are still to come go nowhere */
    service_close(a->service);
    a->service = NULL;
    lamp_close(a->lamp);
    updater_close(a->updater);
    a->updater = NULL;
    lanes_close(a->lanes);
    a->lanes = NULL;
    centre_stop(a->centre);
    print_desk_close(a->prints);
    a->prints = NULL;
    peripherals_close(a->peripherals);
    hub_link_stop(a->link);
    a->uplink = NULL;
    for (size_t i = 0; i < a->tap_count; i++)
        tap_stop(a->taps[i]);
    drop_folder_close(a->drop_folder);
    poslog_stop(a->poslog);
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
    for (size_t i = 0; i < a->tap_count; i++)
        tap_close(a->taps[i]);
    poslog_close(a->poslog);
    scan_formats_close(a->formats);
    policy_file_close(a->policy);
    hub_link_close(a->link);
    tls_context_close(a->http_tls);
    if (a->clock && a->lock >= 0)
        write_time(a);
    note_good_ending(a);
    clock_close(a->clock);
    if (a->lock >= 0)
        storage_unlock(a->lock);
    diag_close(a->diag);
    free(a);
}
