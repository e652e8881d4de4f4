/*
 * Journal templates: for each trigger, which roles are debited and credited with which of the
 * trigger's amounts. A template is taken only if it balances whatever the amounts are.
 * Read-only once read, any thread.
 */
#ifndef SYNC_HUB_LEDGER_TEMPLATE_H
#define SYNC_HUB_LEDGER_TEMPLATE_H

#include "hal/base/json.h"

enum { TEMPLATE_LINES_MAX = 16 };

#define TEMPLATE_AMOUNTS(X)                                                                        \
    X(AMOUNT, amount) /* the one amount of a simple trigger */                                     \
    X(NET, net)                                                                                    \
    X(TAX, tax)                 /* one journal line for each tax component */                      \
    X(UNSUPPORTED, unsupported) /* given back though no sale stands behind it, gross */            \
    X(FEE_NET, fee_net)                                                                            \
    X(FEE_TAX, fee_tax) /* one journal line for each tax component */                              \
    X(DUE, due)         /* owed to the customer */                                                 \
    X(COST, cost)                                                                                  \
    X(VALUE, value) /* what can still be got for the goods, at most their cost */                  \
    X(WRITE_DOWN, write_down)                                                                      \
    X(CLEARED, cleared)   /* of what is owed */                                                    \
    X(ROUNDING, rounding) /* handed over beyond the entitlement; may be negative */                \
    X(FX_LOSS, fx_loss)                                                                            \
    X(FX_GAIN, fx_gain)                                                                            \
    X(PAID, paid)                                                                                  \
    X(FEE, fee)                                                                                    \
    X(PAYOUT, payout)

#define TEMPLATE_AMOUNT_ENUM(upper, lower) AMOUNT_##upper,
enum amount { TEMPLATE_AMOUNTS(TEMPLATE_AMOUNT_ENUM) AMOUNT_COUNT };

/*
 * trigger, is it undone by a void, and its amounts with the sign they have in the identity that
 * always holds between them: +net +tax +unsupported -fee_net -fee_tax -due = 0. A trigger with one
 * amount has no identity.
 */
#define TEMPLATE_TRIGGERS(X)                                                                       \
    X(ACCEPTED, accepted, true, "+net +tax +unsupported -fee_net -fee_tax -due")                   \
    X(OVER_RETURN, over_return, true, "+unsupported -net -tax")                                    \
    X(ROUNDING_REVERSED, rounding_reversed, true, "amount")                                        \
    X(GOODS_RECEIVED, goods_received, true, "cost")                                                \
    X(RESTOCKED, restocked, true, "cost")                                                          \
    X(SENT_TO_REPAIR, sent_to_repair, true, "cost")                                                \
    X(RETURNED_TO_SUPPLIER, returned_to_supplier, true, "cost")                                    \
    X(LIQUIDATED, liquidated, true, "+value +write_down -cost")                                    \
    X(DONATED, donated, true, "cost")                                                              \
    X(WRITTEN_OFF, written_off, true, "cost")                                                      \
    X(REFUND_ISSUED, refund_issued, false, "+cleared +rounding +fx_loss -fx_gain -paid")           \
    X(MARKETPLACE_REFUNDED, marketplace_refunded, false, "amount")                                 \
    X(REFUND_UNSUPPORTED, refund_unsupported, false, "amount")                                     \
    X(REFUND_SETTLED, refund_settled, false, "+amount +fee -payout")                               \
    X(MARKETPLACE_SETTLED, marketplace_settled, false, "amount")                                   \
    X(COMMISSION_SETTLED, commission_settled, false, "amount")                                     \
    X(SALE_SETTLED, sale_settled, false, "+payout +fee -amount")                                   \
    X(CHARGEBACK_SETTLED, chargeback_settled, false, "amount")                                     \
    X(SETTLEMENT_WRITTEN_OFF, settlement_written_off, false, "amount")                             \
    X(MARKETPLACE_WRITTEN_OFF, marketplace_written_off, false, "amount")                           \
    X(EXCHANGED, exchanged, true, "+cleared -net -tax")                                            \
    X(TAX_ADJUSTED, tax_adjusted, true, "+tax -net")                                               \
    X(COMMISSION_REVERSED, commission_reversed, true, "amount")                                    \
    X(CHARGEBACK_OPENED, chargeback_opened, false, "amount")                                       \
    X(CHARGEBACK_FEE, chargeback_fee, false, "amount")                                             \
    X(CHARGEBACK_LOST, chargeback_lost, false, "amount")                                           \
    X(CHARGEBACK_WON, chargeback_won, false, "amount")

#define TEMPLATE_TRIGGER_ENUM(upper, lower, undone, identity) TRIGGER_##upper,
enum trigger { TEMPLATE_TRIGGERS(TEMPLATE_TRIGGER_ENUM) TRIGGER_COUNT };

/* "accepted": the rule's name in an entry and its reference. */
const char *trigger_name(enum trigger trigger);
/* True for what a void, a refusal or a failed check takes back. */
bool trigger_undone_by_void(enum trigger trigger);

enum template_side { TEMPLATE_DEBIT, TEMPLATE_CREDIT };

struct template_line {
    int side; /* enum template_side */
    const char *role;
    int amount; /* enum amount */
};

struct template
{
    int trigger; /* enum trigger */
    struct template_line *lines;
    size_t line_count;
};

/* The fields of one template in the document. */
extern const struct json_table template_table;

/*
 * ERR_INVALID when the template uses an amount that its trigger doesn't have, or wouldn't always
 * balance.
 */
enum err template_check(const struct template *template, struct fault *fault) MUST_CHECK;

#endif
