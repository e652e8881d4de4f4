#include "provisioning/authority.h"

#include "hal/base/random.h"
#include "hal/storage.h"
#include "provisioning/authority_store.h"
#include "provisioning/csr.h"
#include "provisioning/identity.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const int64_t day_ms = INT64_C(24) * 60 * 60 * 1000;
enum { FIRST_LIST_DAYS = 30 };

struct paths {
    char certificate[PATH_MAX];
    char key[PATH_MAX];
    char crl[PATH_MAX];
    char database[PATH_MAX];
};

struct authority {
    struct paths paths;
    struct key *key;
    mbedtls_x509_crt *certificate;
    struct buf pem;
    struct authority_store *store;
};

static enum err paths_of(const char *folder, struct paths *paths, struct fault *fault)
{
    if (storage_path(paths->certificate, sizeof paths->certificate, folder, "ca.pem") ||
        storage_path(paths->key, sizeof paths->key, folder, "ca-key.pem") ||
        storage_path(paths->crl, sizeof paths->crl, folder, "crl.pem") ||
        storage_path(paths->database, sizeof paths->database, folder, "authority.db"))
        return fault_set(fault, ERR_TOO_LARGE, folder, "the path is too long");
    return ERR_OK;
}

static bool exists(const char *path)
{
    return access(path, F_OK) == 0;
}

struct authority_validity authority_days(int64_t now_ms, unsigned days)
{
    return (struct authority_validity){now_ms - AUTHORITY_BACKDATE_MS,
                                       now_ms + (int64_t)days * day_ms};
}

/* --- Making one. --- */

static enum err make_root(const struct paths *paths, const char *name,
                          struct authority_validity validity, struct fault *fault)
{
    struct key *key CLEANUP(key_cleanup) = NULL;
    struct buf der CLEANUP(buf_free);
    struct buf pem CLEANUP(buf_free);
    buf_init(&der, CERTIFICATE_PEM_MAX);
    buf_init(&pem, CERTIFICATE_PEM_MAX);
    enum err err = exists(paths->key) ? key_load(paths->key, &key, fault) : key_make(&key, fault);
    if (!err)
        err = key_save(key, paths->key, fault);
    if (err)
        return err;
    struct certificate_order order = {
        .purpose = CERTIFICATE_AUTHORITY,
        .common_name = name,
        .not_before_ms = validity.not_before_ms,
        .not_after_ms = validity.not_after_ms,
    };
    random_fill(NULL, order.serial, sizeof order.serial);
    err = certificate_make(&order, key_pk(key), NULL, key, &der, fault);
    if (err)
        return err;
    certificate_print(&pem, "CERTIFICATE", buf_slice(&der));
    return storage_replace(paths->certificate, buf_slice(&pem), 0644, fault);
}

static enum err create_locked(const char *folder, const struct paths *paths, const char *name,
                              struct authority_validity validity, int64_t now_ms,
                              struct fault *fault)
{
    if (exists(paths->crl))
        return fault_set(fault, ERR_CONFLICT, folder, "there is an authority already");
    enum err err = exists(paths->certificate) ? ERR_OK : make_root(paths, name, validity, fault);
    struct authority *authority CLEANUP(authority_cleanup) = NULL;
    if (!err)
        err = authority_open(&authority, folder, fault);
    if (err)
        return err;
    /* the list comes last: it is the sign that all the rest is there */
    return authority_crl(authority, now_ms, now_ms + FIRST_LIST_DAYS * day_ms, NULL, fault);
}

enum err authority_create(const char *folder, const char *name, struct authority_validity validity,
                          int64_t now_ms, struct fault *fault)
{
    struct paths paths;
    int lock = -1;
    enum err err = paths_of(folder, &paths, fault);
    if (!err)
        err = storage_make_folder(folder, fault);
    if (!err)
        err = storage_lock(folder, &lock, fault);
    if (err)
        return err;
    err = create_locked(folder, &paths, name, validity, now_ms, fault);
    storage_unlock(lock);
    return err;
}

/* --- Opening it. --- */

static enum err load_root(struct authority *authority, struct fault *fault)
{
    const struct paths *paths = &authority->paths;
    enum err err = storage_read(paths->certificate, &authority->pem, fault);
    if (!err)
        err = certificate_parse(buf_slice(&authority->pem), paths->certificate,
                                &authority->certificate, fault);
    if (!err)
        err = key_load(paths->key, &authority->key, fault);
    if (!err)
        err = key_matches(authority->key, &authority->certificate->pk, fault);
    if (!err && !certificate_fits(authority->certificate, CERTIFICATE_AUTHORITY))
        err =
            fault_set(fault, ERR_CORRUPT, paths->certificate, "not a certificate of an authority");
    return err;
}

