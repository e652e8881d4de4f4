#include "sync/config/keeper.h"
#include "hal/base/cleanup.h"
#include "provisioning/identity.h"
#include "sync/config/desired.h"
#include "sync/config/record.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

enum { RETELL_MS = 15 * 1000, MS_PER_S = 1000, TRIAL_STARTS_MAX = 3 };

struct keeper {
    struct loop *loop;
    struct keeper_config config;
    char folder[PATH_MAX];
    struct record record;
    struct buf waiting;          /* an envelope that came during a trial */
    struct buf in_force;         /* the settings object; empty: none */
    struct loop_timer *deadline; /* of a trial */
    struct loop_timer *retell;   /* until the hub has answered the report */
    bool connected;
    bool broken[CONFIG_SECTION_COUNT]; /* couldn't be put in force at the start */
};

/* --- Telling --------------------------------------------------------------------------------- */

static void publish(struct keeper *keeper, const struct config_report *report)
{
    struct buf text CLEANUP(buf_free);
    buf_init(&text, CONFIG_REPORT_BYTES_MAX);
    config_report_write(&text, report);
    if (!text.failed)
        keeper->config.tell(keeper->config.context, buf_slice(&text));
}

static void tell(struct keeper *keeper)
{
    struct config_report report;
    if (!keeper->connected)
        return;
    keeper_report(keeper, &report);
    publish(keeper, &report);
    loop_timer_start(keeper->retell, RETELL_MS, RETELL_MS);
}

static void on_retell(void *context)
{
    tell(context);
}

static void settle(struct keeper *keeper)
{
    keeper->config.settled(keeper->config.context, &keeper->record.report);
    tell(keeper);
}

/* What came isn't to be believed: told once, and nothing here changes for it. */
static void tell_refusal(struct keeper *keeper, const struct fault *fault)
{
    struct config_report report;
    diag_fault(keeper->config.diag, DIAG_WARN, "config.refused", fault);
    keeper_report(keeper, &report);
    report.state = CONFIG_STATE_REJECTED;
    report.version = 0;
    (void)snprintf(report.path, sizeof report.path, "%s", fault->where);
    (void)snprintf(report.reason, sizeof report.reason, "%s", fault->text);
    if (keeper->connected)
        publish(keeper, &report);
}

void keeper_report(const struct keeper *keeper, struct config_report *report)
{
    *report = keeper->record.report;
    for (size_t i = 0; i < keeper->config.part_count; i++) {
        const struct config_part *part = &keeper->config.parts[i];
        report->drift[part->section] =
            keeper->broken[part->section] || (part->drifted && part->drifted(part->context));
    }
}

/* --- Checking and putting in force ----------------------------------------------------------- */

static struct slice settings_in_force(const struct keeper *keeper)
{
    return keeper->in_force.len ? buf_slice(&keeper->in_force) : SLICE_LITERAL("{}");
}

static enum err check_part(const struct config_part *part, struct slice settings, void **prepared,
                           struct fault *fault)
{
    struct slice text = config_section_of(settings, part->section);
    enum err err = part->check(part->context, text, prepared, fault);
    if (err) {
        char path[64];
        (void)snprintf(path, sizeof path, "settings.%s", config_section_name(part->section));
        fault_within(fault, path);
    }
    return err;
}

/* All parts, or none: `prepared` has one for each. */
static bool is_governed(const struct keeper *keeper, enum config_section section)
{
    for (size_t i = 0; i < keeper->config.part_count; i++)
        if (keeper->config.parts[i].section == section)
            return true;
    return false;
}

/* What nothing here would follow must not be taken for applied. */
static enum err check_governed(const struct keeper *keeper, struct slice settings,
                               struct fault *fault)
{
    for (int i = 0; i < CONFIG_SECTION_COUNT; i++) {
        enum config_section section = (enum config_section)i;
        if (config_section_of(settings, section).len && !is_governed(keeper, section)) {
            char path[64];
            (void)snprintf(path, sizeof path, "settings.%s", config_section_name(section));
            return fault_set(fault, ERR_UNSUPPORTED, path, "nothing in this appliance follows it");
        }
    }
    return ERR_OK;
}

static enum err check_all(struct keeper *keeper, struct slice settings,
                          void *prepared[static KEEPER_PARTS_MAX], struct fault *fault)
{
    size_t done = 0;
    enum err err = config_settings_check(settings, fault);
    if (!err)
        err = check_governed(keeper, settings, fault);
    for (; !err && done < keeper->config.part_count; done++)
        err = check_part(&keeper->config.parts[done], settings, &prepared[done], fault);
    for (size_t i = 0; err && i + 1 < done; i++)
        keeper->config.parts[i].drop(prepared[i]);
    return err;
}

