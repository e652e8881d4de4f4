/*
 * The registrar: answers what appliances ask for their identities (sync/contract/enrol.h). It
 * decides by the roster and the codes that are out, and the authority issues. What it refuses it
 * says why, but to whoever holds no valid code it says the same about all of them.
 *
 * One thread, inside the caller's transaction: what was given for a code is kept with it, so that
 * asking again with the same key is answered the same. A certificate that was issued in a
 * transaction that failed is known to the authority and to nobody else.
 */
#ifndef SYNC_HUB_FLEET_REGISTRAR_H
#define SYNC_HUB_FLEET_REGISTRAR_H

#include "sync/contract/enrol.h"
#include "sync/hub/fleet/authorities.h"
#include "sync/hub/fleet/roster.h"

struct registrar;

struct registrar_rules {
    int64_t certificate_days; /* what is issued is good for */
    int64_t late_days;        /* how long after its end a certificate may still be renewed */
};

/* ERR_NOT_FOUND when this hub has no authority. `state` is its directory. */
enum err registrar_open(struct registrar **registrar, struct database *db, const char *state,
                        const struct registrar_rules *rules, struct fault *fault) MUST_CHECK;
void registrar_close(struct registrar *registrar); /* takes NULL */

/*
 * Appends the answer. `device` is who showed a valid certificate, NULL when nobody did. A refusal
 * is an answer: *refused tells it. Errors are those of the disk.
 */
enum err registrar_answer(struct registrar *registrar, const struct enrol_ask *ask,
                          const char *device, int64_t now_ms, struct buf *out, enum err *refused,
                          struct fault *fault) MUST_CHECK;

/*
 * The same decisions for others who carry requests (EST): the certificate for a code, or for who
 * showed a certificate. ERR_REFUSED and the like are the refusal.
 */
enum err registrar_enrol(struct registrar *registrar, const char *code, struct slice request,
                         int64_t now_ms, struct buf *certificate, struct fault *fault) MUST_CHECK;
enum err registrar_renew(struct registrar *registrar, const char *device, struct slice request,
                         int64_t now_ms, struct buf *certificate, struct fault *fault) MUST_CHECK;

#endif
