/*
 * The keys that customers' contacts are sealed with: one for each customer, in a small database of
 * its own (STATE/contact-keys.db) that forgets what is deleted. They lie there under a secret of
 * this appliance, and the secret (STATE/contact-secret) under the key of its identity: whoever has
 * only a copy of the disk without the identity reads no contact. Before there is an identity the
 * secret lies open; it is sealed as soon as there is one, unless its key is in a token that agrees
 * on no secret (ECDH), as tpm2-pkcs11 doesn't: then it stays open, with a diagnostic. While the
 * identity can't be used (its token is out, a file has rotted) the secret can't be read: they are
 * locked until they are opened again with it, and nothing is forgotten.
 *
 * A database that is damaged is removed, with a diagnostic, and a new one made: the counter goes
 * on, and keys that a customer may have erased are put aside nowhere. Those that the hub was told
 * it has; what the others sealed nobody reads any more.
 *
 * Any thread; every call may block on the disk.
 */
#ifndef AGENT_CAPTURE_CONTACT_KEYS_H
#define AGENT_CAPTURE_CONTACT_KEYS_H

#include "hal/base/diag.h"
#include "sync/contract/contact.h"
#include "sync/eventlog/eventlog.h"

struct contact_keys;

/*
 * Opens or makes them in the state directory. Keys whose secret was sealed to another identity than
 * the one that is there can't be read any more: they are forgotten, with a diagnostic, and new ones
 * made.
 */
enum err contact_keys_open(struct contact_keys **keys, const char *folder,
                           const char *identity_folder, struct diag *diag,
                           struct fault *fault) MUST_CHECK;
void contact_keys_close(struct contact_keys *keys); /* takes NULL */
/* Nothing can be sealed, hashed with the salt or told to the hub; customers can be erased. */
bool contact_keys_locked(const struct contact_keys *keys);

/*
 * Seals the secret to each key that the identity directory holds, current and next: before another
 * key is used, and again once the former one isn't any more.
 */
enum err contact_keys_reseal(struct contact_keys *keys, struct fault *fault) MUST_CHECK;

/*
 * Seals a contact's plain text for that return; the customer's key is on disk when it returns.
 * ERR_UNREACHABLE while they are locked.
 */
enum err contact_keys_seal(struct contact_keys *keys, const char *customer,
                           const struct id *correlation, struct slice plain,
                           struct contact_sealed *sealed, struct fault *fault) MUST_CHECK;
/* For hashes of what holds a contact. Borrowed; the same for as long as the secret is. */
struct slice contact_keys_salt(const struct contact_keys *keys);

/* Some key that the hub isn't known to hold; *found false when there is none. Cheap then. */
enum err contact_keys_untold(struct contact_keys *keys, struct contact_key *key, bool *found,
                             struct fault *fault) MUST_CHECK;
enum err contact_keys_told(struct contact_keys *keys, const struct id *key,
                           struct fault *fault) MUST_CHECK;

/*
 * Destroys the customer's key, for an erasure with that event id; told of the same event again it
 * does nothing, so that a customer who came back later keeps the new one.
 */
enum err contact_keys_erase(struct contact_keys *keys, const char *customer, const struct id *event,
                            struct fault *fault) MUST_CHECK;

/* A view without tables: it follows the hub's customer.erased. */
void contact_keys_view(struct contact_keys *keys, struct eventlog_view *view);

#endif
