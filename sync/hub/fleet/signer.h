/*
 * What signs for the hub: a certificate for CERTIFICATE_SIGNER and its key, in the folder `signer`
 * of the state directory; made by the hub's own authority when it isn't there or is half through
 * its time. Belongs to one thread at a time; opening blocks on the disk.
 */
#ifndef SYNC_HUB_FLEET_SIGNER_H
#define SYNC_HUB_FLEET_SIGNER_H

#include "provisioning/key.h"

struct signer {
    struct buf chain; /* PEM */
    struct key *key;
};

/* ERR_NOT_FOUND when this hub has no authority. */
enum err signer_open(struct signer *signer, const char *state, int64_t now_ms,
                     struct fault *fault) MUST_CHECK;
void signer_close(struct signer *signer); /* zeroed ones too */
/* Another authority issues from now on: the next opening makes a signer of that one. */
enum err signer_forget(const char *state, struct fault *fault) MUST_CHECK;

#endif
