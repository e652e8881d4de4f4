#include "agent/returns/marketplace.h"
#include "agent/returns/percent.h"

static const struct sale_market_line *find_line(const struct sale *sale, size_t sale_index)
{
    for (size_t i = 0; i < sale->market.line_count; i++)
        if (sale->market.lines[i].line == sale->lines[sale_index].line)
            return &sale->market.lines[i];
    return NULL;
}

static int64_t kept_of(const struct sale_market_line *market, int64_t fee_minor)
{
    struct decimal rate = {0};
    if (decimal_parse(slice_of(market->kept_rate), &rate) != ERR_OK)
        return 0;
    int64_t kept = percent_of(fee_minor, rate);
    return market->has_kept_cap && kept > market->kept_cap_minor ? market->kept_cap_minor : kept;
}

static int64_t not_below_zero(int64_t value)
{
    return value > 0 ? value : 0;
}

struct decided_commission marketplace_reverse(const struct sale *sale, size_t sale_index,
                                              const struct history_line *live, int64_t units,
                                              int64_t adjusted_minor)
{
    const struct sale_market_line *market = find_line(sale, sale_index);
    if (!market)
        return (struct decided_commission){0};
    const struct sale_line *line = &sale->lines[sale_index];
    int64_t on_adjusted =
        line->paid_minor ? money_share(market->fee_minor, adjusted_minor, line->paid_minor) : 0;
    int64_t fee = on_adjusted + money_share(market->fee_minor - on_adjusted, units, line->quantity);
    int64_t reversed = fee - kept_of(market, fee) - live->commission_minor;
    int64_t fee_now = not_below_zero(fee - live->commission_fee_minor);
    int64_t reversed_now = not_below_zero(reversed);
    return (struct decided_commission){
        .fee_minor = fee_now,
        .reversed_minor = reversed_now,
        .kept_minor = fee_now - reversed_now,
    };
}
