#include "agent/returns/percent.h"

int64_t percent_of(int64_t amount_minor, struct decimal rate)
{
    struct decimal factor = {.digits = rate.digits, .places = (uint8_t)(rate.places + 2)};
    return money_times(amount_minor, factor);
}
