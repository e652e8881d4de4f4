/*
 * Whose appliance this is: the identity that it has, and what it was told with it (store, broker),
 * unless the settings say otherwise. One that isn't enrolled captures all the same; so does one
 * whose identity can't be used for now (the token with its key is out, a file has rotted or is
 * gone), under the name and the store that it was last known by (STATE/member.json). Every call
 * blocks on the disk, and on the token if the key is in one.
 */
#ifndef SYNC_ENROL_MEMBERSHIP_H
#define SYNC_ENROL_MEMBERSHIP_H

#include "hal/base/diag.h"
#include "hal/clock.h"
#include "hal/settings.h"
#include "provisioning/identity.h"
#include "sync/transport/tls.h"

#include <limits.h>
#include <sys/stat.h>

enum { MEMBERSHIP_URL_MAX = 300 };

struct membership {
    char folder[PATH_MAX];                 /* of the identity */
    char device[CERTIFICATE_NAME_MAX + 1]; /* "unenrolled" without one */
    char store[CERTIFICATE_NAME_MAX + 1];
    char broker_url[MEMBERSHIP_URL_MAX + 1]; /* "": none, capture only */
    char enrol_url[MEMBERSHIP_URL_MAX + 1];  /* "": none */
    struct timespec seen;                    /* when the identity was last changed */
    bool enrolled;                           /* and the identity can be used */
    struct fault trouble; /* why it can't, though it was enrolled; ERR_OK: nothing is wrong */
};

/*
 * `state` is the appliance's directory. An identity that can't be used is no failure; one for
 * another store than the settings say is ERR_CONFLICT.
 */
enum err membership_read(struct membership *membership, const char *state,
                         const struct settings *settings, struct fault *fault) MUST_CHECK;
/* Keeps who it is, for the day when the identity can't be read. Nothing is kept of a stranger. */
enum err membership_remember(const struct membership *membership, const char *state,
                             struct fault *fault) MUST_CHECK;
/* Whether somebody has given it another identity since membership_read or _note. */
bool membership_changed(const struct membership *membership);
/*
 * Whether the identity that was in trouble can be used now; false while another is being given to
 * it. Any thread.
 */
bool membership_usable(const struct membership *membership, const char *state,
                       const struct settings *settings);
/* The change was ours: a renewal. */
void membership_note(struct membership *membership);
/* A TLS client's context with the identity of that slot. */
enum err membership_tls(const struct membership *membership, enum identity_slot slot,
                        struct clock *clock, struct tls_context **tls,
                        struct fault *fault) MUST_CHECK;

#endif
