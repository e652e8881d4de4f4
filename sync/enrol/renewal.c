#include "sync/enrol/renewal.h"
#include "hal/base/cleanup.h"
#include "hal/base/hex.h"
#include "hal/base/random.h"
#include "hal/storage.h"
#include "sync/enrol/enquiry.h"
#include "sync/enrol/steps.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum {
    ANSWER_MS = 30 * 1000,
    TRIAL_MS = 60 * 1000,
    TRUST_EVERY_MS = 24 * 60 * 60 * 1000,
    FIRST_LOOK_MS = 200,
    NONCE_BYTES = 8,
};

/* What goes on: nothing, a question is out, the new identity is being tried. */
enum phase { RESTING, ASKING_TRUST, ASKING, TRYING };

struct renewal {
    struct loop *loop;
    struct renewal_config config;
    enum phase phase;
    struct loop_timer *timer; /* the next look, or the end of patience */
    struct enquiry *enquiry;  /* a question on the enrolment broker */
    char correlation[2 * NONCE_BYTES + 1];
    int lock; /* while the directory is being changed; else -1 */
    bool online;
    bool rotating;    /* a new key is wanted, whatever the age of this one */
    bool trust_known; /* was asked for since... */
    int64_t trust_ms; /* ... then: monotonic */
    int64_t expires_ms;
};

static void rest(struct renewal *renewal)
{
    enquiry_close(renewal->enquiry);
    renewal->enquiry = NULL;
    if (renewal->lock >= 0)
        storage_unlock(renewal->lock);
    renewal->lock = -1;
    renewal->phase = RESTING;
    loop_timer_start(renewal->timer, renewal->config.look_ms, 0);
}

/* Somebody at the command line may be giving the appliance another identity. */
static bool take_lock(struct renewal *renewal)
{
    if (renewal->lock < 0 && storage_lock(renewal->config.folder, &renewal->lock, NULL) != ERR_OK)
        renewal->lock = -1;
    return renewal->lock >= 0;
}

static void give_up(struct renewal *renewal, const struct fault *fault)
{
    diag_fault(renewal->config.diag, DIAG_WARN, "identity.not_renewed", fault);
    rest(renewal);
}

/* --- Judging --------------------------------------------------------------------------------- */

/* The authority that issues stands first among those that are trusted. */
static bool is_of_former_authority(const struct identity *identity)
{
    const mbedtls_x509_crt *chain = identity_chain(identity);
    const mbedtls_x509_crt *issuer = identity_ca(identity);
    return chain->issuer_raw.len != issuer->subject_raw.len ||
           memcmp(chain->issuer_raw.p, issuer->subject_raw.p, chain->issuer_raw.len) != 0;
}

static enum err judge(struct renewal *renewal, enum identity_age *age, struct fault *fault)
{
    struct identity *identity CLEANUP(identity_cleanup) = NULL;
    enum err err = identity_open_public(&identity, renewal->config.folder, IDENTITY_CURRENT, fault);
    if (err)
        return err;
    renewal->expires_ms = identity_facts(identity)->not_after_ms;
    *age =
        identity_age(identity, clock_wall_ms(renewal->config.clock), renewal->config.renew_percent);
    if (*age == IDENTITY_FRESH && is_of_former_authority(identity))
        *age = IDENTITY_RENEW;
    return ERR_OK;
}

static bool has_next(struct renewal *renewal)
{
    struct identity *identity CLEANUP(identity_cleanup) = NULL;
    return identity_open(&identity, renewal->config.folder, IDENTITY_NEXT, NULL) == ERR_OK;
}

/* --- Trying ---------------------------------------------------------------------------------- */

static void begin_trial(struct renewal *renewal)
{
    struct fault fault;
    if (renewal->config.use(renewal->config.context, IDENTITY_NEXT, &fault) != ERR_OK) {
        give_up(renewal, &fault);
        return;
    }
    renewal->phase = TRYING;
    loop_timer_start(renewal->timer, renewal->config.trial_ms ? renewal->config.trial_ms : TRIAL_MS,
                     0);
}

static void end_trial(struct renewal *renewal)
{
    struct fault fault;
    enum identity_age age;
    if (identity_promote(renewal->config.folder, &fault) != ERR_OK ||
        judge(renewal, &age, &fault) != ERR_OK) {
        give_up(renewal, &fault);
        return;
    }
    diag_write(renewal->config.diag, DIAG_INFO, "identity.renewed",
               "the new certificate is in use");
    renewal->config.renewed(renewal->config.context);
    rest(renewal);
}

