/*
 * Recording a sale inside a command, by itself or as the new goods of an exchange. The event log's
 * writer thread.
 */
#ifndef AGENT_CAPTURE_SALE_H
#define AGENT_CAPTURE_SALE_H

#include "agent/capture/job.h"
#include "agent/returns/sale.h"

struct sale_draft {
    const struct sale *sale;
    const struct cJSON *doc; /* as it came */
};

/*
 * Appends sale.recorded and tells its id and seq. A sale with this receipt and the same content is
 * `known` (nothing is appended); with another content it is ERR_CONFLICT.
 */
enum err sale_record(struct capture_job *job, struct eventlog_txn *txn,
                     const struct sale_draft *draft, struct id *id, int64_t *seq, bool *known,
                     struct fault *fault) MUST_CHECK;

#endif
