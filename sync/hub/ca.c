#include "sync/hub/ca.h"
#include "hal/base/cleanup.h"
#include "hal/storage.h"
#include "provisioning/identity.h"
#include "sync/hub/fleet/authorities.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

enum { ROOT_DAYS = AUTHORITIES_ROOT_DAYS, LEAF_DAYS = AUTHORITIES_LEAF_DAYS };

static enum err path_in(const char *folder, const char *name, char path[static PATH_MAX],
                        struct fault *fault)
{
    if (storage_path(path, PATH_MAX, folder, name) != ERR_OK)
        return fault_set(fault, ERR_TOO_LARGE, folder, "the path is too long");
    return ERR_OK;
}

static enum err open_authority(const char *state, struct authority **authority, struct fault *fault)
{
    char folder[PATH_MAX];
    enum err err = path_in(state, "ca", folder, fault);
    return err ? err : authority_open(authority, folder, fault);
}

static enum err identity_for(struct authority *authority, const char *name, const char *folder,
                             int64_t now_ms, struct fault *fault)
{
    return authority_issue_identity(authority, name, authority_days(now_ms, LEAF_DAYS), folder,
                                    now_ms, fault);
}

/* What brokers and servers read, over all that are trusted. */
static enum err publish(const char *state, bool anew, int64_t now_ms, struct fault *fault)
{
    struct authorities *authorities CLEANUP(authorities_cleanup) = NULL;
    int64_t next_ms;
    enum err err = authorities_open(&authorities, state, fault);
    return err ? err : authorities_publish(authorities, now_ms, anew, &next_ms, fault);
}

/* The hub's own identity, from the authority that issues now and with all that are trusted. */
static enum err own_identity(const char *state, int64_t now_ms, struct fault *fault)
{
    struct authorities *authorities CLEANUP(authorities_cleanup) = NULL;
    struct buf ca CLEANUP(buf_free);
    char identity[PATH_MAX];
    buf_init(&ca, CERTIFICATE_PEM_MAX);
    enum err err = path_in(state, "identity", identity, fault);
    if (!err)
        err = authorities_open(&authorities, state, fault);
    if (!err)
        err =
            identity_for(authorities_issuer(authorities), "tillback-hub", identity, now_ms, fault);
    if (!err)
        err = authorities_pem(authorities, &ca, fault);
    return err ? err : identity_set_ca(identity, buf_slice(&ca), fault);
}

static enum err init(const char *state, int count, char *const *words, int64_t now_ms,
                     struct fault *fault)
{
    (void)words;
    char folder[PATH_MAX];
    if (count != 0)
        return fault_set(fault, ERR_INVALID, "ca init", "takes nothing more");
    enum err err = path_in(state, "ca", folder, fault);
    if (!err)
        err = authority_create(folder, "Tillback CA", authority_days(now_ms, ROOT_DAYS), now_ms,
                               fault);
    if (!err)
        err = own_identity(state, now_ms, fault);
    return err ? err : publish(state, false, now_ms, fault);
}

static enum err server(const char *state, int count, char *const *words, int64_t now_ms,
                       struct fault *fault)
{
    struct authority *authority CLEANUP(authority_cleanup) = NULL;
    char folder[PATH_MAX];
    if (count < 2)
        return fault_set(fault, ERR_INVALID, "ca server", "needs a name and its hosts");
    const struct authority_order order = {
        .purpose = CERTIFICATE_SERVER,
        .name = words[0],
        .hosts = (const char *const *)words + 1,
        .host_count = (size_t)count - 1,
        .validity = authority_days(now_ms, LEAF_DAYS),
    };
    enum err err = path_in(state, "servers", folder, fault);
    if (!err)
        err = storage_make_folder(folder, fault);
    if (!err)
        err = open_authority(state, &authority, fault);
    return err ? err : authority_issue_files(authority, &order, folder, now_ms, fault);
}

