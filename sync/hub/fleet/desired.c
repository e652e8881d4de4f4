#include "sync/hub/fleet/desired.h"
#include "hal/base/cleanup.h"
#include "hal/base/json_scan.h"
#include "provisioning/envelope.h"
#include "sync/contract/topic.h"
#include "sync/hub/fleet/config.sql.h"
#include "sync/hub/fleet/layer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GROUPS_MAX = 64, GROUP_NAME_MAX = 40, DRIFT_TEXT_MAX = 256 };

struct desired {
    struct database *db;
    struct database_statements *sql;
};

enum err desired_open(struct desired **out, struct database *db, struct fault *fault)
{
    struct desired *desired = calloc(1, sizeof *desired);
    if (!desired)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    desired->db = db;
    enum err err = database_attach(db, config_sql, CONFIG_COUNT, &desired->sql, fault);
    if (err) {
        free(desired);
        return err;
    }
    *out = desired;
    return ERR_OK;
}

void desired_close(struct desired *desired)
{
    free(desired);
}

void desired_cleanup(struct desired **desired)
{
    desired_close(*desired);
}

static enum err statement(struct desired *desired, size_t index, struct statement **s,
                          struct fault *fault)
{
    return database_attached(desired->sql, index, s, fault);
}

/* --- Scopes ---------------------------------------------------------------------------------- */

/* "group/north" is of kind "group": what follows the slash, or NULL. */
static const char *scope_rest(const char *scope, const char *kind)
{
    size_t len = strlen(kind);
    return strncmp(scope, kind, len) == 0 && scope[len] == '/' ? scope + len + 1 : NULL;
}

static bool is_name(const char *text, size_t max)
{
    size_t len = strlen(text);
    return len > 0 && len <= max &&
           strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") == len;
}

enum err scope_check(const char *scope, struct fault *fault)
{
    const char *group = scope_rest(scope, "group");
    const char *store = scope_rest(scope, "store");
    const char *device = scope_rest(scope, "device");
    if (strcmp(scope, "fleet") == 0 || (group && is_name(group, GROUP_NAME_MAX)) ||
        (store && is_name(store, CONFIG_STORE_MAX)) ||
        (device && device_id_valid(slice_of(device))))
        return ERR_OK;
    return fault_set(fault, ERR_INVALID, "scope",
                     "must be fleet, group/NAME, store/NUMBER or device/ID");
}

enum err desired_group(struct desired *desired, const char *group, const char *device, bool in,
                       struct fault *fault)
{
    struct statement *s;
    if (!is_name(group, GROUP_NAME_MAX))
        return fault_set(fault, ERR_INVALID, "group", "must be letters, digits, . _ - (at most %d)",
                         GROUP_NAME_MAX);
    if (!device_id_valid(slice_of(device)))
        return fault_set(fault, ERR_INVALID, device, "is no device id");
    enum err err = statement(desired, in ? CONFIG_GROUP_ADD : CONFIG_GROUP_REMOVE, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, group);
    bind_text(s, 2, device);
    return database_run(desired->db, s, fault);
}

struct found_device {
    char id[DEVICE_ID_MAX + 1];
    bool online;
};

struct found {
    struct found_device *list;
    size_t count;
    size_t capacity;
};

static enum err found_add(struct found *found, struct statement *s, struct fault *fault)
{
    if (found->count == found->capacity) {
        size_t capacity = found->capacity ? 2 * found->capacity : 64;
        struct found_device *more = realloc(found->list, capacity * sizeof *more);
        if (!more)
            return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
        found->list = more;
        found->capacity = capacity;
    }
    struct slice id = column_slice(s, 0);
    struct found_device *device = &found->list[found->count++];
    (void)snprintf(device->id, sizeof device->id, "%.*s", (int)id.len, id.data);
    device->online = column_int(s, 1) != 0;
    return ERR_OK;
}

enum err desired_each(struct desired *desired, const char *scope, desired_visit *visit,
                      void *context, struct fault *fault)
{
    struct found found = {.list = NULL};
    struct statement *s;
    bool row = true;
    const char *group = scope_rest(scope, "group");
    const char *store = scope_rest(scope, "store");
    const char *device = scope_rest(scope, "device");
    enum err err = statement(desired,
                             group    ? CONFIG_DEVICES_OF_GROUP
                             : store  ? CONFIG_DEVICES_OF_STORE
                             : device ? CONFIG_DEVICE_ITSELF
                                      : CONFIG_DEVICES_ALL,
                             &s, fault);
    if (err)
        return err;
    bind_text(s, 1, group ? group : store ? store : device ? device : "");
    while (!err && (err = database_step(desired->db, s, &row, fault)) == ERR_OK && row)
        err = found_add(&found, s, fault);
    statement_reset(s);
    for (size_t i = 0; !err && i < found.count; i++)
        err = visit(context, found.list[i].id, found.list[i].online, fault);
    free(found.list);
    return err;
}

