/*
 * Whose appliance this is: the identity that it has, and what it was told with it (store, broker),
 * unless the settings say otherwise. One that isn't enrolled captures all the same. Loop thread;
 * every call blocks on the disk.
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
    bool enrolled;
};

/* `state` is the appliance's directory. */
enum err membership_read(struct membership *membership, const char *state,
                         const struct settings *settings, struct fault *fault) MUST_CHECK;
/* Whether somebody has given it another identity since membership_read or _note. */
bool membership_changed(const struct membership *membership);
/* The change was ours: a renewal. */
void membership_note(struct membership *membership);
/* A TLS client's context with the identity of that slot. */
enum err membership_tls(const struct membership *membership, enum identity_slot slot,
                        struct clock *clock, struct tls_context **tls,
                        struct fault *fault) MUST_CHECK;

#endif
