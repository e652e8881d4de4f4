#include "sync/config/desired.h"

#include <string.h>

static enum err check_version(const struct config *config, const struct sha256 *hash,
                              const struct config_report *known, enum desired_verdict *verdict,
                              struct fault *fault)
{
    if (config->version < known->seen)
        return fault_set(fault, ERR_REFUSED, "version", "%lld is older than %lld, seen before",
                         (long long)config->version, (long long)known->seen);
    if (config->version > known->seen) {
        *verdict = DESIRED_NEW;
        return ERR_OK;
    }
    if (!sha256_equal(hash, &known->hash))
        return fault_set(fault, ERR_REFUSED, "version",
                         "%lld was another document when it was seen before",
                         (long long)config->version);
    *verdict = DESIRED_KNOWN;
    return ERR_OK;
}

enum err desired_open(struct slice envelope, const struct desired_rules *rules, struct buf *text,
                      struct config *config, enum desired_verdict *verdict, struct fault *fault)
{
    struct config read;
    enum err err = envelope_open(CONFIG_ENVELOPE, envelope, &rules->signer, text, fault);
    if (err == ERR_REFUSED || err == ERR_INVALID) {
        struct fault why = *fault;
        return fault_set(fault, ERR_REFUSED, "signature", "it is not the hub's: %s", why.text);
    }
    if (!err)
        err = config_read(buf_slice(text), &read, fault);
    if (err)
        return err;
    if (strcmp(read.device, rules->device) != 0)
        return fault_set(fault, ERR_REFUSED, "device", "it is for %s", read.device);
    if (read.store[0] && rules->store[0] && strcmp(read.store, rules->store) != 0)
        return fault_set(fault, ERR_REFUSED, "store", "it is for store %s", read.store);
    const struct sha256 hash = config_hash(buf_slice(text));
    err = check_version(&read, &hash, rules->known, verdict, fault);
    if (!err)
        *config = read;
    return err;
}
