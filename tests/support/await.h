/* Runs a loop until something holds, for tests. */
#ifndef TESTS_SUPPORT_AWAIT_H
#define TESTS_SUPPORT_AWAIT_H

#include "hal/loop.h"

enum { AWAIT_MS = 20000 };

typedef bool await_condition(void *context);

/* True once `holds` says so; false when `within_ms` passed first. */
bool await(struct loop *loop, await_condition *holds, void *context, int64_t within_ms);
/* The same for a flag that a callback sets. */
bool await_flag(struct loop *loop, const bool *flag, int64_t within_ms);

#endif
