/*
 * What an appliance says of the configuration that it was sent, retained under up/config, told
 * again until the hub has answered it under down/config-ack. The same answer, come on a new
 * connection, is the proof that new connectivity works. Pure; any thread.
 */
#ifndef SYNC_CONTRACT_CONFIG_REPORT_H
#define SYNC_CONTRACT_CONFIG_REPORT_H

#include "sync/contract/config_section.h"

#define CONFIG_STATES(X)                                                                           \
    X(NONE, none) /* nothing was ever sent: it is as it was set up */                              \
    X(APPLIED, applied)                                                                            \
    X(REJECTED, rejected)               /* nothing of it was taken; path and reason say why */     \
    X(PENDING_CONFIRM, pending_confirm) /* taken on trial until the hub answers over it */         \
    X(ROLLED_BACK, rolled_back)         /* it was on trial, and the hub couldn't be reached */

#define CONFIG_STATE_ENUM(upper, lower) CONFIG_STATE_##upper,
enum config_state { CONFIG_STATES(CONFIG_STATE_ENUM) CONFIG_STATE_COUNT };

const char *config_state_name(enum config_state state);

enum { CONFIG_REPORT_BYTES_MAX = 4096, CONFIG_REASON_MAX = 500 };

struct config_report {
    enum config_state state;
    int64_t version;         /* of the document meant; 0: none, or one that is not to be believed */
    int64_t seen;            /* the highest version seen here: only higher ones are taken */
    struct sha256 hash;      /* of it; unless `version` is 0 */
    int64_t applied_version; /* of the one in force; 0: none */
    struct sha256 applied;   /* of it; unless `applied_version` is 0 */
    char path[FAULT_WHERE_MAX];         /* of what was wrong */
    char reason[CONFIG_REASON_MAX + 1]; /* "": nothing was */
    bool drift[CONFIG_SECTION_COUNT];   /* sections changed on the box since they were applied */
};

void config_report_write(struct buf *out, const struct config_report *report);
enum err config_report_read(struct slice text, struct config_report *report,
                            struct fault *fault) MUST_CHECK;

/* The hub has the report of that version and state. */
struct config_ack {
    int64_t version;
    enum config_state state;
};

void config_ack_write(struct buf *out, const struct config_ack *ack);
enum err config_ack_read(struct slice text, struct config_ack *ack, struct fault *fault) MUST_CHECK;

#endif
