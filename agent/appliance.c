#include "agent/appliance.h"
#include "agent/api/health.h"
#include "agent/capture/policy_file.h"
#include "agent/centre.h"
#include "agent/counter.h"
#include "agent/diag_order.h"
#include "agent/endings.h"
#include "agent/ground.h"
#include "agent/holding.h"
#include "agent/hub_link.h"
#include "agent/intake.h"
#include "agent/lamp.h"
#include "agent/member_watch.h"
#include "agent/pulse.h"
#include "agent/retention.h"
#include "agent/rotate_order.h"
#include "agent/service/not_started.h"
#include "agent/update_order.h"
#include "agent/views/views.h"
#include "hal/base/version.h"

#include <stdlib.h>
#include <string.h>

struct appliance {
    struct ground ground;
    const struct settings *settings;
    struct membership member;
    struct policy_file *policy; /* until the centre has taken it over */
    struct contact_keys *contacts;
    struct endings endings;
    struct eventlog_view views[VIEWS_COUNT + 1];
    struct eventlog_config log_config;
    struct eventlog *log;
    struct capture *capture;
    struct hub_link *link;
    struct uplink *uplink;   /* of the link; NULL: none */
    struct holding *holding; /* as well */
    struct member_watch *member_watch;
    bool again;                   /* it has another identity: all is opened anew */
    struct scan_formats *formats; /* as well */
    struct known_formats known;   /* of the formats */
    struct intake *intake;
    struct counter *counter;
    struct updater *updater;
    struct lamp *lamp; /* NULL: it has none */
    struct pulse *pulse;
    struct retention *retention;
    struct centre *centre;
    bool link_up;            /* written on the loop thread, read on the writer's */
    bool due;                /* returns may wait to be told complete; atomic */
    struct loop_timer *rest; /* of a commit, once it is answered */
};

/* --- News between the parts ------------------------------------------------------------------ */

/* Diagnostics may well go to the disk that is filling up: they are the first to be shed. */
static void shed_diagnostics(struct appliance *a)
{
    struct eventlog_status status;
    eventlog_status(a->log, &status);
    diag_shed(a->ground.diag, status.tight);
}

static void do_rest(void *context)
{
    struct appliance *a = context;
    shed_diagnostics(a);
    capture_sweep(a->capture);
    if (a->link)
        hub_link_committed(a->link);
    if (a->counter)
        counter_committed(a->counter);
}

/*
 * Who asked for it is waiting: what else follows from a commit, first of all that it is read again
 * and sent to the hub, comes when the answers that were posted before this have gone out.
 */
static void after_commit(void *context)
{
    struct appliance *a = context;
    if (a->log) /* else closing: nothing can be read any more */
        loop_timer_start(a->rest, 0, 0);
}

/* Writer thread. A lost post is made good by the next one. */
static void on_committed(void *context)
{
    struct appliance *a = context;
    enum err err = loop_post(a->ground.loop, after_commit, a);
    (void)err;
}

static void on_link(void *context, bool online)
{
    struct appliance *a = context;
    __atomic_store_n(&a->link_up, online, __ATOMIC_RELAXED);
    if (a->counter)
        counter_link_changed(a->counter);
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
    if (strcmp(name, "reserve") == 0)
        holding_take(a->holding, message);
    else
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
        diag_fault(a->ground.diag, DIAG_WARN, "contact.secret_not_sealed", &fault);
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
    diag_write(a->ground.diag, DIAG_INFO, "appliance.enrolled", "%s: opening anew", what);
    reseal_contacts(a); /* while the secret is at hand: the former key is gone */
    a->again = true;
    loop_stop(a->ground.loop);
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
        health_judge(&log, &a->member.trouble, &link, clock_monotonic_ms(a->ground.clock));
    jsonw_text(w, "health", health.code);
    if (!health.healthy)
        jsonw_text(w, "reason", health.reason);
    jsonw_int(w, "lost", log.lost[STREAM_RETURNS] + log.lost[STREAM_SALES]);
    jsonw_bool(w, "time_trusted", clock_read(a->ground.clock).trusted);
    endings_describe(&a->endings, w);
    holding_describe(w);
    if (a->updater)
        updater_describe(a->updater, w);
}

