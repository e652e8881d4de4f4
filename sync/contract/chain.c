#include "sync/contract/chain.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct sha256 chain_origin(const struct id *log, const struct chain_parent *parent)
{
    struct slice parts[] = {
        SLICE_LITERAL("tillback-log"),
        {(const char *)log->bytes, ID_BYTES},
        {"", 0},
        {"", 0},
        {"", 0},
    };
    char seq[24] = "";
    if (parent) {
        (void)snprintf(seq, sizeof seq, "%" PRId64, parent->seq);
        parts[2] = (struct slice){(const char *)parent->log.bytes, ID_BYTES};
        parts[3] = (struct slice){seq, strlen(seq)};
        parts[4] = (struct slice){(const char *)parent->hash.bytes, SHA256_BYTES};
    }
    return sha256_of_all(parts, sizeof parts / sizeof *parts);
}

struct sha256 chain_next(const struct sha256 *previous, struct slice body)
{
    const struct slice parts[] = {{(const char *)previous->bytes, SHA256_BYTES}, body};
    return sha256_of_all(parts, sizeof parts / sizeof *parts);
}
