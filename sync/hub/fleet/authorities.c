#include "sync/hub/fleet/authorities.h"
#include "hal/base/cleanup.h"
#include "hal/base/rfc3339.h"
#include "hal/storage.h"
#include "provisioning/trust.h"
#include "provisioning/verify.h"
#include "sync/hub/fleet/signer.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DAY_MS INT64_C(86400000)

enum place { ISSUER, NEXT, OLD, PLACES };
static const char *const folders[] = {"ca", "ca-next", "ca-old"};

struct authorities {
    char state[PATH_MAX];
    struct authority *list[PLACES]; /* NULL: there is none */
};

static enum err path_in(const char *folder, const char *name, char path[static PATH_MAX],
                        struct fault *fault)
{
    if (storage_path(path, PATH_MAX, folder, name) != ERR_OK)
        return fault_set(fault, ERR_TOO_LARGE, folder, "the path is too long");
    return ERR_OK;
}

static enum err place_path(const char *state, enum place place, char path[static PATH_MAX],
                           struct fault *fault)
{
    return path_in(state, folders[place], path, fault);
}

static bool is_there(const char *state, enum place place)
{
    char path[PATH_MAX];
    return place_path(state, place, path, NULL) == ERR_OK && access(path, F_OK) == 0;
}

static enum err move(const char *state, enum place from, const char *to, struct fault *fault)
{
    char source[PATH_MAX];
    char target[PATH_MAX];
    enum err err = place_path(state, from, source, fault);
    if (!err)
        err = path_in(state, to, target, fault);
    if (!err && rename(source, target) != 0)
        err = fault_errno(fault, errno, source, "moving an authority");
    return err ? err : storage_sync_folder(state, fault);
}

enum err authorities_open(struct authorities **out, const char *state, struct fault *fault)
{
    struct authorities *authorities CLEANUP(authorities_cleanup) = calloc(1, sizeof *authorities);
    if (!authorities)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    enum err err = ERR_OK;
    (void)snprintf(authorities->state, sizeof authorities->state, "%s", state);
    if (!is_there(state, ISSUER) && is_there(state, NEXT) && is_there(state, OLD))
        err = move(state, NEXT, folders[ISSUER], fault);
    if (!err && !is_there(state, ISSUER))
        err = fault_set(fault, ERR_NOT_FOUND, state, "no authority is here: ca init makes one");
    for (int i = 0; !err && i < PLACES; i++) {
        char path[PATH_MAX];
        if (!is_there(state, (enum place)i))
            continue;
        err = place_path(state, (enum place)i, path, fault);
        if (!err)
            err = authority_open(&authorities->list[i], path, fault);
    }
    if (err)
        return err;
    *out = authorities;
    authorities = NULL;
    return ERR_OK;
}

void authorities_close(struct authorities *authorities)
{
    if (!authorities)
        return;
    for (int i = 0; i < PLACES; i++)
        authority_close(authorities->list[i]);
    free(authorities);
}

void authorities_cleanup(struct authorities **authorities)
{
    authorities_close(*authorities);
}

struct authority *authorities_issuer(const struct authorities *authorities)
{
    return authorities->list[ISSUER];
}

bool authorities_issued(const struct authorities *authorities, const mbedtls_x509_crt *crt)
{
    for (int i = 0; i < PLACES; i++) {
        if (!authorities->list[i])
            continue;
        const mbedtls_x509_buf *name = &authority_certificate(authorities->list[i])->subject_raw;
        if (name->len == crt->issuer_raw.len && memcmp(name->p, crt->issuer_raw.p, name->len) == 0)
            return true;
    }
    return false;
}

/* --- What is trusted ------------------------------------------------------------------------- */

enum err authorities_pem(const struct authorities *authorities, struct buf *pem,
                         struct fault *fault)
{
    for (int i = 0; i < PLACES; i++) {
        if (!authorities->list[i])
            continue;
        struct slice one = authority_pem(authorities->list[i]);
        buf_append(pem, one.data, one.len);
    }
    return buf_check(pem, fault, "ca");
}

