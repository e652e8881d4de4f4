#include "agent/returns/fx.h"

int64_t fx_convert(int64_t amount_minor, const struct currency *from, const struct currency *to,
                   struct decimal rate)
{
    struct decimal factor = rate;
    for (unsigned i = to->exponent; i < from->exponent; i++)
        factor.places++;
    for (unsigned i = from->exponent; i < to->exponent; i++)
        factor.digits *= 10;
    return money_times(amount_minor, factor);
}
