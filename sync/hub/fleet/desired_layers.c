/* desired.h: layers, whom they are for, and what they come to for one appliance. */
#include "hal/base/cleanup.h"
#include "hal/base/json_scan.h"
#include "sync/hub/fleet/config.sql.h"
#include "sync/hub/fleet/desired_inside.h"
#include "sync/hub/fleet/layer.h"

#include <stdio.h>
#include <stdlib.h>

enum { GROUPS_MAX = 64, PREDECESSORS_MAX = 16 };

enum err desired_group(struct desired *desired, const char *group, const char *device, bool in,
                       struct fault *fault)
{
    struct statement *s;
    if (!scope_is_name(group, SCOPE_GROUP_MAX))
        return fault_set(fault, ERR_INVALID, "group", "must be letters, digits, . _ - (at most %d)",
                         SCOPE_GROUP_MAX);
    if (!device_id_valid(slice_of(device)))
        return fault_set(fault, ERR_INVALID, device, "is no device id");
    enum err err =
        desired_statement(desired, in ? CONFIG_GROUP_ADD : CONFIG_GROUP_REMOVE, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, group);
    bind_text(s, 2, device);
    return database_run(desired->db, s, fault);
}

enum err desired_inherit(struct desired *desired, const char *device, const char *of,
                         struct fault *fault)
{
    struct statement *s;
    enum err err = desired_statement(desired, CONFIG_GROUP_INHERIT, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, device);
    bind_text(s, 2, of);
    return database_run(desired->db, s, fault);
}

enum err desired_each(struct desired *desired, const char *scope, desired_visit *visit,
                      void *context, struct fault *fault)
{
    struct desired_devices found = {.list = NULL};
    struct statement *s;
    bool row = true;
    enum err err = desired_statement(desired, CONFIG_DEVICES_OF_SCOPE, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, scope);
    while (!err && (err = database_step(desired->db, s, &row, fault)) == ERR_OK && row)
        err = desired_devices_add(&found, s, fault);
    statement_reset(s);
    for (size_t i = 0; !err && i < found.count; i++)
        err = visit(context, found.list[i].id, found.list[i].online, fault);
    free(found.list);
    return err;
}

enum err desired_expected(struct desired *desired, const char *scope, int64_t *appliances,
                          struct fault *fault)
{
    struct statement *s;
    bool row;
    enum err err = desired_statement(desired, CONFIG_EXPECTED_OF_SCOPE, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, scope);
    err = database_step(desired->db, s, &row, fault);
    if (err)
        return err;
    *appliances = column_int(s, 0);
    statement_reset(s);
    return ERR_OK;
}

/* --- Layers ---------------------------------------------------------------------------------- */

/*
 * Checks a layer without its nulls, which only take something away: what stays must be valid by
 * itself.
 */
static enum err check_layer(struct slice settings, struct fault *fault)
{
    struct buf bare CLEANUP(buf_free);
    buf_init(&bare, CONFIG_BYTES_MAX);
    enum err err = json_scan_check(settings, CONFIG_JSON, fault);
    if (!err)
        err = layer_merge(SLICE_LITERAL("{}"), settings, &bare, fault);
    return err ? err : config_settings_check(buf_slice(&bare), fault);
}

enum err desired_last_change(struct desired *desired, int64_t *change_no, struct fault *fault)
{
    struct statement *s;
    bool row;
    enum err err = desired_statement(desired, CONFIG_CHANGE_LAST, &s, fault);
    if (!err)
        err = database_step(desired->db, s, &row, fault);
    if (err)
        return err;
    *change_no = column_int(s, 0);
    statement_reset(s);
    return ERR_OK;
}

enum err desired_put_layer(struct desired *desired, const struct layer_change *change,
                           int64_t *change_no, struct fault *fault)
{
    struct statement *s;
    enum err err = scope_check(change->scope, fault);
    if (!err)
        err = check_layer(change->settings, fault);
    if (!err)
        err = desired_statement(desired, CONFIG_CHANGE_ADD, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, change->scope);
    bind_slice(s, 2, change->settings);
    bind_text(s, 3, change->holder);
    bind_text(s, 4, change->reason);
    bind_int(s, 5, change->now_ms);
    err = database_run(desired->db, s, fault);
    return err ? err : desired_last_change(desired, change_no, fault);
}

