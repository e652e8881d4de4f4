/* What is done with people's and tills' access to an appliance: the acts that its log tells of. */
#ifndef AGENT_PEOPLE_ACCESS_H
#define AGENT_PEOPLE_ACCESS_H

enum access_act {
    ACCESS_SIGNED_IN,  /* a manager or a technician */
    ACCESS_LOCKED_OUT, /* for a while or, at last, until a new PIN is set */
    ACCESS_PIN_CHANGED,
    ACCESS_STAFF_ADDED,
    ACCESS_STAFF_REMOVED,
    ACCESS_ROLE_CHANGED,
    ACCESS_TOKEN_ADDED,
    ACCESS_TOKEN_REMOVED,
    ACCESS_RECEIPT_REPRINTED,
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
    const char *of;     /* the return whose receipt it was, an id; may be NULL */
};
typedef void access_told(void *context, const struct access *access);

#endif
