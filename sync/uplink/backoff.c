#include "sync/uplink/backoff.h"

#include <assert.h>

int64_t backoff_next(struct backoff *backoff, uint32_t random)
{
    assert(backoff->base_ms > 0 && backoff->cap_ms >= backoff->base_ms);
    int64_t ceiling = backoff->base_ms;
    for (unsigned i = 0; i < backoff->failures && ceiling < backoff->cap_ms; i++)
        ceiling *= 2;
    if (ceiling > backoff->cap_ms)
        ceiling = backoff->cap_ms;
    backoff->failures++;
    int64_t least = ceiling / 10;
    return least + (int64_t)((uint64_t)random * (uint64_t)(ceiling - least) / UINT32_MAX);
}

void backoff_reset(struct backoff *backoff)
{
    backoff->failures = 0;
}
