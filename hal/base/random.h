/* The kernel's randomness (getrandom(2)). Blocks only before the kernel is seeded. Any thread. */
#ifndef HAL_BASE_RANDOM_H
#define HAL_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

void random_fill(void *unused_context, uint8_t *bytes, size_t len);

#endif