enum err authority_open(struct authority **out, const char *folder, struct fault *fault)
{
    struct authority *authority CLEANUP(authority_cleanup) = calloc(1, sizeof *authority);
    if (!authority)
        return fault_set(fault, ERR_NO_MEMORY, folder, "out of memory");
    buf_init(&authority->pem, CERTIFICATE_PEM_MAX);
    struct paths *paths = &authority->paths;
    enum err err = paths_of(folder, paths, fault);
    if (!err)
        err = load_root(authority, fault);
    /* the next list would take back every revocation */
    if (!err && exists(paths->crl) && !exists(paths->database))
        err = fault_set(fault, ERR_CORRUPT, paths->database,
                        "the record of what was issued and revoked is missing: restore it");
    if (!err)
        err = authority_store_open(&authority->store, paths->database, fault);
    if (err)
        return err;
    *out = authority;
    authority = NULL;
    return ERR_OK;
}

void authority_close(struct authority *authority)
{
    if (!authority)
        return;
    authority_store_close(authority->store);
    key_free(authority->key);
    certificate_free(authority->certificate);
    buf_free(&authority->pem);
    free(authority);
}

void authority_cleanup(struct authority **authority)
{
    authority_close(*authority);
}

mbedtls_x509_crt *authority_certificate(const struct authority *authority)
{
    return authority->certificate;
}

struct slice authority_pem(const struct authority *authority)
{
    return buf_slice(&authority->pem);
}

/* --- Issuing. --- */

/* What was made must be known to be revocable: recorded before anyone sees it. */
static enum err record(struct authority *authority, const struct authority_order *order,
                       struct slice pem, int64_t now_ms, struct fault *fault)
{
    mbedtls_x509_crt *crt CLEANUP(certificate_cleanup) = NULL;
    struct certificate_facts facts;
    enum err err = certificate_parse(pem, "certificate", &crt, fault);
    if (!err)
        err = certificate_read(crt, &facts, fault);
    if (err)
        return err;
    return authority_store_issue(authority->store, &facts, order->purpose, now_ms, fault);
}

enum err authority_issue(struct authority *authority, const struct authority_order *order,
                         mbedtls_pk_context *subject, int64_t now_ms, struct buf *pem,
                         struct fault *fault)
{
    if (order->purpose == CERTIFICATE_AUTHORITY)
        return fault_set(fault, ERR_INVALID, "purpose", "this authority makes no other");
    struct certificate_order made = {
        .purpose = order->purpose,
        .common_name = order->name,
        .hosts = order->hosts,
        .host_count = order->host_count,
        .not_before_ms = order->validity.not_before_ms,
        .not_after_ms = order->validity.not_after_ms,
    };
    int64_t end_ms = certificate_time_ms(&authority->certificate->valid_to);
    if (made.not_after_ms > end_ms)
        made.not_after_ms = end_ms;
    random_fill(NULL, made.serial, sizeof made.serial);
    struct buf der CLEANUP(buf_free);
    struct buf text CLEANUP(buf_free);
    buf_init(&der, CERTIFICATE_PEM_MAX);
    buf_init(&text, CERTIFICATE_PEM_MAX);
    enum err err =
        certificate_make(&made, subject, authority->certificate, authority->key, &der, fault);
    if (err)
        return err;
    certificate_print(&text, "CERTIFICATE", buf_slice(&der));
    err = record(authority, order, buf_slice(&text), now_ms, fault);
    if (err)
        return err;
    buf_append(pem, text.data, text.len);
    return buf_check(pem, fault, "certificate");
}

enum err authority_issue_request(struct authority *authority, const struct authority_order *order,
                                 struct slice request, int64_t now_ms, struct buf *pem,
                                 struct fault *fault)
{
    mbedtls_x509_csr *csr CLEANUP(csr_cleanup) = NULL;
    char device[CERTIFICATE_NAME_MAX + 1];
    enum err err = csr_parse(request, &csr, fault);
    if (!err)
        err = csr_device(csr, device, fault);
    if (err)
        return err;
    if (strcmp(device, order->name) != 0)
        return fault_set(fault, ERR_CONFLICT, "request", "is for %s, not for %s", device,
                         order->name);
    return authority_issue(authority, order, &csr->pk, now_ms, pem, fault);
}

