/*
 * The hub's certificate authorities, below its state directory. Mostly there is one; while one
 * replaces another there are two, so that no machine must learn of the new one in the same moment:
 *
 *     ca         issues
 *     ca-next    is trusted already, and will issue
 *     ca-old     is still trusted, and issues no more
 *     trust      ca.pem and crl.pem over all of them, for brokers and servers
 *
 * A handle belongs to one thread at a time; several processes may have one. No clock inside. Every
 * call may block on the disk.
 */
#ifndef SYNC_HUB_FLEET_AUTHORITIES_H
#define SYNC_HUB_FLEET_AUTHORITIES_H

#include "provisioning/authority.h"

struct authorities;

enum {
    AUTHORITIES_LEAF_DAYS = 397,
    AUTHORITIES_ROOT_DAYS = 3650,
    AUTHORITIES_LIST_DAYS = 30, /* made anew when half of that is over */
};

/* ERR_NOT_FOUND when this hub has no authority. Completes a switch that was cut. */
enum err authorities_open(struct authorities **authorities, const char *state,
                          struct fault *fault) MUST_CHECK;
void authorities_close(struct authorities *authorities);    /* takes NULL */
void authorities_cleanup(struct authorities **authorities); /* for CLEANUP */

/* The one that issues; borrowed. */
struct authority *authorities_issuer(const struct authorities *authorities);
/* Whether it names one of them as its issuer; the signature isn't looked at. */
bool authorities_issued(const struct authorities *authorities, const mbedtls_x509_crt *crt);
/* Appends the certificates of all that are trusted. */
enum err authorities_pem(const struct authorities *authorities, struct buf *pem,
                         struct fault *fault) MUST_CHECK;
/* Appends the signed document over them (provisioning/trust.h). */
enum err authorities_trust(struct authorities *authorities, int64_t now_ms, struct buf *out,
                           struct fault *fault) MUST_CHECK;
/*
 * Appends a revocation list of each; those that are half through their time, or all with `anew`,
 * are made anew first. *next_update_ms is the earliest.
 */
enum err authorities_crl(struct authorities *authorities, int64_t now_ms, bool anew,
                         struct buf *pem, int64_t *next_update_ms, struct fault *fault) MUST_CHECK;
/* Only makes the list of each anew, for authorities_publish to find. */
enum err authorities_list_anew(struct authorities *authorities, int64_t now_ms,
                               struct fault *fault) MUST_CHECK;
/* Writes trust/ca.pem and trust/crl.pem, with lists as authorities_crl makes them. */
enum err authorities_publish(struct authorities *authorities, int64_t now_ms, bool anew,
                             int64_t *next_update_ms, struct fault *fault) MUST_CHECK;
/* Revokes all certificates of a name, by whichever authority; lists aren't made yet. */
enum err authorities_revoke(struct authorities *authorities, const char *name,
                            enum crl_reason reason, int64_t now_ms, size_t *count,
                            struct fault *fault) MUST_CHECK;
/*
 * Whether this chain is a device's of ours, at whichever time it was or will be valid, and not
 * revoked: ERR_REFUSED.
 */
enum err authorities_know(struct authorities *authorities, mbedtls_x509_crt *chain,
                          struct fault *fault) MUST_CHECK;

/* --- Replacing the authority, a step at a time. --- */

/* Makes ca-next. ERR_CONFLICT when a replacement is under way. */
enum err authorities_begin(const char *state, int64_t now_ms, struct fault *fault) MUST_CHECK;
/* ca-next issues from now on. ERR_NOT_FOUND when there is none. */
enum err authorities_switch(const char *state, struct fault *fault) MUST_CHECK;
/* ca-old is trusted no more: it is kept in ca-retired-TIME. ERR_NOT_FOUND when there is none. */
enum err authorities_retire(const char *state, int64_t now_ms, struct fault *fault) MUST_CHECK;

#endif
