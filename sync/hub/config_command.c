#include "sync/hub/config_command.h"
#include "hal/base/cleanup.h"
#include "hal/base/json.h"
#include "hal/storage.h"
#include "sync/hub/config_words.h"
#include "sync/hub/fleet/layer.h"
#include "sync/hub/fleet/rollouts.h"
#include "sync/hub/ingest/access.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { TEXT_MAX = 16 * 1024 * 1024, HISTORY_MAX = 50, TROUBLED_MAX = 50 };

const char config_usage[] =
    "  config put SCOPE FILE --reason TEXT\n"
    "                           put a layer: fleet, group/NAME, store/NUMBER or device/ID; FILE\n"
    "                           is a JSON merge patch over the layers below; nothing is sent yet\n"
    "  config show SCOPE        the layer as it stands\n"
    "  config plan [SCOPE]      what a push would change, and for whom\n"
    "  config push [SCOPE] --reason TEXT\n"
    "                           bring it to all at once; SCOPE is fleet unless given\n"
    "  config rollout [SCOPE] --reason TEXT [--canary N] [--percents 10,50,100]\n"
    "                 [--failure-percent N] [--silence SECONDS] [--soak SECONDS] [--backlog N]\n"
    "                           bring it in waves; it halts by itself when too many refuse it,\n"
    "                           fall silent, or fall behind\n"
    "  config rollout pause|resume|abort NUMBER --reason TEXT\n"
    "                           abort: who had it goes back to what was good before\n"
    "  config status [NUMBER]   the newest rollout, or that one, and the fleet; --json\n"
    "  config diff DEVICE       what the layers say now against what it was sent\n"
    "  config history [SCOPE]   who put what, when and why\n"
    "  config group add|remove NAME DEVICE...\n"
    "                           who is in a group\n";

struct office {
    struct hubdb *hub;
    struct database *db;
    struct desired *desired;
    struct rollouts *rollouts;
    int64_t now_ms;
};

static enum err note(const struct office *office, const char *action, const char *subject,
                     const char *reason, struct fault *fault)
{
    const struct access_holder holder = {.name = "command line", .role = ACCESS_IT};
    const struct access_act act = {.holder = &holder,
                                   .action = action,
                                   .subject = subject,
                                   .reason = reason,
                                   .now_ms = office->now_ms};
    return access_note(office->db, &act, fault);
}

/* What is put may be for an appliance that is yet to come; or its name is mistyped. */
static enum err tell_if_nobody(const struct office *office, const char *scope, struct fault *fault)
{
    int64_t appliances;
    const char *group = scope_name(scope, "group");
    enum err err = desired_expected(office->desired, scope, &appliances, fault);
    if (err || appliances)
        return err;
    if (group)
        (void)fprintf(stderr,
                      "tillback-hub: %s: no appliance is in it yet; tillback-hub config group add "
                      "%s DEVICE puts one in\n",
                      scope, group);
    else
        (void)fprintf(stderr,
                      "tillback-hub: %s: no appliance of that name is in service or invited; "
                      "tillback-hub device list shows who is\n",
                      scope);
    return ERR_OK;
}

/* --- Layers ---------------------------------------------------------------------------------- */

/* Written anew in our own form, so that equal layers are equal byte for byte. */
static enum err normalise(struct slice text, struct buf *out, struct fault *fault)
{
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    enum err err = json_parse(text, CONFIG_JSON, &doc, fault);
    if (err)
        return err;
    json_print(doc, out);
    return buf_check(out, fault, "settings");
}

static enum err put(const struct office *office, const struct config_words *asked,
                    struct fault *fault)
{
    struct buf file CLEANUP(buf_free);
    struct buf settings CLEANUP(buf_free);
    int64_t change_no;
    buf_init(&file, CONFIG_BYTES_MAX);
    buf_init(&settings, CONFIG_BYTES_MAX);
    if (asked->count != 3)
        return fault_set(fault, ERR_INVALID, "config put", "needs a scope and a file");
    enum err err = config_words_reason(asked, fault);
    if (!err)
        err = storage_read(asked->words[2], &file, fault);
    if (!err && (err = normalise(buf_slice(&file), &settings, fault)) != ERR_OK)
        fault_in_file(fault, asked->words[2]);
    const struct layer_change change = {.scope = asked->words[1],
                                        .settings = buf_slice(&settings),
                                        .holder = "command line",
                                        .reason = asked->reason,
                                        .now_ms = office->now_ms};
    if (!err)
        err = desired_put_layer(office->desired, &change, &change_no, fault);
    if (!err)
        err = note(office, "config.put", asked->words[1], asked->reason, fault);
    if (!err)
        err = tell_if_nobody(office, asked->words[1], fault);
    if (!err)
        (void)printf("change %" PRId64 "; see tillback-hub config plan, then push or rollout\n",
                     change_no);
    return err;
}

