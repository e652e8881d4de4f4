#include "sync/hub/fleet/registrar.h"
#include "hal/base/cleanup.h"
#include "hal/base/hex.h"
#include "provisioning/csr.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY_MS INT64_C(86400000)

struct registrar {
    struct roster *roster;
    struct registrar_rules rules;
    char state[PATH_MAX];
    struct authorities *authorities; /* of this question: another process may have replaced them */
};

enum err registrar_open(struct registrar **out, struct database *db, const char *state,
                        const struct registrar_rules *rules, struct fault *fault)
{
    struct registrar *registrar = calloc(1, sizeof *registrar);
    if (!registrar)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    registrar->rules = *rules;
    (void)snprintf(registrar->state, sizeof registrar->state, "%s", state);
    enum err err = authorities_open(&registrar->authorities, state, fault);
    if (!err)
        err = roster_open(&registrar->roster, db, fault);
    if (err) {
        registrar_close(registrar);
        return err;
    }
    *out = registrar;
    return ERR_OK;
}

void registrar_close(struct registrar *registrar)
{
    if (!registrar)
        return;
    roster_close(registrar->roster);
    authorities_close(registrar->authorities);
    free(registrar);
}

static enum err look_again(struct registrar *registrar, struct fault *fault)
{
    struct authorities *found;
    enum err err = authorities_open(&found, registrar->state, fault);
    if (err)
        return err;
    authorities_close(registrar->authorities);
    registrar->authorities = found;
    return ERR_OK;
}

/* --- Certificates ---------------------------------------------------------------------------- */

static enum err issue(struct registrar *registrar, const char *device, struct slice request,
                      int64_t now_ms, struct buf *certificate, struct fault *fault)
{
    const struct authority_order order = {
        .purpose = CERTIFICATE_DEVICE,
        .name = device,
        .validity = authority_days(now_ms, (unsigned)registrar->rules.certificate_days),
    };
    return authority_issue_request(authorities_issuer(registrar->authorities), &order, request,
                                   now_ms, certificate, fault);
}

/* An appliance that was never added (its certificate was made by hand) is as good as one that was.
 */
static enum err check_open(struct registrar *registrar, const char *device, struct fault *fault)
{
    struct roster_device found;
    enum err err = roster_find(registrar->roster, device, &found, fault);
    if (err == ERR_NOT_FOUND)
        return ERR_OK;
    if (!err && roster_is_closed(found.state))
        err = fault_set(fault, ERR_REFUSED, device, "the appliance is %s",
                        roster_state_name(found.state));
    return err;
}

/* Who shows a code, and wants a certificate for it. */
struct claim {
    struct slice request;
    struct sha256 key_hash; /* of the request's key */
    struct code code;
    struct invitation invitation; /* that the code is of */
};

static enum err read_request(struct claim *claim, struct fault *fault)
{
    mbedtls_x509_csr *csr CLEANUP(csr_cleanup) = NULL;
    enum err err = csr_parse(claim->request, &csr, fault);
    return err ? err : key_fingerprint(&csr->pk, &claim->key_hash, fault);
}

/*
 * A code for an appliance that had a certificate is for another box, or for one that was emptied.
 * One that is enrolled had one, revoked or not: a try before this one may have come no further.
 */
static enum err revoke_former(struct registrar *registrar, const char *device, int64_t now_ms,
                              struct fault *fault)
{
    struct roster_device found = {.state = ROSTER_INVITED};
    size_t count;
    enum err err =
        authorities_revoke(registrar->authorities, device, CRL_SUPERSEDED, now_ms, &count, fault);
    if (!err)
        err = roster_find(registrar->roster, device, &found, fault);
    if (err || (!count && found.state != ROSTER_ENROLLED))
        return err;
    err = authorities_list_anew(registrar->authorities, now_ms, fault);
    return err ? err : roster_supersede(registrar->roster, device, fault);
}

/* Nobody learns from a refusal whether a code is nearly right. */
static enum err find_invitation(struct registrar *registrar, const char *text, struct claim *claim,
                                struct fault *fault)
{
    enum err err = code_parse(slice_of(text), &claim->code, fault);
    if (err)
        return err;
    err = roster_invitation_of(registrar->roster, &claim->code, &claim->invitation, fault);
    return err == ERR_NOT_FOUND
               ? fault_set(fault, ERR_REFUSED, "code", "not a code that is out: ask for a new one")
               : err;
}

