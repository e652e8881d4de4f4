/*
 * The hash chain of a log: hash = SHA-256(previous hash || body). The first event of a log chains
 * from its origin: SHA-256 of "tillback-log" and the log id, or, for a fork, of that and the parent
 * log's id, seq and hash. Since the body holds the idempotency key and request hash, the chain
 * covers them. Pure; any thread.
 */
#ifndef SYNC_CONTRACT_CHAIN_H
#define SYNC_CONTRACT_CHAIN_H

#include "hal/base/id.h"
#include "hal/base/sha256.h"

/* Where a fork left its parent. */
struct chain_parent {
    struct id log;
    int64_t seq;
    struct sha256 hash;
};

/* `parent` NULL for a log without one. */
struct sha256 chain_origin(const struct id *log, const struct chain_parent *parent);
struct sha256 chain_next(const struct sha256 *previous, struct slice body);

#endif
