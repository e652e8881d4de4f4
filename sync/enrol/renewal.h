/*
 * Keeps the appliance's identity fresh: renews the certificate well before its end, over the link
 * that there is; after its end, when no broker lets it in any more, on the enrolment broker and
 * with its key as proof. The new identity is tried before the old one is given up: only a link that
 * came up with it makes it the current one. Also asks, once a day, what is to be trusted. Whatever
 * fails here is tried again; capture never notices. Loop thread only; blocks on the disk.
 */
#ifndef SYNC_ENROL_RENEWAL_H
#define SYNC_ENROL_RENEWAL_H

#include "hal/base/diag.h"
#include "hal/clock.h"
#include "hal/loop.h"
#include "provisioning/identity.h"
#include "sync/transport/mqtt.h"

struct renewal;

struct renewal_config {
    const char *folder;    /* of the identity */
    const char *enrol_url; /* NULL: none */
    const char *proxy;
    const char *runtime_folder;
    unsigned renew_percent; /* of the validity must be left, or it is renewed */
    bool new_key;           /* with each certificate */
    int64_t look_ms;        /* how often it looks, and how far questions of a fleet are spread */
    int64_t trial_ms;       /* for a link with the new identity to come up; 60 s when 0 */
    struct clock *clock;
    struct diag *diag;
    /* Send on up/enrol; the topic is set there. */
    enum err (*publish)(void *context, struct mqtt_message *message, struct fault *fault);
    /* Make the link anew, with the identity of that slot. */
    enum err (*use)(void *context, enum identity_slot slot, struct fault *fault);
    /* The next identity became the current one. */
    void (*renewed)(void *context);
    void *context;
};

/* Texts are borrowed. */
enum err renewal_open(struct renewal **renewal, struct loop *loop,
                      const struct renewal_config *config, struct fault *fault) MUST_CHECK;
void renewal_close(struct renewal *renewal); /* takes NULL */

/* News of the link. */
void renewal_link_changed(struct renewal *renewal, bool online);
/* What came on down/enrol. */
void renewal_answered(struct renewal *renewal, const struct mqtt_message *message);

/* Asks for a certificate for a new key now. ERR_BUSY while another is asked for or tried, or
 * without a link. */
enum err renewal_rotate(struct renewal *renewal, struct fault *fault) MUST_CHECK;

/* When the current certificate ends. */
int64_t renewal_expires_ms(const struct renewal *renewal);

#endif
