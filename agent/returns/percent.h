/* A percentage of an amount, half away from zero. Pure, any thread. */
#ifndef AGENT_RETURNS_PERCENT_H
#define AGENT_RETURNS_PERCENT_H

#include "sync/contract/money.h"

/* `rate` is in per cent: "7.5" of 200 is 15. */
int64_t percent_of(int64_t amount_minor, struct decimal rate);

#endif
