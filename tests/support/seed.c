#include "tests/support/seed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

uint64_t seed_chosen(void)
{
    const char *given = getenv("TILLBACK_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
    print_message("TILLBACK_SEED=%llu\n", (unsigned long long)seed);
    return seed;
}
