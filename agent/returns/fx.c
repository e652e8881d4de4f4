#include "agent/returns/fx.h"

/* As minor units of one per minor unit of the other. */
static struct decimal factor_of(const struct currency *from, const struct currency *to,
                                struct decimal rate)
{
    struct decimal factor = rate;
    for (unsigned i = to->exponent; i < from->exponent; i++)
        factor.places++;
    for (unsigned i = from->exponent; i < to->exponent; i++)
        factor.digits *= 10;
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
    struct decimal factor = factor_of(from, to, rate);
    __int128 scale = 1;
    for (unsigned i = 0; i < factor.places; i++)
        scale *= 10;
    return (__int128)amount_minor * factor.digits / scale < MONEY_MAX_MINOR;
}
