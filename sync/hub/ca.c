#include "sync/hub/ca.h"
#include "hal/base/cleanup.h"
#include "hal/storage.h"
#include "provisioning/authority.h"

#include <limits.h>
#include <string.h>

enum { ROOT_DAYS = 3650, LEAF_DAYS = 397, CRL_DAYS = 30 };
#define DAY_MS INT64_C(86400000)

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

static enum err init(const char *state, int count, char *const *words, int64_t now_ms,
                     struct fault *fault)
{
    (void)words;
    struct authority *authority CLEANUP(authority_cleanup) = NULL;
    char folder[PATH_MAX];
    char identity[PATH_MAX];
    if (count != 0)
        return fault_set(fault, ERR_INVALID, "ca init", "takes nothing more");
    enum err err = path_in(state, "ca", folder, fault);
    if (!err)
        err = path_in(state, "identity", identity, fault);
    if (!err)
        err = authority_create(folder, "Tillback CA", authority_days(now_ms, ROOT_DAYS), now_ms,
                               fault);
    if (!err)
        err = authority_open(&authority, folder, fault);
    return err ? err : identity_for(authority, "tillback-hub", identity, now_ms, fault);
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

static enum err make_crl(struct authority *authority, int64_t now_ms, struct fault *fault)
{
    return authority_crl(authority, now_ms, now_ms + CRL_DAYS * DAY_MS, NULL, fault);
}

static enum err revoke(const char *state, int count, char *const *words, int64_t now_ms,
                       struct fault *fault)
{
    struct authority *authority CLEANUP(authority_cleanup) = NULL;
    size_t revoked;
    if (count != 1)
        return fault_set(fault, ERR_INVALID, "ca revoke", "needs an id");
    enum err err = open_authority(state, &authority, fault);
    if (!err)
        err = authority_revoke_name(authority, words[0], CRL_CESSATION_OF_OPERATION, now_ms,
                                    &revoked, fault);
    return err ? err : make_crl(authority, now_ms, fault);
}

static enum err crl(const char *state, int count, char *const *words, int64_t now_ms,
                    struct fault *fault)
{
    (void)words;
    struct authority *authority CLEANUP(authority_cleanup) = NULL;
    if (count != 0)
        return fault_set(fault, ERR_INVALID, "ca crl", "takes nothing more");
    enum err err = open_authority(state, &authority, fault);
    return err ? err : make_crl(authority, now_ms, fault);
}

enum err ca_run(const char *state, int count, char *const *words, int64_t now_ms,
                struct fault *fault)
{
    static const struct {
        const char *name;
        enum err (*run)(const char *state, int count, char *const *words, int64_t now_ms,
                        struct fault *fault);
    } commands[] = {
        {"init", init}, {"server", server}, {"device", device}, {"revoke", revoke}, {"crl", crl},
    };
    for (size_t i = 0; count > 0 && i < sizeof commands / sizeof *commands; i++)
        if (strcmp(words[0], commands[i].name) == 0)
            return commands[i].run(state, count - 1, words + 1, now_ms, fault);
    return fault_set(fault, ERR_INVALID, "ca", "one of: init, server, device, revoke, crl");
}
