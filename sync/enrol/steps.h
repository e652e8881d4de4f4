/*
 * Enrolment and renewal as steps on the identity directory, whoever carries question and answer
 * between appliance and hub: a broker, a phone, a stick. Each step is on the disk when its call
 * returns, and may be asked again after a cut: the key and the code stay the same until the answer
 * to them is in use, so that the hub answers again what it answered.
 *
 * One process at a time: the caller holds storage_lock on the directory. No clock inside, no
 * threading; every call blocks on the disk.
 */
#ifndef SYNC_ENROL_STEPS_H
#define SYNC_ENROL_STEPS_H

#include "provisioning/assignment.h"
#include "sync/contract/enrol.h"

/* --- The first certificate ------------------------------------------------------------------- */

/*
 * Takes the bundle (with its code) as what is to be done: trusts its authorities, makes the key.
 * Once done for a code it is fine to do it again; when all of it is done, nothing is pending after
 * it. ERR_CONFLICT when the appliance is enrolled as another already, unless `again`, and in any
 * case when it is another store's.
 */
enum err steps_begin(const char *folder, const struct bundle *bundle, bool again,
                     struct fault *fault) MUST_CHECK;
/* True when there is something begun and not finished. */
bool steps_pending(const char *folder);
/* Appends the question: ERR_NOT_FOUND when nothing is pending. */
enum err steps_question(const char *folder, struct buf *out, struct fault *fault) MUST_CHECK;
/*
 * Takes the answer: certificate, authorities, revocation lists; then the new identity is in use.
 * The hub's refusal is its error. `now_ms` may be wrong: the answer's time counts if it is later,
 * and *hub_ms tells that time.
 */
enum err steps_finish(const char *folder, struct slice answer, int64_t now_ms, int64_t *hub_ms,
                      struct fault *fault) MUST_CHECK;
/* Finishes what was cut after the answer; *done false when there still must be one. */
enum err steps_resume(const char *folder, bool *done, struct fault *fault) MUST_CHECK;

/* --- The next one ---------------------------------------------------------------------------- */

/*
 * Makes the next key (or takes the current one, unless `new_key`) and appends the question. With
 * `proof` it shows that it has the current key, for when TLS can't any more.
 */
enum err steps_renewal(const char *folder, bool new_key, bool proof, struct buf *out,
                       struct fault *fault) MUST_CHECK;
/* Takes the answer as the next identity; identity_promote after it has been tried. */
enum err steps_renewed(const char *folder, struct slice answer, int64_t now_ms,
                       struct fault *fault) MUST_CHECK;
/* Takes authorities and lists of any answer. *changed: connections should be made anew. */
enum err steps_trust(const char *folder, struct slice answer, int64_t now_ms, bool *changed,
                     struct fault *fault) MUST_CHECK;

#endif
