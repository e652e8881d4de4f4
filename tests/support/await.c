#include "tests/support/await.h"

/* What another thread does need not wake this loop: look again before long. */
enum { LOOK_AGAIN_MS = 10 };

static void run_for(struct loop *loop, int64_t left_ms)
{
    loop_run_once(loop, left_ms < LOOK_AGAIN_MS ? left_ms : LOOK_AGAIN_MS);
}

bool await(struct loop *loop, await_condition *holds, void *context, int64_t within_ms)
{
    int64_t end_ms = loop_now_ms(loop) + within_ms;
    while (!holds(context)) {
        int64_t left_ms = end_ms - loop_now_ms(loop);
        if (left_ms <= 0)
            return false;
        run_for(loop, left_ms);
    }
    return true;
}

bool await_flag(struct loop *loop, const bool *flag, int64_t within_ms)
{
    int64_t end_ms = loop_now_ms(loop) + within_ms;
    while (!*flag) {
        int64_t left_ms = end_ms - loop_now_ms(loop);
        if (left_ms <= 0)
            return false;
        run_for(loop, left_ms);
    }
    return true;
}