static enum err show(const struct office *office, const struct config_words *asked,
                     struct fault *fault)
{
    struct buf settings CLEANUP(buf_free);
    const char *scope = config_words_at(asked, 1, "fleet");
    buf_init(&settings, CONFIG_BYTES_MAX);
    enum err err = scope_check(scope, fault);
    if (!err)
        err = desired_layer(office->desired, scope, &settings, fault);
    if (!err)
        (void)printf("%s\n", settings.data);
    return err;
}

static enum err group(const struct office *office, const struct config_words *asked,
                      struct fault *fault)
{
    bool in = strcmp(config_words_at(asked, 1, ""), "add") == 0;
    if (asked->count < 4 || (!in && strcmp(asked->words[1], "remove") != 0))
        return fault_set(fault, ERR_INVALID, "config group", "add|remove NAME DEVICE...");
    enum err err = ERR_OK;
    for (int i = 3; !err && i < asked->count; i++) {
        char scope[SCOPE_MAX];
        (void)snprintf(scope, sizeof scope, "device/%s", asked->words[i]);
        err = desired_group(office->desired, asked->words[2], asked->words[i], in, fault);
        if (!err && in)
            err = tell_if_nobody(office, scope, fault);
    }
    return err ? err
               : note(office, in ? "config.group_add" : "config.group_remove", asked->words[2], "",
                      fault);
}

static enum err history(const struct office *office, const struct config_words *asked,
                        struct fault *fault)
{
    struct buf out CLEANUP(buf_free);
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    buf_init(&out, TEXT_MAX);
    struct jsonw w = jsonw_to(&out);
    jsonw_array(&w, NULL);
    enum err err = desired_write_changes(office->desired, config_words_at(asked, 1, ""), INT64_MAX,
                                         HISTORY_MAX, &w, fault);
    jsonw_end(&w);
    if (!err)
        err = buf_check(&out, fault, "history");
    if (!err && asked->json)
        (void)printf("%s\n", out.data);
    if (err || asked->json)
        return err;
    const struct json_limits limits = {.bytes = TEXT_MAX, .depth = CONFIG_DEPTH_MAX + 2};
    err = json_parse(buf_slice(&out), limits, &doc, fault);
    if (!err && !json_first(doc))
        (void)puts("Nothing was put yet.");
    for (const struct cJSON *item = json_first(doc); item; item = json_next(item))
        (void)printf("%" PRId64 "  %s  %s  %s: %s\n", json_member_int(item, "change", 0),
                     json_member_text(item, "at"), json_member_text(item, "scope"),
                     json_member_text(item, "by"), json_member_text(item, "reason"));
    return err;
}

/* --- What would change ----------------------------------------------------------------------- */

static void print_difference(void *context, const char *path, struct slice before,
                             struct slice after)
{
    int *differences = context;
    (*differences)++;
    (void)printf("    %s: %.*s -> %.*s\n", path, (int)(before.len ? before.len : 4),
                 before.len ? before.data : "none", (int)(after.len ? after.len : 4),
                 after.len ? after.data : "none");
}

static enum err print_diff(const struct office *office, const char *device, int *differences,
                           struct fault *fault)
{
    struct desired_document sent;
    struct buf settings CLEANUP(buf_free);
    buf_init(&settings, CONFIG_BYTES_MAX);
    enum err err = desired_find(office->desired, device, &sent, fault);
    if (!err)
        err = desired_render(office->desired, device, INT64_MAX, &settings, fault);
    struct slice before = sent.settings.len ? buf_slice(&sent.settings) : SLICE_LITERAL("{}");
    if (!err && !slice_equal(before, buf_slice(&settings))) {
        (void)printf("%s (version %" PRId64 ")\n", device, sent.version);
        err = layer_diff(before, buf_slice(&settings), print_difference, differences, fault);
    }
    if (!err && config_settings_check(buf_slice(&settings), fault) != ERR_OK)
        err = fault_wrap(fault, ERR_INVALID, device);
    desired_document_free(&sent);
    return err;
}

struct planning {
    const struct office *office;
    int devices;
    int changed;
};

static enum err plan_one(void *context, const char *device, bool online, struct fault *fault)
{
    (void)online;
    struct planning *planning = context;
    int differences = 0;
    planning->devices++;
    enum err err = print_diff(planning->office, device, &differences, fault);
    planning->changed += differences > 0;
    return err;
}

