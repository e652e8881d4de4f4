/*
 * Amounts in another currency: a rate says what one unit of the one is in units of the other, the
 * two currencies' exponents are allowed for. Half away from zero. Pure, any thread.
 */
#ifndef AGENT_RETURNS_FX_H
#define AGENT_RETURNS_FX_H

#include "sync/contract/money.h"

int64_t fx_convert(int64_t amount_minor, const struct currency *from, const struct currency *to,
                   struct decimal rate);

/* Whether what that comes to is an amount at all: within 2^53 - 1. */
bool fx_fits(int64_t amount_minor, const struct currency *from, const struct currency *to,
             struct decimal rate);

#endif
