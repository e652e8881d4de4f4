#include "sync/hub/web/fleet.h"
#include "hal/base/cleanup.h"
#include "sync/hub/web/fleet_read.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ANSWER_MAX = 16 * 1024 * 1024, SUBJECT_MAX = 128 };

struct fleet {
    struct web_config config;
    struct fleet_office reading;
};

enum err fleet_open(struct fleet **out, const struct web_config *config, struct fault *fault)
{
    struct fleet *fleet = calloc(1, sizeof *fleet);
    if (!fleet)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    fleet->config = *config;
    enum err err = fleet_office_open(&fleet->reading, config->database, fault);
    if (err) {
        fleet_close(fleet);
        return err;
    }
    *out = fleet;
    return ERR_OK;
}

void fleet_close(struct fleet *fleet)
{
    if (!fleet)
        return;
    fleet_office_close(&fleet->reading);
    free(fleet);
}

/* --- Changing -------------------------------------------------------------------------------- */

struct change;

/* One kind: METHOD <path>...<tail>; what is between them is the subject. */
struct change_kind {
    const char *method;
    const char *path;
    const char *tail;
    const char *action;
    enum err (*run)(struct change *change, struct fleet_office *office, struct fault *fault);
};

struct change {
    struct work work;
    const struct change_kind *kind;
    struct web_config config;
    struct http_request *request;
    struct access_holder holder;
    int64_t now_ms;
    char subject[SUBJECT_MAX];
    struct buf body; /* as it came */
    char reason[ACCESS_REASON_MAX + 1];
    struct buf answer;
};

/* A member of the body as we write JSON; `fallback` when it isn't there. */
static enum err member(const struct change *change, const char *name, const char *fallback,
                       struct buf *out, struct fault *fault)
{
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    enum err err = json_parse(buf_slice(&change->body), CONFIG_JSON, &doc, fault);
    const struct cJSON *found = json_member(doc, name);
    if (!err && !found && !fallback)
        return fault_set(fault, ERR_INVALID, name, "is missing");
    if (!err && found)
        json_print(found, out);
    else if (!err)
        buf_append_text(out, fallback);
    return err ? err : buf_check(out, fault, name);
}

static enum err text_member(const struct change *change, const char *name, char *out, size_t size,
                            struct fault *fault)
{
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    enum err err = json_parse(buf_slice(&change->body), CONFIG_JSON, &doc, fault);
    const char *text = json_member_text(doc, name);
    if (!err && !json_member(doc, name))
        return fault_set(fault, ERR_INVALID, name, "is missing");
    if (!err && (!text || strlen(text) >= size))
        err = fault_set(fault, ERR_INVALID, name, "must be a text of at most %zu bytes", size - 1);
    if (!err)
        (void)snprintf(out, size, "%s", text);
    return err;
}

static enum err run_put(struct change *change, struct fleet_office *office, struct fault *fault)
{
    struct buf settings CLEANUP(buf_free);
    int64_t change_no;
    int64_t appliances;
    buf_init(&settings, CONFIG_BYTES_MAX);
    enum err err = member(change, "settings", NULL, &settings, fault);
    const struct layer_change layer = {.scope = change->subject,
                                       .settings = buf_slice(&settings),
                                       .holder = change->holder.name,
                                       .reason = change->reason,
                                       .now_ms = change->now_ms};
    if (!err)
        err = desired_put_layer(office->desired, &layer, &change_no, fault);
    if (!err)
        err = desired_expected(office->desired, change->subject, &appliances, fault);
    if (!err)
        buf_printf(&change->answer, "{\"change\":%" PRId64 ",\"appliances\":%" PRId64 "}",
                   change_no, appliances);
    return err;
}

