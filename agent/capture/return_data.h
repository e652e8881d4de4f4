/*
 * The `data` of the events that a return's commands make: what the ledger and other stores are to
 * know, self-sufficient (return.created embeds the sale that it relied on). Pure writers.
 */
#ifndef AGENT_CAPTURE_RETURN_DATA_H
#define AGENT_CAPTURE_RETURN_DATA_H

#include "agent/capture/question.h"
#include "hal/base/jsonw.h"
#include "sync/contract/contact.h"

enum { BUSINESS_DATE_TEXT = 10 };

/* The store's own day, "2026-11-22". */
void business_date(char out[static BUSINESS_DATE_TEXT + 1], const struct facts *facts);

struct return_data {
    const char *number;
    const struct capture_config *store;
    const struct capture_actor *actor;
    const struct question *question;
    const struct cJSON *request;          /* as it came, so that the decision can be replayed */
    const struct contact_sealed *contact; /* what stands in place of the request's; NULL: none */
    bool contact_unsaved;                 /* it could not be sealed, and is kept nowhere */
};

void return_data_created(struct buf *out, const struct return_data *data);
/* The lines whose goods are on the counter; false if there are none and nothing was written. */
bool return_data_received(struct buf *out, const struct return_data *data);
/* One tender that the hub is to pay out; `position` counts the tenders that are paid out. */
void return_data_requested(struct buf *out, const struct return_data *data,
                           const struct decided_tender *tender, size_t position);

/* What the marketplace gives back; false if there is nothing and nothing was written. */
bool return_data_commission(struct buf *out, const struct return_data *data);

#endif
