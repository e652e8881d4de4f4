#include "sync/enrol/membership.h"
#include "hal/base/cleanup.h"
#include "hal/base/json.h"
#include "hal/base/jsonw.h"
#include "hal/storage.h"
#include "provisioning/assignment.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { MEMORY_MAX = 1024 };

static const char nobody[] = "unenrolled";
static const char no_store[] = "0000";
static const char memory_name[] = "member.json";

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

/* --- Who it was when that was last seen ------------------------------------------------------ */

struct memory {
    char device[CERTIFICATE_NAME_MAX + 1]; /* "" when nothing is remembered */
    char store[CERTIFICATE_NAME_MAX + 1];
};

/* One that has rotted, too, is as good as none: it only gives names to what is captured meanwhile.
 */
static void recall(const char *state, struct memory *memory)
{
    char path[PATH_MAX];
    struct buf text CLEANUP(buf_free);
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    *memory = (struct memory){.device = ""};
    buf_init(&text, MEMORY_MAX);
    if (storage_path(path, sizeof path, state, memory_name) != ERR_OK ||
        storage_read(path, &text, NULL) != ERR_OK ||
        json_parse(buf_slice(&text), JSON_LIMITS_DEFAULT, &doc, NULL) != ERR_OK)
        return;
    const char *device = json_member_text(doc, "device");
    const char *store = json_member_text(doc, "store");
    if (!device || !store || strlen(device) >= sizeof memory->device ||
        strlen(store) >= sizeof memory->store)
        return;
    (void)snprintf(memory->device, sizeof memory->device, "%s", device);
    (void)snprintf(memory->store, sizeof memory->store, "%s", store);
}

enum err membership_remember(const struct membership *membership, const char *state,
                             struct fault *fault)
{
    char path[PATH_MAX];
    struct memory memory;
    struct buf text CLEANUP(buf_free);
    buf_init(&text, MEMORY_MAX);
    recall(state, &memory);
    if (!membership->enrolled || (strcmp(memory.device, membership->device) == 0 &&
                                  strcmp(memory.store, membership->store) == 0))
        return ERR_OK;
    struct jsonw w = jsonw_to(&text);
    jsonw_object(&w, NULL);
    jsonw_text(&w, "device", membership->device);
    jsonw_text(&w, "store", membership->store);
    jsonw_end(&w);
    enum err err = buf_check(&text, fault, memory_name);
    if (!err && storage_path(path, sizeof path, state, memory_name) != ERR_OK)
        err = fault_set(fault, ERR_TOO_LARGE, state, "the path is too long");
    return err ? err : storage_replace(path, buf_slice(&text), 0600, fault);
}

/* --- What the files say ---------------------------------------------------------------------- */

static enum err read_identity(struct membership *membership, struct fault *fault)
{
    struct identity *identity CLEANUP(identity_cleanup) = NULL;
    enum err err = identity_open(&identity, membership->folder, IDENTITY_CURRENT, fault);
    membership->enrolled = !err;
    (void)snprintf(membership->device, sizeof membership->device, "%s",
                   err ? nobody : identity_device(identity));
    return err;
}

static void set_text(char *out, size_t size, const char *setting, const char *told,
                     const char *fallback)
{
    (void)snprintf(out, size, "%s", setting ? setting : told ? told : fallback);
}

/*
 * Settings win over the bundle, except for the store's number: no store's events may go out under
 * another's.
 */
static enum err take_assignment(struct membership *membership, const struct settings *settings,
                                const struct bundle *told, struct fault *fault)
{
    const char *store = settings_text(settings, "store.number");
    if (store && told->store && strcmp(store, told->store) != 0)
        return fault_set(fault, ERR_CONFLICT, "store.number",
                         "is %s, but this appliance was enrolled for store %s", store, told->store);
    set_text(membership->store, sizeof membership->store, store, told->store, no_store);
    set_text(membership->broker_url, sizeof membership->broker_url,
             settings_text(settings, "broker.url"), told->broker_url, "");
    set_text(membership->enrol_url, sizeof membership->enrol_url,
             settings_text(settings, "enrol.url"), told->enrol_url, "");
    return ERR_OK;
}

/* The identity can't be used: what is captured meanwhile keeps the former device's name. */
static void be_who_it_was(struct membership *membership, const struct memory *memory,
                          struct bundle *told)
{
    membership->enrolled = false;
    if (!memory->device[0])
        return;
    (void)snprintf(membership->device, sizeof membership->device, "%s", memory->device);
    if (!told->store)
        told->store = memory->store;
}

static enum err say_gone(const struct memory *memory, struct fault *trouble)
{
    struct fault found = *trouble;
    return fault_set(trouble, ERR_UNREACHABLE, found.where, "the identity of %s is gone: %.200s",
                     memory->device, found.text);
}

static enum err read_files(struct membership *membership, const char *state,
                           const struct settings *settings, struct fault *fault)
{
    struct memory memory;
    struct bundle told = {.device = NULL};
    struct arena arena CLEANUP(arena_free);
    struct fault *trouble = &membership->trouble;
    arena_init(&arena, ASSIGNMENT_MAX);
    recall(state, &memory);
    enum err err = read_identity(membership, trouble);
    if (err == ERR_NOT_FOUND && memory.device[0])
        err = say_gone(&memory, trouble);
    struct fault rotten;
    enum err told_err =
        assignment_read(membership->folder, ASSIGNMENT_CURRENT, &arena, &told, &rotten);
    if (told_err && told_err != ERR_NOT_FOUND && (!err || err == ERR_NOT_FOUND)) {
        *trouble = rotten;
        err = told_err;
    }
    if (err == ERR_OK || err == ERR_NOT_FOUND)
        *trouble = (struct fault){.code = ERR_OK};
    else
        be_who_it_was(membership, &memory, &told);
    return take_assignment(membership, settings, &told, fault);
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
        err = read_files(&membership, state, settings, fault);
    if (!err)
        *out = membership;
    return err;
}

/* The assignment is written after the identity: as long as one is pending, nothing is settled. */
static bool is_settled(const struct membership *membership)
{
    char pending[PATH_MAX];
    return path_in(membership, "pending.json", pending, NULL) == ERR_OK &&
           access(pending, F_OK) != 0;
}

bool membership_usable(const struct membership *membership, const char *state,
                       const struct settings *settings)
{
    struct membership now;
    return is_settled(membership) && membership_read(&now, state, settings, NULL) == ERR_OK &&
           now.enrolled;
}

bool membership_changed(const struct membership *membership)
{
    struct timespec now = last_change(membership);
    if (now.tv_sec == membership->seen.tv_sec && now.tv_nsec == membership->seen.tv_nsec)
        return false;
    return is_settled(membership);
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
