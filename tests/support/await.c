#include "tests/support/await.h"

bool await(struct loop *loop, await_condition *holds, void *context, int64_t within_ms)
{
    int64_t end_ms = loop_now_ms(loop) + within_ms;
    while (!holds(context)) {
        int64_t left_ms = end_ms - loop_now_ms(loop);
        if (left_ms <= 0)
            return false;
        loop_run_once(loop, left_ms);
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
        loop_run_once(loop, left_ms);
    }
    return true;
}
