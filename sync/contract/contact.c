#include "sync/contract/contact.h"
#include "hal/base/cleanup.h"
#include "hal/base/hex.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum { DEPTH_MAX = 2, ARENA_MAX = 16 * 1024, TAG_BYTES = 16, BASE64_MAX = 3500 };

#define NUMBER_MAX (INT64_C(1) << 52)
#define TEXT(type, field, member, most)                                                            \
    {                                                                                              \
        .name = field, .kind = JSON_TEXT, .offset = offsetof(struct type, member), .min = 1,       \
        .max = most                                                                                \
    }
#define TABLE(list, type)                                                                          \
    {                                                                                              \
        .fields = list, .count = sizeof(list) / sizeof *(list), .item_size = sizeof(struct type),  \
        .allow_unknown = true                                                                      \
    }

static void write_id(struct jsonw *w, const char *name, const struct id *id)
{
    char text[ID_TEXT + 1];
    id_format(id, text);
    jsonw_text(w, name, text);
}

static void write_bytes(struct jsonw *w, const char *name, const uint8_t *bytes, size_t len)
{
    struct buf text CLEANUP(buf_free);
    buf_init(&text, BASE64_MAX);
    base64_encode(&text, bytes, len, false);
    jsonw_slice(w, name, buf_slice(&text));
}

static enum err read_id(const char *text, struct id *id, struct fault *fault)
{
    return id_parse(slice_of(text), id) == ERR_OK
               ? ERR_OK
               : fault_set(fault, ERR_INVALID, "key_id", "must be a UUID");
}

/* Between `least` and `most` bytes; *len is how many. */
static enum err read_bytes(const char *text, const char *name, size_t least, size_t most,
                           uint8_t *bytes, size_t *len, struct fault *fault)
{
    struct buf decoded CLEANUP(buf_free);
    buf_init(&decoded, BASE64_MAX);
    if (base64_decode(&decoded, slice_of(text)) != ERR_OK || decoded.len < least ||
        decoded.len > most)
        return fault_set(fault, ERR_INVALID, name, "must be base64 of %zu to %zu bytes", least,
                         most);
    memcpy(bytes, decoded.data, decoded.len);
    *len = decoded.len;
    return ERR_OK;
}

static enum err read_message(struct slice text, const struct json_table *table, void *read,
                             struct cJSON **doc, struct arena *arena, struct fault *fault)
{
    const struct json_limits limits = {.bytes = CONTACT_MESSAGE_MAX, .depth = DEPTH_MAX};
    arena_init(arena, ARENA_MAX);
    enum err err = json_parse(text, limits, doc, fault);
    return err ? err : json_read(*doc, table, read, arena, fault);
}

/* --- In return.created ----------------------------------------------------------------------- */

struct sealed_text {
    const char *key;
    const char *nonce;
    const char *bytes;
};

static const struct json_field sealed_fields[] = {
    TEXT(sealed_text, "key_id", key, ID_TEXT),
    TEXT(sealed_text, "nonce", nonce, BASE64_MAX),
    TEXT(sealed_text, "ciphertext", bytes, BASE64_MAX),
};
static const struct json_table sealed_table = TABLE(sealed_fields, sealed_text);

void contact_sealed_write(struct jsonw *w, const struct contact_sealed *sealed)
{
    jsonw_object(w, "contact_sealed");
    write_id(w, "key_id", &sealed->key);
    write_bytes(w, "nonce", sealed->nonce, sizeof sealed->nonce);
    write_bytes(w, "ciphertext", sealed->bytes, sealed->len);
    jsonw_end(w);
}

