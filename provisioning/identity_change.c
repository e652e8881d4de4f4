#include "hal/pkcs11.h"
#include "hal/storage.h"
#include "provisioning/csr.h"
#include "provisioning/identity.h"
#include "provisioning/identity_paths.h"
#include "provisioning/verify.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { IDENTITY_FILE_MAX = CERTIFICATE_PEM_MAX };

/* --- Keys in a token ------------------------------------------------------------------------- */

enum err identity_use_token(const char *folder, const char *token_uri, struct fault *fault)
{
    struct identity_paths paths;
    struct buf trial CLEANUP(buf_free);
    buf_init(&trial, PKCS11_URI_MAX - 1);
    enum err err = identity_paths_of(folder, &paths, fault);
    if (!err)
        err = storage_make_folder(folder, fault);
    if (!err)
        err = pkcs11_make(token_uri, &trial, fault);
    if (!err)
        err = pkcs11_destroy(trial.data, fault);
    return err ? err : storage_replace(paths.token, slice_of(token_uri), 0600, fault);
}

static enum err make_key(const struct identity_paths *paths, struct key **key, struct fault *fault)
{
    struct buf uri CLEANUP(buf_free);
    buf_init(&uri, PKCS11_URI_MAX - 1);
    if (!identity_file_exists(paths->token))
        return key_make(key, fault);
    enum err err = storage_read(paths->token, &uri, fault);
    return err ? err : key_make_in(uri.data ? uri.data : "", key, fault);
}

/* Leaves `first_line` empty unless the file names a key in a token. */
static void read_token_key(const char *path, char first_line[static PKCS11_URI_MAX])
{
    struct buf text CLEANUP(key_wipe);
    buf_init(&text, IDENTITY_FILE_MAX);
    first_line[0] = '\0';
    if (storage_read(path, &text, NULL) == ERR_OK && text.data && pkcs11_is_uri(buf_slice(&text)))
        (void)snprintf(first_line, PKCS11_URI_MAX, "%.*s", (int)strcspn(text.data, "\n"),
                       text.data);
}

/* A key that no file names any more. If that fails, it stays in the token and does no harm. */
static void destroy_unless_kept(const char *former, const char *kept_path)
{
    char kept[PKCS11_URI_MAX];
    read_token_key(kept_path, kept);
    if (*former && strcmp(former, kept) != 0) {
        enum err err = pkcs11_destroy(former, NULL);
        (void)err;
    }
}

/* --- Change by change ------------------------------------------------------------------------ */

enum err identity_prepare(const char *folder, struct fault *fault)
{
    struct identity_paths paths;
    struct key *key CLEANUP(key_cleanup) = NULL;
    enum err err = identity_paths_of(folder, &paths, fault);
    if (!err)
        err = storage_make_folder(folder, fault);
    if (err || identity_file_exists(paths.next))
        return err;
    err = make_key(&paths, &key, fault);
    if (err)
        return err;
    return key_save(key, paths.next, fault);
}

enum err identity_prepare_same(const char *folder, struct fault *fault)
{
    struct identity_paths paths;
    struct key *key CLEANUP(key_cleanup) = NULL;
    enum err err = identity_paths_of(folder, &paths, fault);
    if (err || identity_file_exists(paths.next))
        return err;
    err = key_load(paths.current, &key, fault);
    return err ? err : key_save(key, paths.next, fault);
}

enum err identity_request(const char *folder, const char *device, struct buf *pem,
                          struct fault *fault)
{
    struct identity_paths paths;
    struct key *key CLEANUP(key_cleanup) = NULL;
    enum err err = identity_paths_of(folder, &paths, fault);
    if (!err)
        err = key_load(paths.next, &key, fault);
    if (err)
        return err;
    return csr_make(key, device, pem, fault);
}

static enum err load_ca(const char *path, mbedtls_x509_crt **ca, struct fault *fault)
{
    struct buf pem CLEANUP(buf_free);
    buf_init(&pem, CERTIFICATE_PEM_MAX);
    enum err err = storage_read(path, &pem, fault);
    if (err)
        return err;
    return certificate_parse(buf_slice(&pem), path, ca, fault);
}

static enum err check_answer(const struct key *key, mbedtls_x509_crt *chain, mbedtls_x509_crt *ca,
                             const char *device, int64_t now_ms, struct fault *fault)
{
    struct certificate_facts facts;
    enum err err = key_matches(key, &chain->pk, fault);
    if (!err)
        err = certificate_read(chain, &facts, fault);
    if (err)
        return err;
    if (strcmp(facts.common_name, device) != 0)
        return fault_set(fault, ERR_REFUSED, "certificate", "names device %s, not %s",
                         facts.common_name, device);
    struct verify_rules rules = {.now_ms = now_ms, .ca = ca};
    return verify_chain(&rules, chain, CERTIFICATE_DEVICE, fault);
}

/* Key and chain in one text: whole certificates only, whatever else stood in the answer. */
static enum err print_pair(const struct key *key, const mbedtls_x509_crt *chain, struct buf *pem,
                           struct fault *fault)
{
    enum err err = key_print(key, pem, fault);
    if (err)
        return err;
    for (; chain; chain = chain->next)
        certificate_print(pem, "CERTIFICATE",
                          (struct slice){(const char *)chain->raw.p, chain->raw.len});
    return buf_check(pem, fault, "certificate");
}