static enum err run_start(struct change *change, struct fleet_office *office, struct fault *fault)
{
    struct buf rules CLEANUP(buf_free);
    char scope[SCOPE_MAX];
    int64_t number;
    struct rollout_order order = {.scope = scope,
                                  .rules = rollout_careful,
                                  .holder = change->holder.name,
                                  .reason = change->reason,
                                  .now_ms = change->now_ms};
    buf_init(&rules, CONFIG_BYTES_MAX);
    enum err err = text_member(change, "scope", scope, sizeof scope, fault);
    if (!err)
        err = member(change, "rules", "{}", &rules, fault);
    if (!err)
        err = rollout_rules_read(buf_slice(&rules), &order.rules, fault);
    if (!err)
        err = rollouts_start(office->rollouts, &order, &number, fault);
    if (err)
        return err;
    (void)snprintf(change->subject, sizeof change->subject, "%" PRId64, number);
    buf_printf(&change->answer, "{\"rollout\":%" PRId64 "}", number);
    return ERR_OK;
}

static enum err run_act(struct change *change, struct fleet_office *office, struct fault *fault)
{
    struct rollout_act act = {.reason = change->reason, .now_ms = change->now_ms};
    enum err err = rollout_event_find(change->kind->tail + 1, &act.event);
    if (!err)
        err = fleet_read_number(change->subject, "id", &act.rollout_no, fault);
    if (!err)
        err = rollouts_act(office->rollouts, &act, fault);
    if (!err)
        buf_printf(&change->answer, "{\"rollout\":%" PRId64 ",\"asked\":\"%s\"}", act.rollout_no,
                   change->kind->tail + 1);
    return err;
}

static enum err run_command(struct change *change, struct fleet_office *office, struct fault *fault)
{
    struct buf arguments CLEANUP(buf_free);
    char name[32];
    char text[ID_TEXT + 1];
    struct id id;
    buf_init(&arguments, COMMAND_BYTES_MAX);
    enum err err = text_member(change, "name", name, sizeof name, fault);
    if (!err)
        err = member(change, "arguments", "{}", &arguments, fault);
    const struct command_order order = {.device = change->subject,
                                        .name = name,
                                        .arguments = buf_slice(&arguments),
                                        .holder = change->holder.name,
                                        .expiry_s = COMMAND_EXPIRY_S,
                                        .now_ms = change->now_ms};
    if (!err)
        err = commands_add(office->commands, &order, &id, fault);
    if (err)
        return err;
    id_format(&id, text);
    buf_printf(&change->answer, "{\"id\":\"%s\"}", text);
    return ERR_OK;
}

static const struct change_kind kinds[] = {
    {"PUT", "/v1/config/", "", "config.put", run_put},
    {"POST", "/v1/rollouts", "", "rollout.start", run_start},
    {"POST", "/v1/rollouts/", "/pause", "rollout.pause", run_act},
    {"POST", "/v1/rollouts/", "/resume", "rollout.resume", run_act},
    {"POST", "/v1/rollouts/", "/abort", "rollout.abort", run_act},
    {"POST", "/v1/devices/", "/commands", "command.ask", run_command},
};

static enum err run(struct work *work, struct database *db, struct fault *fault)
{
    struct change *change = (struct change *)((char *)work - offsetof(struct change, work));
    struct fleet_office office = {.desired = NULL};
    enum err err = fleet_office_open(&office, db, fault);
    if (!err)
        err = change->kind->run(change, &office, fault);
    fleet_office_close(&office);
    const struct access_act act = {.holder = &change->holder,
                                   .action = change->kind->action,
                                   .subject = change->subject,
                                   .reason = change->reason,
                                   .now_ms = change->now_ms};
    return err ? err : access_note(db, &act, fault);
}

static void change_free(struct change *change)
{
    buf_free(&change->body);
    buf_free(&change->answer);
    free(change);
}

static void done(struct work *work, enum err err, const struct fault *fault)
{
    struct change *change = (struct change *)((char *)work - offsetof(struct change, work));
    const struct news nothing = {0};
    bool created = strcmp(change->kind->method, "POST") == 0;
    if (err) {
        http_problem(change->request, http_status_of(err), fault);
    } else {
        http_answer(change->request, created ? 201 : 200, "application/json",
                    buf_slice(&change->answer), NULL, 0);
        change->config.changed(change->config.context, &nothing);
    }
    change_free(change);
}

