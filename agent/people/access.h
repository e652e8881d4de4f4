/* What is done with people's and tills' access to an appliance, and what only those who have it may
 * do: the acts that its log tells of. */
#ifndef AGENT_PEOPLE_ACCESS_H
#define AGENT_PEOPLE_ACCESS_H

#include "hal/base/buf.h"

enum access_act {
    ACCESS_SIGNED_IN, /* a manager or a technician; as for signed out */
    ACCESS_SIGNED_OUT,
    ACCESS_SESSION_LAPSED, /* told when somebody comes with it again */
    ACCESS_LOCKED_OUT,     /* for a while or, at last, until a new PIN is set */
    ACCESS_PIN_CHANGED,
    ACCESS_STAFF_ADDED,
    ACCESS_STAFF_REMOVED,
    ACCESS_STAFF_CHANGED, /* number, badge, name or language */
    ACCESS_ROLE_CHANGED,
    ACCESS_TOKEN_ADDED,
    ACCESS_TOKEN_REMOVED,
    ACCESS_RECEIPT_REPRINTED,
    ACCESS_RECEIPT_LET_GO, /* it waited for the printer, or it isn't known whether it was printed */
    ACCESS_SCANNER_BOUND,
    ACCESS_DIAGNOSTICS_TAKEN,
    ACCESS_REPORT_SIGNED,
    ACCESS_REPLAYED, /* events were sent to the hub once more */
    ACCESS_ACT_COUNT,
};

/* Who did it, when no person did. */
#define ACCESS_BY_CLI "cli"       /* the command line on the appliance */
#define ACCESS_BY_CENTRE "centre" /* a configuration */
#define ACCESS_BY_TILL "till"
#define ACCESS_BY_NOBODY "nobody" /* who tried is not known */

/* Ids and lanes only: no PIN, badge, number or name has a place here. Borrowed for the call. */
struct access {
    enum access_act act;
    const char *person; /* whom it befell, an id; "" if it befell none */
    const char *lane;   /* "" for none */
    const char *by;     /* a person's id or one of the words above */
    const char *of;     /* the return that it was about, an id; may be NULL */
};

/*
 * The log's knowledge of a file that others change: a copy of it, kept at `path`. It becomes `now`
 * when the log has the acts that led there, and only if it still is `before`. So what was done
 * while the appliance stood still, or wasn't saved, is found and told at the next start; after a
 * power cut it may be told twice.
 */
struct access_copy {
    const char *path;
    struct slice before;
    struct slice now;
};

/* All of the acts or none. `copy` may be NULL. Borrowed for the call. */
typedef void access_told(void *context, const struct access *acts, size_t count,
                         const struct access_copy *copy);

#endif