enum err identity_accept(const char *folder, const char *device, struct slice chain_pem,
                         int64_t now_ms, struct fault *fault)
{
    struct identity_paths paths;
    struct key *key CLEANUP(key_cleanup) = NULL;
    mbedtls_x509_crt *ca CLEANUP(certificate_cleanup) = NULL;
    mbedtls_x509_crt *chain CLEANUP(certificate_cleanup) = NULL;
    struct buf pem CLEANUP(key_wipe);
    buf_init(&pem, IDENTITY_FILE_MAX);
    enum err err = identity_paths_of(folder, &paths, fault);
    if (!err)
        err = key_load(paths.next, &key, fault);
    if (!err)
        err = load_ca(paths.ca, &ca, fault);
    if (!err)
        err = certificate_parse(chain_pem, "certificate", &chain, fault);
    if (!err)
        err = check_answer(key, chain, ca, device, now_ms, fault);
    if (!err)
        err = print_pair(key, chain, &pem, fault);
    if (err)
        return err;
    return storage_replace(paths.next, buf_slice(&pem), 0600, fault);
}

enum err identity_promote(const char *folder, struct fault *fault)
{
    struct identity_paths paths;
    char former[PKCS11_URI_MAX];
    bool ready, enrolled;
    enum err err = identity_paths_of(folder, &paths, fault);
    if (!err)
        err = identity_has_certificate(paths.next, &ready, fault);
    if (!err)
        err = identity_has_certificate(paths.current, &enrolled, fault);
    if (err)
        return err;
    if (!identity_file_exists(paths.next) && enrolled)
        return ERR_OK;
    if (!ready)
        return fault_set(fault, ERR_NOT_FOUND, paths.next, "there is no certificate yet");
    read_token_key(paths.current, former);
    if (rename(paths.next, paths.current) != 0)
        return fault_errno(fault, errno, paths.next, "promote");
    err = storage_sync_folder(folder, fault);
    if (!err)
        destroy_unless_kept(former, paths.current);
    return err;
}

enum err identity_abandon(const char *folder, struct fault *fault)
{
    struct identity_paths paths;
    char former[PKCS11_URI_MAX];
    enum err err = identity_paths_of(folder, &paths, fault);
    if (err)
        return err;
    read_token_key(paths.next, former);
    err = storage_remove(paths.next, fault);
    if (!err)
        destroy_unless_kept(former, paths.current);
    return err;
}

enum err identity_set_ca(const char *folder, struct slice pem, struct fault *fault)
{
    struct identity_paths paths;
    mbedtls_x509_crt *ca CLEANUP(certificate_cleanup) = NULL;
    enum err err = identity_paths_of(folder, &paths, fault);
    if (!err)
        err = certificate_parse(pem, "ca", &ca, fault);
    for (const mbedtls_x509_crt *crt = ca; !err && crt; crt = crt->next)
        if (!certificate_fits(crt, CERTIFICATE_AUTHORITY))
            err = fault_set(fault, ERR_INVALID, "ca", "not a certificate of an authority");
    if (!err)
        err = storage_make_folder(folder, fault);
    if (err)
        return err;
    return storage_replace(paths.ca, pem, 0644, fault);
}

static bool same_issuer(const mbedtls_x509_crl *a, const mbedtls_x509_crl *b)
{
    return a->issuer_raw.len == b->issuer_raw.len &&
           memcmp(a->issuer_raw.p, b->issuer_raw.p, a->issuer_raw.len) == 0;
}

/* Whether the new lists hold one that is at least as new as this old one. */
static bool is_followed(const mbedtls_x509_crl *old, const mbedtls_x509_crl *lists)
{
    for (; lists; lists = lists->next)
        if (same_issuer(old, lists) &&
            certificate_time_ms(&lists->this_update) >= certificate_time_ms(&old->this_update))
            return true;
    return false;
}

/* What one list has revoked, an older list, or none, may not take back. */
static enum err check_not_older(const char *path, const mbedtls_x509_crl *lists,
                                mbedtls_x509_crt *ca, struct fault *fault)
{
    if (!identity_file_exists(path))
        return ERR_OK;
    struct buf pem CLEANUP(buf_free);
    buf_init(&pem, CRL_PEM_MAX);
    mbedtls_x509_crl *old CLEANUP(crl_cleanup) = NULL;
    enum err err = storage_read(path, &pem, fault);
    if (err)
        return err;
    if (crl_parse(buf_slice(&pem), path, &old, NULL) != ERR_OK)
        return ERR_OK; /* rotted: any good one is better */
    for (const mbedtls_x509_crl *crl = old; crl; crl = crl->next)
        if (crl_check(crl, ca, NULL) == ERR_OK && !is_followed(crl, lists))
            return fault_set(fault, ERR_REFUSED, "crl", "older than the list that is here already");
    return ERR_OK;
}

enum err identity_set_crl(const char *folder, struct slice pem, struct fault *fault)
{
    struct identity_paths paths;
    mbedtls_x509_crt *ca CLEANUP(certificate_cleanup) = NULL;
    mbedtls_x509_crl *lists CLEANUP(crl_cleanup) = NULL;
    enum err err = identity_paths_of(folder, &paths, fault);
    if (!err)
        err = load_ca(paths.ca, &ca, fault);
    if (!err)
        err = crl_parse(pem, "crl", &lists, fault);
    for (const mbedtls_x509_crl *crl = lists; !err && crl; crl = crl->next)
        err = crl_check(crl, ca, fault);
    if (!err)
        err = check_not_older(paths.crl, lists, ca, fault);
    if (err)
        return err;
    return storage_replace(paths.crl, pem, 0644, fault);
}
