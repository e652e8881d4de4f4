/*
 * Calls into a token's module, which may take long or never end: each runs on a thread of its own,
 * one at a time in the whole process, and is waited for no longer than its limit. One that takes
 * longer is left to itself: the caller goes on, its resources are freed when it ends, and until
 * then every other call fails at once.
 *
 * For hal/pkcs11.c only. Any thread.
 */
#ifndef HAL_PKCS11_CALL_H
#define HAL_PKCS11_CALL_H

#include "hal/base/fault.h"

#include <pthread.h>
#include <stdint.h>

/* The first member of a caller's own struct, on the heap. */
struct pkcs11_call {
    enum err (*run)(struct pkcs11_call *call, struct fault *fault); /* the call's thread */
    void (*take)(struct pkcs11_call *call); /* caller's thread, after a run in time that was fine */
    /* Frees it, on the last thread that has it. `taken`: what `run` made has got to the caller. */
    void (*end)(struct pkcs11_call *call, bool taken);
    int64_t limit_ms;
    pthread_t thread; /* from here on its own */
    struct fault fault;
    enum err err;
    bool done;
    bool late;
};

/*
 * Runs and ends it. ERR_UNREACHABLE when it takes too long, or an earlier one still does; else what
 * `run` returned, and then its thread has ended, too, with all that the module keeps for a thread.
 */
enum err pkcs11_call_run(struct pkcs11_call *call, struct fault *fault) MUST_CHECK;

#endif
