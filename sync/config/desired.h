/*
 * A configuration that came: whether it is the hub's, for this appliance, and newer than what was
 * seen before. What it says is for others to judge. Pure but for the signature's arithmetic.
 */
#ifndef SYNC_CONFIG_DESIRED_H
#define SYNC_CONFIG_DESIRED_H

#include "provisioning/envelope.h"
#include "sync/contract/config_report.h"

struct desired_rules {
    struct verify_rules signer; /* whom to trust, and what time it is */
    const char *device;
    const char *store;                 /* "": not assigned one yet */
    const struct config_report *known; /* the newest document that passed here, and its fate */
};

enum desired_verdict {
    DESIRED_NEW,
    DESIRED_KNOWN, /* the very document that is known already */
};

/*
 * Appends the document's exact bytes to `text`; `config` points into it. ERR_REFUSED: not signed by
 * the hub, of another device or store, older than, or another document under the version of, what
 * is known; fault->where names "signature", "device", "store" or "version". ERR_INVALID: it is
 * signed, but can't be read.
 */
enum err desired_open(struct slice envelope, const struct desired_rules *rules, struct buf *text,
                      struct config *config, enum desired_verdict *verdict,
                      struct fault *fault) MUST_CHECK;

#endif