static enum err read_list(const struct authorities *authorities, enum place place, struct buf *pem,
                          mbedtls_x509_crl **list, struct fault *fault)
{
    char folder[PATH_MAX];
    char path[PATH_MAX];
    enum err err = place_path(authorities->state, place, folder, fault);
    if (!err)
        err = path_in(folder, "crl.pem", path, fault);
    if (!err)
        err = storage_read(path, pem, fault);
    return err ? err : crl_parse(buf_slice(pem), path, list, fault);
}

static bool is_half_through(const mbedtls_x509_crl *list, int64_t now_ms)
{
    return now_ms > (certificate_time_ms(&list->this_update) + crl_next_update_ms(list)) / 2;
}

static enum err add_list(struct authorities *authorities, enum place place, int64_t now_ms,
                         bool anew, struct buf *pem, int64_t *next_update_ms, struct fault *fault)
{
    struct buf text CLEANUP(buf_free);
    mbedtls_x509_crl *list CLEANUP(crl_cleanup) = NULL;
    buf_init(&text, CRL_PEM_MAX);
    int64_t next_ms = now_ms + AUTHORITIES_LIST_DAYS * DAY_MS;
    enum err err = anew ? ERR_OK : read_list(authorities, place, &text, &list, fault);
    if (anew || err == ERR_NOT_FOUND || (!err && is_half_through(list, now_ms))) {
        buf_reset(&text);
        err = authority_crl(authorities->list[place], now_ms, next_ms, &text, fault);
    } else if (!err) {
        next_ms = crl_next_update_ms(list);
    }
    if (err)
        return err;
    if (!*next_update_ms || next_ms < *next_update_ms)
        *next_update_ms = next_ms;
    buf_append(pem, text.data, text.len);
    return buf_check(pem, fault, "crl");
}

enum err authorities_crl(struct authorities *authorities, int64_t now_ms, bool anew,
                         struct buf *pem, int64_t *next_update_ms, struct fault *fault)
{
    enum err err = ERR_OK;
    int64_t earliest_ms = 0;
    for (int i = 0; !err && i < PLACES; i++)
        if (authorities->list[i])
            err = add_list(authorities, (enum place)i, now_ms, anew, pem, &earliest_ms, fault);
    if (!err)
        *next_update_ms = earliest_ms;
    return err;
}

enum err authorities_list_anew(struct authorities *authorities, int64_t now_ms, struct fault *fault)
{
    struct buf lists CLEANUP(buf_free);
    int64_t next_update_ms;
    buf_init(&lists, PLACES * (size_t)CRL_PEM_MAX);
    return authorities_crl(authorities, now_ms, true, &lists, &next_update_ms, fault);
}

/* A file that holds just that already is left as it is. */
static enum err keep_file(const char *folder, const char *name, const struct buf *content,
                          struct fault *fault)
{
    char path[PATH_MAX];
    struct buf before CLEANUP(buf_free);
    buf_init(&before, content->max);
    enum err err = path_in(folder, name, path, fault);
    if (err || (storage_read(path, &before, NULL) == ERR_OK &&
                slice_equal(buf_slice(&before), buf_slice(content))))
        return err;
    return storage_replace(path, buf_slice(content), 0644, fault);
}

enum err authorities_publish(struct authorities *authorities, int64_t now_ms, bool anew,
                             int64_t *next_update_ms, struct fault *fault)
{
    char folder[PATH_MAX];
    struct buf ca CLEANUP(buf_free);
    struct buf crl CLEANUP(buf_free);
    buf_init(&ca, CERTIFICATE_PEM_MAX);
    buf_init(&crl, PLACES * (size_t)CRL_PEM_MAX);
    enum err err = authorities_pem(authorities, &ca, fault);
    if (!err)
        err = authorities_crl(authorities, now_ms, anew, &crl, next_update_ms, fault);
    if (!err)
        err = path_in(authorities->state, "trust", folder, fault);
    if (!err)
        err = storage_make_folder(folder, fault);
    if (!err)
        err = keep_file(folder, "ca.pem", &ca, fault);
    return err ? err : keep_file(folder, "crl.pem", &crl, fault);
}

