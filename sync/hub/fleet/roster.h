/*
 * The roster: which appliances were invited, in which store, how each stands, and the one-time
 * codes that lead to a first certificate. A code is kept as a hash; who brings it is looked up by
 * that. Inside the caller's transaction, on the handle's thread; blocks on the disk.
 */
#ifndef SYNC_HUB_FLEET_ROSTER_H
#define SYNC_HUB_FLEET_ROSTER_H

#include "hal/database.h"
#include "provisioning/bundle.h"
#include "sync/hub/fleet/software.h"

struct roster;

enum { ROSTER_NAME_MAX = 200, ROSTER_REASON_MAX = 500 };

#define ROSTER_STATES(X)                                                                           \
    X(INVITED, invited)   /* a code is out */                                                      \
    X(ENROLLED, enrolled) /* it has a certificate */                                               \
    X(REVOKED, revoked)   /* lost, stolen, or not ours any more */                                 \
    X(REPLACED, replaced) /* another came in its place */                                          \
    X(RETIRED, retired)   /* given up in order */
#define ROSTER_STATE_ENUM(upper, lower) ROSTER_##upper,
enum roster_state { ROSTER_STATES(ROSTER_STATE_ENUM) ROSTER_STATE_COUNT };

const char *roster_state_name(enum roster_state state);
/* Nothing is taken from it, and no certificate given to it. */
bool roster_is_closed(enum roster_state state);

struct roster_device {
    char id[CERTIFICATE_NAME_MAX + 1];
    char store[CERTIFICATE_NAME_MAX + 1];
    char name[ROSTER_NAME_MAX + 1];
    enum roster_state state;
    char successor[CERTIFICATE_NAME_MAX + 1]; /* "": none */
    char reason[ROSTER_REASON_MAX + 1];
    int64_t created_ms;
    int64_t changed_ms;
    int64_t evicted_ms; /* 0: not yet */
    bool superseded;    /* a former box of this name may be connected, or come in yet */
};

/* A code that is out. */
struct invitation {
    char device[CERTIFICATE_NAME_MAX + 1];
    int64_t expires_ms;
    int64_t used_ms;        /* 0: not yet */
    struct sha256 key_hash; /* of the key for which it was used */
    struct buf certificate; /* what was given for it; PEM */
    struct buf bundle;
    struct sha256 seal;
};
void invitation_init(struct invitation *invitation);
void invitation_free(struct invitation *invitation);

enum err roster_open(struct roster **roster, struct database *db, struct fault *fault) MUST_CHECK;
void roster_close(struct roster *roster); /* takes NULL */

/* ERR_NOT_FOUND. */
enum err roster_find(struct roster *roster, const char *device, struct roster_device *found,
                     struct fault *fault) MUST_CHECK;
typedef enum err roster_visit(void *context, const struct roster_device *device,
                              struct fault *fault);
/* Of one store, or of all when NULL. */
enum err roster_each(struct roster *roster, const char *store, roster_visit *visit, void *context,
                     struct fault *fault) MUST_CHECK;
/* Whose connection is to be ended: who is closed, and whose name has another box now. */
enum err roster_each_unwelcome(struct roster *roster, roster_visit *visit, void *context,
                               struct fault *fault) MUST_CHECK;
/* The first of store-S-a, ... store-S-z, store-S-27, ... that is nobody's yet. */
enum err roster_next_id(struct roster *roster, const char *store,
                        char id[static CERTIFICATE_NAME_MAX + 1], struct fault *fault) MUST_CHECK;
/* ERR_CONFLICT when there is one of that id. */
enum err roster_add(struct roster *roster, const char *device, const char *store, const char *name,
                    int64_t now_ms, struct fault *fault) MUST_CHECK;
/* `successor` NULL keeps what is there. */
enum err roster_set_state(struct roster *roster, const char *device, enum roster_state state,
                          const char *reason, const char *successor, int64_t now_ms,
                          struct fault *fault) MUST_CHECK;
/* A new certificate was given for a code: the former box is to be evicted. */
enum err roster_supersede(struct roster *roster, const char *device,
                          struct fault *fault) MUST_CHECK;
/*
 * Notes that the device was evicted, if it is still in the state that it took on at `changed_ms`.
 * `again`: who holds its certificate may come in once more.
 */
enum err roster_set_evicted(struct roster *roster, const char *device, int64_t changed_ms,
                            int64_t now_ms, bool again, struct fault *fault) MUST_CHECK;

/* Codes of the device that nobody has used are worth nothing from now on. */
enum err roster_invite(struct roster *roster, const char *device, const struct code *code,
                       struct slice bundle, int64_t expires_ms, struct fault *fault) MUST_CHECK;
enum err roster_withdraw(struct roster *roster, const char *device, struct fault *fault) MUST_CHECK;
/* ERR_NOT_FOUND. Results into an invitation_init'ed struct. */
enum err roster_invitation(struct roster *roster, const uint8_t locator[static CODE_LOCATOR_BYTES],
                           struct invitation *found, struct fault *fault) MUST_CHECK;
enum err roster_invitation_of(struct roster *roster, const struct code *code,
                              struct invitation *found, struct fault *fault) MUST_CHECK;
enum err roster_use(struct roster *roster, const struct code *code, const struct sha256 *key_hash,
                    struct slice certificate, int64_t now_ms, struct fault *fault) MUST_CHECK;
/* Until when a code is out for it; 0: none is. */
enum err roster_invited_until(struct roster *roster, const char *device, int64_t *until_ms,
                              struct fault *fault) MUST_CHECK;

/* What the hub holds of one of a device's logs. */
struct roster_log {
    char stream[16];
    int64_t through;
    int64_t parked;
    int64_t held; /* above through: what is before them is missing */
};
typedef void roster_visit_log(void *context, const struct roster_log *log);
enum err roster_each_log(struct roster *roster, const char *device, roster_visit_log *visit,
                         void *context, struct fault *fault) MUST_CHECK;
/* How many events it said to wait when it was heard last, and when that was; -1, 0: never. */
enum err roster_told_waiting(struct roster *roster, const char *device, int64_t *waiting,
                             int64_t *heard_ms, struct fault *fault) MUST_CHECK;

/* What software it said to run when it was heard last. */
enum err roster_software(struct roster *roster, const char *device, struct software *software,
                         struct fault *fault) MUST_CHECK;

#endif