static enum err diff(const struct office *office, const struct config_words *asked,
                     struct fault *fault)
{
    struct planning planning = {.office = office};
    char scope[SCOPE_MAX];
    if (asked->count != 2)
        return fault_set(fault, ERR_INVALID, "config diff", "needs a device");
    (void)snprintf(scope, sizeof scope, "device/%s", asked->words[1]);
    enum err err = desired_each(office->desired, scope, plan_one, &planning, fault);
    if (!err && !planning.devices)
        return fault_set(fault, ERR_NOT_FOUND, asked->words[1],
                         "no appliance of that id is in service");
    if (!err && !planning.changed)
        (void)printf("It was sent what the layers say.\n");
    return err;
}

static enum err plan(const struct office *office, const struct config_words *asked,
                     struct fault *fault)
{
    struct planning planning = {.office = office};
    const char *scope = config_words_at(asked, 1, "fleet");
    enum err err = scope_check(scope, fault);
    if (!err)
        err = desired_each(office->desired, scope, plan_one, &planning, fault);
    if (!err)
        (void)printf("%d of %d appliances of %s would change.\n", planning.changed,
                     planning.devices, scope);
    return err;
}

/* --- Rollouts -------------------------------------------------------------------------------- */

static enum err start(const struct office *office, const char *scope,
                      const struct config_words *asked, struct fault *fault)
{
    int64_t no;
    char subject[32];
    const struct rollout_order order = {.scope = scope,
                                        .rules = asked->rules,
                                        .holder = "command line",
                                        .reason = asked->reason,
                                        .now_ms = office->now_ms};
    enum err err = config_words_reason(asked, fault);
    if (!err)
        err = rollouts_start(office->rollouts, &order, &no, fault);
    if (err)
        return err;
    (void)snprintf(subject, sizeof subject, "%" PRId64, no);
    (void)printf("rollout %" PRId64 " has begun; tillback-hub config status tells how it goes\n",
                 no);
    return note(office, "rollout.start", subject, asked->reason, fault);
}

static enum err push(const struct office *office, const struct config_words *asked,
                     struct fault *fault)
{
    struct config_words all = *asked;
    all.rules = rollout_at_once;
    return start(office, config_words_at(asked, 1, "fleet"), &all, fault);
}

static enum err rollout(const struct office *office, const struct config_words *asked,
                        struct fault *fault)
{
    struct rollout_act act = {.reason = asked->reason, .now_ms = office->now_ms};
    const char *verb = config_words_at(asked, 1, "fleet");
    if (rollout_event_find(verb, &act.event) != ERR_OK || act.event < ROLLOUT_PAUSE)
        return start(office, verb, asked, fault);
    if (asked->count != 3)
        return fault_set(fault, ERR_INVALID, "config rollout", "%s needs a number", verb);
    enum err err =
        config_words_number("rollout", asked->words[2], INT64_C(1) << 52, &act.rollout_no, fault);
    if (!err)
        err = config_words_reason(asked, fault);
    if (!err)
        err = rollouts_act(office->rollouts, &act, fault);
    char action[32];
    (void)snprintf(action, sizeof action, "rollout.%s", verb);
    return err ? err : note(office, action, asked->words[2], asked->reason, fault);
}

static void print_troubled(const struct cJSON *rollout, const char *state)
{
    for (const struct cJSON *item = json_first(json_member(rollout, state)); item;
         item = json_next(item)) {
        const char *path = json_member_text(item, "path");
        const char *reason = json_member_text(item, "reason");
        (void)printf("    %s  %s  %s%s%s\n", strcmp(state, "sent") == 0 ? "no answer" : state,
                     json_member_text(item, "device"), path ? path : "", path ? ": " : "",
                     reason ? reason : "");
    }
}

static void print_updating(const struct cJSON *rollout)
{
    for (const struct cJSON *item = json_first(json_member(rollout, "updating")); item;
         item = json_next(item)) {
        const char *reason = json_member_text(item, "reason");
        (void)printf("    update to %s  %s  %s%s%s\n", json_member_text(item, "release"),
                     json_member_text(item, "device"), json_member_text(item, "state"),
                     reason ? ": " : "", reason ? reason : "");
    }
}

