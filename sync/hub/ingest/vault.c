#include "sync/hub/ingest/vault.h"
#include "hal/base/cleanup.h"
#include "hal/base/random.h"
#include "hal/base/sha256.h"
#include "hal/storage.h"
#include "sync/hub/ingest/ingest.sql.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

/* --- The secret ------------------------------------------------------------------------------ */

static struct sha256 fingerprint_of(const struct vault *vault)
{
    static const char purpose[] = "tillback contact secret";
    uint8_t text[sizeof purpose + CRYPTO_KEY_BYTES];
    memcpy(text, purpose, sizeof purpose);
    memcpy(text + sizeof purpose, vault->secret, CRYPTO_KEY_BYTES);
    struct sha256 fingerprint = sha256_of((struct slice){(const char *)text, sizeof text});
    crypto_wipe(text, sizeof text);
    return fingerprint;
}

static enum err make_file(struct vault *vault, const char *path, struct fault *fault)
{
    random_fill(NULL, vault->secret, sizeof vault->secret);
    const struct slice content = {(const char *)vault->secret, sizeof vault->secret};
    return storage_replace(path, content, 0600, fault);
}

/* *found false: there is no such file. */
static enum err read_file(struct vault *vault, const char *path, bool *found, struct fault *fault)
{
    struct buf content CLEANUP(buf_free);
    buf_init(&content, sizeof vault->secret);
    enum err err = storage_read(path, &content, fault);
    *found = err != ERR_NOT_FOUND;
    if (err == ERR_TOO_LARGE || (!err && content.len != sizeof vault->secret))
        err = fault_set(fault, ERR_CORRUPT, path, "must have %d bytes", CRYPTO_KEY_BYTES);
    if (!err)
        memcpy(vault->secret, content.data, sizeof vault->secret);
    if (content.data)
        crypto_wipe(content.data, content.len);
    return *found ? err : ERR_OK;
}

/* *known false: the database has none. */
static enum err read_fingerprint(struct database *db, bool *known, struct sha256 *fingerprint,
                                 struct fault *fault)
{
    struct statement *s;
    bool row;
    enum err err = database_first(db, INGEST_VAULT_READ, &s, &row, fault);
    if (err)
        return err;
    *known = row && column_bytes(s, 0, fingerprint->bytes, SHA256_BYTES) == ERR_OK;
    statement_reset(s);
    return ERR_OK;
}

/* Writes our fingerprint. When several hubs begin at once, the first one's stays. */
static enum err claim(struct database *db, const struct vault *vault, struct fault *fault)
{
    struct sha256 fingerprint = fingerprint_of(vault);
    struct statement *s;
    enum err err = database_statement(db, INGEST_VAULT_CLAIM, &s, fault);
    if (err)
        return err;
    bind_blob(s, 1, fingerprint.bytes, SHA256_BYTES);
    return database_run(db, s, fault);
}

static enum err open_secret(struct vault *vault, struct database *db, const char *path,
                            struct fault *fault)
{
    struct sha256 expected;
    bool known = false;
    bool found = false;
    enum err err = read_fingerprint(db, &known, &expected, fault);
    if (!err)
        err = read_file(vault, path, &found, fault);
    if (!err && !known && !found)
        err = make_file(vault, path, fault);
    if (!err && !known)
        err = claim(db, vault, fault);
    if (!err && !known)
        err = read_fingerprint(db, &known, &expected, fault);
    if (err)
        return err;
    struct sha256 ours = fingerprint_of(vault);
    vault->open = known && crypto_equal(ours.bytes, expected.bytes, SHA256_BYTES);
    return ERR_OK;
}

/* --- Keys that lie open ---------------------------------------------------------------------- */

static enum err put_secret(struct database *db, const struct id *id, const uint8_t *bytes,
                           size_t len, struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, INGEST_CUSTOMER_KEY_SEAL, &s, fault);
    if (err)
        return err;
    bind_blob(s, 1, id->bytes, ID_BYTES);
    bind_blob(s, 2, bytes, len);
    return database_run(db, s, fault);
}

