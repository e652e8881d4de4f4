#include "sync/hub/ingest/contact.h"
#include "hal/base/cleanup.h"
#include "hal/crypto.h"
#include "sync/hub/ingest/inbox.h"
#include "sync/hub/ingest/ingest.sql.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DATA_MAX = 512, DEVICES_MAX = 1 << 20 };

enum err contact_take_key(struct database *db, const struct vault *vault, const char *device,
                          const struct contact_key *key, int64_t now_ms, bool *held,
                          struct fault *fault)
{
    struct statement *s;
    uint8_t sealed[VAULT_SEALED_BYTES];
    enum err err = vault_seal(vault, &key->id, key->key, sealed, fault);
    if (!err)
        err = database_statement(db, INGEST_CUSTOMER_KEY_PUT, &s, fault);
    if (err)
        return err;
    bind_blob(s, 1, key->id.bytes, ID_BYTES);
    bind_text(s, 2, key->customer);
    bind_text(s, 3, device);
    bind_blob(s, 4, sealed, sizeof sealed);
    bind_int(s, 5, now_ms);
    bind_int(s, 6, key->hub_epoch);
    bind_int(s, 7, key->inbox_through);
    err = database_run(db, s, fault);
    if (!err)
        *held = database_changes(db) > 0;
    return err;
}

enum err contact_answer_key(struct database *db, const struct vault *vault, const char *device,
                            struct slice told, int64_t now_ms, struct buf *reply,
                            struct fault *fault)
{
    struct contact_key key;
    struct contact_key_ack ack = {.held = false};
    enum err err = contact_key_read(told, &key, fault);
    if (!err)
        err = contact_take_key(db, vault, device, &key, now_ms, &ack.held, fault);
    if (err)
        return err;
    ack.id = key.id;
    contact_key_ack_write(reply, &ack);
    return buf_check(reply, fault, "reply");
}

/* --- Showing --------------------------------------------------------------------------------- */

static enum err find_sealed(struct database *db, const struct id *correlation,
                            struct contact_sealed *sealed, struct fault *fault)
{
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    struct statement *s;
    bool row;
    const struct json_limits limits = {.bytes = EVENT_BODY_MAX, .depth = EVENT_DEPTH_MAX};
    enum err err = database_statement(db, INGEST_CONTACT_OF_RETURN, &s, fault);
    if (err)
        return err;
    bind_blob(s, 1, correlation->bytes, ID_BYTES);
    bind_text(s, 2, event_type_name(EVENT_RETURN_CREATED));
    err = database_step(db, s, &row, fault);
    if (!err && !row)
        return fault_set(fault, ERR_NOT_FOUND, "id", "there is no such return");
    if (!err)
        err = json_parse(column_slice(s, 0), limits, &doc, fault);
    statement_reset(s);
    const struct cJSON *found = json_member(json_member(doc, "data"), "contact_sealed");
    if (!err && !found)
        err = fault_set(fault, ERR_NOT_FOUND, "id", "the return has no contact");
    return err ? err : contact_sealed_read(found, sealed, fault);
}

static enum err find_key(struct database *db, const struct vault *vault, const struct id *id,
                         uint8_t key[static CONTACT_KEY_BYTES], struct fault *fault)
{
    uint8_t sealed_key[VAULT_SEALED_BYTES];
    struct statement *s;
    bool row;
    enum err err = database_statement(db, INGEST_CUSTOMER_KEY_FIND, &s, fault);
    if (err)
        return err;
    bind_blob(s, 1, id->bytes, ID_BYTES);
    err = database_step(db, s, &row, fault);
    if (!err && !row)
        return fault_set(fault, ERR_NOT_FOUND, "id",
                         "the contact can't be opened: its key was erased, or is yet to come");
    if (!err && column_bytes(s, 0, sealed_key, sizeof sealed_key) != ERR_OK)
        err = fault_set(fault, ERR_CORRUPT, "customer_key", "a row isn't what it should be");
    statement_reset(s);
    return err ? err : vault_unseal(vault, id, sealed_key, key, fault);
}

enum err contact_show(struct database *db, const struct vault *vault, const struct id *correlation,
                      struct buf *json, struct fault *fault)
{
    struct contact_sealed sealed;
    uint8_t key[CONTACT_KEY_BYTES];
    uint8_t plain[CONTACT_PLAIN_MAX];
    const struct slice context = {(const char *)correlation->bytes, ID_BYTES};
    enum err err = find_sealed(db, correlation, &sealed, fault);
    if (!err)
        err = find_key(db, vault, &sealed.key, key, fault);
    if (err)
        return err;
    int code = crypto_open(key, context, sealed.nonce,
                           (struct slice){(const char *)sealed.bytes, sealed.len}, plain);
    crypto_wipe(key, sizeof key);
    if (code != 0)
        return crypto_fault(fault, ERR_CORRUPT, "contact_sealed", "opening it", code);
    buf_append(json, (const char *)plain, sealed.len - CRYPTO_TAG_BYTES);
    crypto_wipe(plain, sizeof plain);
    return buf_check(json, fault, "contact");
}