static void drop_all(struct keeper *keeper, void *prepared[static KEEPER_PARTS_MAX])
{
    for (size_t i = 0; i < keeper->config.part_count; i++)
        keeper->config.parts[i].drop(prepared[i]);
}

/* Only what differs from what is in force: nothing else is disturbed. */
static void apply_changed(struct keeper *keeper, struct slice settings,
                          void *prepared[static KEEPER_PARTS_MAX])
{
    for (size_t i = 0; i < keeper->config.part_count; i++) {
        const struct config_part *part = &keeper->config.parts[i];
        struct slice before = config_section_of(settings_in_force(keeper), part->section);
        struct slice after = config_section_of(settings, part->section);
        bool drifted = part->drifted && part->drifted(part->context);
        if (slice_equal(before, after) && !drifted && !keeper->broken[part->section])
            part->drop(prepared[i]);
        else
            part->apply(part->context, prepared[i]);
        keeper->broken[part->section] = false;
    }
    struct buf made;
    buf_init(&made, CONFIG_BYTES_MAX);
    buf_append(&made, settings.data, settings.len);
    buf_free(&keeper->in_force);
    keeper->in_force = made;
}

static bool needs_trial(struct keeper *keeper, struct slice settings)
{
    for (size_t i = 0; i < keeper->config.part_count; i++) {
        const struct config_part *part = &keeper->config.parts[i];
        if (part->on_trial &&
            !slice_equal(config_section_of(settings_in_force(keeper), part->section),
                         config_section_of(settings, part->section)))
            return true;
    }
    return false;
}

/* --- What came ------------------------------------------------------------------------------- */

static void set_fate(struct config_report *report, enum config_state state, const char *path,
                     const char *reason)
{
    report->state = state;
    (void)snprintf(report->path, sizeof report->path, "%s", path);
    (void)snprintf(report->reason, sizeof report->reason, "%s", reason);
}

static struct record next_record(const struct keeper *keeper, const struct config *config,
                                 struct slice text)
{
    struct record next = keeper->record;
    next.report.version = next.report.seen = config->version;
    next.report.hash = config_hash(text);
    return next;
}

static void reject(struct keeper *keeper, struct record *next, const struct fault *why)
{
    struct fault fault;
    set_fate(&next->report, CONFIG_STATE_REJECTED, why->where, why->text);
    diag_fault(keeper->config.diag, DIAG_WARN, "config.rejected", why);
    if (record_save(keeper->folder, next, (struct slice){"", 0}, &fault) != ERR_OK) {
        diag_fault(keeper->config.diag, DIAG_WARN, "config.not_recorded", &fault);
        return; /* it comes again */
    }
    keeper->record = *next;
    settle(keeper);
}

static void begin_trial(struct keeper *keeper, struct record *next, int64_t confirm_s)
{
    int64_t now_ms = clock_wall_ms(keeper->config.clock);
    set_fate(&next->report, CONFIG_STATE_PENDING_CONFIRM, "", "");
    next->trial = (struct record_trial){now_ms, now_ms + confirm_s * MS_PER_S, 1};
}

static void end_trial_well(struct record *next)
{
    set_fate(&next->report, CONFIG_STATE_APPLIED, "", "");
    next->report.applied_version = next->report.version;
    next->report.applied = next->report.hash;
}

static void put_in_force(struct keeper *keeper, const struct config *config, struct slice text)
{
    struct fault fault = {0};
    void *prepared[KEEPER_PARTS_MAX] = {NULL};
    struct record next = next_record(keeper, config, text);
    if (check_all(keeper, config->settings, prepared, &fault) != ERR_OK) {
        reject(keeper, &next, &fault);
        return;
    }
    bool trial = needs_trial(keeper, config->settings);
    if (trial)
        begin_trial(keeper, &next, config->confirm_s);
    else
        end_trial_well(&next);
    if (record_save(keeper->folder, &next, text, &fault) != ERR_OK) {
        diag_fault(keeper->config.diag, DIAG_ERROR, "config.not_recorded", &fault);
        drop_all(keeper, prepared);
        return; /* it comes again with the next connection */
    }
    keeper->record = next;
    if (trial)
        loop_timer_start(keeper->deadline, config->confirm_s * MS_PER_S, 0);
    apply_changed(keeper, config->settings, prepared);
    diag_write(keeper->config.diag, DIAG_INFO, "config.taken", "version %lld is %s",
               (long long)config->version, config_state_name(next.report.state));
    settle(keeper);
}

