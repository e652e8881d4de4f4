#include "sync/enrol/steps.h"
#include "hal/base/cleanup.h"
#include "hal/base/hex.h"
#include "hal/storage.h"
#include "provisioning/identity.h"
#include "provisioning/trust.h"

#include <limits.h>
#include <string.h>

enum { ARENA_MAX = 2 * ENROL_ANSWER_MAX };

/* --- The first certificate ------------------------------------------------------------------- */

static bool is_enrolled(const char *folder)
{
    struct identity *identity CLEANUP(identity_cleanup) = NULL;
    return identity_open(&identity, folder, IDENTITY_CURRENT, NULL) != ERR_NOT_FOUND;
}

static enum err check_free(const char *folder, const struct bundle *bundle, bool again,
                           struct fault *fault)
{
    struct arena arena CLEANUP(arena_free);
    struct bundle now;
    arena_init(&arena, ASSIGNMENT_MAX);
    enum err err = assignment_read(folder, ASSIGNMENT_CURRENT, &arena, &now, fault);
    if (!err && strcmp(now.store, bundle->store) != 0)
        return fault_set(fault, ERR_CONFLICT, "store",
                         "this appliance is store %s's, the bundle is for store %s: tillback wipe "
                         "comes first",
                         now.store, bundle->store);
    if (err && err != ERR_NOT_FOUND)
        return err;
    if (!again && is_enrolled(folder))
        return fault_set(fault, ERR_CONFLICT, "identity",
                         "this appliance is enrolled already; --again gives it another identity");
    return ERR_OK;
}

/* The same code: it was begun before. */
static bool is_begun(const char *folder, const struct bundle *bundle)
{
    struct arena arena CLEANUP(arena_free);
    struct bundle pending;
    arena_init(&arena, ASSIGNMENT_MAX);
    return assignment_read(folder, ASSIGNMENT_PENDING, &arena, &pending, NULL) == ERR_OK &&
           pending.code && strcmp(pending.code, bundle->code) == 0;
}

/* The appliance is what the bundle makes of it, and the bundle is no newer than that. */
static bool is_done(const char *folder, const struct bundle *bundle)
{
    struct arena arena CLEANUP(arena_free);
    struct bundle now;
    arena_init(&arena, ASSIGNMENT_MAX);
    return assignment_read(folder, ASSIGNMENT_CURRENT, &arena, &now, NULL) == ERR_OK &&
           strcmp(now.device, bundle->device) == 0 && now.issued_ms == bundle->issued_ms &&
           is_enrolled(folder);
}

bool steps_pending(const char *folder)
{
    struct arena arena CLEANUP(arena_free);
    struct bundle pending;
    arena_init(&arena, ASSIGNMENT_MAX);
    return assignment_read(folder, ASSIGNMENT_PENDING, &arena, &pending, NULL) == ERR_OK;
}

/* `pending` comes last: it is the sign that the key is there. */
enum err steps_begin(const char *folder, const struct bundle *bundle, bool again,
                     struct fault *fault)
{
    if (!bundle->code)
        return fault_set(fault, ERR_INVALID, "code", "the bundle holds none: type the code");
    if (is_begun(folder, bundle) || is_done(folder, bundle))
        return ERR_OK;
    enum err err = check_free(folder, bundle, again, fault);
    if (!err)
        err = storage_make_folder(folder, fault);
    if (!err)
        err = assignment_abandon(folder, fault);
    if (!err)
        err = identity_abandon(folder, fault);
    if (!err)
        err = identity_set_ca(folder, slice_of(bundle->ca), fault);
    if (!err)
        err = identity_prepare(folder, fault);
    return err ? err : assignment_write(folder, ASSIGNMENT_PENDING, bundle, fault);
}

static enum err read_pending(const char *folder, struct arena *arena, struct bundle *pending,
                             struct fault *fault)
{
    enum err err = assignment_read(folder, ASSIGNMENT_PENDING, arena, pending, fault);
    return err == ERR_NOT_FOUND
               ? fault_set(fault, err, folder, "no enrolment is under way: give a bundle or a code")
               : err;
}