static enum err device(const char *state, int count, char *const *words, int64_t now_ms,
                       struct fault *fault)
{
    struct authority *authority CLEANUP(authority_cleanup) = NULL;
    char folder[PATH_MAX];
    char devices[PATH_MAX];
    if (count < 1 || count > 2)
        return fault_set(fault, ERR_INVALID, "ca device", "needs an id, and may have a folder");
    enum err err = device_id_check((struct slice){words[0], strlen(words[0])}, fault);
    if (!err)
        err = path_in(state, "devices", devices, fault);
    if (!err && count == 1)
        err = storage_make_folder(devices, fault);
    if (!err)
        err = path_in(devices, words[0], folder, fault);
    if (!err)
        err = open_authority(state, &authority, fault);
    return err ? err
               : identity_for(authority, words[0], count == 2 ? words[1] : folder, now_ms, fault);
}

static enum err revoke(const char *state, int count, char *const *words, int64_t now_ms,
                       struct fault *fault)
{
    struct authorities *authorities CLEANUP(authorities_cleanup) = NULL;
    size_t revoked;
    if (count != 1)
        return fault_set(fault, ERR_INVALID, "ca revoke", "needs an id");
    enum err err = authorities_open(&authorities, state, fault);
    if (!err)
        err = authorities_revoke(authorities, words[0], CRL_CESSATION_OF_OPERATION, now_ms,
                                 &revoked, fault);
    if (!err && !revoked)
        err = fault_set(fault, ERR_NOT_FOUND, words[0], "has no certificate in force");
    return err ? err : publish(state, true, now_ms, fault);
}

static enum err crl(const char *state, int count, char *const *words, int64_t now_ms,
                    struct fault *fault)
{
    (void)words;
    if (count != 0)
        return fault_set(fault, ERR_INVALID, "ca crl", "takes nothing more");
    return publish(state, true, now_ms, fault);
}

/* --- Replacing the authority ----------------------------------------------------------------- */

static enum err next(const char *state, int count, char *const *words, int64_t now_ms,
                     struct fault *fault)
{
    (void)words;
    if (count != 0)
        return fault_set(fault, ERR_INVALID, "ca next", "takes nothing more");
    enum err err = authorities_begin(state, now_ms, fault);
    if (!err)
        err = own_identity(state, now_ms, fault);
    if (!err)
        err = publish(state, false, now_ms, fault);
    if (!err)
        (void)puts("The next authority is trusted from now on. Wait until every appliance has been "
                   "online once (a day), then: ca switch");
    return err;
}

static enum err switch_over(const char *state, int count, char *const *words, int64_t now_ms,
                            struct fault *fault)
{
    (void)words;
    if (count != 0)
        return fault_set(fault, ERR_INVALID, "ca switch", "takes nothing more");
    enum err err = authorities_switch(state, fault);
    if (!err)
        err = own_identity(state, now_ms, fault);
    if (!err)
        err = publish(state, false, now_ms, fault);
    if (!err)
        (void)puts(
            "The new authority issues from now on, and the former is still trusted. The "
            "running hub renews its own certificate and those in servers/ within a minute: "
            "copy those that it doesn't reach to their servers, and let the appliances renew "
            "theirs; then: ca retire");
    return err;
}

static enum err retire(const char *state, int count, char *const *words, int64_t now_ms,
                       struct fault *fault)
{
    (void)words;
    if (count != 0)
        return fault_set(fault, ERR_INVALID, "ca retire", "takes nothing more");
    enum err err = authorities_retire(state, now_ms, fault);
    if (!err)
        err = own_identity(state, now_ms, fault);
    return err ? err : publish(state, false, now_ms, fault);
}

enum err ca_run(const char *state, int count, char *const *words, int64_t now_ms,
                struct fault *fault)
{
    static const struct {
        const char *name;
        enum err (*run)(const char *state, int count, char *const *words, int64_t now_ms,
                        struct fault *fault);
    } commands[] = {
        {"init", init}, {"server", server}, {"device", device},      {"revoke", revoke},
        {"crl", crl},   {"next", next},     {"switch", switch_over}, {"retire", retire},
    };
    for (size_t i = 0; count > 0 && i < sizeof commands / sizeof *commands; i++)
        if (strcmp(words[0], commands[i].name) == 0)
            return commands[i].run(state, count - 1, words + 1, now_ms, fault);
    return fault_set(fault, ERR_INVALID, "ca",
                     "one of: init, server, device, revoke, crl, next, switch, retire");
}
