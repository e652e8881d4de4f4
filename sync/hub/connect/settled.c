#include "sync/hub/connect/settled.h"
#include "hal/base/cleanup.h"
#include "hal/base/jsonw.h"
#include "sync/hub/ledger/period.h"

#include <stdio.h>

enum { DATA_MAX = 4096 };

/* `what` tells several facts apart that come of one movement. */
static enum err record(struct database *db, const struct settled *settled, enum event_type type,
                       const char *what, const struct buf *data, struct fault *fault)
{
    char device[DEVICE_ID_MAX + 1] = "";
    char key[SETTLED_KEY_MAX + 32];
    (void)snprintf(key, sizeof key, "%s/%s", settled->key, what);
    const struct centre_fact fact = {.correlation = settled->refund->correlation,
                                     .type = type,
                                     .data = buf_slice(data),
                                     .now_ms = settled->now_ms,
                                     .key = key};
    enum err err = buf_check(data, fault, "settlement event");
    if (!err && settled->queue)
        return centre_queue_add(settled->queue, &fact, fault);
    if (!err)
        err = centre_record(db, &fact, device, fault);
    if (!err)
        told_add(settled->told, device);
    return err;
}

static void write_common(struct jsonw *w, const struct settled *settled)
{
    char day[DAY_TEXT + 1];
    day_format(settled->day, day);
    jsonw_int(w, "position", settled->refund->position);
    jsonw_int(w, "tender", settled->refund->tender_no);
    if (*settled->reference)
        jsonw_text(w, "reference", settled->reference);
    jsonw_text(w, "business_date", day);
}

/* refund.settled of this kind. */
static enum err record_settled(struct database *db, const struct settled *settled, const char *kind,
                               int64_t amount_minor, int64_t fee_minor, struct fault *fault)
{
    struct buf data CLEANUP(buf_free);
    buf_init(&data, DATA_MAX);
    struct jsonw w = jsonw_to(&data);
    jsonw_object(&w, NULL);
    write_common(&w, settled);
    jsonw_text(&w, "type", settled->refund->tender);
    jsonw_int(&w, "amount", amount_minor);
    jsonw_int(&w, "fee", fee_minor);
    jsonw_text(&w, "kind", kind);
    if (*settled->refund->own)
        jsonw_text(&w, "refund", settled->refund->own);
    jsonw_end(&w);
    return record(db, settled, EVENT_REFUND_SETTLED, kind, &data, fault);
}

static enum err record_failed(struct database *db, const struct settled *settled,
                              struct fault *fault)
{
    struct buf data CLEANUP(buf_free);
    buf_init(&data, DATA_MAX);
    struct jsonw w = jsonw_to(&data);
    jsonw_object(&w, NULL);
    write_common(&w, settled);
    jsonw_text(&w, "type", settled->refund->tender);
    jsonw_text(&w, "failed", "the refund came back from the customer's bank");
    if (*settled->refund->own)
        jsonw_text(&w, "refund", settled->refund->own);
    jsonw_end(&w);
    return record(db, settled, EVENT_REFUND_FAILED, "failed", &data, fault);
}

static enum err record_disputed(struct database *db, const struct settled *settled,
                                const char *stage, int64_t fee_minor, struct fault *fault)
{
    struct buf data CLEANUP(buf_free);
    buf_init(&data, DATA_MAX);
    struct jsonw w = jsonw_to(&data);
    jsonw_object(&w, NULL);
    write_common(&w, settled);
    jsonw_text(&w, "stage", stage);
    jsonw_text(&w, "type", settled->refund->tender);
    jsonw_int(&w, "amount", settled->amount_minor);
    if (fee_minor > 0)
        jsonw_int(&w, "fee", fee_minor);
    jsonw_end(&w);
    return record(db, settled, EVENT_RETURN_DISPUTED, stage, &data, fault);
}

/* The refund is in that state now, and nobody misses it any more. */
static enum err close(struct database *db, const struct settled *settled, const char *state,
                      const char *how, struct fault *fault)
{
    const struct expected *refund = settled->refund;
    enum err err = expected_set_state(db, refund->number, state, settled->day, fault);
    return err || !refund->missed
               ? err
               : expected_found(db, refund, how, settled->now_ms, settled->queue, fault);
}

enum err settled_refund(struct database *db, const struct settled *settled, struct fault *fault)
{
    enum err err =
        record_settled(db, settled, "refund", settled->amount_minor, settled->fee_minor, fault);
    return err ? err : close(db, settled, "settled", "it is in a settlement now", fault);
}

enum err settled_came_back(struct database *db, const struct settled *settled, struct fault *fault)
{
    enum err err = ERR_OK;
    if (settled->refund->settled)
        err = record_settled(db, settled, "reversed", settled->amount_minor, settled->fee_minor,
                             fault);
    if (!err)
        err = record_failed(db, settled, fault);
    return err ? err : close(db, settled, "failed", "it came back, and is owed again", fault);
}

enum err settled_charged_back(struct database *db, const struct settled *settled,
                              struct fault *fault)
{
    int64_t fee = settled->fee_minor > 0 ? settled->fee_minor : 0;
    enum err err = record_disputed(db, settled, "opened", fee, fault);
    if (!err)
        err = record_settled(db, settled, "chargeback", settled->amount_minor + fee, 0, fault);
    return err ? err : expected_set_charged_back(db, settled->refund->number, true, fault);
}

enum err settled_won(struct database *db, const struct settled *settled, struct fault *fault)
{
    enum err err = record_disputed(db, settled, "won", 0, fault);
    if (!err)
        err = record_settled(db, settled, "sale", settled->amount_minor, settled->fee_minor, fault);
    return err ? err : expected_set_charged_back(db, settled->refund->number, false, fault);
}

enum err settled_give_up(struct database *db, const struct settled *settled, struct fault *fault)
{
    enum err err = settled_write_off(db, settled, fault);
    return err ? err : close(db, settled, "written_off", "it was written off", fault);
}

enum err settled_write_off(struct database *db, const struct settled *settled, struct fault *fault)
{
    return settled->amount_minor
               ? record_settled(db, settled, "written_off", settled->amount_minor, 0, fault)
               : ERR_OK;
}