static enum err give_again(const struct claim *claim, struct buf *certificate, struct fault *fault)
{
    const struct invitation *used = &claim->invitation;
    if (!sha256_equal(&used->key_hash, &claim->key_hash))
        return fault_set(fault, ERR_REFUSED, "code",
                         "it was used already, by another appliance: ask for a new one");
    buf_append(certificate, used->certificate.data, used->certificate.len);
    return buf_check(certificate, fault, "certificate");
}

static enum err give(struct registrar *registrar, const struct claim *claim, int64_t now_ms,
                     struct buf *certificate, struct fault *fault)
{
    const char *device = claim->invitation.device;
    size_t before = certificate->len;
    if (now_ms > claim->invitation.expires_ms)
        return fault_set(fault, ERR_REFUSED, "code", "it has expired: ask for a new one");
    enum err err = revoke_former(registrar, device, now_ms, fault);
    if (!err)
        err = issue(registrar, device, claim->request, now_ms, certificate, fault);
    const struct slice issued = {certificate->data + before, certificate->len - before};
    if (!err)
        err = roster_use(registrar->roster, &claim->code, &claim->key_hash, issued, now_ms, fault);
    return err ? err
               : roster_set_state(registrar->roster, device, ROSTER_ENROLLED, "", NULL, now_ms,
                                  fault);
}

static enum err claim(struct registrar *registrar, const char *code, struct claim *claim,
                      int64_t now_ms, struct buf *certificate, struct fault *fault)
{
    enum err err = find_invitation(registrar, code, claim, fault);
    if (!err)
        err = check_open(registrar, claim->invitation.device, fault);
    if (!err)
        err = read_request(claim, fault);
    if (err)
        return err;
    return claim->invitation.used_ms ? give_again(claim, certificate, fault)
                                     : give(registrar, claim, now_ms, certificate, fault);
}

static enum err enrol(struct registrar *registrar, const char *code, struct slice request,
                      int64_t now_ms, struct buf *certificate, struct fault *fault)
{
    struct claim made = {.request = request};
    invitation_init(&made.invitation);
    enum err err = claim(registrar, code, &made, now_ms, certificate, fault);
    invitation_free(&made.invitation);
    return err;
}

static enum err renew(struct registrar *registrar, const char *device, struct slice request,
                      int64_t now_ms, struct buf *certificate, struct fault *fault)
{
    enum err err = check_open(registrar, device, fault);
    return err ? err : issue(registrar, device, request, now_ms, certificate, fault);
}

/* Who can't show the certificate in TLS shows that it has the key. */
static enum err check_proof(struct registrar *registrar, const struct enrol_ask *ask,
                            int64_t now_ms, char device[static CERTIFICATE_NAME_MAX + 1],
                            struct fault *fault)
{
    mbedtls_x509_crt *chain CLEANUP(certificate_cleanup) = NULL;
    struct certificate_facts facts = {.not_after_ms = 0};
    struct buf text CLEANUP(buf_free);
    struct buf signature CLEANUP(buf_free);
    buf_init(&text, ENROL_ASK_MAX + 64);
    buf_init(&signature, SIGNATURE_BYTES_MAX);
    enrol_signed(&text, ask->request);
    enum err err = certificate_parse(slice_of(ask->identity), "identity", &chain, fault);
    if (!err)
        err = certificate_read(chain, &facts, fault);
    if (!err)
        err = authorities_know(registrar->authorities, chain, fault);
    if (!err && base64_decode(&signature, slice_of(ask->signature)))
        err = fault_set(fault, ERR_INVALID, "signature", "must be base64");
    if (!err)
        err = signature_check(&chain->pk, buf_slice(&text), buf_slice(&signature), fault);
    if (!err && now_ms > facts.not_after_ms + registrar->rules.late_days * DAY_MS)
        err = fault_set(fault, ERR_REFUSED, "identity",
                        "it expired more than %lld days ago: the appliance must be enrolled anew",
                        (long long)registrar->rules.late_days);
    if (!err)
        memcpy(device, facts.common_name, sizeof facts.common_name);
    return err;
}

/* --- Answers --------------------------------------------------------------------------------- */

struct answer {
    struct enrol_answer said;
    struct buf text; /* bundle or certificate */
    struct buf trust;
    struct buf crl;
    char seal[SHA256_TEXT + 1];
};

static void answer_free(struct answer *answer)
{
    buf_free(&answer->text);
    buf_free(&answer->trust);
    buf_free(&answer->crl);
}