static bool is_link_up(void *context)
{
    struct appliance *a = context;
    return __atomic_load_n(&a->link_up, __ATOMIC_RELAXED);
}

/* --- Opening, in order ----------------------------------------------------------------------- */

static enum err open_log(struct appliance *a, struct fault *fault)
{
    views_define(a->views);
    views_tell_due(a->views, &a->due);
    a->due = true; /* some may wait since before */
    contact_keys_view(a->contacts, &a->views[VIEWS_COUNT]);
    a->log_config = (struct eventlog_config){
        .folder = a->ground.folder,
        .device_id = a->member.device,
        .store = a->member.store,
        .clock = a->ground.clock,
        .diag = a->ground.diag,
        .views = a->views,
        .view_count = VIEWS_COUNT + 1,
        .committed = on_committed,
        .context = a,
    };
    a->rest = loop_timer_open(a->ground.loop, do_rest, a);
    if (!a->rest)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    enum err err = eventlog_open(&a->log, &a->log_config, fault);
    if (!err)
        endings_begin(&a->endings, a->ground.folder, clock_wall_ms(a->ground.clock),
                      a->ground.diag);
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
        .clock = a->ground.clock,
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
        .loop = a->ground.loop,
        .diag = a->ground.diag,
        .settings = a->settings,
        .capture = a->capture,
        .log_config = &a->log_config,
    };
    return intake_open(&a->intake, &config, fault);
}