static enum err open_envelope(struct keeper *keeper, struct slice envelope, struct buf *text,
                              struct config *config, enum desired_verdict *verdict,
                              struct fault *fault)
{
    struct identity *identity CLEANUP(identity_cleanup) = NULL;
    enum err err =
        identity_open_public(&identity, keeper->config.identity_folder, IDENTITY_CURRENT, fault);
    if (err)
        return err;
    const struct desired_rules rules = {
        .signer = {.now_ms = clock_wall_ms(keeper->config.clock),
                   .ca = identity_ca(identity),
                   .crl = identity_crl(identity)},
        .device = keeper->config.device,
        .store = keeper->config.store,
        .known = &keeper->record.report,
    };
    return desired_open(envelope, &rules, text, config, verdict, fault);
}

/* One thing at a time: the newest that came is looked at when the trial has ended. */
static void wait_for_trial(struct keeper *keeper, struct slice envelope)
{
    buf_reset(&keeper->waiting);
    buf_append(&keeper->waiting, envelope.data, envelope.len);
}

static void take_waiting(struct keeper *keeper)
{
    struct buf envelope CLEANUP(buf_free) = keeper->waiting;
    buf_init(&keeper->waiting, ENVELOPE_BYTES_MAX);
    if (envelope.len)
        keeper_take(keeper, buf_slice(&envelope));
}

void keeper_take(struct keeper *keeper, struct slice envelope)
{
    struct buf text CLEANUP(buf_free);
    struct config config;
    struct fault fault = {0};
    enum desired_verdict verdict;
    buf_init(&text, CONFIG_BYTES_MAX);
    enum config_state state = keeper->record.report.state;
    if (open_envelope(keeper, envelope, &text, &config, &verdict, &fault) != ERR_OK)
        tell_refusal(keeper, &fault);
    else if (verdict == DESIRED_KNOWN && state != CONFIG_STATE_REJECTED)
        tell(keeper);
    else if (state == CONFIG_STATE_PENDING_CONFIRM)
        wait_for_trial(keeper, envelope);
    else /* a rejected one may be good for other software by now */
        put_in_force(keeper, &config, buf_slice(&text));
}

/* --- Trials ---------------------------------------------------------------------------------- */

/* The disk has lost it: as if it had been rejected, so that it is taken when it comes again. */
static void lose_document(struct keeper *keeper, const struct fault *fault)
{
    struct config_report *report = &keeper->record.report;
    diag_fault(keeper->config.diag, DIAG_ERROR, "config.lost", fault);
    set_fate(report, CONFIG_STATE_REJECTED, "", "the document was lost from the disk");
    report->applied_version = 0;
}

/* Puts in force the document that the record names; section by section, as far as they are good. */
static void restore_in_force(struct keeper *keeper, int64_t version, const struct sha256 *hash)
{
    struct buf text CLEANUP(buf_free);
    struct config config = {.settings = SLICE_LITERAL("{}")};
    struct fault fault = {0};
    buf_init(&text, CONFIG_BYTES_MAX);
    if (version && (record_document(keeper->folder, version, hash, &text, &fault) != ERR_OK ||
                    config_read(buf_slice(&text), &config, &fault) != ERR_OK))
        lose_document(keeper, &fault);
    for (size_t i = 0; i < keeper->config.part_count; i++) {
        const struct config_part *part = &keeper->config.parts[i];
        void *prepared = NULL;
        if (slice_equal(config_section_of(settings_in_force(keeper), part->section),
                        config_section_of(config.settings, part->section)) &&
            !keeper->broken[part->section])
            continue;
        if (check_part(part, config.settings, &prepared, &fault) == ERR_OK) {
            part->apply(part->context, prepared);
            keeper->broken[part->section] = false;
        } else {
            diag_fault(keeper->config.diag, DIAG_ERROR, "config.not_in_force", &fault);
            keeper->broken[part->section] = true;
        }
    }
    buf_reset(&keeper->in_force);
    buf_append(&keeper->in_force, config.settings.data, config.settings.len);
}

static void roll_back(struct keeper *keeper, const char *why)
{
    struct fault fault;
    struct record next = keeper->record;
    set_fate(&next.report, CONFIG_STATE_ROLLED_BACK, "", why);
    diag_write(keeper->config.diag, DIAG_WARN, "config.rolled_back", "version %lld: %s",
               (long long)next.report.version, why);
    if (record_save(keeper->folder, &next, (struct slice){"", 0}, &fault) != ERR_OK)
        diag_fault(keeper->config.diag, DIAG_ERROR, "config.not_recorded", &fault);
    keeper->record = next; /* a start without the record rolls back too: its time is up */
    loop_timer_stop(keeper->deadline);
    restore_in_force(keeper, next.report.applied_version, &next.report.applied);
    settle(keeper);
    take_waiting(keeper);
}

