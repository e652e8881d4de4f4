#include "agent/capture/contact_keys.h"
#include "agent/capture/contact_keys.sql.h"
#include "agent/capture/contact_keys_schema.sql.h"
#include "hal/base/cleanup.h"
#include "hal/crypto.h"
#include "hal/storage.h"
#include "provisioning/identity.h"

#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    KEY_BYTES = CRYPTO_KEY_BYTES,
    SEALED_KEY_BYTES = KEY_BYTES + CRYPTO_TAG_BYTES,
    COPY_BYTES = CRYPTO_NONCE_BYTES + SEALED_KEY_BYTES, /* of the secret, for one key */
    COPIES_MAX = 2,
};

static const char purpose[] = "tillback contact secret 1";

struct contact_keys {
    pthread_mutex_t lock; /* of the database */
    struct database *db;
    struct diag *diag;
    char identity_folder[PATH_MAX];
    char path[PATH_MAX]; /* of the database */
    char secret_path[PATH_MAX];
    uint8_t secret[KEY_BYTES];
    struct sha256 salt;
    bool locked; /* the secret isn't known: the identity that it is sealed to can't be used */
    bool untold; /* there may be such a key */
};

static enum err crypto_failed(struct fault *fault, const char *doing, int code)
{
    return code ? crypto_fault(fault, ERR_IO, "contact", doing, code) : ERR_OK;
}

/* --- The secret ------------------------------------------------------------------------------ */

/* What the identity's key of that slot seals with; *has false when there is none. */
static enum err slot_key(const struct contact_keys *keys, enum identity_slot slot,
                         uint8_t key[static KEY_BYTES], bool *has, struct fault *fault)
{
    struct identity *identity CLEANUP(identity_cleanup) = NULL;
    enum err err = identity_open(&identity, keys->identity_folder, slot, fault);
    *has = err == ERR_OK;
    if (err)
        return err == ERR_NOT_FOUND ? ERR_OK : err;
    return key_derive(identity_key(identity), purpose, key, fault);
}

/* *can is false when the slot's key is in a token that agrees on no secret. */
static enum err add_copy(const struct contact_keys *keys, enum identity_slot slot,
                         struct buf *content, bool *can, struct fault *fault)
{
    uint8_t key[KEY_BYTES];
    uint8_t copy[COPY_BYTES];
    bool has = false;
    enum err err = slot_key(keys, slot, key, &has, fault);
    *can = err != ERR_UNSUPPORTED;
    if (!*can)
        return ERR_OK;
    if (err || !has)
        return err;
    const struct slice secret = {(const char *)keys->secret, KEY_BYTES};
    err =
        crypto_failed(fault, "sealing the secret",
                      crypto_seal(key, slice_of(purpose), secret, copy, copy + CRYPTO_NONCE_BYTES));
    crypto_wipe(key, sizeof key);
    if (!err)
        buf_append(content, (const char *)copy, sizeof copy);
    return err;
}

enum err contact_keys_reseal(struct contact_keys *keys, struct fault *fault)
{
    struct buf content CLEANUP(key_wipe) = {0};
    if (keys->locked)
        return ERR_OK; /* as it is */
    bool current_can = true;
    bool next_can = true;
    buf_init(&content, COPIES_MAX * COPY_BYTES);
    enum err err = add_copy(keys, IDENTITY_CURRENT, &content, &current_can, fault);
    if (!err)
        err = add_copy(keys, IDENTITY_NEXT, &content, &next_can, fault);
    if (!current_can || !next_can) {
        content.len = 0; /* the other's copy alone would be lost with it */
        diag_write(keys->diag, DIAG_WARN, "contact.secret_open",
                   "the token of this identity agrees on no secret: what customers' keys are "
                   "sealed with lies open in %s",
                   keys->secret_path);
    }
    if (!err && content.len == 0)
        buf_append(&content, (const char *)keys->secret, KEY_BYTES);
    if (!err)
        err = buf_check(&content, fault, "contact secret");
    return err ? err : storage_replace(keys->secret_path, buf_slice(&content), 0600, fault);
}

