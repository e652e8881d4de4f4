#include "sync/hub/web/fleet_read.h"
#include "hal/base/cleanup.h"
#include "hal/base/json_scan.h"

#include <stdlib.h>
#include <string.h>

enum { ANSWER_MAX = 16 * 1024 * 1024, PAGE = 100, TROUBLED_MAX = 100 };

void fleet_office_close(struct fleet_office *office)
{
    commands_close(office->commands);
    rollouts_close(office->rollouts);
    desired_close(office->desired);
}

enum err fleet_office_open(struct fleet_office *office, struct database *db, struct fault *fault)
{
    enum err err = desired_open(&office->desired, db, fault);
    if (!err)
        err = rollouts_open(&office->rollouts, db, office->desired, fault);
    return err ? err : commands_open(&office->commands, db, fault);
}

enum err fleet_read_number(const char *text, const char *where, int64_t *number,
                           struct fault *fault)
{
    return json_scan_int(slice_of(text), number)
               ? fault_set(fault, ERR_NOT_FOUND, where, "must be a number from the list")
               : ERR_OK;
}

static enum err show_changes(const struct fleet_reading *reading, struct http_request *request,
                             const char *rest, struct jsonw *w, struct fault *fault)
{
    (void)rest;
    const char *scope = http_request_query(request, "scope");
    const char *from = http_request_query(request, "from");
    int64_t before = INT64_MAX;
    enum err err = from ? fleet_read_number(from, "from", &before, fault) : ERR_OK;
    jsonw_object(w, NULL);
    jsonw_array(w, "changes");
    if (!err)
        err = desired_write_changes(reading->office->desired, scope ? scope : "", before, PAGE, w,
                                    fault);
    jsonw_end(w);
    jsonw_end(w);
    return err;
}

static enum err show_layer(const struct fleet_reading *reading, struct http_request *request,
                           const char *rest, struct jsonw *w, struct fault *fault)
{
    (void)request;
    struct buf settings CLEANUP(buf_free);
    buf_init(&settings, CONFIG_BYTES_MAX);
    enum err err = scope_check(rest, fault);
    if (!err)
        err = desired_layer(reading->office->desired, rest, &settings, fault);
    jsonw_object(w, NULL);
    jsonw_text(w, "scope", rest);
    jsonw_raw(w, "settings", buf_slice(&settings));
    jsonw_end(w);
    return err;
}

static enum err show_rollouts(const struct fleet_reading *reading, struct http_request *request,
                              const char *rest, struct jsonw *w, struct fault *fault)
{
    (void)rest;
    const char *from = http_request_query(request, "from");
    int64_t before = INT64_MAX;
    enum err err = from ? fleet_read_number(from, "from", &before, fault) : ERR_OK;
    jsonw_object(w, NULL);
    jsonw_array(w, "rollouts");
    if (!err)
        err = rollouts_list(reading->office->rollouts, before, clock_wall_ms(reading->clock), PAGE,
                            w, fault);
    jsonw_end(w);
    jsonw_end(w);
    return err;
}

static enum err show_rollout(const struct fleet_reading *reading, struct http_request *request,
                             const char *rest, struct jsonw *w, struct fault *fault)
{
    (void)request;
    int64_t number;
    enum err err = fleet_read_number(rest, "id", &number, fault);
    return err ? err
               : rollouts_write(reading->office->rollouts, number, clock_wall_ms(reading->clock),
                                TROUBLED_MAX, w, fault);
}

static enum err show_fleet(const struct fleet_reading *reading, struct http_request *request,
                           const char *rest, struct jsonw *w, struct fault *fault)
{
    (void)request;
    (void)rest;
    jsonw_object(w, NULL);
    enum err err = desired_write_counts(reading->office->desired, w, fault);
    jsonw_end(w);
    return err;
}

static enum err show_commands(const struct fleet_reading *reading, struct http_request *request,
                              const char *rest, struct jsonw *w, struct fault *fault)
{
    (void)rest;
    const char *device = http_request_query(request, "device");
    jsonw_object(w, NULL);
    jsonw_array(w, "commands");
    enum err err = commands_list(reading->office->commands, device ? device : "", PAGE, w, fault);
    jsonw_end(w);
    jsonw_end(w);
    return err;
}

static enum err show_command(const struct fleet_reading *reading, struct http_request *request,
                             const char *rest, struct jsonw *w, struct fault *fault)
{
    (void)request;
    struct id id;
    bool ended;
    if (id_parse(slice_of(rest), &id) != ERR_OK)
        return fault_set(fault, ERR_NOT_FOUND, "id", "there is no such command");
    return commands_write(reading->office->commands, &id, w, &ended, fault);
}

#define IT ACCESS_BIT(ACCESS_IT)
#define LOOKERS (IT | ACCESS_BIT(ACCESS_VIEWER))

struct fleet_view {
    const char *path; /* with a slash at its end it takes more */
    unsigned roles;
    enum err (*show)(const struct fleet_reading *reading, struct http_request *request,
                     const char *rest, struct jsonw *w, struct fault *fault);
};

static const struct fleet_view views[] = {
    {"/v1/config", IT, show_changes},    {"/v1/config/", IT, show_layer},
    {"/v1/rollouts", IT, show_rollouts}, {"/v1/rollouts/", IT, show_rollout},
    {"/v1/fleet", LOOKERS, show_fleet},  {"/v1/commands", IT, show_commands},
    {"/v1/commands/", IT, show_command},
};

void fleet_read_answer(const struct fleet_reading *reading, const struct fleet_view *view,
                       enum access_role role, struct http_request *request, const char *rest)
{
    struct fault fault = {0};
    struct buf body CLEANUP(buf_free);
    buf_init(&body, ANSWER_MAX);
    struct jsonw w = jsonw_to(&body);
    enum err err = access_check(view->roles, role, &fault);
    if (!err)
        err = view->show(reading, request, rest, &w, &fault);
    if (!err)
        err = buf_check(&body, &fault, "answer");
    if (err)
        http_problem(request, http_status_of(err), &fault);
    else
        http_answer(request, 200, "application/json", buf_slice(&body), NULL, 0);
}

const struct fleet_view *fleet_read_find(const char *path, const char **rest)
{
    for (size_t i = 0; i < sizeof views / sizeof *views; i++) {
        size_t len = strlen(views[i].path);
        bool more = views[i].path[len - 1] == '/';
        *rest = path + len;
        if (more ? strncmp(path, views[i].path, len) == 0 && path[len]
                 : strcmp(path, views[i].path) == 0)
            return &views[i];
    }
    return NULL;
}

void fleet_readable(enum access_role role, struct jsonw *w)
{
    for (size_t i = 0; i < sizeof views / sizeof *views; i++)
        if (views[i].roles & ACCESS_BIT(role))
            jsonw_text(w, NULL, views[i].path);
}
