/*
 * How to reach a customer, sealed: what stands in return.created as "contact_sealed", and the key
 * that opens it, which an appliance tells the hub under up/contact-key. A key is random, of one
 * customer and one appliance, and stands in no event: once it is destroyed everywhere, what it
 * sealed is gone, while the log's hash chain stays as it is.
 *
 * The plain text is a JSON object (name, phone, email), sealed with AES-256-GCM; its context is the
 * return's id (16 bytes), so that it opens in no other return. Pure; any thread.
 */
#ifndef SYNC_CONTRACT_CONTACT_H
#define SYNC_CONTRACT_CONTACT_H

#include "hal/base/id.h"
#include "hal/base/json.h"
#include "hal/base/jsonw.h"

enum {
    CONTACT_CUSTOMER_MAX = 80,
    CONTACT_PLAIN_MAX = 2560,
    CONTACT_SEALED_MAX = CONTACT_PLAIN_MAX + 16,
    CONTACT_KEY_BYTES = 32,
    CONTACT_NONCE_BYTES = 12,
    CONTACT_MESSAGE_MAX = 1024,
};

struct contact_sealed {
    struct id key;
    uint8_t nonce[CONTACT_NONCE_BYTES];
    uint8_t bytes[CONTACT_SEALED_MAX]; /* with the tag at its end */
    size_t len;
};

/* The member "contact_sealed". */
void contact_sealed_write(struct jsonw *w, const struct contact_sealed *sealed);
/* Reads its object. ERR_INVALID. */
enum err contact_sealed_read(const struct cJSON *object, struct contact_sealed *sealed,
                             struct fault *fault) MUST_CHECK;

/*
 * A key on its way to the hub. hub_epoch and inbox_through are how far the appliance followed the
 * hub's messages before it took the key from its store: a key made before an erasure that the
 * appliance hadn't yet heard of must not come back after it.
 */
struct contact_key {
    struct id id;
    char customer[CONTACT_CUSTOMER_MAX + 1];
    uint8_t key[CONTACT_KEY_BYTES];
    int64_t hub_epoch;
    int64_t inbox_through;
};

void contact_key_write(struct buf *out, const struct contact_key *key);
enum err contact_key_read(struct slice text, struct contact_key *key,
                          struct fault *fault) MUST_CHECK;

/* The answer, under down/contact-key: held, or not because an erasure came before it. */
struct contact_key_ack {
    struct id id;
    bool held;
};

void contact_key_ack_write(struct buf *out, const struct contact_key_ack *ack);
enum err contact_key_ack_read(struct slice text, struct contact_key_ack *ack,
                              struct fault *fault) MUST_CHECK;

#endif
