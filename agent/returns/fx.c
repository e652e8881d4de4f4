#include "agent/returns/fx.h"

/*
 * The rate between minor units instead of whole ones. A rate too large to be represented becomes
 * the largest one, which no amount fits.
 */
static struct decimal factor_of(const struct currency *from, const struct currency *to,
                                struct decimal rate)
{
    struct decimal factor = rate;
    for (unsigned i = to->exponent; i < from->exponent; i++)
        factor.places++;
    for (unsigned i = from->exponent; i < to->exponent; i++) {
        if (factor.places > 0)
            factor.places--;
        else if (__builtin_mul_overflow(factor.digits, 10, &factor.digits))
            factor.digits = INT64_MAX;
    }
    return factor;
}

int64_t fx_convert(int64_t amount_minor, const struct currency *from, const struct currency *to,
                   struct decimal rate)
{
    return money_times(amount_minor, factor_of(from, to, rate));
}

bool fx_fits(int64_t amount_minor, const struct currency *from, const struct currency *to,
             struct decimal rate)
{
    int64_t converted = fx_convert(amount_minor, from, to, rate);
    return converted <= MONEY_MAX_MINOR && converted >= -MONEY_MAX_MINOR;
}