/* The subject between path and tail; for a path without a slash at its end there is none. */
static bool fits(const struct change_kind *kind, const char *method, const char *path,
                 char subject[static SUBJECT_MAX])
{
    size_t head = strlen(kind->path);
    size_t tail = strlen(kind->tail);
    size_t len = strlen(path);
    *subject = '\0';
    if (strcmp(kind->method, method) != 0 || strncmp(path, kind->path, head) != 0)
        return false;
    if (kind->path[head - 1] != '/')
        return len == head;
    if (len <= head + tail || strcmp(path + len - tail, kind->tail) != 0 ||
        len - head - tail >= SUBJECT_MAX)
        return false;
    (void)snprintf(subject, SUBJECT_MAX, "%.*s", (int)(len - head - tail), path + head);
    return true;
}

static const struct change_kind *find_kind(const char *method, const char *path,
                                           char subject[static SUBJECT_MAX])
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (fits(&kinds[i], method, path, subject))
            return &kinds[i];
    return NULL;
}

static enum err start(struct change *change, struct fault *fault)
{
    struct slice body = http_request_body(change->request);
    enum err err = access_check(ACCESS_BIT(ACCESS_IT), change->holder.role, fault);
    if (err)
        return err;
    err = http_request_check_json(change->request, fault);
    if (err)
        return err;
    buf_init(&change->body, CONFIG_BYTES_MAX);
    buf_append(&change->body, body.data, body.len);
    err = buf_check(&change->body, fault, "body");
    if (!err)
        err = text_member(change, "reason", change->reason, sizeof change->reason, fault);
    if (!err && strlen(change->reason) < 3)
        err = fault_set(fault, ERR_INVALID, "reason", "must say why");
    if (!err && worker_submit(change->config.worker, &change->work) != ERR_OK)
        err = fault_set(fault, ERR_BUSY, "", "the database doesn't keep up");
    return err;
}

static void begin(struct fleet *fleet, const struct change_kind *kind, const char *subject,
                  const struct access_holder *holder, struct http_request *request)
{
    struct fault fault = {0};
    struct change *change = calloc(1, sizeof *change);
    if (!change) {
        (void)fault_set(&fault, ERR_NO_MEMORY, "", "out of memory");
        http_problem(request, 503, &fault);
        return;
    }
    *change = (struct change){
        .work = {.run = run,
                 .done = done,
                 .bytes = sizeof *change + http_request_body(request).len},
        .kind = kind,
        .config = fleet->config,
        .request = request,
        .holder = *holder,
        .now_ms = clock_wall_ms(fleet->config.clock),
    };
    (void)snprintf(change->subject, sizeof change->subject, "%s", subject);
    buf_init(&change->answer, ANSWER_MAX);
    enum err err = start(change, &fault);
    if (err) {
        http_problem(request, http_status_of(err), &fault);
        change_free(change);
    }
} /* NOLINT(clang-analyzer-unix.Malloc): the work's `done` frees it */

void fleet_allowed(enum access_role role, struct jsonw *w)
{
    for (size_t i = 0; role == ACCESS_IT && i < sizeof kinds / sizeof *kinds; i++)
        jsonw_text(w, NULL, kinds[i].action);
}

bool fleet_take(struct fleet *fleet, const struct access_holder *holder,
                struct http_request *request)
{
    const char *method = http_request_method(request);
    const char *path = http_request_path(request);
    const char *rest;
    char subject[SUBJECT_MAX];
    const struct fleet_view *view =
        strcmp(method, "GET") == 0 ? fleet_read_find(path, &rest) : NULL;
    const struct change_kind *kind = find_kind(method, path, subject);
    if (view)
        fleet_read_answer(
            &(struct fleet_reading){.office = &fleet->reading, .clock = fleet->config.clock}, view,
            holder->role, request, rest);
    else if (kind)
        begin(fleet, kind, subject, holder, request);
    return view || kind;
}

bool fleet_serves(const char *method, const char *path)
{
    const char *rest;
    char subject[SUBJECT_MAX];
    return (strcmp(method, "GET") == 0 && fleet_read_find(path, &rest)) ||
           find_kind(method, path, subject);
}