/* No link came up with it: back to the old one, and all of it once more later. */
static void abandon_trial(struct renewal *renewal)
{
    struct fault fault;
    if (identity_abandon(renewal->config.folder, &fault) == ERR_OK &&
        renewal->config.use(renewal->config.context, IDENTITY_CURRENT, &fault) == ERR_OK)
        (void)fault_set(&fault, ERR_TIMEOUT, "", "no link came up with the new certificate");
    give_up(renewal, &fault);
}

/* --- Asking ---------------------------------------------------------------------------------- */

static void choose_correlation(struct renewal *renewal)
{
    uint8_t nonce[NONCE_BYTES];
    random_fill(NULL, nonce, sizeof nonce);
    hex_encode(nonce, sizeof nonce, renewal->correlation);
}

static enum err ask_hub(struct renewal *renewal, struct slice question, struct fault *fault)
{
    choose_correlation(renewal);
    struct mqtt_message message = {
        .payload = question,
        .qos = 1,
        .content_type = "application/json",
        .correlation = slice_of(renewal->correlation),
    };
    return renewal->config.publish(renewal->config.context, &message, fault);
}

static void take_answer(struct renewal *renewal, struct slice answer)
{
    struct fault fault;
    if (steps_renewed(renewal->config.folder, answer, clock_wall_ms(renewal->config.clock),
                      &fault) != ERR_OK) {
        /* The hub may have refused the key: the next try makes another. */
        struct fault ignored;
        enum err err = identity_abandon(renewal->config.folder, &ignored);
        (void)err;
        give_up(renewal, &fault);
        return;
    }
    begin_trial(renewal);
}

static void on_enquiry_done(void *context, struct slice answer, const struct fault *fault)
{
    struct renewal *renewal = context;
    if (fault)
        give_up(renewal, fault);
    else
        take_answer(renewal, answer);
}

static enum err enquire(struct renewal *renewal, struct slice question, struct fault *fault)
{
    char ca[PATH_MAX];
    const struct enquiry_config config = {
        .url = renewal->config.enrol_url,
        .proxy = renewal->config.proxy,
        .ca_file = ca,
        .runtime_folder = renewal->config.runtime_folder,
        .clock = renewal->config.clock,
        .diag = renewal->config.diag,
    };
    if (!config.url)
        return fault_set(fault, ERR_UNSUPPORTED, "enrol.url",
                         "no enrolment broker is known, and the certificate has expired");
    if (storage_path(ca, sizeof ca, renewal->config.folder, "ca.pem") != ERR_OK)
        return fault_set(fault, ERR_TOO_LARGE, renewal->config.folder, "the path is too long");
    return enquiry_open(&renewal->enquiry, renewal->loop, &config, question, on_enquiry_done,
                        renewal, fault);
}

static void ask(struct renewal *renewal, bool expired)
{
    struct fault fault;
    struct buf question CLEANUP(buf_free);
    buf_init(&question, ENROL_ASK_MAX);
    bool proof = expired && !renewal->online;
    enum err err =
        steps_renewal(renewal->config.folder, renewal->config.new_key || renewal->rotating, proof,
                      &question, &fault);
    renewal->rotating = false;
    if (!err)
        err = proof ? enquire(renewal, buf_slice(&question), &fault)
                    : ask_hub(renewal, buf_slice(&question), &fault);
    if (err) {
        give_up(renewal, &fault);
        return;
    }
    renewal->phase = ASKING;
    loop_timer_start(renewal->timer, ANSWER_MS, 0);
}

static bool wants_trust(const struct renewal *renewal)
{
    return renewal->online && (!renewal->trust_known ||
                               loop_now_ms(renewal->loop) > renewal->trust_ms + TRUST_EVERY_MS);
}

static void ask_trust(struct renewal *renewal)
{
    struct fault fault;
    struct buf question CLEANUP(buf_free);
    const struct enrol_ask wish = {.kind = ENROL_TRUST};
    buf_init(&question, ENROL_ASK_MAX);
    enrol_ask_write(&question, &wish);
    if (ask_hub(renewal, buf_slice(&question), &fault) != ERR_OK) {
        give_up(renewal, &fault);
        return;
    }
    renewal->phase = ASKING_TRUST;
    loop_timer_start(renewal->timer, ANSWER_MS, 0);
}