static void print_status(const struct cJSON *doc)
{
    static const char *const kinds[] = {"total",   "planned", "good",    "bad",     "silent",
                                        "growing", "pending", "offline", "returned"};
    const struct cJSON *fleet = json_member(doc, "fleet");
    const struct cJSON *rollout = json_member(doc, "rollout");
    const struct cJSON *devices = json_member(rollout, "devices");
    (void)printf("fleet: %" PRId64 " have a configuration, %" PRId64 " have it in force, %" PRId64
                 " failed, %" PRId64 " on trial, %" PRId64 " drifted\n",
                 json_member_int(fleet, "desired", 0), json_member_int(fleet, "in_force", 0),
                 json_member_int(fleet, "failed", 0), json_member_int(fleet, "on_trial", 0),
                 json_member_int(fleet, "drifted", 0));
    if (!devices)
        return;
    (void)printf("rollout %" PRId64 " of %s: %s, wave %" PRId64 " of %" PRId64 "%s%s\n   ",
                 json_member_int(rollout, "rollout", 0), json_member_text(rollout, "scope"),
                 json_member_text(rollout, "state"), json_member_int(rollout, "wave", 0),
                 json_member_int(rollout, "waves", 0),
                 *json_member_text(rollout, "why") ? "; " : "", json_member_text(rollout, "why"));
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (json_member_int(devices, kinds[i], 0))
            (void)printf(" %s %" PRId64, kinds[i], json_member_int(devices, kinds[i], 0));
    (void)printf("\n");
    print_troubled(rollout, "bad");
    print_troubled(rollout, "sent");
    print_updating(rollout);
}

static enum err status(const struct office *office, const struct config_words *asked,
                       struct fault *fault)
{
    struct buf out CLEANUP(buf_free);
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    int64_t no = 0;
    buf_init(&out, TEXT_MAX);
    enum err err = asked->count > 1 ? config_words_number("rollout", asked->words[1],
                                                          INT64_C(1) << 52, &no, fault)
                                    : rollouts_newest(office->rollouts, &no, fault);
    if (err && err != ERR_NOT_FOUND)
        return err;
    struct jsonw w = jsonw_to(&out);
    jsonw_object(&w, NULL);
    jsonw_object(&w, "fleet");
    err = desired_write_counts(office->desired, &w, fault);
    jsonw_end(&w);
    if (!err && no) {
        struct buf rollout CLEANUP(buf_free);
        buf_init(&rollout, TEXT_MAX);
        struct jsonw inner = jsonw_to(&rollout);
        err = rollouts_write(office->rollouts, no, office->now_ms, TROUBLED_MAX, &inner, fault);
        jsonw_raw(&w, "rollout", buf_slice(&rollout));
    }
    jsonw_end(&w);
    if (!err)
        err = buf_check(&out, fault, "status");
    if (!err && asked->json)
        (void)printf("%s\n", out.data);
    if (err || asked->json)
        return err;
    const struct json_limits limits = {.bytes = TEXT_MAX, .depth = 8};
    err = json_parse(buf_slice(&out), limits, &doc, fault);
    if (!err)
        print_status(doc);
    return err;
}

/* --- The command ----------------------------------------------------------------------------- */

static const struct {
    const char *name;
    enum err (*run)(const struct office *office, const struct config_words *asked,
                    struct fault *fault);
    bool writes;
} verbs[] = {
    {"put", put, true},    {"show", show, false},       {"plan", plan, false},
    {"push", push, true},  {"rollout", rollout, true},  {"status", status, false},
    {"diff", diff, false}, {"history", history, false}, {"group", group, true},
};

static enum err open_office(const struct hubdb_config *config, bool writes, struct office *office,
                            struct fault *fault)
{
    office->now_ms = config->now_ms;
    enum err err = hubdb_open_beside(&office->hub, config, !writes, fault);
    if (err)
        return err;
    office->db = hubdb_database(office->hub);
    err = desired_open(&office->desired, office->db, fault);
    return err ? err : rollouts_open(&office->rollouts, office->db, office->desired, fault);
}

static void close_office(struct office *office)
{
    rollouts_close(office->rollouts);
    desired_close(office->desired);
    hubdb_close(office->hub);
}

enum err config_run(const struct hubdb_config *config, int count, char *const *words,
                    struct fault *fault)
{
    struct office office = {.hub = NULL};
    struct config_words asked = {.rules = rollout_careful};
    size_t verb = 0;
    enum err err = config_words_read(count, words, &asked, fault);
    if (err)
        return err;
    while (verb < sizeof verbs / sizeof *verbs &&
           strcmp(config_words_at(&asked, 0, ""), verbs[verb].name) != 0)
        verb++;
    if (verb == sizeof verbs / sizeof *verbs)
        return fault_set(fault, ERR_INVALID, "config",
                         "one of: put, show, plan, push, rollout, status, diff, history, group");
    err = open_office(config, verbs[verb].writes, &office, fault);
    if (!err && verbs[verb].writes)
        err = database_begin(office.db, fault);
    if (!err)
        err = verbs[verb].run(&office, &asked, fault);
    if (!err && verbs[verb].writes)
        err = database_commit(office.db, fault);
    if (office.db)
        database_rollback(office.db);
    close_office(&office);
    return err;
}