/* *any: there is an identity that could have opened them. */
static enum err open_copies(struct contact_keys *keys, struct slice content, bool *opened,
                            bool *any, struct fault *fault)
{
    for (int slot = IDENTITY_CURRENT; slot <= IDENTITY_NEXT && !*opened; slot++) {
        uint8_t key[KEY_BYTES];
        bool has = false;
        enum err err = slot_key(keys, (enum identity_slot)slot, key, &has, fault);
        if (err)
            return err;
        *any |= has;
        for (size_t at = 0; has && !*opened && at + COPY_BYTES <= content.len; at += COPY_BYTES) {
            const char *copy = content.data + at;
            const struct slice sealed = {copy + CRYPTO_NONCE_BYTES, SEALED_KEY_BYTES};
            *opened = crypto_open(key, slice_of(purpose), (const uint8_t *)copy, sealed,
                                  keys->secret) == 0;
        }
        crypto_wipe(key, sizeof key);
    }
    return ERR_OK;
}

static enum err make_secret(struct contact_keys *keys, struct fault *fault)
{
    (void)crypto_random(NULL, keys->secret, KEY_BYTES);
    return database_run_plain(keys->db, CONTACT_KEYS_FORGET, fault);
}

static enum err lock(struct contact_keys *keys, const struct fault *why)
{
    keys->locked = true;
    diag_write(keys->diag, DIAG_WARN, "contact.keys_locked",
               "the identity can't be used: customers' contacts are not kept meanwhile%s%s",
               why->text[0] ? "; " : "", why->text);
    return ERR_OK;
}

static enum err read_secret(struct contact_keys *keys, struct fault *fault)
{
    struct buf content CLEANUP(key_wipe);
    struct fault why = {.code = ERR_OK};
    bool opened = false;
    bool any = false;
    buf_init(&content, COPIES_MAX * COPY_BYTES);
    enum err err = storage_read(keys->secret_path, &content, fault);
    if (err == ERR_NOT_FOUND)
        return make_secret(keys, fault);
    if (err)
        return err;
    if (content.len == KEY_BYTES) {
        memcpy(keys->secret, content.data, KEY_BYTES);
        return ERR_OK;
    }
    err = open_copies(keys, buf_slice(&content), &opened, &any, &why);
    if (!err && opened)
        return ERR_OK;
    if (err || !any)
        return lock(keys, &why);
    diag_write(keys->diag, DIAG_WARN, "contact.keys_lost",
               "the keys of customers' contacts belong to another identity: new ones are made");
    return make_secret(keys, fault);
}

static void make_salt(struct contact_keys *keys)
{
    const struct slice parts[] = {SLICE_LITERAL("tillback contact salt 1"),
                                  {(const char *)keys->secret, KEY_BYTES}};
    keys->salt = sha256_of_all(parts, 2);
}

bool contact_keys_locked(const struct contact_keys *keys)
{
    return keys->locked;
}

struct slice contact_keys_salt(const struct contact_keys *keys)
{
    return (struct slice){(const char *)keys->salt.bytes, SHA256_BYTES};
}

/* --- Open and close -------------------------------------------------------------------------- */

static enum err check_pages(struct database *db, struct fault *fault)
{
    struct statement *s;
    bool row = false;
    enum err err = database_prepare(db, "PRAGMA quick_check(1)", &s, fault);
    if (err)
        return err;
    err = statement_step(s, &row, fault);
    if (!err && (!row || !slice_is(column_slice(s, 0), "ok")))
        err = fault_set(fault, ERR_CORRUPT, "contact-keys.db", "its pages are damaged");
    statement_close(s);
    return err;
}

static enum err open_database(struct contact_keys *keys, struct fault *fault)
{
    const struct database_config config = {
        .path = keys->path,
        .statements = contact_keys_sql,
        .statement_count = CONTACT_KEYS_COUNT,
    };
    enum err err = database_open(&keys->db, &config, fault);
    if (!err)
        err = check_pages(keys->db, fault);
    if (!err)
        err = database_migrate(keys->db, contact_keys_schema_sql, CONTACT_KEYS_SCHEMA_COUNT, fault);
    return err ? err : database_script(keys->db, "PRAGMA secure_delete=ON;", fault);
}

/* The write-ahead log first: it must never lie beside a database that is not its own. */
static enum err make_anew(struct contact_keys *keys, const struct fault *why, struct fault *fault)
{
    static const char *const suffixes[] = {"-wal", "-shm", ""};
    enum err err = ERR_OK;
    diag_write(keys->diag, DIAG_ERROR, "contact.keys_damaged",
               "%s: %s; a new one is made. Contacts whose keys the hub hasn't got can't be read "
               "any more; returns are as they were",
               keys->path, why->text);
    database_close(keys->db);
    keys->db = NULL;
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes && !err; i++) {
        char path[PATH_MAX + sizeof "-wal"];
        (void)snprintf(path, sizeof path, "%s%s", keys->path, suffixes[i]);
        err = storage_remove(path, fault);
    }
    return err ? err : open_database(keys, fault);
}

