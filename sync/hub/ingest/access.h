/*
 * Who may ask the hub: bearer tokens (RFC 6750) with a role, kept as hashes in its database, and
 * the audit of what people changed. A token is 32 random bytes, so one fast hash is enough.
 * Blocks on the disk; the writing ones inside the caller's transaction.
 */
#ifndef SYNC_HUB_INGEST_ACCESS_H
#define SYNC_HUB_INGEST_ACCESS_H

#include "hal/database.h"

enum { ACCESS_TOKEN_TEXT = 64, ACCESS_NAME_MAX = 64, ACCESS_REASON_MAX = 500 };

/* What each has to do with; the tables of sync/hub/web say what that is. */
#define ACCESS_ROLES(X)                                                                            \
    X(VIEWER, viewer)     /* looks at figures, appliances, and where a return is */                \
    X(IT, it)             /* the fleet, events, what is parked, exceptions */                      \
    X(FINANCE, finance)   /* the books, settlements, what is parked, exceptions */                 \
    X(COMMERCE, commerce) /* shops, portals, warehouses: orders, authorisations, goods received */ \
    X(PROVIDER, provider) /* the payment provider, known by its signature: no token has it */

#define ACCESS_ROLE_ENUM(upper, lower) ACCESS_##upper,
enum access_role { ACCESS_ROLES(ACCESS_ROLE_ENUM) ACCESS_ROLE_COUNT };
#define ACCESS_BIT(role) (1u << (role))
#define ACCESS_BACK_OFFICE (ACCESS_BIT(ACCESS_IT) | ACCESS_BIT(ACCESS_FINANCE))
/* Who has a token. */
#define ACCESS_ANYBODY                                                                             \
    (ACCESS_BACK_OFFICE | ACCESS_BIT(ACCESS_VIEWER) | ACCESS_BIT(ACCESS_COMMERCE))

const char *access_role_name(enum access_role role);
enum err access_role_find(const char *name, enum access_role *role) MUST_CHECK;

/* ERR_FORBIDDEN, with the role's name, when it is none of `roles`, which are bits. */
enum err access_check(unsigned roles, enum access_role role, struct fault *fault) MUST_CHECK;

/* A person or a program that holds a token. */
struct access_holder {
    char name[ACCESS_NAME_MAX + 1];
    enum access_role role;
};

/* Makes a token, which is told here and nowhere else. */
enum err access_add(struct database *db, const struct access_holder *holder, int64_t now_ms,
                    char token[static ACCESS_TOKEN_TEXT + 1], struct fault *fault) MUST_CHECK;
/* ERR_NOT_FOUND when there is no such token in force. */
enum err access_revoke(struct database *db, int64_t number, int64_t now_ms,
                       struct fault *fault) MUST_CHECK;
/* ERR_FORBIDDEN when the token is nobody's, or was revoked. */
enum err access_find(struct database *db, struct slice token, struct access_holder *holder,
                     struct fault *fault) MUST_CHECK;

/* Something that a person changes, and why. */
struct access_act {
    const struct access_holder *holder;
    const char *action; /* "parked.discard" */
    const char *subject;
    const char *reason;
    int64_t now_ms;
};

enum err access_note(struct database *db, const struct access_act *act,
                     struct fault *fault) MUST_CHECK;

#endif
