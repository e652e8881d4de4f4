#include "agent/pushed.h"
#include "agent/people/people.h"
#include "agent/people/staff_given.h"
#include "hal/storage.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PARTS = 11, MS_PER_S = 1000, STATE_INTERVAL_S = 60, FILE_TEXT_MAX = 4096 };

#define DAY_MS (24 * 60 * 60 * (int64_t)1000)
#define MIB (1024 * (int64_t)1024)

/* Receipt formats, and as the rules against card numbers know them. */
struct receipts {
    struct scan_formats *formats;
    struct known_formats known;
};

struct pushed {
    struct pushed_config config;
    struct config_part parts[PARTS];
    struct policy_file *policy;
    struct receipts *receipts;
    struct staff_given *staff; /* NULL: whom the store itself has */
    struct config_broker broker;
};

static void failed(struct pushed *pushed, const char *what, const struct fault *fault)
{
    diag_fault(pushed->config.diag, DIAG_ERROR, what, fault);
}

/* --- Return policy and receipt numbers ------------------------------------------------------- */

static enum err check_policy(void *context, struct slice text, void **prepared, struct fault *fault)
{
    struct pushed *pushed = context;
    struct policy_file *policy = NULL;
    const char *own = settings_text(pushed->config.settings, "policy.file");
    enum err err =
        text.len ? policy_file_read(&policy, text, fault) : policy_file_open(&policy, own, fault);
    *prepared = policy;
    return err;
}

static void apply_policy(void *context, void *prepared)
{
    struct pushed *pushed = context;
    struct policy_file *policy = prepared;
    struct fault fault;
    if (capture_use(pushed->config.capture, policy_file_policy(policy), NULL, &fault) != ERR_OK) {
        failed(pushed, "config.policy_not_in_force", &fault);
        policy_file_close(policy);
        return;
    }
    api_use_policy(pushed->config.api, policy_file_policy(policy));
    policy_file_close(pushed->policy);
    pushed->policy = policy;
}

static void drop_policy(void *prepared)
{
    policy_file_close(prepared);
}

static void drop_receipts(void *prepared)
{
    struct receipts *receipts = prepared;
    if (!receipts)
        return;
    scan_formats_close(receipts->formats);
    free(receipts);
}

/* Takes over the formats. */
static enum err make_receipts(struct scan_formats *formats, struct receipts **receipts,
                              struct fault *fault)
{
    *receipts = calloc(1, sizeof **receipts);
    if (!*receipts) {
        scan_formats_close(formats);
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    }
    (*receipts)->formats = formats;
    (*receipts)->known = scan_formats_known(formats);
    return ERR_OK;
}

static enum err check_scan(void *context, struct slice text, void **prepared, struct fault *fault)
{
    struct pushed *pushed = context;
    struct scan_formats *formats = NULL;
    struct receipts *receipts = NULL;
    const char *own = settings_text(pushed->config.settings, "scan.formats");
    enum err err = text.len ? scan_formats_read(&formats, text, fault)
                            : scan_formats_open(&formats, own, fault);
    if (!err)
        err = make_receipts(formats, &receipts, fault);
    *prepared = receipts;
    return err;
}

static void apply_scan(void *context, void *prepared)
{
    struct pushed *pushed = context;
    struct receipts *receipts = prepared;
    struct fault fault;
    if (capture_use(pushed->config.capture, NULL, &receipts->known, &fault) != ERR_OK) {
        failed(pushed, "config.scan_not_in_force", &fault);
        drop_receipts(receipts);
        return;
    }
    api_use_formats(pushed->config.api, receipts->formats);
    drop_receipts(pushed->receipts);
    pushed->receipts = receipts;
}

/* --- Printing -------------------------------------------------------------------------------- */

static enum err check_printing(void *context, struct slice text, void **prepared,
                               struct fault *fault)
{
    struct pushed *pushed = context;
    struct template *template = NULL;
    const char *own = settings_text(pushed->config.settings, "print.template");
    enum err err =
        text.len ? template_read(&template, text, fault) : template_open(&template, own, fault);
    *prepared = template;
    return err;
}

static void apply_printing(void *context, void *prepared)
{
    struct pushed *pushed = context;
    print_desk_use(pushed->config.prints, prepared);
}

static void drop_printing(void *prepared)
{
    template_close(prepared);
}

/* --- Staff ----------------------------------------------------------------------------------- */

static enum err check_staff(void *context, struct slice text, void **prepared, struct fault *fault)
{
    (void)context;
    struct staff_given *given = NULL;
    enum err err = text.len ? staff_given_read(text, &given, fault) : ERR_OK;
    *prepared = given;
    return err;
}

static void drop_staff(void *prepared)
{
    staff_given_free(prepared);
}

/*
 * If the staff file can't be written now, it is reported as drift; the next configuration tries
 * again.
 */