static enum err next_open_key(struct database *db, bool *found, struct id *id,
                              uint8_t key[static CONTACT_KEY_BYTES], struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, INGEST_CUSTOMER_KEY_OPEN, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, CONTACT_KEY_BYTES);
    err = database_step(db, s, found, fault);
    if (!err && *found && column_bytes(s, 0, id->bytes, ID_BYTES) == ERR_OK)
        err = column_bytes(s, 1, key, CONTACT_KEY_BYTES);
    statement_reset(s);
    return err;
}

/* The bytes are overwritten in their place before the row grows and may move. */
static enum err seal_open_keys(const struct vault *vault, struct database *db, bool *any,
                               struct fault *fault)
{
    static const uint8_t nothing[CONTACT_KEY_BYTES];
    uint8_t key[CONTACT_KEY_BYTES];
    uint8_t sealed[VAULT_SEALED_BYTES];
    struct id id;
    bool found = true;
    enum err err = ERR_OK;
    while (!err && (err = next_open_key(db, &found, &id, key, fault)) == ERR_OK && found) {
        *any = true;
        err = vault_seal(vault, &id, key, sealed, fault);
        if (!err)
            err = put_secret(db, &id, nothing, sizeof nothing, fault);
        if (!err)
            err = put_secret(db, &id, sealed, sizeof sealed, fault);
    }
    crypto_wipe(key, sizeof key);
    return err;
}

enum err vault_open(struct vault *out, struct database *db, const char *folder, struct fault *fault)
{
    struct vault vault = {.open = false};
    char path[PATH_MAX];
    bool sealed = false;
    if (storage_path(path, sizeof path, folder, VAULT_FILE) != ERR_OK)
        return fault_set(fault, ERR_TOO_LARGE, folder, "the path is too long");
    enum err err = open_secret(&vault, db, path, fault);
    if (!err && vault.open)
        err = database_begin(db, fault);
    if (!err && vault.open)
        err = seal_open_keys(&vault, db, &sealed, fault);
    if (!err && vault.open)
        err = database_commit(db, fault);
    if (err)
        database_rollback(db);
    else if (sealed)
        database_cut_wal(db);
    if (!err)
        *out = vault;
    vault_wipe(&vault);
    return err;
}

void vault_wipe(struct vault *vault)
{
    crypto_wipe(vault, sizeof *vault);
}

enum err vault_give_up(struct database *db, int64_t *count, struct fault *fault)
{
    enum err err = database_run_plain(db, INGEST_CUSTOMER_KEY_FORGET_ALL, fault);
    int64_t forgotten = err ? 0 : database_changes(db);
    if (!err)
        err = database_run_plain(db, INGEST_VAULT_FORGET, fault);
    if (!err)
        *count = forgotten;
    return err;
}

/* --- Sealing --------------------------------------------------------------------------------- */

static enum err check_open(const struct vault *vault, struct fault *fault)
{
    return vault->open ? ERR_OK
                       : fault_set(fault, ERR_REFUSED, VAULT_FILE,
                                   "is not the one that this database's keys are sealed with: copy "
                                   "it from the state directory of the hub that has it");
}

enum err vault_seal(const struct vault *vault, const struct id *id,
                    const uint8_t key[static CONTACT_KEY_BYTES],
                    uint8_t sealed[static VAULT_SEALED_BYTES], struct fault *fault)
{
    const struct slice context = {(const char *)id->bytes, ID_BYTES};
    enum err err = check_open(vault, fault);
    if (err)
        return err;
    int code =
        crypto_seal(vault->secret, context, (struct slice){(const char *)key, CONTACT_KEY_BYTES},
                    sealed, sealed + CRYPTO_NONCE_BYTES);
    return code ? crypto_fault(fault, ERR_IO, "customer_key", "sealing it", code) : ERR_OK;
}

enum err vault_unseal(const struct vault *vault, const struct id *id,
                      const uint8_t sealed[static VAULT_SEALED_BYTES],
                      uint8_t key[static CONTACT_KEY_BYTES], struct fault *fault)
{
    const struct slice context = {(const char *)id->bytes, ID_BYTES};
    enum err err = check_open(vault, fault);
    if (err)
        return err;
    int code = crypto_open(vault->secret, context, sealed,
                           (struct slice){(const char *)sealed + CRYPTO_NONCE_BYTES,
                                          VAULT_SEALED_BYTES - CRYPTO_NONCE_BYTES},
                           key);
    return code ? crypto_fault(fault, ERR_REFUSED, "customer_key", "opening it", code) : ERR_OK;
}