static enum err open_link(struct appliance *a, struct fault *fault)
{
    const struct hub_link_config config = {
        .loop = a->ground.loop,
        .clock = a->ground.clock,
        .diag = a->ground.diag,
        .settings = a->settings,
        .folder = a->ground.folder,
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

static enum err open_holding(struct appliance *a, struct fault *fault)
{
    const struct holding_config config = {
        .loop = a->ground.loop, .capture = a->capture, .uplink = a->uplink, .diag = a->ground.diag};
    return a->uplink ? holding_open(&a->holding, &config, fault) : ERR_OK;
}

static void on_update_changed(void *context)
{
    struct appliance *a = context;
    if (a->uplink)
        uplink_tell_state(a->uplink);
}

static enum err open_counter(struct appliance *a, struct fault *fault)
{
    const struct counter_config config = {
        .ground = &a->ground,
        .settings = a->settings,
        .member = &a->member,
        .log = a->log,
        .log_config = &a->log_config,
        .capture = a->capture,
        .poslog = intake_poslog(a->intake),
        .formats = a->formats,
        .policy = policy_file_policy(a->policy),
        .uplink = a->uplink,
        .describe_config = describe_config,
        .context = a,
    };
    return counter_open(&a->counter, &config, fault);
}

static enum err open_updater(struct appliance *a, struct fault *fault)
{
    const struct updater_config config = {
        .loop = a->ground.loop,
        .clock = a->ground.clock,
        .diag = a->ground.diag,
        .folder = a->ground.folder,
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
    const struct lamp_config config = {.loop = a->ground.loop,
                                       .log = a->log,
                                       .identity = &a->member.trouble,
                                       .uplink = a->uplink,
                                       .updater = a->updater,
                                       .clock = a->ground.clock,
                                       .leds = settings_text(a->settings, "lamp")};
    return config.leds ? lamp_open(&a->lamp, &config, fault) : ERR_OK;
}

/* What the centre has pushed takes the place of what the settings say. */
static enum err open_centre(struct appliance *a, struct fault *fault)
{
    const struct centre_config config = {
        .loop = a->ground.loop,
        .log = a->log,
        .clock = a->ground.clock,
        .diag = a->ground.diag,
        .identity_folder = a->member.folder,
        .device = a->member.device,
        .store = a->member.store,
        .handlers = {[COMMAND_ROTATE_KEY] = {rotate_order_run, a->link},
                     [COMMAND_DIAG] = {diag_order_run, counter_service(a->counter)},
                     [COMMAND_UPDATE] = {update_order_run, a->updater}},
        .pushed = {.settings = a->settings,
                   .folder = a->ground.folder,
                   .capture = a->capture,
                   .api = counter_api(a->counter),
                   .retention = a->retention,
                   .prints = counter_prints(a->counter),
                   .uplink = a->uplink,
                   .target = hub_link_target(a->link),
                   .updater = a->updater,
                   .diag = a->ground.diag},
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
        .loop = a->ground.loop,
        .log = a->log,
        .identity = &a->member.trouble,
        .uplink = a->uplink,
        .clock = a->ground.clock,
        .diag = a->ground.diag,
        .notify_socket = getenv("NOTIFY_SOCKET"),
        .watchdog_usec = getenv("WATCHDOG_USEC"),
    };
    return pulse_open(&a->pulse, &config, fault);
}

static enum err open_member(struct appliance *a, struct fault *fault)
{
    struct fault later;
    enum err err = membership_read(&a->member, a->ground.folder, a->settings, fault);
    if (!err && membership_remember(&a->member, a->ground.folder, &later) != ERR_OK)
        diag_fault(a->ground.diag, DIAG_WARN, "appliance.member_not_kept", &later);
    return err ? err
               : contact_keys_open(&a->contacts, a->ground.folder, a->member.folder, a->ground.diag,
                                   fault);
}

static enum err open_retention(struct appliance *a, struct fault *fault)
{
    return retention_open(&a->retention, a->ground.loop, a->log, a->settings, a->ground.diag,
                          fault);
}

static enum err open_member_watch(struct appliance *a, struct fault *fault)
{
    const struct member_watch_config config = {.loop = a->ground.loop,
                                               .member = &a->member,
                                               .state = a->ground.folder,
                                               .settings = a->settings,
                                               .changed = on_member_changed,
                                               .context = a};
    return member_watch_open(&a->member_watch, &config, fault);
}

/* Each may use what stands above it. */
static enum err (*const opening[])(struct appliance *a, struct fault *fault) = {
    open_member,  open_log,          open_capture, open_intake, open_link,
    open_holding, open_counter,      open_updater, open_lamp,   open_retention,
    open_centre,  open_member_watch, open_pulse,
};

/* Whoever reads the diagnostics later learns it, too. */
static void tell_of_failed_start(const struct appliance *a)
{
    char why[NOT_STARTED_MAX];
    struct fault fault;
    if (!not_started_read(a->ground.folder, why))
        return;
    diag_write(a->ground.diag, DIAG_WARN, "appliance.did_not_start", "before this start: %s", why);
    if (not_started_forget(a->ground.folder, &fault) != ERR_OK)
        diag_fault(a->ground.diag, DIAG_WARN, "appliance.did_not_start", &fault);
}

enum err appliance_open(struct appliance **out, const char *folder, const struct settings *settings,
                        struct fault *fault)
{
    struct appliance *a = calloc(1, sizeof *a);
    if (!a)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    a->settings = settings;
    enum err err = ground_open(&a->ground, folder, settings, fault);
    for (size_t i = 0; !err && i < sizeof opening / sizeof *opening; i++)
        err = opening[i](a, fault);
    if (err) {
        appliance_close(a);
        return err;
    }
    tell_of_failed_start(a);
    *out = a;
    return ERR_OK;
}

const char *appliance_address(const struct appliance *a)
{
    return counter_address(a->counter);
}

bool appliance_run(struct appliance *a)
{
    pulse_ready(a->pulse);
    loop_run(a->ground.loop);
    return a->again;
}

void appliance_close(struct appliance *a)
{
    if (!a)
        return;
    pulse_stop(a->pulse);
    member_watch_close(a->member_watch);
    counter_stop(a->counter);
    lamp_close(a->lamp);
    updater_close(a->updater);
    a->updater = NULL;
    centre_stop(a->centre);
    holding_close(a->holding);
    hub_link_stop(a->link);
    a->uplink = NULL;
    intake_stop(a->intake);
    retention_close(a->retention);
    eventlog_close(a->log); /* what was accepted is decided and saved; the answers are posted */
    a->log = NULL;
    loop_timer_close(a->rest);
    pulse_close(a->pulse);
    counter_hush(a->counter);
    ground_stop(&a->ground);
    capture_close(a->capture);
    contact_keys_close(a->contacts);
    centre_close(a->centre);
    intake_close(a->intake);
    scan_formats_close(a->formats);
    policy_file_close(a->policy);
    hub_link_close(a->link);
    counter_close(a->counter);
    endings_end_well(&a->endings, a->ground.folder, a->ground.diag);
    ground_close(&a->ground);
    free(a);
}
