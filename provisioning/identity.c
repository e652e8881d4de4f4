#include "provisioning/identity.h"

#include "hal/storage.h"
#include "provisioning/identity_paths.h"

#include <stdlib.h>

struct identity {
    struct key *key;
    mbedtls_x509_crt *chain;
    mbedtls_x509_crt *ca;
    mbedtls_x509_crl *crl;
    struct certificate_facts facts;
};

void identity_close(struct identity *identity)
{
    if (!identity)
        return;
    key_free(identity->key);
    certificate_free(identity->chain);
    certificate_free(identity->ca);
    crl_free(identity->crl);
    free(identity);
}

void identity_cleanup(struct identity **identity)
{
    identity_close(*identity);
}

static enum err load_chain(const char *path, mbedtls_x509_crt **chain, struct fault *fault)
{
    struct buf pem CLEANUP(key_wipe);
    buf_init(&pem, CERTIFICATE_PEM_MAX);
    enum err err = storage_read(path, &pem, fault);
    if (err)
        return err;
    return certificate_parse(buf_slice(&pem), path, chain, fault);
}

static enum err load_crl(const char *path, mbedtls_x509_crl **crl, struct fault *fault)
{
    struct buf pem CLEANUP(buf_free);
    buf_init(&pem, CRL_PEM_MAX);
    enum err err = storage_read(path, &pem, fault);
    if (err)
        return err;
    return crl_parse(buf_slice(&pem), path, crl, fault);
}

/* The machine's own half: key, chain, and that they belong together. */
static enum err load_own(struct identity *identity, const struct identity_files *files,
                         struct fault *fault)
{
    if (!files->chain)
        return ERR_OK;
    enum err err = files->key ? key_load(files->key, &identity->key, fault) : ERR_OK;
    if (!err)
        err = load_chain(files->chain, &identity->chain, fault);
    if (!err)
        err = certificate_read(identity->chain, &identity->facts, fault);
    if (!err && files->key)
        err = key_matches(identity->key, &identity->chain->pk, fault);
    if (err == ERR_CONFLICT)
        fault_within(fault, files->chain);
    return err;
}

static enum err load(struct identity *identity, const struct identity_files *files,
                     struct fault *fault)
{
    enum err err = load_own(identity, files, fault);
    if (!err)
        err = load_chain(files->ca, &identity->ca, fault);
    if (!err && files->crl)
        err = load_crl(files->crl, &identity->crl, fault);
    /* what is stored here was checked when it was written: it isn't invalid, it has rotted */
    if (err != ERR_INVALID && err != ERR_CONFLICT)
        return err;
    if (fault)
        fault->code = ERR_CORRUPT;
    return ERR_CORRUPT;
}

enum err identity_open_files(struct identity **out, const struct identity_files *files,
                             struct fault *fault)
{
    struct identity *identity = calloc(1, sizeof *identity);
    if (!identity)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    enum err err = load(identity, files, fault);
    if (err)
        identity_close(identity);
    else
        *out = identity;
    return err;
}

static enum err open_slot(struct identity **identity, const char *folder, enum identity_slot slot,
                          bool with_key, struct fault *fault)
{
    struct identity_paths paths;
    enum err err = identity_paths_of(folder, &paths, fault);
    if (err)
        return err;
    const char *own = slot == IDENTITY_CURRENT ? paths.current : paths.next;
    bool enrolled;
    err = identity_has_certificate(own, &enrolled, fault);
    if (err)
        return err;
    if (!enrolled)
        return fault_set(fault, ERR_NOT_FOUND, own, "there is no certificate yet");
    return identity_open_files(
        identity,
        &(struct identity_files){.ca = paths.ca,
                                 .chain = own,
                                 .key = with_key ? own : NULL,
                                 .crl = identity_file_exists(paths.crl) ? paths.crl : NULL},
        fault);
}

enum err identity_open(struct identity **identity, const char *folder, enum identity_slot slot,
                       struct fault *fault)
{
    return open_slot(identity, folder, slot, true, fault);
}

enum err identity_open_public(struct identity **identity, const char *folder,
                              enum identity_slot slot, struct fault *fault)
{
    return open_slot(identity, folder, slot, false, fault);
}

const char *identity_device(const struct identity *identity)
{
    return identity->facts.common_name;
}

const struct certificate_facts *identity_facts(const struct identity *identity)
{
    return &identity->facts;
}

mbedtls_pk_context *identity_key(const struct identity *identity)
{
    return identity->key ? key_pk(identity->key) : NULL;
}

mbedtls_x509_crt *identity_chain(const struct identity *identity)
{
    return identity->chain;
}

mbedtls_x509_crt *identity_ca(const struct identity *identity)
{
    return identity->ca;
}

mbedtls_x509_crl *identity_crl(const struct identity *identity)
{
    return identity->crl;
}

enum identity_age identity_age(const struct identity *identity, int64_t now_ms,
                               unsigned renew_percent)
{
    const struct certificate_facts *facts = &identity->facts;
    if (now_ms < facts->not_before_ms)
        return IDENTITY_NOT_YET;
    if (now_ms > facts->not_after_ms)
        return IDENTITY_EXPIRED;
    int64_t whole = facts->not_after_ms - facts->not_before_ms;
    int64_t left = facts->not_after_ms - now_ms;
    return left < whole / 100 * renew_percent ? IDENTITY_RENEW : IDENTITY_FRESH;
}