static enum err file_paths(const char *folder, const char *name, char certificate[static PATH_MAX],
                           char key[static PATH_MAX], struct fault *fault)
{
    char file[CERTIFICATE_NAME_MAX + sizeof "-key.pem"];
    enum err err = device_id_check(slice_of(name), fault);
    if (err)
        return fault_set(fault, err, "name", "can't be a file's name: %s", name);
    struct buf text CLEANUP(buf_free);
    buf_init(&text, sizeof file - 1);
    buf_printf(&text, "%s.pem", name);
    err = storage_path(certificate, PATH_MAX, folder, buf_slice(&text).data);
    buf_reset(&text);
    buf_printf(&text, "%s-key.pem", name);
    if (!err)
        err = storage_path(key, PATH_MAX, folder, buf_slice(&text).data);
    return err ? fault_set(fault, err, folder, "the path is too long") : ERR_OK;
}

enum err authority_issue_files(struct authority *authority, const struct authority_order *order,
                               const char *folder, int64_t now_ms, struct fault *fault)
{
    char certificate_path[PATH_MAX], key_path[PATH_MAX];
    struct key *key CLEANUP(key_cleanup) = NULL;
    struct buf pem CLEANUP(buf_free);
    buf_init(&pem, CERTIFICATE_PEM_MAX);
    enum err err = file_paths(folder, order->name, certificate_path, key_path, fault);
    if (!err)
        err = key_make(&key, fault);
    if (!err)
        err = authority_issue(authority, order, key_pk(key), now_ms, &pem, fault);
    if (!err)
        err = storage_make_folder(folder, fault);
    if (!err)
        err = key_save(key, key_path, fault);
    if (err)
        return err;
    return storage_replace(certificate_path, buf_slice(&pem), 0644, fault);
}

static enum err hand_over_crl(const struct authority *authority, const char *folder,
                              struct fault *fault)
{
    struct buf pem CLEANUP(buf_free);
    buf_init(&pem, CRL_PEM_MAX);
    enum err err = storage_read(authority->paths.crl, &pem, fault);
    return err ? err : identity_set_crl(folder, buf_slice(&pem), fault);
}

enum err authority_issue_identity(struct authority *authority, const char *device,
                                  struct authority_validity validity, const char *folder,
                                  int64_t now_ms, struct fault *fault)
{
    struct authority_order order = {
        .purpose = CERTIFICATE_DEVICE, .name = device, .validity = validity};
    struct buf request CLEANUP(buf_free);
    struct buf answer CLEANUP(buf_free);
    buf_init(&request, CSR_BYTES_MAX);
    buf_init(&answer, CERTIFICATE_PEM_MAX);
    enum err err = identity_prepare(folder, fault);
    if (!err)
        err = identity_set_ca(folder, authority_pem(authority), fault);
    if (!err)
        err = identity_request(folder, device, &request, fault);
    if (!err)
        err =
            authority_issue_request(authority, &order, buf_slice(&request), now_ms, &answer, fault);
    if (!err)
        err = identity_accept(folder, device, buf_slice(&answer), now_ms, fault);
    if (!err)
        err = identity_promote(folder, fault);
    return err ? err : hand_over_crl(authority, folder, fault);
}

/* --- Revoking. --- */

enum err authority_revoke_name(struct authority *authority, const char *name,
                               enum crl_reason reason, int64_t now_ms, size_t *count,
                               struct fault *fault)
{
    return authority_store_revoke_name(authority->store, name, reason, now_ms, count, fault);
}

static enum err write_crl(const struct authority *authority, const struct crl_order *order,
                          struct buf *pem, struct fault *fault)
{
    struct buf der CLEANUP(buf_free);
    buf_init(&der, CRL_BYTES_MAX);
    enum err err = crl_make(order, authority->certificate, authority->key, &der, fault);
    if (err)
        return err;
    certificate_print(pem, "X509 CRL", buf_slice(&der));
    err = buf_check(pem, fault, "revocation list");
    return err ? err : storage_replace(authority->paths.crl, buf_slice(pem), 0644, fault);
}

enum err authority_crl(struct authority *authority, int64_t now_ms, int64_t next_update_ms,
                       struct buf *pem, struct fault *fault)
{
    struct crl_order order = {.this_update_ms = now_ms, .next_update_ms = next_update_ms};
    struct crl_entry *entries = NULL;
    struct buf text CLEANUP(buf_free);
    buf_init(&text, CRL_PEM_MAX);
    enum err err = authority_store_list(authority->store, &order, &entries, fault);
    if (err)
        return err;
    err = write_crl(authority, &order, &text, fault);
    free(entries);
    err = authority_store_list_end(authority->store, err, fault);
    if (err || !pem)
        return err;
    buf_append(pem, text.data, text.len);
    return buf_check(pem, fault, "revocation list");
}

enum err authority_list(struct authority *authority, const char *name, authority_visit *visit,
                        void *context, struct fault *fault)
{
    return authority_store_each(authority->store, name, visit, context, fault);
}