/* Merges the layer of a scope as of a change over what is in `settings`. */
static enum err add_layer(struct desired *desired, const char *scope, int64_t change_no,
                          struct buf *settings, struct fault *fault)
{
    struct statement *s;
    struct buf merged;
    bool row;
    enum err err = desired_statement(desired, CONFIG_LAYER_OF, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, scope);
    bind_int(s, 2, change_no);
    err = database_step(desired->db, s, &row, fault);
    if (err || !row)
        return err;
    buf_init(&merged, CONFIG_BYTES_MAX);
    err = layer_merge(buf_slice(settings), column_slice(s, 0), &merged, fault);
    statement_reset(s);
    buf_free(settings);
    *settings = merged;
    return err;
}

enum err desired_layer(struct desired *desired, const char *scope, struct buf *settings,
                       struct fault *fault)
{
    buf_append_text(settings, "{}");
    return add_layer(desired, scope, INT64_MAX, settings, fault);
}

enum err desired_store(struct desired *desired, const char *device,
                       char store[static CONFIG_STORE_MAX + 1], struct fault *fault)
{
    struct statement *s;
    bool row;
    enum err err = desired_statement(desired, CONFIG_STORE_OF, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, device);
    err = database_step(desired->db, s, &row, fault);
    if (err)
        return err;
    struct slice found = row ? column_slice(s, 0) : (struct slice){"", 0};
    (void)snprintf(store, CONFIG_STORE_MAX + 1, "%.*s", (int)found.len, found.data);
    statement_reset(s);
    return ERR_OK;
}

struct scopes {
    char list[GROUPS_MAX + PREDECESSORS_MAX + 3][SCOPE_MAX];
    size_t count;
};

static void scopes_add(struct scopes *scopes, const char *kind, struct slice name)
{
    (void)snprintf(scopes->list[scopes->count++], SCOPE_MAX, "%s%s%.*s", kind, name.len ? "/" : "",
                   (int)name.len, name.data);
}

/* What was meant for those in whose place it came is meant for it, until it has its own. */
static enum err add_predecessors(struct desired *desired, const char *device, struct scopes *scopes,
                                 struct fault *fault)
{
    struct statement *s;
    bool row = true;
    enum err err = desired_statement(desired, CONFIG_PREDECESSORS_OF, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, device);
    for (int i = 0; i < PREDECESSORS_MAX &&
                    (err = database_step(desired->db, s, &row, fault)) == ERR_OK && row;
         i++)
        scopes_add(scopes, "device", column_slice(s, 0));
    statement_reset(s);
    return err;
}

/* Those over a device, lowest first. */
static enum err find_scopes(struct desired *desired, const char *device, struct scopes *scopes,
                            struct fault *fault)
{
    char store[CONFIG_STORE_MAX + 1];
    struct statement *s;
    bool row = true;
    scopes->count = 0;
    scopes_add(scopes, "fleet", (struct slice){"", 0});
    enum err err = desired_statement(desired, CONFIG_GROUPS_OF, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, device);
    while (scopes->count <= GROUPS_MAX &&
           (err = database_step(desired->db, s, &row, fault)) == ERR_OK && row)
        scopes_add(scopes, "group", column_slice(s, 0));
    statement_reset(s);
    if (!err)
        err = desired_store(desired, device, store, fault);
    if (err)
        return err;
    if (*store)
        scopes_add(scopes, "store", slice_of(store));
    err = add_predecessors(desired, device, scopes, fault);
    scopes_add(scopes, "device", slice_of(device));
    return err;
}

enum err desired_render(struct desired *desired, const char *device, int64_t change_no,
                        struct buf *settings, struct fault *fault)
{
    struct scopes scopes;
    enum err err = find_scopes(desired, device, &scopes, fault);
    buf_append_text(settings, "{}");
    for (size_t i = 0; !err && i < scopes.count; i++)
        err = add_layer(desired, scopes.list[i], change_no, settings, fault);
    return err;
}

enum err desired_released(struct desired *desired, const char *device, int64_t *change_no,
                          struct fault *fault)
{
    struct scopes scopes;
    struct statement *s;
    bool row;
    int64_t newest = 0;
    enum err err = find_scopes(desired, device, &scopes, fault);
    for (size_t i = 0; !err && i < scopes.count; i++) {
        err = desired_statement(desired, CONFIG_RELEASED_CHANGE, &s, fault);
        if (err)
            break;
        bind_text(s, 1, scopes.list[i]);
        err = database_step(desired->db, s, &row, fault);
        if (!err && column_int(s, 0) > newest)
            newest = column_int(s, 0);
        statement_reset(s);
    }
    if (!err)
        *change_no = newest;
    return err;
}