static void apply_staff(void *context, void *prepared)
{
    struct pushed *pushed = context;
    struct fault fault;
    staff_given_free(pushed->staff);
    pushed->staff = prepared;
    if (pushed->staff && staff_govern(pushed->config.folder, pushed->staff, &fault) != ERR_OK)
        failed(pushed, "config.staff_not_in_force", &fault);
    api_staff_given(pushed->config.api);
}

static bool staff_has_drifted(void *context)
{
    struct pushed *pushed = context;
    struct staff *staff;
    if (!pushed->staff || staff_open(&staff, pushed->config.folder, NULL) != ERR_OK)
        return false;
    bool differs = staff_differs(staff, pushed->staff);
    staff_close(staff);
    return differs;
}

/* --- Plain values ---------------------------------------------------------------------------- */

/* A copy on the heap, for `apply` and `drop`. */
static enum err keep(const void *value, size_t size, enum err err, void **prepared,
                     struct fault *fault)
{
    if (err)
        return err;
    *prepared = malloc(size);
    if (!*prepared)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    memcpy(*prepared, value, size);
    return ERR_OK;
}

static enum err check_retention(void *context, struct slice text, void **prepared,
                                struct fault *fault)
{
    struct pushed *pushed = context;
    const struct eventlog_retention own = retention_rules(pushed->config.settings);
    struct config_retention read = {
        .days = own.max_age_ms / DAY_MS,
        .events = own.max_events,
        .mib = own.max_bytes / MIB,
        .least_days = own.least_ms / DAY_MS,
    };
    enum err err = text.len ? config_retention_read(text, &read, fault) : ERR_OK;
    return keep(&read, sizeof read, err, prepared, fault);
}

static void apply_retention(void *context, void *prepared)
{
    struct pushed *pushed = context;
    const struct config_retention *read = prepared;
    const struct eventlog_retention rules = {
        .max_age_ms = read->days * DAY_MS,
        .max_events = read->events,
        .max_bytes = read->mib * MIB,
        .least_ms = read->least_days * DAY_MS,
    };
    retention_use(pushed->config.retention, &rules);
    free(prepared);
}

static enum err check_limits(void *context, struct slice text, void **prepared, struct fault *fault)
{
    struct pushed *pushed = context;
    struct config_limits read = {
        .ack_timeout_ms = settings_int(pushed->config.settings, "broker.ack_timeout_ms"),
        .state_interval_s = STATE_INTERVAL_S,
        .session_idle_s = PEOPLE_IDLE_MS / MS_PER_S,
        .session_age_s = PEOPLE_AGE_MS / MS_PER_S,
    };
    enum err err = text.len ? config_limits_read(text, &read, fault) : ERR_OK;
    return keep(&read, sizeof read, err, prepared, fault);
}

static void apply_limits(void *context, void *prepared)
{
    struct pushed *pushed = context;
    const struct config_limits *read = prepared;
    const struct session_limits sessions = {.idle_ms = read->session_idle_s * MS_PER_S,
                                            .age_ms = read->session_age_s * MS_PER_S};
    api_use_session_limits(pushed->config.api, &sessions);
    if (pushed->config.uplink)
        uplink_set_patience(pushed->config.uplink, read->ack_timeout_ms,
                            read->state_interval_s * MS_PER_S);
    free(prepared);
}

static enum err check_diagnostics(void *context, struct slice text, void **prepared,
                                  struct fault *fault)
{
    struct pushed *pushed = context;
    struct config_diagnostics read = {
        .level = (int)diag_level_of(settings_text(pushed->config.settings, "diagnostics.level"))};
    enum err err = text.len ? config_diagnostics_read(text, &read, fault) : ERR_OK;
    return keep(&read, sizeof read, err, prepared, fault);
}

static void apply_diagnostics(void *context, void *prepared)
{
    struct pushed *pushed = context;
    const struct config_diagnostics *read = prepared;
    diag_set_least(pushed->config.diag, (enum diag_level)read->level);
    free(prepared);
}

static enum err check_features(void *context, struct slice text, void **prepared,
                               struct fault *fault)
{
    (void)context;
    struct config_features read = {.poslog = true, .exchanges = true};
    enum err err = text.len ? config_features_read(text, &read, fault) : ERR_OK;
    return keep(&read, sizeof read, err, prepared, fault);
}

static void apply_features(void *context, void *prepared)
{
    struct pushed *pushed = context;
    api_use_features(pushed->config.api, prepared);
    free(prepared);
}

/* --- The way to the hub ---------------------------------------------------------------------- */

static enum err check_broker(void *context, struct slice text, void **prepared, struct fault *fault)
{
    struct pushed *pushed = context;
    const struct uplink_target *own = pushed->config.target;
    struct config_broker read = {.url = ""};
    (void)snprintf(read.url, sizeof read.url, "%s", own->url ? own->url : "");
    (void)snprintf(read.proxy, sizeof read.proxy, "%s", own->proxy ? own->proxy : "");
    enum err err = text.len ? config_broker_read(text, &read, fault) : ERR_OK;
    return keep(&read, sizeof read, err, prepared, fault);
}

