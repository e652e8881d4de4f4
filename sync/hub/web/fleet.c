#include "sync/hub/web/fleet.h"
#include "hal/base/cleanup.h"
#include "hal/base/json_scan.h"
#include "sync/hub/fleet/commands.h"
#include "sync/hub/fleet/rollouts.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ANSWER_MAX = 16 * 1024 * 1024, PAGE = 100, TROUBLED_MAX = 100, SUBJECT_MAX = 128 };

/* On one handle. */
struct office {
    struct desired *desired;
    struct rollouts *rollouts;
    struct commands *commands;
};

struct fleet {
    struct web_config config;
    struct office reading;
};

static void office_close(struct office *office)
{
    commands_close(office->commands);
    rollouts_close(office->rollouts);
    desired_close(office->desired);
}

static enum err office_open(struct office *office, struct database *db, struct fault *fault)
{
    enum err err = desired_open(&office->desired, db, fault);
    if (!err)
        err = rollouts_open(&office->rollouts, db, office->desired, fault);
    return err ? err : commands_open(&office->commands, db, fault);
}

enum err fleet_open(struct fleet **out, const struct web_config *config, struct fault *fault)
{
    struct fleet *fleet = calloc(1, sizeof *fleet);
    if (!fleet)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    fleet->config = *config;
    enum err err = office_open(&fleet->reading, config->database, fault);
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
    office_close(&fleet->reading);
    free(fleet);
}

/* --- Reading --------------------------------------------------------------------------------- */

static enum err read_number(const char *text, const char *where, int64_t *number,
                            struct fault *fault)
{
    return json_scan_int(slice_of(text), number)
               ? fault_set(fault, ERR_NOT_FOUND, where, "must be a number from the list")
               : ERR_OK;
}

static enum err show_changes(struct fleet *fleet, struct http_request *request, const char *rest,
                             struct jsonw *w, struct fault *fault)
{
    (void)rest;
    const char *scope = http_request_query(request, "scope");
    const char *from = http_request_query(request, "from");
    int64_t before = INT64_MAX;
    enum err err = from ? read_number(from, "from", &before, fault) : ERR_OK;
    jsonw_object(w, NULL);
    jsonw_array(w, "changes");
    if (!err)
        err = desired_write_changes(fleet->reading.desired, scope ? scope : "", before, PAGE, w,
                                    fault);
    jsonw_end(w);
    jsonw_end(w);
    return err;
}

static enum err show_layer(struct fleet *fleet, struct http_request *request, const char *rest,
                           struct jsonw *w, struct fault *fault)
{
    (void)request;
    struct buf settings CLEANUP(buf_free);
    buf_init(&settings, CONFIG_BYTES_MAX);
    enum err err = scope_check(rest, fault);
    if (!err)
        err = desired_layer(fleet->reading.desired, rest, &settings, fault);
    jsonw_object(w, NULL);
    jsonw_text(w, "scope", rest);
    jsonw_raw(w, "settings", buf_slice(&settings));
    jsonw_end(w);
    return err;
}

static enum err show_rollouts(struct fleet *fleet, struct http_request *request, const char *rest,
                              struct jsonw *w, struct fault *fault)
{
    (void)rest;
    const char *from = http_request_query(request, "from");
    int64_t before = INT64_MAX;
    enum err err = from ? read_number(from, "from", &before, fault) : ERR_OK;
    jsonw_object(w, NULL);
    jsonw_array(w, "rollouts");
    if (!err)
        err = rollouts_list(fleet->reading.rollouts, before, clock_wall_ms(fleet->config.clock),
                            PAGE, w, fault);
    jsonw_end(w);
    jsonw_end(w);
    return err;
}

static enum err show_rollout(struct fleet *fleet, struct http_request *request, const char *rest,
                             struct jsonw *w, struct fault *fault)
{
    (void)request;
    int64_t number;
    enum err err = read_number(rest, "id", &number, fault);
    return err ? err
               : rollouts_write(fleet->reading.rollouts, number, clock_wall_ms(fleet->config.clock),
                                TROUBLED_MAX, w, fault);
}

static enum err show_fleet(struct fleet *fleet, struct http_request *request, const char *rest,
                           struct jsonw *w, struct fault *fault)
{
    (void)request;
    (void)rest;
    jsonw_object(w, NULL);
    enum err err = desired_write_counts(fleet->reading.desired, w, fault);
    jsonw_end(w);
    return err;
}

static enum err show_commands(struct fleet *fleet, struct http_request *request, const char *rest,
                              struct jsonw *w, struct fault *fault)
{
    (void)rest;
    const char *device = http_request_query(request, "device");
    jsonw_object(w, NULL);
    jsonw_array(w, "commands");
    enum err err = commands_list(fleet->reading.commands, device ? device : "", PAGE, w, fault);
    jsonw_end(w);
    jsonw_end(w);
    return err;
}