enum err steps_question(const char *folder, struct buf *out, struct fault *fault)
{
    struct arena arena CLEANUP(arena_free);
    struct buf request CLEANUP(buf_free);
    struct bundle pending;
    arena_init(&arena, ASSIGNMENT_MAX);
    buf_init(&request, ENROL_ASK_MAX);
    enum err err = read_pending(folder, &arena, &pending, fault);
    if (!err)
        err = identity_request(folder, pending.device, &request, fault);
    if (err)
        return err;
    const struct enrol_ask ask = {
        .kind = ENROL_CERTIFICATE, .code = pending.code, .request = request.data};
    enrol_ask_write(out, &ask);
    return buf_check(out, fault, "question");
}

static enum err read_answer(struct slice text, struct arena *arena, struct enrol_answer *answer,
                            struct fault *fault)
{
    enum err err = enrol_answer_read(text, arena, answer, fault);
    if (!err && answer->refused)
        err = fault_set(fault, answer->refused, "the hub", "%s",
                        answer->detail ? answer->detail : err_text(answer->refused));
    return err;
}

/* The later of our time and the hub's: a clock that is behind the hub's is wrong. */
static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static bool holds(const char *folder, const char *name, const char *text)
{
    char path[PATH_MAX];
    struct buf old CLEANUP(buf_free);
    buf_init(&old, CRL_PEM_MAX);
    return storage_path(path, sizeof path, folder, name) == ERR_OK &&
           storage_read(path, &old, NULL) == ERR_OK && slice_is(buf_slice(&old), text);
}

static enum err take_trust(const char *folder, const struct enrol_answer *answer, int64_t now_ms,
                           bool *changed, struct fault *fault)
{
    bool others = false;
    enum err err = ERR_OK;
    if (answer->trust)
        err = trust_accept(folder, slice_of(answer->trust), now_ms, &others, fault);
    if (!err && answer->crl && !holds(folder, "crl.pem", answer->crl)) {
        err = identity_set_crl(folder, slice_of(answer->crl), fault);
        others = others || !err;
    }
    if (!err)
        *changed = others;
    return err;
}

static enum err take_certificate(const char *folder, const char *device, struct slice text,
                                 int64_t now_ms, int64_t *hub_ms, struct fault *fault)
{
    struct arena arena CLEANUP(arena_free);
    struct enrol_answer answer;
    bool changed;
    arena_init(&arena, ARENA_MAX);
    enum err err = read_answer(text, &arena, &answer, fault);
    if (!err && !answer.certificate)
        err = fault_set(fault, ERR_INVALID, "certificate", "is missing in the answer");
    if (err)
        return err;
    now_ms = later(now_ms, answer.time_ms);
    err = take_trust(folder, &answer, now_ms, &changed, fault);
    if (!err)
        err = identity_accept(folder, device, slice_of(answer.certificate), now_ms, fault);
    if (!err)
        *hub_ms = answer.time_ms;
    return err;
}

/* True if the answer was taken before: the power went after that, and it is given once more. */
static bool is_in_use(const char *folder, struct slice text, int64_t *hub_ms)
{
    struct identity *identity CLEANUP(identity_cleanup) = NULL;
    mbedtls_x509_crt *chain CLEANUP(certificate_cleanup) = NULL;
    struct arena arena CLEANUP(arena_free);
    struct enrol_answer answer;
    arena_init(&arena, ARENA_MAX);
    if (read_answer(text, &arena, &answer, NULL) || !answer.certificate ||
        certificate_parse(slice_of(answer.certificate), "certificate", &chain, NULL) ||
        identity_open(&identity, folder, IDENTITY_CURRENT, NULL))
        return false;
    const mbedtls_x509_crt *current = identity_chain(identity);
    *hub_ms = answer.time_ms;
    return current->raw.len == chain->raw.len &&
           memcmp(current->raw.p, chain->raw.p, chain->raw.len) == 0;
}

enum err steps_finish(const char *folder, struct slice answer, int64_t now_ms, int64_t *hub_ms,
                      struct fault *fault)
{
    struct arena arena CLEANUP(arena_free);
    struct bundle pending;
    bool done;
    enum err err = ERR_OK;
    arena_init(&arena, ASSIGNMENT_MAX);
    if (!is_in_use(folder, answer, hub_ms)) {
        err = read_pending(folder, &arena, &pending, fault);
        if (!err)
            err = take_certificate(folder, pending.device, answer, now_ms, hub_ms, fault);
    }
    return err ? err : steps_resume(folder, &done, fault);
}

