#include "agent/returns/refund.h"
#include "agent/returns/marketplace.h"
#include "agent/returns/percent.h"
#include "agent/returns/share.h"

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/*
 * Net and gross from the amount in the sale's basis. Where prices include tax, the taxes together
 * are held to the gross; what is cut is carried to the next piece by the cumulative rule.
 */
static void settle_line(bool prices_include_tax, struct decided_line *line)
{
    int64_t tax = 0;
    for (size_t i = 0; i < line->tax_count; i++) {
        struct decided_tax *part = &line->taxes[i];
        if (prices_include_tax)
            part->amount_minor = smaller(part->amount_minor, line->amount_minor - tax);
        tax += part->amount_minor;
    }
    line->gross_minor = prices_include_tax ? line->amount_minor : line->amount_minor + tax;
    line->net_minor = line->gross_minor - tax;
}

static int64_t tax_left(const struct sale_line *sold, const struct history_line *live, size_t i)
{
    return sold->taxes[i].amount_minor - live->taxes_minor[i] - live->adjusted_taxes_minor[i];
}

/*
 * Where prices include tax, what is left of the price must hold what is left of the tax; else the
 * last piece could not give all of it back. Rounding may ask for a little more now.
 */
static void leave_room(const struct sale_line *sold, const struct history_line *live,
                       struct decided_line *line)
{
    int64_t left = sold->paid_minor - live->amount_minor - live->adjusted_minor;
    int64_t missing = line->amount_minor - left;
    for (size_t i = 0; i < line->tax_count; i++)
        missing += tax_left(sold, live, i) - line->taxes[i].amount_minor;
    for (size_t i = 0; i < line->tax_count && missing > 0; i++) {
        struct decided_tax *part = &line->taxes[i];
        int64_t more = smaller(missing, tax_left(sold, live, i) - part->amount_minor);
        if (more <= 0)
            continue;
        part->amount_minor += more;
        missing -= more;
    }
}

static const struct history_fee *fee_so_far(const struct history_line *live,
                                            const struct policy_fee *fee)
{
    static const struct history_fee none;
    for (size_t i = 0; i < live->fee_count; i++) {
        const struct history_fee *so_far = &live->fees[i];
        if (so_far->rate.digits == fee->rate.digits && so_far->rate.places == fee->rate.places &&
            so_far->taxed == fee->taxed)
            return so_far;
    }
    return &none;
}

/*
 * Takes the restocking fee on the net of all pieces that bore this rate, less what was taken for
 * them before.
 */
static void take_fee(const struct sale_line *sold, const struct history_line *live,
                     const struct policy_fee *fee, struct decided_line *line)
{
    const struct history_fee *so_far = fee_so_far(live, fee);
    int64_t net = percent_of(so_far->base_minor + line->net_minor, fee->rate);
    int64_t tax = 0;
    if (fee->taxed && sold->net_minor > 0)
        tax = money_share(net, sold->tax_minor, sold->net_minor);
    int64_t due = net + tax - so_far->fee_minor;
    due = due < 0 ? 0 : smaller(due, line->gross_minor);
    int64_t tax_due = tax - so_far->tax_minor;
    line->fee = (struct decided_fee){
        .rate = fee->rate,
        .rule = fee->rule,
        .taxed = fee->taxed,
        .base_minor = line->net_minor,
        .amount_minor = due,
        .tax_minor = tax_due < 0 ? 0 : smaller(tax_due, due),
    };
}

static void take_cost(const struct sale_line *sold, const struct history_line *live,
                      bool goods_ours, struct decided_line *line)
{
    line->has_cost = sold->has_cost && goods_ours;
    if (line->has_cost)
        line->cost_minor = share_next(sold->cost_minor, sold->quantity, live->cost_units,
                                      line->quantity, live->cost_minor);
}

void refund_goods(const struct sale *sale, const struct history_line *live,
                  const struct refund_terms *terms, struct decided_line *line)
{
    const struct sale_line *sold = &sale->lines[line->sale_index];
    line->amount_minor = share_next(sold->paid_minor - live->adjusted_minor, sold->quantity,
                                    live->units, line->quantity, live->amount_minor);
    line->tax_count = sold->tax_count;
    for (size_t i = 0; i < sold->tax_count; i++) {
        int64_t stored = sold->taxes[i].amount_minor - live->adjusted_taxes_minor[i];
        line->taxes[i].charged = &sold->taxes[i];
        line->taxes[i].amount_minor =
            share_next(stored, sold->quantity, live->units, line->quantity, live->taxes_minor[i]);
    }
    if (sale->prices_include_tax)
        leave_room(sold, live, line);
    settle_line(sale->prices_include_tax, line);
    if (terms->fee)
        take_fee(sold, live, terms->fee, line);
    take_cost(sold, live, terms->goods_ours, line);
    if (terms->reverse_commission)
        line->commission = marketplace_reverse(sale, line->sale_index, live,
                                               live->units + line->quantity, live->adjusted_minor);
}

enum err refund_adjustment(const struct sale *sale, const struct history_line *live,
                           const struct refund_terms *terms, int64_t amount_minor,
                           struct decided_line *line)
{
    const struct sale_line *sold = &sale->lines[line->sale_index];
    if (amount_minor > sold->paid_minor - live->amount_minor - live->adjusted_minor)
        return ERR_REFUSED;
    int64_t adjusted = live->adjusted_minor + amount_minor;
    line->adjustment = true;
    line->amount_minor = amount_minor;
    line->tax_count = sold->tax_count;
    for (size_t i = 0; i < sold->tax_count; i++) {
        int64_t stored = sold->taxes[i].amount_minor;
        int64_t left = tax_left(sold, live, i);
        int64_t due = share_next(stored, sold->paid_minor, live->adjusted_minor, amount_minor,
                                 live->adjusted_taxes_minor[i]);
        line->taxes[i].charged = &sold->taxes[i];
        line->taxes[i].amount_minor = smaller(due, left);
    }
    if (sale->prices_include_tax)
        leave_room(sold, live, line);
    settle_line(sale->prices_include_tax, line);
    if (terms->reverse_commission)
        line->commission = marketplace_reverse(sale, line->sale_index, live, live->units, adjusted);
    return ERR_OK;
}

void refund_without_sale(const struct sale_line *cheapest, int64_t claimed_price_minor,
                         struct decided_line *line)
{
    int64_t claimed = 0;
    if (claimed_price_minor >= 0 &&
        __builtin_mul_overflow(claimed_price_minor, line->quantity, &claimed))
        claimed = MONEY_MAX_MINOR;
    if (!cheapest) {
        line->gross_minor = smaller(claimed, MONEY_MAX_MINOR);
        line->net_minor = line->gross_minor;
        line->amount_minor = line->gross_minor;
        return;
    }
    int64_t gross = money_share(cheapest->gross_minor, line->quantity, cheapest->quantity);
    if (claimed_price_minor >= 0)
        gross = smaller(gross, claimed);
    line->amount_minor = gross;
    line->tax_count = cheapest->tax_count;
    for (size_t i = 0; i < cheapest->tax_count; i++) {
        line->taxes[i].charged = &cheapest->taxes[i];
        line->taxes[i].amount_minor =
            cheapest->gross_minor
                ? money_share(cheapest->taxes[i].amount_minor, gross, cheapest->gross_minor)
                : 0;
    }
    settle_line(true, line);
    line->has_cost = cheapest->has_cost;
    if (cheapest->has_cost)
        line->cost_minor = money_share(cheapest->cost_minor, line->quantity, cheapest->quantity);
}
