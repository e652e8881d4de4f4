#include "sync/hub/connect/authorisation.h"
#include "sync/hub/connect/claim.h"
#include "sync/hub/connect/follow.h"
#include "sync/hub/ingest/lease.h"

#include <string.h>

enum { MS_PER_S = 1000, DAY_MS = 86400 * 1000 };

/* --- Claims ---------------------------------------------------------------------------------- */

/* How many units of the line the receipt had; 0 without a sale. */
static int64_t sold_of(const struct cJSON *sale, int64_t number)
{
    const struct cJSON *line = sale ? json_first(json_member(sale, "lines")) : NULL;
    for (; line; line = json_next(line))
        if (json_member_int(line, "line", -1) == number)
            return json_member_int(line, "quantity", 0);
    return 0;
}

/* The goods of an accepted return are claimed: nobody else can have returned them. */
static enum err claim_goods(struct follow *f, const struct cJSON *created, bool pending_check)
{
    struct claim_line lines[CLAIM_LINES_MAX];
    const struct cJSON *line = json_first(json_member(created, "lines"));
    const char *shown = follow_text(created, "authorisation");
    const struct id authorisation = authorisation_id(shown);
    struct claim claim = {.correlation = f->event.correlation,
                          .receipt = follow_text(created, "receipt"),
                          .number = follow_text(created, "number"),
                          .authorisation = *shown ? &authorisation : NULL,
                          .lines = lines,
                          .pending_check = pending_check,
                          .now_ms = f->now_ms,
                          .told = f->told};
    for (; line && claim.count < CLAIM_LINES_MAX; line = json_next(line)) {
        int64_t number = json_member_int(line, "line", -1);
        const struct claim_item item = claim_item_of(created, line);
        lines[claim.count++] =
            (struct claim_line){.line = number,
                                .quantity = json_member_int(line, "quantity", 0),
                                .sold = sold_of(json_member(created, "sale"), number),
                                .item = item,
                                .item_sold = claim_item_sold(created, &item)};
    }
    if (!*claim.receipt)
        return ERR_OK;
    return claim_return(f->db, &claim, f->fault);
}

/* Whoever asked for the receipt is done with it. */
static enum err end_lease(struct follow *f, const struct cJSON *created)
{
    return lease_end(f->db, follow_text(created, "receipt"), &f->event.correlation, f->received_ms,
                     f->fault);
}

/* --- The return ------------------------------------------------------------------------------ */

/* The money of the whole return, on the day of this event. */
static enum err count_total(struct follow *f, const char *name, const struct cJSON *created)
{
    const struct cJSON *refund = json_member(created, "refund");
    return follow_count(f, name, follow_text(created, "currency"),
                        refund ? json_member_int(refund, "total", 0) : 0);
}

enum err follow_approved(struct follow *f)
{
    enum err err = follow_read_created(f);
    bool pending = strcmp(follow_text(f->data, "decision"), "accepted_pending_check") == 0;
    if (!err && f->created)
        err = count_total(f, "accepted", f->created);
    if (!err && f->created)
        err = end_lease(f, f->created);
    return err || !f->created ? err : claim_goods(f, f->created, pending);
}

enum err follow_declined(struct follow *f)
{
    return claim_end(f->db, &f->event.correlation, f->fault);
}

/* It was accepted, and came to nothing. */
enum err follow_voided(struct follow *f)
{
    enum err err = follow_read_created(f);
    if (!err && f->created)
        err = count_total(f, "voided", f->created);
    if (!err)
        err = follow_paid(f);
    return err ? err : claim_end(f->db, &f->event.correlation, f->fault);
}

enum err follow_checked(struct follow *f)
{
    return strcmp(follow_text(f->data, "result"), "passed") == 0 ? follow_request_refunds(f)
                                                                 : follow_voided(f);
}

enum err follow_created(struct follow *f)
{
    const struct cJSON *refund = json_member(f->data, "refund");
    const char *decision = follow_text(f->data, "decision");
    bool pending = strcmp(decision, "accepted_pending_check") == 0;
    bool given = pending || strcmp(decision, "accepted") == 0;
    int64_t delay_s = (f->received_ms - f->event.time_ms) / MS_PER_S;
    enum err err = measure_time(f->db, MEASURE_ARRIVAL, delay_s, f->fault);
    if (!err)
        err = end_lease(f, f->data);
    if (!err && given)
        err = count_total(f, "accepted", f->data);
    if (!err && given)
        err = claim_goods(f, f->data, pending);
    if (err || !given || !follow_was_offline(f))
        return err;
    return measure_sum(f->db, "offline", follow_text(f->data, "currency"),
                       refund ? json_member_int(refund, "total", 0) : 0, f->fault);
}

enum err follow_disposed(struct follow *f)
{
    const struct cJSON *line = json_first(json_member(f->data, "lines"));
    for (; line; line = json_next(line))
        if (strcmp(follow_text(line, "disposition"), "restock") == 0)
            return follow_measure(f, MEASURE_RESTOCK, f->event.time_ms);
    return ERR_OK;
}

enum err follow_settled(struct follow *f)
{
    const char *kind = follow_text(f->data, "kind");
    if (*kind && strcmp(kind, "refund") != 0)
        return ERR_OK;
    enum err err = follow_measure(f, MEASURE_SETTLEMENT, follow_day(f) * DAY_MS);
    return err ? err
               : follow_count(f, "settled", follow_text(f->created, "currency"),
                              json_member_int(f->data, "amount", 0));
}

enum err follow_completed(struct follow *f)
{
    return follow_measure(f, MEASURE_COMPLETION, f->event.time_ms);
}