static void on_deadline(void *context)
{
    struct keeper *keeper = context;
    if (keeper->record.report.state == CONFIG_STATE_PENDING_CONFIRM)
        roll_back(keeper, "the hub did not answer over the new settings in time");
}

static void confirm(struct keeper *keeper)
{
    struct fault fault;
    struct record next = keeper->record;
    end_trial_well(&next);
    if (record_save(keeper->folder, &next, (struct slice){"", 0}, &fault) != ERR_OK) {
        diag_fault(keeper->config.diag, DIAG_ERROR, "config.not_recorded", &fault);
        return; /* the report is told, and answered, again */
    }
    keeper->record = next;
    loop_timer_stop(keeper->deadline);
    settle(keeper);
    take_waiting(keeper);
}

void keeper_acknowledged(struct keeper *keeper, struct slice text)
{
    struct config_ack ack;
    struct fault fault;
    const struct config_report *report = &keeper->record.report;
    if (config_ack_read(text, &ack, &fault) != ERR_OK) {
        diag_fault(keeper->config.diag, DIAG_WARN, "config.ack_unreadable", &fault);
        return;
    }
    if (ack.version != report->version || ack.state != report->state)
        return; /* of an earlier report */
    loop_timer_stop(keeper->retell);
    if (report->state == CONFIG_STATE_PENDING_CONFIRM)
        confirm(keeper);
}

void keeper_connected(struct keeper *keeper)
{
    keeper->connected = true;
    tell(keeper);
}

void keeper_disconnected(struct keeper *keeper)
{
    keeper->connected = false;
    loop_timer_stop(keeper->retell);
}

/* --- Opening --------------------------------------------------------------------------------- */

/* A trial that was cut short by the end of the program: goes on for what is left of its time. */
static void resume_trial(struct keeper *keeper)
{
    struct fault fault;
    struct record_trial *trial = &keeper->record.trial;
    int64_t now_ms = clock_wall_ms(keeper->config.clock);
    int64_t left_ms = trial->until_ms - now_ms;
    trial->starts++;
    keeper->config.settled(keeper->config.context, &keeper->record.report);
    if (left_ms <= 0 || now_ms < trial->began_ms || trial->starts > TRIAL_STARTS_MAX) {
        roll_back(keeper, left_ms <= 0 ? "its time was up when the appliance started again"
                                       : "the appliance had to start again too often");
        return;
    }
    if (record_save(keeper->folder, &keeper->record, (struct slice){"", 0}, &fault) != ERR_OK)
        diag_fault(keeper->config.diag, DIAG_WARN, "config.not_recorded", &fault);
    restore_in_force(keeper, keeper->record.report.version, &keeper->record.report.hash);
    loop_timer_start(keeper->deadline, left_ms, 0);
}

static void resume(struct keeper *keeper)
{
    const struct config_report *report = &keeper->record.report;
    if (report->state == CONFIG_STATE_PENDING_CONFIRM) {
        resume_trial(keeper);
        return;
    }
    restore_in_force(keeper, report->applied_version, &report->applied);
    if (report->state != CONFIG_STATE_NONE)
        keeper->config.settled(keeper->config.context, report);
}

enum err keeper_open(struct keeper **out, struct loop *loop, const struct keeper_config *config,
                     struct fault *fault)
{
    struct keeper *keeper = calloc(1, sizeof *keeper);
    if (!keeper)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    keeper->loop = loop;
    keeper->config = *config;
    buf_init(&keeper->in_force, CONFIG_BYTES_MAX);
    buf_init(&keeper->waiting, ENVELOPE_BYTES_MAX);
    (void)snprintf(keeper->folder, sizeof keeper->folder, "%s", config->folder);
    keeper->deadline = loop_timer_open(loop, on_deadline, keeper);
    keeper->retell = loop_timer_open(loop, on_retell, keeper);
    enum err err = keeper->deadline && keeper->retell
                       ? record_load(keeper->folder, &keeper->record, fault)
                       : fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    if (err) {
        keeper_close(keeper);
        return err;
    }
    resume(keeper);
    *out = keeper;
    return ERR_OK;
}

void keeper_close(struct keeper *keeper)
{
    if (!keeper)
        return;
    loop_timer_close(keeper->deadline);
    loop_timer_close(keeper->retell);
    buf_free(&keeper->in_force);
    buf_free(&keeper->waiting);
    free(keeper);
}
