#include "hal/pkcs11_call.h"

#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static sem_t go, ended;
static int taken, ends;

static enum err run_at_once(struct pkcs11_call *call, struct fault *fault)
{
    (void)call;
    (void)fault;
    return ERR_OK;
}

static enum err run_and_fail(struct pkcs11_call *call, struct fault *fault)
{
    (void)call;
    return fault_set(fault, ERR_FORBIDDEN, "token", "the PIN is wrong");
}

static enum err run_and_hang(struct pkcs11_call *call, struct fault *fault)
{
    (void)call;
    (void)fault;
    sem_wait(&go);
    return ERR_OK;
}

static void take(struct pkcs11_call *call)
{
    (void)call;
    (void)__atomic_add_fetch(&taken, 1, __ATOMIC_RELAXED);
}

static void end(struct pkcs11_call *call, bool was_taken)
{
    (void)was_taken;
    free(call);
    (void)__atomic_add_fetch(&ends, 1, __ATOMIC_RELAXED);
    sem_post(&ended);
}

static enum err ask(enum err (*run)(struct pkcs11_call *, struct fault *), int64_t limit_ms,
                    struct fault *fault)
{
    struct pkcs11_call *call = calloc(1, sizeof *call);
    *call = (struct pkcs11_call){.run = run, .take = take, .end = end, .limit_ms = limit_ms};
    return pkcs11_call_run(call, fault);
}

static int setup(void **state)
{
    (void)state;
    taken = ends = 0;
    return sem_init(&go, 0, 0) || sem_init(&ended, 0, 0);
}

static int64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void result_and_fault_come_back(void **state)
{
    (void)state;
    struct fault fault = {0};
    assert_int_equal(ask(run_at_once, 60000, &fault), ERR_OK);
    assert_int_equal(taken, 1);
    assert_int_equal(ask(run_and_fail, 60000, &fault), ERR_FORBIDDEN);
    assert_string_equal(fault.text, "the PIN is wrong");
    assert_int_equal(taken, 1);
    assert_int_equal(ends, 2);
}

/* The limit of those that come after it is a minute: they don't wait for it. */
static void module_that_hangs_holds_nobody_up_and_works_again_once_it_ends(void **state)
{
    (void)state;
    struct fault fault = {0};
    int64_t began_ms = now_ms();
    assert_int_equal(ask(run_and_hang, 50, &fault), ERR_UNREACHABLE);
    assert_non_null(strstr(fault.text, "within 50 ms"));
    for (int i = 0; i < 3; i++) {
        assert_int_equal(ask(run_at_once, 60000, &fault), ERR_UNREACHABLE);
        assert_non_null(strstr(fault.text, "asked before"));
        sem_wait(&ended);
    }
    assert_true(now_ms() - began_ms < 30000);
    assert_int_equal(taken, 0);
    sem_post(&go);
    sem_wait(&ended);
    assert_int_equal(ask(run_at_once, 60000, &fault), ERR_OK);
    assert_int_equal(taken, 1);
}

static void *ask_beside(void *context)
{
    (void)context;
    return (void *)(intptr_t)ask(run_and_hang, 60000, NULL);
}

static void calls_from_several_threads_come_one_after_the_other(void **state)
{
    (void)state;
    pthread_t threads[4];
    void *result;
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_beside, NULL), 0);
    for (size_t i = 0; i < 4; i++)
        sem_post(&go);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_int_equal((intptr_t)result, ERR_OK);
    }
}

static pthread_key_t kept;
static bool kept_ended;

static void end_kept(void *value)
{
    (void)value;
    (void)nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    __atomic_store_n(&kept_ended, true, __ATOMIC_RELEASE);
}

static enum err run_and_keep(struct pkcs11_call *call, struct fault *fault)
{
    (void)call;
    (void)fault;
    return pthread_setspecific(kept, &kept) ? ERR_NO_MEMORY : ERR_OK;
}

/* A process that ended before it left memory behind, and might have used what was freed. */
static void what_a_module_keeps_for_a_thread_has_ended_when_a_call_has(void **state)
{
    (void)state;
    assert_int_equal(pthread_key_create(&kept, end_kept), 0);
    assert_int_equal(ask(run_and_keep, 60000, NULL), ERR_OK);
    assert_true(__atomic_load_n(&kept_ended, __ATOMIC_ACQUIRE));
    assert_int_equal(pthread_key_delete(kept), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(result_and_fault_come_back, setup),
        cmocka_unit_test_setup(module_that_hangs_holds_nobody_up_and_works_again_once_it_ends,
                               setup),
        cmocka_unit_test_setup(calls_from_several_threads_come_one_after_the_other, setup),
        cmocka_unit_test_setup(what_a_module_keeps_for_a_thread_has_ended_when_a_call_has, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
