/*
 * Customers' contacts at the centre: the keys that appliances tell, opening a contact for someone
 * who may see it, and erasing a customer's keys. Inside the caller's transaction; who asked is
 * noted by the caller.
 */
#ifndef SYNC_HUB_INGEST_CONTACT_H
#define SYNC_HUB_INGEST_CONTACT_H

#include "hal/database.h"
#include "sync/contract/contact.h"
#include "sync/hub/ingest/centre.h"
#include "sync/hub/ingest/vault.h"

/* The key is kept sealed. *held false: the customer was erased, and the device hasn't heard of it
 * yet. */
enum err contact_take_key(struct database *db, const struct vault *vault, const char *device,
                          const struct contact_key *key, int64_t now_ms, bool *held,
                          struct fault *fault) MUST_CHECK;

/* The same with the key as a device tells it, and the acknowledgement for it; ERR_INVALID. */
enum err contact_answer_key(struct database *db, const struct vault *vault, const char *device,
                            struct slice told, int64_t now_ms, struct buf *reply,
                            struct fault *fault) MUST_CHECK;
/*
 * Appends the contact of that return, a JSON object. ERR_NOT_FOUND when it has none, or when its
 * key isn't here: erased, or not yet told.
 */
enum err contact_show(struct database *db, const struct vault *vault, const struct id *correlation,
                      struct buf *json, struct fault *fault) MUST_CHECK;

/*
 * Destroys the customer's keys, records customer.erased, and puts it into every appliance's inbox.
 * Fine for a customer of whom nothing is here: an appliance may have a key that it hasn't told.
 */
enum err contact_erase(struct database *db, const char *customer, int64_t now_ms, centre_told *told,
                       void *context, struct fault *fault) MUST_CHECK;

#endif
