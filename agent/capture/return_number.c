#include "agent/capture/return_number.h"

#include <inttypes.h>
#include <stdio.h>

enum { STORE_MAX = 8 };

/* GS1 General Specifications, 7.9: weights 3 and 1 from the right. */
static char check_digit(struct slice text)
{
    int sum = 0;
    int weight = 3;
    for (size_t i = text.len; i-- > 0;) {
        char c = text.data[i];
        if (c < '0' || c > '9')
            continue;
        sum += (c - '0') * weight;
        weight = 4 - weight;
    }
    return (char)('0' + (10 - sum % 10) % 10);
}

void return_number_write(char out[static RETURN_NUMBER_MAX + 1], const char *store, int64_t count)
{
    char body[RETURN_NUMBER_MAX - 1];
    (void)snprintf(body, sizeof body, "R%.*s-%06" PRId64, STORE_MAX, store, count % 1000000000);
    (void)snprintf(out, RETURN_NUMBER_MAX + 1, "%s-%c", body, check_digit(slice_of(body)));
}

bool return_number_valid(struct slice text)
{
    if (text.len < 5 || text.len > RETURN_NUMBER_MAX || text.data[0] != 'R' ||
        text.data[text.len - 2] != '-')
        return false;
    return check_digit((struct slice){text.data, text.len - 2}) == text.data[text.len - 1];
}
