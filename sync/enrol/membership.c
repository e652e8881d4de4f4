#include "sync/enrol/membership.h"
#include "hal/base/cleanup.h"
#include "hal/storage.h"
#include "provisioning/assignment.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char nobody[] = "unenrolled";
static const char no_store[] = "0000";

static enum err path_in(const struct membership *membership, const char *name,
                        char path[static PATH_MAX], struct fault *fault)
{
    return storage_path(path, PATH_MAX, membership->folder, name)
               ? fault_set(fault, ERR_TOO_LARGE, "identity.folder", "the path is too long")
               : ERR_OK;
}

static enum err find_folder(struct membership *membership, const char *state,
                            const struct settings *settings, struct fault *fault)
{
    const char *given = settings_text(settings, "identity.folder");
    enum err err =
        given ? storage_path(membership->folder, sizeof membership->folder, given, "")
              : storage_path(membership->folder, sizeof membership->folder, state, "identity");
    return err ? fault_set(fault, err, "identity.folder", "the path is too long") : ERR_OK;
}

static enum err read_identity(struct membership *membership, struct fault *fault)
{
    struct identity *identity CLEANUP(identity_cleanup) = NULL;
    enum err err = identity_open(&identity, membership->folder, IDENTITY_CURRENT, fault);
    membership->enrolled = !err;
    (void)snprintf(membership->device, sizeof membership->device, "%s",
                   err ? nobody : identity_device(identity));
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static void set_text(char *out, size_t size, const char *setting, const char *told,
                     const char *fallback)
{
    (void)snprintf(out, size, "%s", setting ? setting : told ? told : fallback);
}

/* Settings win; but a store's events don't go out under another's name. */
static enum err read_assignment(struct membership *membership, const struct settings *settings,
                                struct fault *fault)
{
    struct bundle told = {.device = NULL};
    struct arena arena CLEANUP(arena_free);
    const char *store = settings_text(settings, "store.number");
    arena_init(&arena, ASSIGNMENT_MAX);
    enum err err = assignment_read(membership->folder, ASSIGNMENT_CURRENT, &arena, &told, fault);
    if (err && err != ERR_NOT_FOUND)
        return err;
    if (store && told.store && strcmp(store, told.store) != 0)
        return fault_set(fault, ERR_CONFLICT, "store.number",
                         "is %s, but this appliance was enrolled for store %s", store, told.store);
    set_text(membership->store, sizeof membership->store, store, told.store, no_store);
    set_text(membership->broker_url, sizeof membership->broker_url,
             settings_text(settings, "broker.url"), told.broker_url, "");
    set_text(membership->enrol_url, sizeof membership->enrol_url,
             settings_text(settings, "enrol.url"), told.enrol_url, "");
    return ERR_OK;
}

/* Zero when there is none. */
static struct timespec last_change(const struct membership *membership)
{
    char path[PATH_MAX];
    struct stat info;
    if (path_in(membership, "current.pem", path, NULL) != ERR_OK || stat(path, &info) != 0)
        return (struct timespec){0};
    return info.st_ctim;
}

enum err membership_read(struct membership *out, const char *state, const struct settings *settings,
                         struct fault *fault)
{
    struct membership membership = {.enrolled = false};
    enum err err = find_folder(&membership, state, settings, fault);
    membership_note(&membership);
    if (!err)
        err = read_identity(&membership, fault);
    if (!err)
        err = read_assignment(&membership, settings, fault);
    if (!err)
        *out = membership;
    return err;
}

/* The assignment is written after the identity: as long as one is pending, nothing is settled. */
bool membership_changed(const struct membership *membership)
{
    char pending[PATH_MAX];
    struct timespec now = last_change(membership);
    if (now.tv_sec == membership->seen.tv_sec && now.tv_nsec == membership->seen.tv_nsec)
        return false;
    return path_in(membership, "pending.json", pending, NULL) == ERR_OK &&
           access(pending, F_OK) != 0;
}

void membership_note(struct membership *membership)
{
    membership->seen = last_change(membership);
}

enum err membership_tls(const struct membership *membership, enum identity_slot slot,
                        struct clock *clock, struct tls_context **tls, struct fault *fault)
{
    char pair[PATH_MAX];
    char ca[PATH_MAX];
    char crl[PATH_MAX];
    enum err err =
        path_in(membership, slot == IDENTITY_NEXT ? "next.pem" : "current.pem", pair, fault);
    if (!err)
        err = path_in(membership, "ca.pem", ca, fault);
    if (!err)
        err = path_in(membership, "crl.pem", crl, fault);
    if (err)
        return err;
    const struct tls_config config = {
        .role = TLS_CLIENT,
        .ca_file = ca,
        .crl_file = access(crl, F_OK) == 0 ? crl : NULL,
        .certificate_file = pair,
        .key_file = pair,
        .clock = clock,
    };
    return tls_context_open(tls, &config, fault);
}
