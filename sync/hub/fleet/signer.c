#include "sync/hub/fleet/signer.h"
#include "hal/storage.h"
#include "provisioning/authority.h"

#include <limits.h>
#include <stdio.h>

enum { SIGNER_DAYS = 397 };

static const char name[] = "tillback-hub-signer";

static enum err path_in(const char *folder, const char *file, char path[static PATH_MAX],
                        struct fault *fault)
{
    return storage_path(path, PATH_MAX, folder, file)
               ? fault_set(fault, ERR_TOO_LARGE, folder, "the path is too long")
               : ERR_OK;
}

static enum err read_files(const char *folder, struct signer *signer, mbedtls_x509_crt **crt,
                           struct fault *fault)
{
    char path[PATH_MAX];
    char file[sizeof name + sizeof "-key.pem"];
    (void)snprintf(file, sizeof file, "%s.pem", name);
    buf_init(&signer->chain, CERTIFICATE_PEM_MAX);
    enum err err = path_in(folder, file, path, fault);
    if (!err)
        err = storage_read(path, &signer->chain, fault);
    if (!err)
        err = certificate_parse(buf_slice(&signer->chain), path, crt, fault);
    (void)snprintf(file, sizeof file, "%s-key.pem", name);
    if (!err)
        err = path_in(folder, file, path, fault);
    if (!err)
        err = key_load(path, &signer->key, fault);
    return err ? err : key_matches(signer->key, &(*crt)->pk, fault);
}

static bool is_fresh(const mbedtls_x509_crt *crt, int64_t now_ms)
{
    return now_ms <
           certificate_time_ms(&crt->valid_from) / 2 + certificate_time_ms(&crt->valid_to) / 2;
}

static enum err issue(const char *state, const char *folder, int64_t now_ms, struct fault *fault)
{
    char ca[PATH_MAX];
    struct authority *authority CLEANUP(authority_cleanup) = NULL;
    const struct authority_order order = {
        .purpose = CERTIFICATE_SIGNER,
        .name = name,
        .validity = authority_days(now_ms, SIGNER_DAYS),
    };
    enum err err = path_in(state, "ca", ca, fault);
    if (!err)
        err = authority_open(&authority, ca, fault);
    if (!err)
        err = storage_make_folder(folder, fault);
    return err ? err : authority_issue_files(authority, &order, folder, now_ms, fault);
}

enum err signer_open(struct signer *out, const char *state, int64_t now_ms, struct fault *fault)
{
    char folder[PATH_MAX];
    struct signer signer = {.key = NULL};
    mbedtls_x509_crt *crt CLEANUP(certificate_cleanup) = NULL;
    enum err err = path_in(state, "signer", folder, fault);
    if (err)
        return err;
    if (read_files(folder, &signer, &crt, NULL) != ERR_OK || !is_fresh(crt, now_ms)) {
        signer_close(&signer);
        certificate_free(crt);
        crt = NULL;
        err = issue(state, folder, now_ms, fault);
        if (!err)
            err = read_files(folder, &signer, &crt, fault);
    }
    if (err) {
        signer_close(&signer);
        return err;
    }
    *out = signer;
    return ERR_OK;
}

void signer_close(struct signer *signer)
{
    buf_free(&signer->chain);
    key_free(signer->key);
    *signer = (struct signer){.key = NULL};
}

enum err signer_forget(const char *state, struct fault *fault)
{
    char folder[PATH_MAX];
    char path[PATH_MAX];
    char file[sizeof name + sizeof ".pem"];
    (void)snprintf(file, sizeof file, "%s.pem", name);
    enum err err = path_in(state, "signer", folder, fault);
    if (!err)
        err = path_in(folder, file, path, fault);
    return err ? err : storage_remove(path, fault);
}