/* A list that would make the answer larger than a message is left to other ways. */
static enum err add_trust(struct registrar *registrar, struct answer *answer, int64_t now_ms,
                          struct fault *fault)
{
    int64_t next_ms;
    enum err err = authorities_trust(registrar->authorities, now_ms, &answer->trust, fault);
    if (!err)
        err = authorities_crl(registrar->authorities, now_ms, false, &answer->crl, &next_ms, fault);
    if (err)
        return err;
    answer->said.trust = answer->trust.data;
    if (answer->text.len + answer->trust.len + answer->crl.len < ENROL_ANSWER_MAX / 2)
        answer->said.crl = answer->crl.data;
    return ERR_OK;
}

static enum err give_bundle(struct registrar *registrar, const struct enrol_ask *ask,
                            int64_t now_ms, struct answer *answer, struct fault *fault)
{
    uint8_t locator[CODE_LOCATOR_BYTES];
    struct invitation found CLEANUP(invitation_free);
    invitation_init(&found);
    if (hex_decode(slice_of(ask->locator), locator, sizeof locator) != ERR_OK)
        return fault_set(fault, ERR_INVALID, "locator", "must be %d hexadecimal digits",
                         2 * CODE_LOCATOR_BYTES);
    enum err err = roster_invitation(registrar->roster, locator, &found, fault);
    if (err == ERR_NOT_FOUND || (!err && now_ms > found.expires_ms))
        return fault_set(fault, ERR_REFUSED, "code", "not a code that is out: ask for a new one");
    if (err)
        return err;
    buf_append(&answer->text, found.bundle.data, found.bundle.len);
    sha256_format(&found.seal, answer->seal);
    answer->said.bundle = answer->text.data;
    answer->said.seal = answer->seal;
    return buf_check(&answer->text, fault, "bundle");
}

static enum err give_certificate(struct registrar *registrar, const struct enrol_ask *ask,
                                 const char *shown, int64_t now_ms, struct answer *answer,
                                 struct fault *fault)
{
    char device[CERTIFICATE_NAME_MAX + 1] = "";
    const struct slice request = slice_of(ask->request);
    enum err err = ERR_OK;
    if (ask->kind == ENROL_CERTIFICATE) {
        err = enrol(registrar, ask->code, request, now_ms, &answer->text, fault);
    } else if (shown) {
        err = renew(registrar, shown, request, now_ms, &answer->text, fault);
    } else if (!ask->identity) {
        err = fault_set(fault, ERR_REFUSED, "identity", "nobody showed a certificate");
    } else {
        err = check_proof(registrar, ask, now_ms, device, fault);
        if (!err)
            err = renew(registrar, device, request, now_ms, &answer->text, fault);
    }
    answer->said.certificate = answer->text.data;
    return err ? err : add_trust(registrar, answer, now_ms, fault);
}

static enum err decide(struct registrar *registrar, const struct enrol_ask *ask, const char *device,
                       int64_t now_ms, struct answer *answer, struct fault *fault)
{
    enum err err = look_again(registrar, fault);
    if (err)
        return err;
    if (ask->kind == ENROL_BUNDLE)
        return give_bundle(registrar, ask, now_ms, answer, fault);
    if (ask->kind == ENROL_TRUST)
        return add_trust(registrar, answer, now_ms, fault);
    return give_certificate(registrar, ask, device, now_ms, answer, fault);
}

enum err registrar_answer(struct registrar *registrar, const struct enrol_ask *ask,
                          const char *device, int64_t now_ms, struct buf *out, enum err *refused,
                          struct fault *fault)
{
    struct answer answer CLEANUP(answer_free) = {.said = {.time_ms = now_ms}};
    struct fault why = {0};
    buf_init(&answer.text, ENVELOPE_BYTES_MAX);
    buf_init(&answer.trust, ENVELOPE_BYTES_MAX);
    buf_init(&answer.crl, (size_t)3 * CRL_PEM_MAX);
    enum err err = decide(registrar, ask, device, now_ms, &answer, &why);
    if (err && err_class(err) != ERR_CLASS_PARK) {
        if (fault)
            *fault = why;
        return err;
    }
    if (err)
        answer.said = (struct enrol_answer){.time_ms = now_ms, .refused = err, .detail = why.text};
    enrol_answer_write(out, &answer.said);
    *refused = err;
    return buf_check(out, fault, "answer");
}

enum err registrar_enrol(struct registrar *registrar, const char *code, struct slice request,
                         int64_t now_ms, struct buf *certificate, struct fault *fault)
{
    enum err err = look_again(registrar, fault);
    return err ? err : enrol(registrar, code, request, now_ms, certificate, fault);
}

enum err registrar_renew(struct registrar *registrar, const char *device, struct slice request,
                         int64_t now_ms, struct buf *certificate, struct fault *fault)
{
    enum err err = look_again(registrar, fault);
    return err ? err : renew(registrar, device, request, now_ms, certificate, fault);
}