static enum err open_or_make(struct contact_keys *keys, const char *folder, struct fault *fault)
{
    if (storage_path(keys->path, PATH_MAX, folder, "contact-keys.db") != ERR_OK ||
        storage_path(keys->secret_path, PATH_MAX, folder, "contact-secret") != ERR_OK)
        return fault_set(fault, ERR_TOO_LARGE, folder, "the path is too long");
    struct fault why = {0};
    enum err err = open_database(keys, &why);
    if (err == ERR_CORRUPT)
        return make_anew(keys, &why, fault);
    if (err)
        *fault = why;
    return err;
}

enum err contact_keys_open(struct contact_keys **out, const char *folder,
                           const char *identity_folder, struct diag *diag, struct fault *fault)
{
    struct contact_keys *keys = calloc(1, sizeof *keys);
    if (!keys)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    pthread_mutex_init(&keys->lock, NULL);
    keys->diag = diag;
    keys->untold = true;
    (void)snprintf(keys->identity_folder, PATH_MAX, "%s", identity_folder);
    enum err err = open_or_make(keys, folder, fault);
    if (!err)
        err = read_secret(keys, fault);
    if (err) {
        contact_keys_close(keys);
        return err;
    }
    struct fault later; /* at the next start */
    if (contact_keys_reseal(keys, &later) != ERR_OK)
        diag_fault(diag, DIAG_WARN, "contact.secret_not_sealed", &later);
    make_salt(keys);
    *out = keys;
    return ERR_OK;
}

void contact_keys_close(struct contact_keys *keys)
{
    if (!keys)
        return;
    database_close(keys->db);
    pthread_mutex_destroy(&keys->lock);
    crypto_wipe(keys->secret, sizeof keys->secret);
    free(keys);
}

/* --- Keys ------------------------------------------------------------------------------------ */

/* From a row: id, nonce, sealed. */
static enum err unwrap(const struct contact_keys *keys, struct statement *row, struct id *id,
                       uint8_t key[static KEY_BYTES], struct fault *fault)
{
    uint8_t nonce[CRYPTO_NONCE_BYTES];
    const struct slice context = {(const char *)id->bytes, ID_BYTES};
    if (column_bytes(row, 0, id->bytes, ID_BYTES) != ERR_OK ||
        column_bytes(row, 1, nonce, sizeof nonce) != ERR_OK ||
        column_slice(row, 2).len != SEALED_KEY_BYTES ||
        crypto_open(keys->secret, context, nonce, column_slice(row, 2), key) != 0)
        return fault_set(fault, ERR_CORRUPT, "contact-keys.db", "a key can't be read");
    return ERR_OK;
}

static enum err insert(struct contact_keys *keys, const char *customer, struct id *id,
                       uint8_t key[static KEY_BYTES], struct fault *fault)
{
    uint8_t nonce[CRYPTO_NONCE_BYTES];
    uint8_t sealed[SEALED_KEY_BYTES];
    struct id_source ids;
    struct statement *s;
    id_source_init(&ids, NULL, NULL);
    *id = id_next(&ids, 0); /* random: no time in it */
    (void)crypto_random(NULL, key, KEY_BYTES);
    enum err err =
        crypto_failed(fault, "sealing a key",
                      crypto_seal(keys->secret, (struct slice){(const char *)id->bytes, ID_BYTES},
                                  (struct slice){(const char *)key, KEY_BYTES}, nonce, sealed));
    if (!err)
        err = database_statement(keys->db, CONTACT_KEYS_INSERT, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, customer);
    bind_blob(s, 2, id->bytes, ID_BYTES);
    bind_blob(s, 3, nonce, sizeof nonce);
    bind_blob(s, 4, sealed, sizeof sealed);
    err = database_run(keys->db, s, fault);
    keys->untold = true;
    return err;
}

static enum err find_or_make(struct contact_keys *keys, const char *customer, struct id *id,
                             uint8_t key[static KEY_BYTES], struct fault *fault)
{
    struct statement *s;
    bool row;
    enum err err = database_statement(keys->db, CONTACT_KEYS_FIND, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, customer);
    err = database_step(keys->db, s, &row, fault);
    if (err)
        return err;
    if (row)
        err = unwrap(keys, s, id, key, fault);
    statement_reset(s);
    return row ? err : insert(keys, customer, id, key, fault);
}

