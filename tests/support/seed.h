/*
 * Where a test's drawing begins: at TILLBACK_SEED, or at one of this moment. It is printed, so that
 * what failed can be run again. `make test` gives its commit's.
 */
#ifndef TESTS_SUPPORT_SEED_H
#define TESTS_SUPPORT_SEED_H

#include <stdint.h>

uint64_t seed_chosen(void);

#endif