static enum err show_command(struct fleet *fleet, struct http_request *request, const char *rest,
                             struct jsonw *w, struct fault *fault)
{
    (void)request;
    struct id id;
    bool ended;
    if (id_parse(slice_of(rest), &id) != ERR_OK)
        return fault_set(fault, ERR_NOT_FOUND, "id", "there is no such command");
    return commands_write(fleet->reading.commands, &id, w, &ended, fault);
}

#define IT ACCESS_BIT(ACCESS_IT)
#define LOOKERS (IT | ACCESS_BIT(ACCESS_VIEWER))

static const struct view {
    const char *path; /* with a slash at its end it takes more */
    unsigned roles;
    enum err (*show)(struct fleet *fleet, struct http_request *request, const char *rest,
                     struct jsonw *w, struct fault *fault);
} views[] = {
    {"/v1/config", IT, show_changes},    {"/v1/config/", IT, show_layer},
    {"/v1/rollouts", IT, show_rollouts}, {"/v1/rollouts/", IT, show_rollout},
    {"/v1/fleet", LOOKERS, show_fleet},  {"/v1/commands", IT, show_commands},
    {"/v1/commands/", IT, show_command},
};

static void answer_view(struct fleet *fleet, const struct view *view, enum access_role role,
                        struct http_request *request, const char *rest)
{
    struct fault fault = {0};
    struct buf body CLEANUP(buf_free);
    buf_init(&body, ANSWER_MAX);
    struct jsonw w = jsonw_to(&body);
    enum err err = access_check(view->roles, role, &fault);
    if (!err)
        err = view->show(fleet, request, rest, &w, &fault);
    if (!err)
        err = buf_check(&body, &fault, "answer");
    if (err)
        http_problem(request, http_status_of(err), &fault);
    else
        http_answer(request, 200, "application/json", buf_slice(&body), NULL, 0);
}

static bool take_view(struct fleet *fleet, enum access_role role, struct http_request *request)
{
    const char *path = http_request_path(request);
    for (size_t i = 0; i < sizeof views / sizeof *views; i++) {
        size_t len = strlen(views[i].path);
        bool more = views[i].path[len - 1] == '/';
        if (more ? strncmp(path, views[i].path, len) != 0 || !path[len]
                 : strcmp(path, views[i].path) != 0)
            continue;
        answer_view(fleet, &views[i], role, request, path + len);
        return true;
    }
    return false;
}

/* --- Changing -------------------------------------------------------------------------------- */

struct change;

/* One kind: METHOD <path>...<tail>; what is between them is the subject. */
struct change_kind {
    const char *method;
    const char *path;
    const char *tail;
    const char *action;
    enum err (*run)(struct change *change, struct office *office, struct fault *fault);
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
    if (!err && (!text || strlen(text) >= size))
        err = fault_set(fault, ERR_INVALID, name, "must be a text of at most %zu bytes", size - 1);
    if (!err)
        (void)snprintf(out, size, "%s", text);
    return err;
}

static enum err run_put(struct change *change, struct office *office, struct fault *fault)
{
    struct buf settings CLEANUP(buf_free);
    int64_t change_no;
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
        buf_printf(&change->answer, "{\"change\":%" PRId64 "}", change_no);
    return err;
}

static enum err run_start(struct change *change, struct office *office, struct fault *fault)
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

static enum err run_act(struct change *change, struct office *office, struct fault *fault)
{
    struct rollout_act act = {.reason = change->reason, .now_ms = change->now_ms};
    enum err err = rollout_event_find(change->kind->tail + 1, &act.event);
    if (!err)
        err = read_number(change->subject, "id", &act.rollout_no, fault);
    if (!err)
        err = rollouts_act(office->rollouts, &act, fault);
    if (!err)
        buf_printf(&change->answer, "{\"rollout\":%" PRId64 ",\"asked\":\"%s\"}", act.rollout_no,
                   change->kind->tail + 1);
    return err;
}

static enum err run_command(struct change *change, struct office *office, struct fault *fault)
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
    struct office office = {.desired = NULL};
    enum err err = office_open(&office, db, fault);
    if (!err)
        err = change->kind->run(change, &office, fault);
    office_close(&office);
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

static enum err start(struct change *change, struct fault *fault)
{
    struct slice body = http_request_body(change->request);
    enum err err = access_check(IT, change->holder.role, fault);
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

void fleet_readable(enum access_role role, struct jsonw *w)
{
    for (size_t i = 0; i < sizeof views / sizeof *views; i++)
        if (views[i].roles & ACCESS_BIT(role))
            jsonw_text(w, NULL, views[i].path);
}

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
    char subject[SUBJECT_MAX];
    if (strcmp(method, "GET") == 0)
        return take_view(fleet, holder->role, request);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (fits(&kinds[i], method, path, subject)) {
            begin(fleet, &kinds[i], subject, holder, request);
            return true;
        }
    return false;
}
