#include "tests/support/window_road.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

const struct window_limits window_road_limits = {
    .wire_batches = 4,
    .batches = 8,
    .bytes = 1000,
    .batch_bytes = 100,
    .first_bytes = 100,
    .batch_events = 10,
    .overtake_events = 100,
    .ack_timeout_ms = 5000,
};

static int next_token = 1;

int window_road_send(struct window *window, int64_t now_ms, struct window_batch *sent)
{
    struct window_choice choice;
    if (!window_next(window, &choice))
        return 0;
    *sent = (struct window_batch){
        .stream = choice.stream,
        .first = choice.first,
        .last = choice.first + choice.max_events - 1,
        .bytes = 50,
        .sent_ms = now_ms,
        .token = next_token++,
    };
    window_sent(window, sent);
    return sent->token;
}

void window_road_expect(struct window *window, enum stream stream, int64_t first, int64_t last)
{
    struct window_batch sent;
    assert_true(window_road_send(window, 0, &sent) > 0);
    assert_int_equal(sent.stream, stream);
    assert_int_equal(sent.first, first);
    assert_int_equal(sent.last, last);
}
