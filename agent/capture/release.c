#include "agent/capture/release.h"
#include "hal/base/cleanup.h"

#include <stdio.h>

enum err release_append(struct release *release, enum event_type type, struct slice data,
                        struct fault *fault)
{
    char id[ID_TEXT + 1];
    char subject[ID_TEXT + sizeof "exception/"];
    id_format(&release->id, id);
    (void)snprintf(subject, sizeof subject, "%s/%s", release->of_no_return ? "exception" : "return",
                   id);
    struct event event =
        job_event(release->job, type, &release->id, release->sequence + 1, slice_of(subject), data);
    int64_t seq;
    enum err err = eventlog_append(release->txn, &event, &seq, fault);
    if (err)
        return err;
    release->sequence++;
    if (!release->any)
        release->first = event.id;
    release->any = true;
    return ERR_OK;
}

static enum err receive(struct release *release, const struct return_data *data,
                        struct fault *fault)
{
    struct buf body CLEANUP(buf_free);
    buf_init(&body, EVENT_BODY_MAX);
    if (!return_data_received(&body, data))
        return ERR_OK;
    enum err err = buf_check(&body, fault, "goods");
    return err ? err : release_append(release, EVENT_ITEM_RECEIVED, buf_slice(&body), fault);
}

static enum err request(struct release *release, const struct return_data *data,
                        const struct decided_tender *tender, size_t position, struct fault *fault)
{
    struct buf body CLEANUP(buf_free);
    buf_init(&body, EVENT_BODY_MAX);
    return_data_requested(&body, data, tender, position);
    enum err err = buf_check(&body, fault, "refund");
    return err ? err : release_append(release, EVENT_REFUND_REQUESTED, buf_slice(&body), fault);
}

/* A check that is still pending holds back what the hub would pay out. */
static enum err request_refunds(struct release *release, const struct return_data *data,
                                struct fault *fault)
{
    const struct decision *decision = &data->question->decision;
    size_t position = 0;
    for (size_t i = 0; i < decision->tender_count; i++) {
        const struct decided_tender *tender = &decision->tenders[i];
        if (tender->type == TENDER_ROUNDING)
            continue;
        enum err err = ERR_OK;
        if (tender->executor == EXECUTOR_HUB)
            err = request(release, data, tender, position, fault);
        if (err)
            return err;
        position++;
    }
    return ERR_OK;
}

static enum err reverse_commission(struct release *release, const struct return_data *data,
                                   struct fault *fault)
{
    struct buf body CLEANUP(buf_free);
    buf_init(&body, EVENT_BODY_MAX);
    if (!return_data_commission(&body, data))
        return ERR_OK;
    enum err err = buf_check(&body, fault, "commission");
    return err ? err : release_append(release, EVENT_COMMISSION_REVERSED, buf_slice(&body), fault);
}

enum err release_accepted(struct release *release, const struct return_data *data,
                          struct fault *fault)
{
    int outcome = data->question->decision.outcome;
    if (outcome != OUTCOME_ACCEPTED && outcome != OUTCOME_PENDING_CHECK)
        return ERR_OK;
    enum err err = receive(release, data, fault);
    if (!err)
        err = reverse_commission(release, data, fault);
    if (!err && outcome == OUTCOME_ACCEPTED)
        err = request_refunds(release, data, fault);
    return err;
}