static void take_trust(struct renewal *renewal, struct slice answer)
{
    struct fault fault;
    bool changed;
    if (!take_lock(renewal)) {
        rest(renewal);
        return;
    }
    enum err err = steps_trust(renewal->config.folder, answer, clock_wall_ms(renewal->config.clock),
                               &changed, &fault);
    if (!err) {
        renewal->trust_known = true;
        renewal->trust_ms = loop_now_ms(renewal->loop);
    }
    if (!err && changed)
        err = renewal->config.use(renewal->config.context, IDENTITY_CURRENT, &fault);
    if (err) {
        give_up(renewal, &fault);
        return;
    }
    rest(renewal);
    loop_timer_start(renewal->timer, 0, 0); /* another authority may issue now */
}

/* --- The order of things --------------------------------------------------------------------- */

static void look(struct renewal *renewal)
{
    struct fault fault;
    enum identity_age age;
    if (judge(renewal, &age, &fault) != ERR_OK) {
        give_up(renewal, &fault);
        return;
    }
    bool due = age == IDENTITY_RENEW || age == IDENTITY_EXPIRED || renewal->rotating;
    bool can = renewal->online || age == IDENTITY_EXPIRED;
    if (can && wants_trust(renewal))
        ask_trust(renewal);
    else if (!due || !can || !take_lock(renewal))
        rest(renewal);
    else if (has_next(renewal))
        begin_trial(renewal);
    else
        ask(renewal, age == IDENTITY_EXPIRED);
}

static void on_timer(void *context)
{
    struct renewal *renewal = context;
    struct fault fault;
    switch (renewal->phase) {
    case RESTING:
        look(renewal);
        break;
    case TRYING:
        abandon_trial(renewal);
        break;
    case ASKING_TRUST:
    case ASKING:
        (void)fault_set(&fault, ERR_TIMEOUT, "", "the hub didn't answer in time");
        give_up(renewal, &fault);
        break;
    }
}

enum err renewal_rotate(struct renewal *renewal, struct fault *fault)
{
    if (renewal->phase != RESTING || !renewal->online)
        return fault_set(fault, ERR_BUSY, "", "a certificate is asked for already: ask later");
    renewal->rotating = true;
    loop_timer_start(renewal->timer, 0, 0);
    return ERR_OK;
}

/* When a broker comes back, a whole fleet has a link in the same second: the questions are spread.
 */
static int64_t spread(const struct renewal *renewal)
{
    uint32_t random;
    random_fill(NULL, (uint8_t *)&random, sizeof random);
    return FIRST_LOOK_MS + random % renewal->config.look_ms;
}

void renewal_link_changed(struct renewal *renewal, bool online)
{
    bool was = renewal->online;
    renewal->online = online;
    if (renewal->phase == TRYING && renewal->online)
        end_trial(renewal);
    else if (renewal->phase == RESTING && renewal->online && !was)
        loop_timer_start(renewal->timer, spread(renewal), 0);
}

void renewal_answered(struct renewal *renewal, const struct mqtt_message *message)
{
    if (renewal->phase != ASKING && renewal->phase != ASKING_TRUST)
        return;
    if (!slice_is(message->correlation, renewal->correlation))
        return;
    if (renewal->phase == ASKING)
        take_answer(renewal, message->payload);
    else
        take_trust(renewal, message->payload);
}

int64_t renewal_expires_ms(const struct renewal *renewal)
{
    return renewal->expires_ms;
}

enum err renewal_open(struct renewal **out, struct loop *loop, const struct renewal_config *config,
                      struct fault *fault)
{
    struct renewal *renewal = calloc(1, sizeof *renewal);
    enum identity_age age;
    if (!renewal)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    renewal->loop = loop;
    renewal->config = *config;
    renewal->lock = -1;
    renewal->timer = loop_timer_open(loop, on_timer, renewal);
    enum err err = renewal->timer ? judge(renewal, &age, fault)
                                  : fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    if (err) {
        renewal_close(renewal);
        return err;
    }
    loop_timer_start(renewal->timer, FIRST_LOOK_MS, 0);
    *out = renewal;
    return ERR_OK;
}

void renewal_close(struct renewal *renewal)
{
    if (!renewal)
        return;
    enquiry_close(renewal->enquiry);
    if (renewal->lock >= 0)
        storage_unlock(renewal->lock);
    loop_timer_close(renewal->timer);
    free(renewal);
}