enum err steps_resume(const char *folder, bool *done, struct fault *fault)
{
    if (!steps_pending(folder)) {
        *done = true;
        return ERR_OK;
    }
    enum err err = identity_promote(folder, fault);
    if (err == ERR_NOT_FOUND) {
        *done = false;
        return ERR_OK;
    }
    if (!err)
        err = assignment_settle(folder, fault);
    if (!err)
        *done = true;
    return err;
}

/* --- The next one ---------------------------------------------------------------------------- */

static enum err sign_request(const char *folder, const char *request, struct buf *identity,
                             struct buf *signature, struct fault *fault)
{
    char path[PATH_MAX];
    struct buf pair CLEANUP(key_wipe);
    struct buf text CLEANUP(buf_free);
    struct key *key CLEANUP(key_cleanup) = NULL;
    mbedtls_x509_crt *chain CLEANUP(certificate_cleanup) = NULL;
    struct signature made = {.len = 0};
    buf_init(&pair, CERTIFICATE_PEM_MAX);
    buf_init(&text, ENROL_ASK_MAX + 64);
    enrol_signed(&text, request);
    enum err err = storage_path(path, sizeof path, folder, "current.pem");
    if (err)
        return fault_set(fault, err, folder, "the path is too long");
    err = storage_read(path, &pair, fault);
    if (!err)
        err = key_parse(buf_slice(&pair), &key, fault);
    if (!err)
        err = certificate_parse(buf_slice(&pair), path, &chain, fault);
    if (!err)
        err = signature_make(key, buf_slice(&text), &made, fault);
    for (const mbedtls_x509_crt *crt = chain; !err && crt; crt = crt->next)
        certificate_print(identity, "CERTIFICATE",
                          (struct slice){(const char *)crt->raw.p, crt->raw.len});
    if (!err)
        base64_encode(signature, made.bytes, made.len, false);
    return err;
}

enum err steps_renewal(const char *folder, bool new_key, bool proof, struct buf *out,
                       struct fault *fault)
{
    struct identity *current CLEANUP(identity_cleanup) = NULL;
    struct buf request CLEANUP(buf_free);
    struct buf identity CLEANUP(buf_free);
    struct buf signature CLEANUP(buf_free);
    buf_init(&request, ENROL_ASK_MAX);
    buf_init(&identity, CERTIFICATE_PEM_MAX);
    buf_init(&signature, 2 * SIGNATURE_BYTES_MAX);
    enum err err = identity_open(&current, folder, IDENTITY_CURRENT, fault);
    if (!err)
        err = new_key ? identity_prepare(folder, fault) : identity_prepare_same(folder, fault);
    if (!err)
        err = identity_request(folder, identity_device(current), &request, fault);
    if (!err && proof)
        err = sign_request(folder, request.data, &identity, &signature, fault);
    if (err)
        return err;
    const struct enrol_ask ask = {.kind = ENROL_RENEWAL,
                                  .request = request.data,
                                  .identity = identity.data,
                                  .signature = signature.data};
    enrol_ask_write(out, &ask);
    return buf_check(out, fault, "question");
}

enum err steps_renewed(const char *folder, struct slice answer, int64_t now_ms, struct fault *fault)
{
    struct identity *current CLEANUP(identity_cleanup) = NULL;
    int64_t hub_ms;
    enum err err = identity_open(&current, folder, IDENTITY_CURRENT, fault);
    return err ? err
               : take_certificate(folder, identity_device(current), answer, now_ms, &hub_ms, fault);
}

enum err steps_trust(const char *folder, struct slice text, int64_t now_ms, bool *changed,
                     struct fault *fault)
{
    struct arena arena CLEANUP(arena_free);
    struct enrol_answer answer;
    arena_init(&arena, ARENA_MAX);
    enum err err = read_answer(text, &arena, &answer, fault);
    return err ? err : take_trust(folder, &answer, later(now_ms, answer.time_ms), changed, fault);
}
