#include "sync/contract/wide.h"

#include <assert.h>

struct wide wide_times(uint64_t a, uint64_t b)
{
    uint64_t a_low = (uint32_t)a;
    uint64_t a_high = a >> 32;
    uint64_t b_low = (uint32_t)b;
    uint64_t b_high = b >> 32;
    uint64_t low = a_low * b_low;
    uint64_t middle = a_high * b_low + (low >> 32); /* at most 2^64 - 2^32 */
    uint64_t other = a_low * b_high + (uint32_t)middle;
    return (struct wide){
        .high = a_high * b_high + (middle >> 32) + (other >> 32),
        .low = other << 32 | (uint32_t)low,
    };
}

int wide_compare(struct wide a, struct wide b)
{
    if (a.high != b.high)
        return a.high < b.high ? -1 : 1;
    return a.low < b.low ? -1 : a.low > b.low;
}

bool wide_divide(struct wide value, uint64_t by, uint64_t *quotient, uint64_t *rest)
{
    assert(by > 0);
    if (value.high >= by)
        return false;
    if (value.high == 0) {
        *quotient = value.low / by;
        *rest = value.low % by;
        return true;
    }
    /* As on paper, a bit at a time. */
    uint64_t left = value.high;
    uint64_t result = 0;
    for (int bit = 63; bit >= 0; bit--) {
        bool carry = left >> 63;
        left = left << 1 | (value.low >> bit & 1);
        result <<= 1;
        if (carry || left >= by) {
            left -= by;
            result |= 1;
        }
    }
    *quotient = result;
    *rest = left;
    return true;
}