enum err contact_keys_seal(struct contact_keys *keys, const char *customer,
                           const struct id *correlation, struct slice plain,
                           struct contact_sealed *sealed, struct fault *fault)
{
    uint8_t key[KEY_BYTES];
    const struct slice context = {(const char *)correlation->bytes, ID_BYTES};
    if (plain.len > CONTACT_PLAIN_MAX)
        return fault_set(fault, ERR_TOO_LARGE, "contact", "is too long");
    if (keys->locked)
        return fault_set(fault, ERR_UNREACHABLE, "contact",
                         "can't be sealed: the identity can't be used");
    struct fault why = {0};
    pthread_mutex_lock(&keys->lock);
    enum err err = find_or_make(keys, customer, &sealed->key, key, &why);
    if (err == ERR_CORRUPT) { /* it has rotted since it was opened */
        err = make_anew(keys, &why, &why);
        if (!err)
            err = find_or_make(keys, customer, &sealed->key, key, &why);
    }
    pthread_mutex_unlock(&keys->lock);
    if (err && fault)
        *fault = why;
    if (!err)
        err = crypto_failed(fault, "sealing the contact",
                            crypto_seal(key, context, plain, sealed->nonce, sealed->bytes));
    crypto_wipe(key, sizeof key);
    sealed->len = plain.len + CRYPTO_TAG_BYTES;
    return err;
}

/* --- To the hub ------------------------------------------------------------------------------ */

static enum err find_untold(struct contact_keys *keys, struct contact_key *key, bool *found,
                            struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(keys->db, CONTACT_KEYS_UNTOLD, &s, fault);
    if (!err)
        err = database_step(keys->db, s, found, fault);
    if (err)
        return err;
    keys->untold = *found;
    if (*found) {
        err = unwrap(keys, s, &key->id, key->key, fault);
        (void)snprintf(key->customer, sizeof key->customer, "%s", column_text(s, 3));
    }
    statement_reset(s);
    return err;
}

enum err contact_keys_untold(struct contact_keys *keys, struct contact_key *key, bool *found,
                             struct fault *fault)
{
    *found = false;
    if (keys->locked)
        return ERR_OK;
    pthread_mutex_lock(&keys->lock);
    enum err err = keys->untold ? find_untold(keys, key, found, fault) : ERR_OK;
    pthread_mutex_unlock(&keys->lock);
    return err;
}

static enum err run_with_id(struct contact_keys *keys, size_t statement, const struct id *id,
                            struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(keys->db, statement, &s, fault);
    if (err)
        return err;
    bind_blob(s, 1, id->bytes, ID_BYTES);
    return database_run(keys->db, s, fault);
}

enum err contact_keys_told(struct contact_keys *keys, const struct id *key, struct fault *fault)
{
    pthread_mutex_lock(&keys->lock);
    enum err err = run_with_id(keys, CONTACT_KEYS_TOLD, key, fault);
    pthread_mutex_unlock(&keys->lock);
    return err;
}

/* --- Erasure --------------------------------------------------------------------------------- */

static enum err erase(struct contact_keys *keys, const char *customer, const struct id *event,
                      struct fault *fault)
{
    struct statement *s;
    enum err err = run_with_id(keys, CONTACT_KEYS_ERASURE, event, fault);
    if (err || database_changes(keys->db) == 0)
        return err;
    err = database_statement(keys->db, CONTACT_KEYS_ERASE, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, customer);
    return database_run(keys->db, s, fault);
}

enum err contact_keys_erase(struct contact_keys *keys, const char *customer, const struct id *event,
                            struct fault *fault)
{
    pthread_mutex_lock(&keys->lock);
    enum err err = database_begin(keys->db, fault);
    if (!err)
        err = erase(keys, customer, event, fault);
    if (!err)
        err = database_commit(keys->db, fault);
    if (err)
        database_rollback(keys->db);
    else
        database_cut_wal(keys->db);
    pthread_mutex_unlock(&keys->lock);
    return err;
}

static enum err apply(void *context, struct database_statements *sql,
                      const struct eventlog_record *record, struct fault *fault)
{
    (void)sql;
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    if (record->event.type != EVENT_CUSTOMER_ERASED ||
        json_parse(record->event.data, JSON_LIMITS_DEFAULT, &doc, fault) != ERR_OK)
        return ERR_OK;
    const char *customer = json_member_text(doc, "customer");
    return customer ? contact_keys_erase(context, customer, &record->event.id, fault) : ERR_OK;
}

void contact_keys_view(struct contact_keys *keys, struct eventlog_view *view)
{
    *view = (struct eventlog_view){.name = "contact_keys",
                                   .version = 1,
                                   .create = "",
                                   .drop = "",
                                   .apply = apply,
                                   .context = keys};
}
