#include "sync/hub/connect/reconcile_order.h"
#include "sync/hub/connect/expected.h"
#include "sync/hub/connect/reconcile_line.h"
#include "sync/hub/ingest/exception.h"
#include "sync/hub/ingest/ingest.sql.h"
#include "sync/hub/ledger/period.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static enum err open_line(struct database *db, int64_t number, struct reconcile_line *line,
                          struct fault *fault)
{
    bool found;
    enum err err =
        reconcile_line_load(db, INGEST_SETTLEMENT_LINE_FIND, number, line, &found, fault);
    if (err)
        return err;
    if (!found)
        return fault_set(fault, ERR_NOT_FOUND, "line", "there is no such line");
    if (strcmp(line->state, "unmatched") != 0 && strcmp(line->state, "differs") != 0)
        return fault_set(fault, ERR_CONFLICT, "line", "is %s and needs no decision", line->state);
    return ERR_OK;
}

/* Whatever people were told of the line is decided. */
static enum err resolve_line(struct database *db, const struct reconcile_order *order,
                             const char *how, struct fault *fault)
{
    static const uint32_t kinds[] = {0, MISMATCH_BIT(MISMATCH_CURRENCY),
                                     MISMATCH_BIT(MISMATCH_DUAL_REFUND)};
    enum err err = ERR_OK;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds && !err; i++)
        err = exception_settle(db, reconcile_line_exception(kinds[i]), order->line * 2, how,
                               order->now_ms, fault);
    return err;
}

static enum err open_refund(struct database *db, int64_t number, struct expected *refund,
                            struct fault *fault)
{
    enum err err = expected_find(db, number, refund, fault);
    if (!err && refund->closed)
        err = fault_set(fault, ERR_CONFLICT, "refund", "was settled or decided before");
    return err;
}

enum err reconcile_match(struct database *db, const struct reconcile_order *order,
                         struct told *told, struct fault *fault)
{
    struct reconcile_line line;
    struct expected refund;
    const struct match match = {MATCH_NONE, 0, 0};
    enum err err = open_line(db, order->line, &line, fault);
    if (!err)
        err = open_refund(db, order->refund, &refund, fault);
    if (err)
        return err;
    if (line.is.kind != SETTLEMENT_KIND_REFUND || line.is.gross_minor > 0)
        return fault_set(fault, ERR_REFUSED, "line", "isn't money that was refunded");
    if (strcmp(line.is.currency, refund.currency) != 0)
        return fault_set(fault, ERR_REFUSED, "line", "is in %s, the refund in %s", line.is.currency,
                         refund.currency);
    struct settled settled = reconcile_line_settled(&line, &refund, order->now_ms);
    settled.told = told;
    err = settled_refund(db, &settled, fault);
    settled.amount_minor = refund.amount_minor - settled.amount_minor;
    if (!err)
        err = settled_write_off(db, &settled, fault);
    if (!err)
        err = reconcile_line_mark(db, line.number, "matched", &match, refund.number, fault);
    return err ? err : resolve_line(db, order, "a person matched the line to a refund", fault);
}

enum err reconcile_set_aside(struct database *db, const struct reconcile_order *order,
                             struct fault *fault)
{
    struct reconcile_line line;
    enum err err = open_line(db, order->line, &line, fault);
    if (!err)
        err = reconcile_line_mark(db, line.number, "set_aside", NULL, 0, fault);
    return err ? err : resolve_line(db, order, "a person set the line aside", fault);
}

enum err reconcile_write_off(struct database *db, const struct reconcile_order *order,
                             struct told *told, struct fault *fault)
{
    struct expected refund;
    enum err err = open_refund(db, order->refund, &refund, fault);
    if (err)
        return err;
    char key[SETTLED_KEY_MAX];
    (void)snprintf(key, sizeof key, "write-off/%" PRId64 "/%.64s/%.64s", refund.position,
                   refund.reference, refund.own);
    const struct settled settled = {.refund = &refund,
                                    .key = key,
                                    .amount_minor = refund.amount_minor,
                                    .day = day_of_ms(order->now_ms),
                                    .reference = "",
                                    .now_ms = order->now_ms,
                                    .told = told};
    return settled_give_up(db, &settled, fault);
}