/* --- Erasing --------------------------------------------------------------------------------- */

/* A deleted row may leave its bytes in the file: they are overwritten first. */
static enum err erase_keys(struct database *db, const char *customer, int64_t *count,
                           struct fault *fault)
{
    static const uint8_t nothing[VAULT_SEALED_BYTES];
    struct statement *s;
    enum err err = database_statement(db, INGEST_CUSTOMER_KEY_BLANK, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, customer);
    bind_blob(s, 2, nothing, sizeof nothing);
    err = database_run(db, s, fault);
    if (!err)
        err = database_statement(db, INGEST_CUSTOMER_KEY_ERASE, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, customer);
    err = database_run(db, s, fault);
    if (!err)
        *count = database_changes(db);
    return err;
}

static enum err count_erasures(struct database *db, const struct id *correlation, int64_t *count,
                               struct fault *fault)
{
    struct statement *s;
    bool row;
    enum err err = database_find_bytes(db, INGEST_CUSTOMER_ERASURES, correlation->bytes, ID_BYTES,
                                       &s, &row, fault);
    if (err)
        return err;
    *count = column_int(s, 0);
    statement_reset(s);
    return ERR_OK;
}

/*
 * Whenever it is asked for it is a fact of its own: what an appliance sealed since a hub was set
 * back would else be spared.
 */
static enum err record(struct database *db, const char *customer, int64_t count, int64_t now_ms,
                       struct buf *body, struct fault *fault)
{
    char subject[sizeof "customer/" + CONTACT_CUSTOMER_MAX];
    char key[48];
    struct buf data CLEANUP(buf_free);
    const struct id correlation = centre_id(NULL, "customer", customer);
    int64_t before = 0;
    int64_t event_no;
    buf_init(&data, DATA_MAX);
    struct jsonw w = jsonw_to(&data);
    jsonw_object(&w, NULL);
    jsonw_text(&w, "customer", customer);
    jsonw_int(&w, "keys", count);
    jsonw_end(&w);
    (void)snprintf(subject, sizeof subject, "customer/%s", customer);
    enum err err = count_erasures(db, &correlation, &before, fault);
    (void)snprintf(key, sizeof key, "%" PRId64 "/%" PRId64, before, now_ms);
    const struct centre_fact fact = {
        .correlation = correlation,
        .subject = subject,
        .type = EVENT_CUSTOMER_ERASED,
        .data = buf_slice(&data),
        .now_ms = now_ms,
        .unordered = true,
        .key = key,
    };
    if (!err)
        err = buf_check(&data, fault, "customer");
    return err ? err : centre_store(db, &fact, body, &event_no, fault);
}

static enum err list_devices(struct database *db, struct buf *ids, struct fault *fault)
{
    struct statement *s;
    bool row = true;
    enum err err = database_statement(db, INGEST_CUSTOMER_DEVICES, &s, fault);
    while (!err && (err = database_step(db, s, &row, fault)) == ERR_OK && row) {
        struct slice id = column_slice(s, 0);
        buf_append(ids, id.data, id.len);
        buf_append(ids, "", 1);
    }
    if (!err)
        statement_reset(s);
    return err ? err : buf_check(ids, fault, "devices");
}

static enum err tell(struct database *db, const char *customer, const char *device,
                     struct slice body, int64_t now_ms, struct fault *fault)
{
    struct statement *s;
    int64_t number = 0;
    enum err err = inbox_put(db, device, body, now_ms, &number, fault);
    if (!err)
        err = database_statement(db, INGEST_CUSTOMER_ERASURE_PUT, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, customer);
    bind_text(s, 2, device);
    bind_int(s, 3, number);
    return database_run(db, s, fault);
}

enum err contact_erase(struct database *db, const char *customer, int64_t now_ms, centre_told *told,
                       void *context, struct fault *fault)
{
    struct buf body CLEANUP(buf_free);
    struct buf ids CLEANUP(buf_free);
    int64_t count = 0;
    buf_init(&body, EVENT_BODY_MAX);
    buf_init(&ids, (size_t)DEVICES_MAX * (DEVICE_ID_MAX + 1));
    enum err err = erase_keys(db, customer, &count, fault);
    if (!err)
        err = record(db, customer, count, now_ms, &body, fault);
    if (!err)
        err = list_devices(db, &ids, fault);
    for (size_t at = 0; !err && at < ids.len; at += strlen(ids.data + at) + 1) {
        err = tell(db, customer, ids.data + at, buf_slice(&body), now_ms, fault);
        if (!err)
            told(context, ids.data + at);
    }
    return err;
}
