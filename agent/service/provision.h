/*
 * How an appliance becomes a store's, whoever asks: `tillback provision`, or the first-run page of
 * the appliance that runs. The steps themselves are sync/enrol/steps.h; here they are taken in
 * order, with questions to the enrolment broker between them. Loop thread only; blocks for as long
 * as a small file takes, and where keys are made in a token, as long as that takes.
 *
 * The identity directory is locked until close.
 */
#ifndef AGENT_SERVICE_PROVISION_H
#define AGENT_SERVICE_PROVISION_H

#include "hal/clock.h"
#include "hal/loop.h"
#include "sync/contract/enrol.h"

struct provision;

/* Texts are copied, but for those of `place`. */
struct provision_place {
    const char *identity_folder;
    const char *state_folder; /* where the time that was told is kept */
    struct clock *clock;
};

struct provision_wish {
    /* One of them, or neither: goes on with what was begun. */
    struct slice bundle;   /* the text of a bundle's file */
    const char *code;      /* as typed, or "tillback:CODE?enrol=URL" as its QR code says it */
    const char *enrol_url; /* for a code that doesn't say it; NULL: none */
    const char *store;     /* whose it must be; NULL: any */
    bool again;            /* another identity in place of the one there is */
    const char
        *token_uri;    /* keys are made in this token from now on (hal/pkcs11.h); NULL: no change */
    const char *proxy; /* http://host:port, or NULL */
    int64_t wait_ms;   /* for an answer; 0: as long as enquiry.h says */
};

/* Comes once: the appliance is a store's, or why not. It may close the provision. */
typedef void provision_done(void *context, enum err err, const struct fault *fault);

/*
 * Begins; `done` may come before this returns. Another that changes the identity is waited for, for
 * half a minute. Failures are the disk's, below the state directory; any other, ERR_LOCKED too,
 * comes with `done`.
 */
enum err provision_open(struct provision **provision, struct loop *loop,
                        const struct provision_place *place, const struct provision_wish *wish,
                        provision_done *done, void *context, struct fault *fault) MUST_CHECK;
/* Takes NULL; what was begun and not finished goes on with the next wish. No callback comes after.
 */
void provision_close(struct provision *provision);

/* --- Where the line is a person's legs: the caller holds storage_lock. --- */

/* Takes a bundle as what is to be done, so that steps_question has a question. */
enum err provision_take_bundle(const struct provision_place *place,
                               const struct provision_wish *wish, struct fault *fault) MUST_CHECK;
/* Takes the hub's answer. */
enum err provision_take_answer(const struct provision_place *place, struct slice answer,
                               struct fault *fault) MUST_CHECK;

#endif
