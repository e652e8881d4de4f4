#include "hal/base/buf.h"
#include "hal/beacon.h"
#include "tests/support/await.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* What a person would see: a character for each change of both lamps. */
struct eyes {
    struct loop *loop;
    struct beacon *beacon;
    bool lit[PANEL_LAMP_COUNT];
    struct buf seen;
    size_t wanted;
    bool closed;
};

static void lamp(void *context, enum panel_lamp which, bool lit)
{
    struct eyes *e = context;
    e->lit[which] = lit;
    if (which == PANEL_RED) /* told last */
        buf_append_char(&e->seen, ".gry"[e->lit[PANEL_GREEN] + 2 * e->lit[PANEL_RED]]);
}

static void beep(void *context, int hertz)
{
    (void)context;
    (void)hertz;
    fail_msg("a beacon makes no sound");
}

static void on_close(void *context)
{
    struct eyes *e = context;
    e->closed = true;
}

static const struct panel_ops ops = {lamp, beep, on_close};

static int setup(void **state)
{
    struct eyes *e = calloc(1, sizeof *e);
    assert_non_null(e);
    buf_init(&e->seen, 1024);
    assert_int_equal(loop_open(&e->loop, NULL), ERR_OK);
    assert_int_equal(beacon_open(&e->beacon, e->loop, &ops, e, NULL), ERR_OK);
    *state = e;
    return 0;
}

static int teardown(void **state)
{
    struct eyes *e = *state;
    beacon_close(e->beacon);
    assert_true(e->closed);
    assert_false(e->lit[PANEL_GREEN] || e->lit[PANEL_RED]);
    loop_close(e->loop);
    buf_free(&e->seen);
    free(e);
    return 0;
}

static bool has_seen(void *context)
{
    struct eyes *e = context;
    return e->seen.len >= e->wanted;
}

static void assert_sees(struct eyes *e, const char *pattern)
{
    e->wanted = strlen(pattern);
    assert_true(await(e->loop, has_seen, e, AWAIT_MS));
    assert_memory_equal(e->seen.data, pattern, e->wanted);
}

static void it_begins_with_quick_blinking(void **state)
{
    assert_sees(*state, "g.g.");
}

static void each_state_has_its_pattern_and_goes_round(void **state)
{
    static const struct {
        enum beacon_state state;
        const char *seen;
    } known[] = {{BEACON_NOBODYS, "g.g.g"}, {BEACON_ONLINE, "g"},     {BEACON_OFFLINE, "g.g"},
                 {BEACON_UPDATING, "grg"},  {BEACON_ATTENTION, "gy"}, {BEACON_ILL, "r"}};
    struct eyes *e = *state;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        buf_reset(&e->seen);
        beacon_show(e->beacon, known[i].state);
        assert_sees(e, known[i].seen);
    }
}

static void the_same_state_again_does_not_begin_anew(void **state)
{
    struct eyes *e = *state;
    beacon_show(e->beacon, BEACON_ILL);
    size_t len = e->seen.len;
    beacon_show(e->beacon, BEACON_ILL);
    assert_int_equal(e->seen.len, len);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(it_begins_with_quick_blinking),
        TEST(each_state_has_its_pattern_and_goes_round),
        TEST(the_same_state_again_does_not_begin_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