/* --- Layers ---------------------------------------------------------------------------------- */

/* With what null takes away left out: what stays must be valid by itself. */
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
    enum err err = statement(desired, CONFIG_CHANGE_LAST, &s, fault);
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
        err = statement(desired, CONFIG_CHANGE_ADD, &s, fault);
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
    enum err err = statement(desired, CONFIG_LAYER_OF, &s, fault);
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

/* The store as its logs say; "" when it isn't known yet. */
static enum err find_store(struct desired *desired, const char *device,
                           char store[static CONFIG_STORE_MAX + 1], struct fault *fault)
{
    struct statement *s;
    bool row;
    enum err err = statement(desired, CONFIG_STORE_OF, &s, fault);
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
    char list[GROUPS_MAX + 3][SCOPE_MAX];
    size_t count;
};

static void scopes_add(struct scopes *scopes, const char *kind, struct slice name)
{
    (void)snprintf(scopes->list[scopes->count++], SCOPE_MAX, "%s%s%.*s", kind, name.len ? "/" : "",
                   (int)name.len, name.data);
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
    enum err err = statement(desired, CONFIG_GROUPS_OF, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, device);
    while (scopes->count <= GROUPS_MAX &&
           (err = database_step(desired->db, s, &row, fault)) == ERR_OK && row)
        scopes_add(scopes, "group", column_slice(s, 0));
    statement_reset(s);
    if (!err)
        err = find_store(desired, device, store, fault);
    if (err)
        return err;
    if (*store)
        scopes_add(scopes, "store", slice_of(store));
    scopes_add(scopes, "device", slice_of(device));
    return ERR_OK;
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
        err = statement(desired, CONFIG_RELEASED_CHANGE, &s, fault);
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

/* --- Documents ------------------------------------------------------------------------------- */

void desired_document_free(struct desired_document *document)
{
    buf_free(&document->settings);
    buf_free(&document->envelope);
}

enum err desired_find(struct desired *desired, const char *device,
                      struct desired_document *document, struct fault *fault)
{
    struct statement *s;
    bool row;
    *document = (struct desired_document){.version = 0};
    buf_init(&document->settings, CONFIG_BYTES_MAX);
    buf_init(&document->envelope, ENVELOPE_BYTES_MAX);
    enum err err = statement(desired, CONFIG_DESIRED_FIND, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, device);
    err = database_step(desired->db, s, &row, fault);
    if (!err && row) {
        struct slice settings = column_slice(s, 4);
        struct slice envelope = column_slice(s, 5);
        document->version = column_int(s, 0);
        document->change_no = column_int(s, 1);
        document->rollout_no = column_int(s, 2);
        buf_append(&document->settings, settings.data, settings.len);
        buf_append(&document->envelope, envelope.data, envelope.len);
        err = buf_check(&document->envelope, fault, device);
    }
    statement_reset(s);
    return err;
}

static enum err seen_by(struct desired *desired, const char *device, int64_t *seen,
                        struct fault *fault)
{
    struct statement *s;
    bool row;
    enum err err = statement(desired, CONFIG_REPORT_FIND, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, device);
    err = database_step(desired->db, s, &row, fault);
    if (!err)
        *seen = row ? column_int(s, 2) : 0;
    statement_reset(s);
    return err;
}

static enum err keep(struct desired *desired, const struct desired_order *order,
                     const struct desired_document *document, const struct sha256 *hash,
                     struct fault *fault)
{
    struct statement *s;
    enum err err = statement(desired, CONFIG_DESIRED_PUT, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, order->device);
    bind_int(s, 2, document->version);
    bind_int(s, 3, document->change_no);
    bind_int(s, 4, document->rollout_no);
    bind_blob(s, 5, hash->bytes, SHA256_BYTES);
    bind_slice(s, 6, buf_slice(&document->settings));
    bind_blob(s, 7, document->envelope.data, document->envelope.len);
    bind_int(s, 8, order->now_ms);
    return database_run(desired->db, s, fault);
}

static enum err sign(struct desired *desired, const struct desired_order *order,
                     const struct signer *signer, struct desired_document *document,
                     struct fault *fault)
{
    struct config config = {.version = document->version,
                            .rollout = document->rollout_no,
                            .issued_ms = order->now_ms,
                            .confirm_s = CONFIG_CONFIRM_S,
                            .settings = buf_slice(&document->settings)};
    struct config_broker broker = {.confirm_s = CONFIG_CONFIRM_S};
    struct slice section = config_section_of(config.settings, CONFIG_BROKER);
    struct buf text CLEANUP(buf_free);
    buf_init(&text, CONFIG_BYTES_MAX);
    if (section.len && config_broker_read(section, &broker, NULL) == ERR_OK)
        config.confirm_s = broker.confirm_s;
    (void)snprintf(config.device, sizeof config.device, "%s", order->device);
    enum err err = find_store(desired, order->device, config.store, fault);
    if (err)
        return err;
    config_write(&text, &config);
    err = buf_check(&text, fault, "settings");
    if (!err)
        err = envelope_make(CONFIG_ENVELOPE, buf_slice(&text), buf_slice(&signer->chain),
                            signer->key, &document->envelope, fault);
    const struct sha256 hash = config_hash(buf_slice(&text));
    return err ? err : keep(desired, order, document, &hash, fault);
}

enum err desired_make(struct desired *desired, const struct desired_order *order,
                      const struct signer *signer, struct desired_document *document,
                      struct fault *fault)
{
    int64_t seen = 0;
    enum err err = desired_find(desired, order->device, document, fault);
    if (!err)
        err = seen_by(desired, order->device, &seen, fault);
    if (err)
        return err;
    document->version = (seen > document->version ? seen : document->version) + 1;
    document->change_no = order->change_no;
    document->rollout_no = order->rollout_no;
    buf_reset(&document->settings);
    buf_reset(&document->envelope);
    err = desired_render(desired, order->device, order->change_no, &document->settings, fault);
    if (!err)
        err = config_settings_check(buf_slice(&document->settings), fault);
    return err ? err : sign(desired, order, signer, document, fault);
}

enum err desired_unheard(struct desired *desired, int64_t sent_before_ms, int64_t now_ms,
                         int64_t max, desired_send *send, void *context, struct fault *fault)
{
    struct found found = {.list = NULL};
    struct desired_document document;
    struct statement *s;
    bool row = true;
    enum err err = statement(desired, CONFIG_DESIRED_UNHEARD, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, sent_before_ms);
    bind_int(s, 2, max);
    while (!err && (err = database_step(desired->db, s, &row, fault)) == ERR_OK && row)
        err = found_add(&found, s, fault);
    statement_reset(s);
    for (size_t i = 0; !err && i < found.count; i++) {
        err = desired_find(desired, found.list[i].id, &document, fault);
        if (!err) {
            send(context, found.list[i].id, buf_slice(&document.envelope));
            err = statement(desired, CONFIG_DESIRED_SENT, &s, fault);
        }
        desired_document_free(&document);
        if (err)
            break;
        bind_text(s, 1, found.list[i].id);
        bind_int(s, 2, now_ms);
        err = database_run(desired->db, s, fault);
    }
    free(found.list);
    return err;
}

/* --- Reports --------------------------------------------------------------------------------- */

static void write_drift(const struct config_report *report, char text[static DRIFT_TEXT_MAX])
{
    size_t len = 0;
    text[0] = '\0';
    for (int i = 0; i < CONFIG_SECTION_COUNT; i++)
        if (report->drift[i])
            len += (size_t)snprintf(text + len, DRIFT_TEXT_MAX - len, "%s%s", len ? "," : "",
                                    config_section_name((enum config_section)i));
}

static enum err put_report(struct desired *desired, const char *device,
                           const struct config_report *report, int64_t now_ms, struct fault *fault)
{
    char drift[DRIFT_TEXT_MAX];
    struct statement *s;
    enum err err = statement(desired, CONFIG_REPORT_PUT, &s, fault);
    if (err)
        return err;
    write_drift(report, drift);
    bind_text(s, 1, device);
    bind_text(s, 2, config_state_name(report->state));
    bind_int(s, 3, report->version);
    bind_int(s, 4, report->seen);
    bind_int(s, 5, report->applied_version);
    if (report->applied_version)
        bind_blob(s, 6, report->applied.bytes, SHA256_BYTES);
    bind_text(s, 7, report->path);
    bind_text(s, 8, report->reason);
    bind_text(s, 9, drift);
    bind_int(s, 10, now_ms);
    return database_run(desired->db, s, fault);
}

/* PENDING_CONFIRM is no result yet. */
static enum err note_result(struct desired *desired, const char *device,
                            const struct config_report *report, struct fault *fault)
{
    struct statement *s;
    bool good = report->state == CONFIG_STATE_APPLIED;
    if (!report->version || report->state == CONFIG_STATE_PENDING_CONFIRM)
        return ERR_OK;
    enum err err = statement(desired, CONFIG_ROLLOUT_RESULT, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, device);
    bind_int(s, 2, report->version);
    bind_text(s, 3, good ? "good" : "bad");
    return database_run(desired->db, s, fault);
}

enum err desired_report(struct desired *desired, const char *device,
                        const struct config_report *report, const struct signer *signer,
                        int64_t now_ms, struct desired_document *document, struct fault *fault)
{
    struct desired_order order = {.device = device, .now_ms = now_ms};
    enum err err = put_report(desired, device, report, now_ms, fault);
    if (!err)
        err = note_result(desired, device, report, fault);
    if (!err)
        err = desired_find(desired, device, document, fault);
    if (err)
        return err;
    bool refused = report->state == CONFIG_STATE_REJECTED && !report->version;
    if (document->version && report->seen < document->version && !refused)
        return ERR_OK; /* it is to be sent as it is */
    order.change_no = document->change_no;
    order.rollout_no = document->rollout_no;
    if (!document->version)
        err = desired_released(desired, device, &order.change_no, fault);
    /* It has seen more than we know: the hub came back from a backup. Or it is new, and gets what
     * was released before it came. */
    bool wanted =
        document->version ? report->seen > document->version : order.change_no > 0 && !refused;
    desired_document_free(document);
    *document = (struct desired_document){.version = 0};
    return err || !wanted ? err : desired_make(desired, &order, signer, document, fault);
}

/* --- Telling --------------------------------------------------------------------------------- */

static void write_text(struct jsonw *w, const char *key, struct statement *s, int column)
{
    struct slice text = column_slice(s, column);
    if (text.len)
        jsonw_slice(w, key, text);
}

static void write_standing(struct jsonw *w, struct statement *s)
{
    bool wanted = !column_is_null(s, 0);
    bool heard = !column_is_null(s, 2);
    bool in_force = wanted && heard && column_int(s, 3) == column_int(s, 0) &&
                    slice_equal(column_slice(s, 9), column_slice(s, 10));
    jsonw_object(w, "config");
    jsonw_int(w, "version", wanted ? column_int(s, 0) : 0);
    jsonw_int(w, "change", wanted ? column_int(s, 1) : 0);
    jsonw_slice(w, "state",
                !heard     ? SLICE_LITERAL("unheard")
                : in_force ? SLICE_LITERAL("applied")
                : wanted && column_int(s, 11) != column_int(s, 0) && column_int(s, 11) != 0
                    ? SLICE_LITERAL("behind")
                    : column_slice(s, 2));
    jsonw_int(w, "applied", heard ? column_int(s, 3) : 0);
    if (heard) {
        write_text(w, "path", s, 5);
        write_text(w, "reason", s, 6);
        jsonw_slice(w, "drift", column_slice(s, 7));
        jsonw_time(w, "reported", column_int(s, 8));
    }
    jsonw_end(w);
}

enum err desired_write(struct desired *desired, const char *device, struct jsonw *w,
                       struct fault *fault)
{
    struct statement *s;
    bool row;
    enum err err = statement(desired, CONFIG_DEVICE_CONFIG, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, device);
    err = database_step(desired->db, s, &row, fault);
    if (!err && row)
        write_standing(w, s);
    statement_reset(s);
    return err;
}

enum err desired_write_counts(struct desired *desired, struct jsonw *w, struct fault *fault)
{
    struct statement *s;
    bool row;
    enum err err = statement(desired, CONFIG_FLEET_COUNTS, &s, fault);
    if (!err)
        err = database_step(desired->db, s, &row, fault);
    if (err)
        return err;
    jsonw_int(w, "desired", column_int(s, 0));
    jsonw_int(w, "in_force", column_int(s, 1));
    jsonw_int(w, "failed", column_int(s, 2));
    jsonw_int(w, "on_trial", column_int(s, 3));
    jsonw_int(w, "drifted", column_int(s, 4));
    statement_reset(s);
    return ERR_OK;
}

enum err desired_write_changes(struct desired *desired, const char *scope, int64_t before,
                               int64_t max, struct jsonw *w, struct fault *fault)
{
    struct statement *s;
    bool row = true;
    enum err err = statement(desired, CONFIG_CHANGE_LIST, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, scope);
    bind_int(s, 2, before);
    bind_int(s, 3, max);
    while ((err = database_step(desired->db, s, &row, fault)) == ERR_OK && row) {
        jsonw_object(w, NULL);
        jsonw_int(w, "change", column_int(s, 0));
        jsonw_slice(w, "scope", column_slice(s, 1));
        jsonw_slice(w, "by", column_slice(s, 2));
        jsonw_slice(w, "reason", column_slice(s, 3));
        jsonw_time(w, "at", column_int(s, 4));
        jsonw_raw(w, "settings", column_slice(s, 5));
        jsonw_end(w);
    }
    statement_reset(s);
    return err;
}