enum err authorities_trust(struct authorities *authorities, int64_t now_ms, struct buf *out,
                           struct fault *fault)
{
    struct buf ca CLEANUP(buf_free);
    struct signer signer CLEANUP(signer_close) = {.key = NULL};
    buf_init(&ca, CERTIFICATE_PEM_MAX);
    enum err err = authorities_pem(authorities, &ca, fault);
    if (!err)
        err = signer_open(&signer, authorities->state, now_ms, fault);
    return err ? err
               : trust_make(buf_slice(&ca), now_ms, buf_slice(&signer.chain), signer.key, out,
                            fault);
}

/* --- What was issued ------------------------------------------------------------------------- */

enum err authorities_revoke(struct authorities *authorities, const char *name,
                            enum crl_reason reason, int64_t now_ms, size_t *count,
                            struct fault *fault)
{
    enum err err = ERR_OK;
    size_t sum = 0;
    for (int i = 0; !err && i < PLACES; i++) {
        size_t some = 0;
        if (!authorities->list[i])
            continue;
        err = authority_revoke_name(authorities->list[i], name, reason, now_ms, &some, fault);
        sum += some;
    }
    if (!err)
        *count = sum;
    return err;
}

struct look_up {
    const char *serial;
    bool known;
    bool revoked;
};

static void look_at(void *context, const struct authority_record *record)
{
    struct look_up *look = context;
    if (strcmp(record->serial, look->serial) != 0)
        return;
    look->known = true;
    look->revoked = record->revoked_ms != 0;
}

enum err authorities_know(struct authorities *authorities, mbedtls_x509_crt *chain,
                          struct fault *fault)
{
    struct certificate_facts facts;
    enum err err = certificate_read(chain, &facts, fault);
    struct look_up look = {.serial = facts.serial};
    bool verified = false;
    for (int i = 0; !err && i < PLACES; i++) {
        if (!authorities->list[i])
            continue;
        const struct verify_rules rules = {.now_ms = facts.not_after_ms,
                                           .ca = authority_certificate(authorities->list[i])};
        if (verify_chain(&rules, chain, CERTIFICATE_DEVICE, NULL) != ERR_OK)
            continue;
        verified = true;
        err = authority_list(authorities->list[i], facts.common_name, look_at, &look, fault);
    }
    if (err)
        return err;
    if (!verified || !look.known)
        return fault_set(fault, ERR_REFUSED, "identity", "not a certificate of this hub's");
    return look.revoked ? fault_set(fault, ERR_REFUSED, "identity", "the certificate was revoked")
                        : ERR_OK;
}

/* --- Replacing ------------------------------------------------------------------------------- */

enum err authorities_begin(const char *state, int64_t now_ms, struct fault *fault)
{
    char path[PATH_MAX];
    char name[CERTIFICATE_NAME_MAX + 1];
    char time[RFC3339_TEXT + 1];
    if (!is_there(state, ISSUER))
        return fault_set(fault, ERR_NOT_FOUND, state, "no authority is here: ca init makes one");
    if (is_there(state, OLD))
        return fault_set(fault, ERR_CONFLICT, "ca next",
                         "the former authority is still trusted: ca retire ends that first");
    rfc3339_format(now_ms, time);
    (void)snprintf(name, sizeof name, "Tillback CA %s", time); /* lists are told apart by it */
    enum err err = place_path(state, NEXT, path, fault);
    return err ? err
               : authority_create(path, name, authority_days(now_ms, AUTHORITIES_ROOT_DAYS), now_ms,
                                  fault);
}

enum err authorities_switch(const char *state, struct fault *fault)
{
    if (!is_there(state, NEXT))
        return fault_set(fault, ERR_NOT_FOUND, "ca switch", "there is no next: ca next makes it");
    enum err err = move(state, ISSUER, folders[OLD], fault);
    if (!err)
        err = move(state, NEXT, folders[ISSUER], fault);
    return err ? err : signer_forget(state, fault);
}

enum err authorities_retire(const char *state, int64_t now_ms, struct fault *fault)
{
    char name[64];
    if (!is_there(state, OLD))
        return fault_set(fault, ERR_NOT_FOUND, "ca retire", "there is no former authority");
    (void)snprintf(name, sizeof name, "ca-retired-%lld", (long long)(now_ms / 1000));
    return move(state, OLD, name, fault);
}
