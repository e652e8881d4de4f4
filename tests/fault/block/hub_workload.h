/* The hub's part of workload.c: batches of one store, each committed before its mark is written. */
#ifndef TESTS_FAULT_BLOCK_HUB_WORKLOAD_H
#define TESTS_FAULT_BLOCK_HUB_WORKLOAD_H

#include <stdint.h>

/* Calls `answered` with each watermark that was acknowledged; exits with 2 on a failure. */
void hub_workload_run(const char *folder, int commits,
                      void (*answered)(void *context, int64_t through), void *context);
/* 0 if all up to `mark` is there and whole. */
int hub_workload_check(const char *folder, int64_t mark);

#endif
