#include "provisioning/identity_paths.h"

#include "hal/pkcs11.h"
#include "hal/storage.h"
#include "provisioning/certificate.h"

#include <string.h>
#include <unistd.h>

enum err identity_paths_of(const char *folder, struct identity_paths *paths, struct fault *fault)
{
    if (storage_path(paths->current, sizeof paths->current, folder, "current.pem") ||
        storage_path(paths->next, sizeof paths->next, folder, "next.pem") ||
        storage_path(paths->ca, sizeof paths->ca, folder, "ca.pem") ||
        storage_path(paths->crl, sizeof paths->crl, folder, "crl.pem") ||
        storage_path(paths->token, sizeof paths->token, folder, "token.uri"))
        return fault_set(fault, ERR_TOO_LARGE, folder, "the path is too long");
    return ERR_OK;
}

bool identity_file_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

enum err identity_has_certificate(const char *path, bool *has, struct fault *fault)
{
    if (!identity_file_exists(path)) {
        *has = false;
        return ERR_OK;
    }
    struct buf pem CLEANUP(key_wipe);
    buf_init(&pem, CERTIFICATE_PEM_MAX);
    enum err err = storage_read(path, &pem, fault);
    if (err)
        return err;
    *has = pem.data && strstr(pem.data, "-----BEGIN CERTIFICATE-----");
    if (!*has && !(pem.data && strstr(pem.data, "PRIVATE KEY-----")) &&
        !pkcs11_is_uri(buf_slice(&pem)))
        return fault_set(fault, ERR_CORRUPT, path, "holds neither a key nor a certificate");
    return ERR_OK;
}