enum err contact_sealed_read(const struct cJSON *object, struct contact_sealed *sealed,
                             struct fault *fault)
{
    struct arena arena CLEANUP(arena_free);
    struct sealed_text text = {0};
    struct contact_sealed made;
    size_t len;
    arena_init(&arena, ARENA_MAX);
    enum err err = json_read(object, &sealed_table, &text, &arena, fault);
    if (!err)
        err = read_id(text.key, &made.key, fault);
    if (!err)
        err = read_bytes(text.nonce, "nonce", CONTACT_NONCE_BYTES, CONTACT_NONCE_BYTES, made.nonce,
                         &len, fault);
    if (!err)
        err = read_bytes(text.bytes, "ciphertext", TAG_BYTES, CONTACT_SEALED_MAX, made.bytes,
                         &made.len, fault);
    if (!err)
        *sealed = made;
    return err;
}

/* --- The key --------------------------------------------------------------------------------- */

struct key_text {
    const char *id;
    const char *customer;
    const char *key;
    int64_t hub_epoch;
    int64_t inbox_through;
};

static const struct json_field key_fields[] = {
    TEXT(key_text, "key_id", id, ID_TEXT),
    TEXT(key_text, "customer", customer, CONTACT_CUSTOMER_MAX),
    TEXT(key_text, "key", key, BASE64_MAX),
    {.name = "hub_epoch",
     .kind = JSON_INT,
     .offset = offsetof(struct key_text, hub_epoch),
     .max = NUMBER_MAX},
    {.name = "inbox_through",
     .kind = JSON_INT,
     .offset = offsetof(struct key_text, inbox_through),
     .max = NUMBER_MAX},
};
static const struct json_table key_table = TABLE(key_fields, key_text);

void contact_key_write(struct buf *out, const struct contact_key *key)
{
    struct jsonw w = jsonw_to(out);
    jsonw_object(&w, NULL);
    write_id(&w, "key_id", &key->id);
    jsonw_text(&w, "customer", key->customer);
    write_bytes(&w, "key", key->key, sizeof key->key);
    jsonw_int(&w, "hub_epoch", key->hub_epoch);
    jsonw_int(&w, "inbox_through", key->inbox_through);
    jsonw_end(&w);
}

enum err contact_key_read(struct slice text, struct contact_key *key, struct fault *fault)
{
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    struct arena arena CLEANUP(arena_free);
    struct key_text read = {0};
    struct contact_key made;
    size_t len;
    enum err err = read_message(text, &key_table, &read, &doc, &arena, fault);
    if (!err)
        err = read_id(read.id, &made.id, fault);
    if (!err)
        err = read_bytes(read.key, "key", CONTACT_KEY_BYTES, CONTACT_KEY_BYTES, made.key, &len,
                         fault);
    if (err)
        return err;
    (void)snprintf(made.customer, sizeof made.customer, "%s", read.customer);
    made.hub_epoch = read.hub_epoch;
    made.inbox_through = read.inbox_through;
    *key = made;
    return ERR_OK;
}

/* --- Its acknowledgement --------------------------------------------------------------------- */

struct ack_text {
    const char *id;
    bool held;
};

static const struct json_field ack_fields[] = {
    TEXT(ack_text, "key_id", id, ID_TEXT),
    {.name = "held", .kind = JSON_FLAG, .offset = offsetof(struct ack_text, held)},
};
static const struct json_table ack_table = TABLE(ack_fields, ack_text);

void contact_key_ack_write(struct buf *out, const struct contact_key_ack *ack)
{
    struct jsonw w = jsonw_to(out);
    jsonw_object(&w, NULL);
    write_id(&w, "key_id", &ack->id);
    jsonw_bool(&w, "held", ack->held);
    jsonw_end(&w);
}

enum err contact_key_ack_read(struct slice text, struct contact_key_ack *ack, struct fault *fault)
{
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    struct arena arena CLEANUP(arena_free);
    struct ack_text read = {0};
    struct contact_key_ack made;
    enum err err = read_message(text, &ack_table, &read, &doc, &arena, fault);
    if (!err)
        err = read_id(read.id, &made.id, fault);
    if (err)
        return err;
    made.held = read.held;
    *ack = made;
    return ERR_OK;
}
