#include "agent/returns/gtin.h"

#include <string.h>

bool gtin_valid(struct slice text)
{
    if (text.len != 8 && text.len != 12 && text.len != 13 && text.len != 14)
        return false;
    unsigned sum = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[text.len - 1 - i];
        if (c < '0' || c > '9')
            return false;
        sum += (unsigned)(c - '0') * (i % 2 == 1 ? 3 : 1);
    }
    return sum % 10 == 0;
}

bool gtin_equal(const char *a, const char *b)
{
    if (!a || !b)
        return false;
    return strcmp(a + strspn(a, "0"), b + strspn(b, "0")) == 0;
}
