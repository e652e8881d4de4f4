/*
 * What one line of a return refunds: amount and every stored tax component by the cumulative rule,
 * restocking fee, cost and commission. Nothing is recomputed from a tax rate. Pure, any thread.
 */
#ifndef AGENT_RETURNS_REFUND_H
#define AGENT_RETURNS_REFUND_H

#include "agent/returns/decision.h"
#include "agent/returns/history.h"

/* What is to be refunded, besides the sale's line. */
struct refund_terms {
    const struct policy_fee *fee; /* NULL: none */
    bool goods_ours;              /* false: wrong goods, whose cost is not reversed */
    bool reverse_commission;
};

/*
 * Fills the amounts of `line` (whose sale_index and quantity are set, and whose taxes have room for
 * the sale line's components) for returning its quantity on top of `live`. The caller has checked
 * that so many are left.
 */
void refund_goods(const struct sale *sale, const struct history_line *live,
                  const struct refund_terms *terms, struct decided_line *line);

/*
 * The same for money without goods, `amount_minor` in the line's stored basis. ERR_REFUSED when
 * that is more than is left of the line.
 */
enum err refund_adjustment(const struct sale *sale, const struct history_line *live,
                           const struct refund_terms *terms, int64_t amount_minor,
                           struct decided_line *line) MUST_CHECK;

/*
 * For goods without a sale at hand: `quantity` at the unit price of the cheapest known sale line
 * (NULL: none), at most the claimed price (negative: none claimed), with that line's tax in
 * proportion. Without a known line the claimed price, and no tax.
 */
void refund_without_sale(const struct sale_line *cheapest, int64_t claimed_price_minor,
                         struct decided_line *line);

#endif
