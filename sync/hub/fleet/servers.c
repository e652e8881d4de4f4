#include "sync/hub/fleet/servers.h"
#include "hal/base/cleanup.h"
#include "hal/storage.h"
#include "provisioning/identity.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

enum { RENEW_PERCENT = 33, HOSTS_MAX = 32 };

struct renewing {
    const struct authorities *authorities;
    int64_t now_ms;
    bool *changed;
};

static enum err path_in(const char *folder, const char *name, char path[static PATH_MAX],
                        struct fault *fault)
{
    return storage_path(path, PATH_MAX, folder, name)
               ? fault_set(fault, ERR_TOO_LARGE, folder, "the path is too long")
               : ERR_OK;
}

/* --- Judging --------------------------------------------------------------------------------- */

static bool is_due(const struct renewing *renewing, const mbedtls_x509_crt *crt)
{
    const mbedtls_x509_crt *issuer =
        authority_certificate(authorities_issuer(renewing->authorities));
    const int64_t from_ms = certificate_time_ms(&crt->valid_from);
    const int64_t to_ms = certificate_time_ms(&crt->valid_to);
    return to_ms - renewing->now_ms < (to_ms - from_ms) / 100 * RENEW_PERCENT ||
           crt->issuer_raw.len != issuer->subject_raw.len ||
           memcmp(crt->issuer_raw.p, issuer->subject_raw.p, issuer->subject_raw.len) != 0;
}

static enum err read_due(const struct renewing *renewing, const char *path, mbedtls_x509_crt **crt,
                         bool *due, struct fault *fault)
{
    struct buf pem CLEANUP(key_wipe);
    buf_init(&pem, CERTIFICATE_PEM_MAX);
    enum err err = storage_read(path, &pem, fault);
    if (!err)
        err = certificate_parse(buf_slice(&pem), path, crt, fault);
    if (!err)
        *due = authorities_issued(renewing->authorities, *crt) && is_due(renewing, *crt);
    return err;
}

/* --- Renewing -------------------------------------------------------------------------------- */

static enum err renew_server(const struct renewing *renewing, const char *folder,
                             const mbedtls_x509_crt *crt, const char *name, struct fault *fault)
{
    char texts[HOSTS_MAX][HOST_TEXT_MAX + 1];
    const char *hosts[HOSTS_MAX];
    size_t count = certificate_hosts(crt, texts, HOSTS_MAX);
    for (size_t i = 0; i < count; i++)
        hosts[i] = texts[i];
    const struct authority_order order = {
        .purpose = CERTIFICATE_SERVER,
        .name = name,
        .hosts = hosts,
        .host_count = count,
        .validity = authority_days(renewing->now_ms, AUTHORITIES_LEAF_DAYS),
    };
    enum err err = authority_issue_files(authorities_issuer(renewing->authorities), &order, folder,
                                         renewing->now_ms, fault);
    if (!err)
        *renewing->changed = true;
    return err;
}

/* "broker.pem", but not "broker-key.pem": leaves "broker" in `name`. */
static bool is_certificate(const char *file, char name[static CERTIFICATE_NAME_MAX + 1])
{
    static const char ending[] = ".pem";
    static const char key_ending[] = "-key.pem";
    size_t len = strlen(file);
    if (len < sizeof ending || len > CERTIFICATE_NAME_MAX ||
        strcmp(file + len - (sizeof ending - 1), ending) != 0 ||
        (len >= sizeof key_ending - 1 &&
         strcmp(file + len - (sizeof key_ending - 1), key_ending) == 0))
        return false;
    (void)snprintf(name, CERTIFICATE_NAME_MAX + 1, "%.*s", (int)(len - (sizeof ending - 1)), file);
    return true;
}

static enum err look_at_server(const struct renewing *renewing, const char *folder,
                               const char *file, struct fault *fault)
{
    char path[PATH_MAX];
    char name[CERTIFICATE_NAME_MAX + 1];
    bool due = false;
    mbedtls_x509_crt *crt CLEANUP(certificate_cleanup) = NULL;
    if (!is_certificate(file, name))
        return ERR_OK;
    enum err err = path_in(folder, file, path, fault);
    if (!err)
        err = read_due(renewing, path, &crt, &due, fault);
    return err || !due ? err : renew_server(renewing, folder, crt, name, fault);
}

static enum err look_at_servers(const struct renewing *renewing, const char *state,
                                struct fault *fault)
{
    char folder[PATH_MAX];
    enum err err = path_in(state, "servers", folder, fault);
    DIR *list = err ? NULL : opendir(folder);
    if (!list)
        return err || errno == ENOENT ? err : fault_errno(fault, errno, folder, "reading");
    for (const struct dirent *entry; !err && (entry = readdir(list));)
        err = look_at_server(renewing, folder, entry->d_name, fault);
    (void)closedir(list);
    return err;
}

static enum err renew_identity(const struct renewing *renewing, const char *folder,
                               const char *name, struct fault *fault)
{
    struct buf ca CLEANUP(buf_free);
    buf_init(&ca, CERTIFICATE_PEM_MAX);
    enum err err = authority_issue_identity(authorities_issuer(renewing->authorities), name,
                                            authority_days(renewing->now_ms, AUTHORITIES_LEAF_DAYS),
                                            folder, renewing->now_ms, fault);
    if (!err)
        *renewing->changed = true;
    if (!err)
        err = authorities_pem(renewing->authorities, &ca, fault);
    return err ? err : identity_set_ca(folder, buf_slice(&ca), fault);
}

static enum err look_at_identity(const struct renewing *renewing, const char *state,
                                 struct fault *fault)
{
    char folder[PATH_MAX];
    char path[PATH_MAX];
    bool due = false;
    struct certificate_facts facts;
    mbedtls_x509_crt *crt CLEANUP(certificate_cleanup) = NULL;
    enum err err = path_in(state, "identity", folder, fault);
    if (!err)
        err = path_in(folder, "current.pem", path, fault);
    if (!err)
        err = read_due(renewing, path, &crt, &due, fault);
    if (err || !due)
        return err == ERR_NOT_FOUND ? ERR_OK : err;
    err = certificate_read(crt, &facts, fault);
    return err ? err : renew_identity(renewing, folder, facts.common_name, fault);
}

enum err servers_renew(const struct authorities *authorities, const char *state, int64_t now_ms,
                       bool *changed, struct fault *fault)
{
    const struct renewing renewing = {authorities, now_ms, changed};
    *changed = false;
    enum err err = look_at_identity(&renewing, state, fault);
    return err ? err : look_at_servers(&renewing, state, fault);
}
