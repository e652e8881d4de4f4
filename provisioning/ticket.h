/*
 * A ticket: the centre lets somebody do one thing at one appliance that nobody may otherwise, for a
 * while. It travels as a file on a stick, signed by the hub's signer (provisioning/envelope.h, kind
 * "ticket"), and works without a link. No threading of its own.
 */
#ifndef PROVISIONING_TICKET_H
#define PROVISIONING_TICKET_H

#include "provisioning/envelope.h"
#include "provisioning/identity.h"

#define TICKET_ACTIONS(X)                                                                          \
    X(CONSOLE, console) /* a root console at the appliance, for as long as the ticket is good */   \
    X(WIPE, wipe)       /* factory reset; refused while events wait */                             \
    X(FORCED_WIPE, forced_wipe) /* also while events wait, which are lost then */

#define TICKET_ENUM(upper, lower) TICKET_##upper,
enum ticket_action { TICKET_ACTIONS(TICKET_ENUM) TICKET_ACTION_COUNT };

const char *ticket_action_name(enum ticket_action action);
enum err ticket_action_find(const char *name, enum ticket_action *action) MUST_CHECK;

enum {
    TICKET_HOLDER_MAX = 100,
    TICKET_REASON_MAX = 300,
    TICKET_HOURS_MAX = 72,
    TICKET_BYTES_MAX = 64 * 1024,
};

struct ticket {
    char device[CERTIFICATE_NAME_MAX + 1];
    enum ticket_action action;
    char holder[TICKET_HOLDER_MAX + 1]; /* whom it was given to, for people */
    char reason[TICKET_REASON_MAX + 1];
    int64_t issued_ms;
    int64_t expires_ms; /* at most TICKET_HOURS_MAX later */
};

/* Appends the signed ticket. ERR_INVALID names the member that isn't right. */
enum err ticket_make(const struct ticket *ticket, struct slice signer_pem, const struct key *key,
                     struct buf *out, struct fault *fault) MUST_CHECK;

/*
 * Reads and checks one for the appliance of that identity. A clock that stands before the ticket
 * was issued is wrong: then it is judged at the time of issue, and *left_ms is its whole time; else
 * what is left of it. Revocations that the appliance knows count, however old its list is: it may
 * have been without a link for long. ERR_INVALID: no ticket; ERR_REFUSED: signature, signer,
 * another device's, or expired.
 */
enum err ticket_open(struct slice envelope, const struct identity *identity, int64_t now_ms,
                     struct ticket *ticket, int64_t *left_ms, struct fault *fault) MUST_CHECK;

#endif