static void apply_broker(void *context, void *prepared)
{
    struct pushed *pushed = context;
    struct uplink_target target = *pushed->config.target;
    pushed->broker = *(struct config_broker *)prepared;
    free(prepared);
    target.url = pushed->broker.url;
    target.proxy = pushed->broker.proxy[0] ? pushed->broker.proxy : NULL;
    if (pushed->config.uplink)
        uplink_use(pushed->config.uplink, &target);
}

/* --- What the system follows ----------------------------------------------------------------- */

/* A file in the state directory; empty text removes it. */
static void write_file(struct pushed *pushed, const char *name, struct slice text)
{
    char path[PATH_MAX];
    struct fault fault;
    enum err err = storage_path(path, sizeof path, pushed->config.folder, name)
                       ? fault_set(&fault, ERR_TOO_LARGE, name, "the path is too long")
                       : ERR_OK;
    if (!err)
        err = text.len ? storage_replace(path, text, 0644, &fault) : storage_remove(path, &fault);
    if (err)
        failed(pushed, "config.file_not_written", &fault);
}

static enum err check_time(void *context, struct slice text, void **prepared, struct fault *fault)
{
    (void)context;
    struct config_time read = {.count = 0};
    enum err err = text.len ? config_time_read(text, &read, fault) : ERR_OK;
    return keep(&read, sizeof read, err, prepared, fault);
}

/* A drop-in for systemd-timesyncd (timesyncd.conf(5)). */
static void apply_time(void *context, void *prepared)
{
    const struct config_time *read = prepared;
    struct buf text;
    buf_init(&text, FILE_TEXT_MAX);
    if (read->count)
        buf_append_text(&text, "[Time]\nNTP=");
    for (size_t i = 0; i < read->count; i++)
        buf_printf(&text, "%s%s", i ? " " : "", read->servers[i]);
    if (read->count)
        buf_append_char(&text, '\n');
    write_file(context, "timesyncd.conf", buf_slice(&text));
    buf_free(&text);
    free(prepared);
}

static enum err check_updates(void *context, struct slice text, void **prepared,
                              struct fault *fault)
{
    (void)context;
    struct config_updates read = {.channel = ""};
    enum err err = text.len ? config_updates_read(text, &read, fault) : ERR_OK;
    return keep(&read, sizeof read, err, prepared, fault);
}

static void apply_updates(void *context, void *prepared)
{
    struct pushed *pushed = context;
    const struct config_updates *read = prepared;
    char line[CONFIG_WORD_MAX + 2] = "";
    if (read->channel[0])
        (void)snprintf(line, sizeof line, "%s\n", read->channel);
    write_file(context, "update-channel", slice_of(line));
    updater_want(pushed->config.updater, read->has_release ? &read->release : NULL);
    free(prepared);
}

/* --- All of them ----------------------------------------------------------------------------- */

static const struct config_part parts[PARTS] = {
    {CONFIG_POLICY, check_policy, apply_policy, drop_policy, NULL, NULL, false},
    {CONFIG_SCAN, check_scan, apply_scan, drop_receipts, NULL, NULL, false},
    {CONFIG_PRINTING, check_printing, apply_printing, drop_printing, NULL, NULL, false},
    {CONFIG_STAFF, check_staff, apply_staff, drop_staff, staff_has_drifted, NULL, false},
    {CONFIG_RETENTION, check_retention, apply_retention, free, NULL, NULL, false},
    {CONFIG_LIMITS, check_limits, apply_limits, free, NULL, NULL, false},
    {CONFIG_TIME, check_time, apply_time, free, NULL, NULL, false},
    {CONFIG_DIAGNOSTICS, check_diagnostics, apply_diagnostics, free, NULL, NULL, false},
    {CONFIG_FEATURES, check_features, apply_features, free, NULL, NULL, false},
    {CONFIG_UPDATES, check_updates, apply_updates, free, NULL, NULL, false},
    {CONFIG_BROKER, check_broker, apply_broker, free, NULL, NULL, true},
};

enum err pushed_open(struct pushed **out, const struct pushed_config *config,
                     struct policy_file *policy, struct scan_formats *formats, struct fault *fault)
{
    struct pushed *pushed = calloc(1, sizeof *pushed);
    if (!pushed) {
        policy_file_close(policy);
        scan_formats_close(formats);
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    }
    pushed->config = *config;
    pushed->policy = policy;
    enum err err = make_receipts(formats, &pushed->receipts, fault);
    if (err) {
        pushed_close(pushed);
        return err;
    }
    memcpy(pushed->parts, parts, sizeof parts);
    for (size_t i = 0; i < PARTS; i++)
        pushed->parts[i].context = pushed;
    *out = pushed;
    return ERR_OK;
}

void pushed_close(struct pushed *pushed)
{
    if (!pushed)
        return;
    policy_file_close(pushed->policy);
    drop_receipts(pushed->receipts);
    staff_given_free(pushed->staff);
    free(pushed);
}

const struct config_part *pushed_parts(const struct pushed *pushed, size_t *count)
{
    *count = PARTS;
    return pushed->parts;
}
