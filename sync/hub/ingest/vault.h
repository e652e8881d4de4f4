/*
 * What customers' keys are sealed with in the hub's database (AES-256-GCM), so that the database
 * and its backups alone open no contact: a secret in the file `contact-secret` of the hub's state
 * directory, made at the first start. Several hubs on one database need the same file; the database
 * knows its fingerprint, and a hub with another one leaves contacts alone. vault_open is inside
 * nobody's transaction and blocks on the disk; the rest is pure.
 */
#ifndef SYNC_HUB_INGEST_VAULT_H
#define SYNC_HUB_INGEST_VAULT_H

#include "hal/crypto.h"
#include "hal/database.h"
#include "sync/contract/contact.h"

#define VAULT_FILE "contact-secret"

enum { VAULT_SEALED_BYTES = CRYPTO_NONCE_BYTES + CONTACT_KEY_BYTES + CRYPTO_TAG_BYTES };

struct vault {
    bool open; /* else it is another hub's secret that the database's keys are sealed with */
    uint8_t secret[CRYPTO_KEY_BYTES];
};

/* Makes the secret if the database has none yet, and seals keys that an earlier version left open.
 * vault_wipe it. */
enum err vault_open(struct vault *vault, struct database *db, const char *folder,
                    struct fault *fault) MUST_CHECK;
void vault_wipe(struct vault *vault);
/* The secret is lost: forgets every key sealed with it, so that the next vault_open begins anew.
 * Inside the caller's transaction; *count keys. */
enum err vault_give_up(struct database *db, int64_t *count, struct fault *fault) MUST_CHECK;

/* ERR_REFUSED when the vault isn't open, or what is to be opened was changed. */
enum err vault_seal(const struct vault *vault, const struct id *id,
                    const uint8_t key[static CONTACT_KEY_BYTES],
                    uint8_t sealed[static VAULT_SEALED_BYTES], struct fault *fault) MUST_CHECK;
enum err vault_unseal(const struct vault *vault, const struct id *id,
                      const uint8_t sealed[static VAULT_SEALED_BYTES],
                      uint8_t key[static CONTACT_KEY_BYTES], struct fault *fault) MUST_CHECK;

#endif
