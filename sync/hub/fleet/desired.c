#include "hal/base/cleanup.h"
#include "provisioning/envelope.h"
#include "sync/hub/fleet/config.sql.h"
#include "sync/hub/fleet/desired_inside.h"

#include <stdio.h>
#include <stdlib.h>

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

enum err desired_statement(struct desired *desired, size_t index, struct statement **s,
                           struct fault *fault)
{
    return database_attached(desired->sql, index, s, fault);
}

enum err desired_devices_add(struct desired_devices *found, struct statement *s,
                             struct fault *fault)
{
    if (found->count == found->capacity) {
        size_t capacity = found->capacity ? 2 * found->capacity : 64;
        struct desired_device *more = realloc(found->list, capacity * sizeof *more);
        if (!more)
            return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
        found->list = more;
        found->capacity = capacity;
    }
    struct slice id = column_slice(s, 0);
    struct desired_device *device = &found->list[found->count++];
    (void)snprintf(device->id, sizeof device->id, "%.*s", (int)id.len, id.data);
    device->online = column_int(s, 1) != 0;
    return ERR_OK;
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
    enum err err = desired_statement(desired, CONFIG_DESIRED_FIND, &s, fault);
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
    enum err err = desired_statement(desired, CONFIG_REPORT_FIND, &s, fault);
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
    enum err err = desired_statement(desired, CONFIG_DESIRED_PUT, &s, fault);
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
    enum err err = desired_store(desired, order->device, config.store, fault);
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
    struct desired_devices found = {.list = NULL};
    struct desired_document document;
    struct statement *s;
    bool row = true;
    enum err err = desired_statement(desired, CONFIG_DESIRED_UNHEARD, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, sent_before_ms);
    bind_int(s, 2, max);
    while (!err && (err = database_step(desired->db, s, &row, fault)) == ERR_OK && row)
        err = desired_devices_add(&found, s, fault);
    statement_reset(s);
    for (size_t i = 0; !err && i < found.count; i++) {
        err = desired_find(desired, found.list[i].id, &document, fault);
        if (!err) {
            send(context, found.list[i].id, buf_slice(&document.envelope));
            err = desired_statement(desired, CONFIG_DESIRED_SENT, &s, fault);
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
