#include "agent/cli/screen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void assert_shows(const char *answer, const char *screen)
{
    struct buf out;
    struct fault fault;
    buf_init(&out, 4096);
    assert_int_equal(screen_write(slice_of(answer), &out, &fault), ERR_OK);
    assert_string_equal(out.data, screen);
    buf_free(&out);
}

static void all_is_well_in_four_lines(void **state)
{
    (void)state;
    assert_shows("{\"device\":\"store-0042-a\",\"store\":\"0042\",\"version\":\"0.1.0\","
                 "\"link\":\"online\",\"since\":\"2026-11-26T18:00:00.000Z\",\"waiting\":0,"
                 "\"streams\":{},\"can_save\":true,\"lost\":0,"
                 "\"software\":{\"version\":\"0.1.0\",\"slot\":\"A\"}}",
                 "Tillback store-0042-a, store 0042\n"
                 "version  0.1.0, slot A\n"
                 "link     online since 2026-11-26T18:00:00.000Z\n"
                 "waiting  0 events for the hub\n");
}

static void what_is_wrong_is_said_with_the_reason(void **state)
{
    (void)state;
    assert_shows("{\"device\":\"d\",\"store\":\"0042\",\"version\":\"0.1.0\","
                 "\"link\":\"offline\",\"since\":\"2026-11-26T18:00:00.000Z\","
                 "\"reason\":\"no route to host\",\"waiting\":7,"
                 "\"streams\":{\"returns\":{\"parked\":2},\"sales\":{\"parked\":1}},"
                 "\"can_save\":false,\"lost\":5,"
                 "\"printers\":[{\"name\":\"counter\",\"state\":\"paper_out\"}],"
                 "\"software\":{\"version\":\"0.1.0\",\"slot\":\"A\","
                 "\"update\":{\"version\":\"0.2.0\",\"state\":\"rolled_back\","
                 "\"reason\":\"it was started 3 times\"}}}",
                 "Tillback d, store 0042\n"
                 "version  0.1.0, slot A\n"
                 "link     offline since 2026-11-26T18:00:00.000Z: no route to host\n"
                 "waiting  7 events for the hub\n"
                 "parked   3 wait for a person: tillback parked list\n"
                 "lost     5 events that were saved once\n"
                 "disk     FULL: no return can be saved\n"
                 "update   0.2.0: rolled_back: it was started 3 times\n"
                 "printer  counter: paper_out\n");
}

static void a_box_that_is_nobodys_says_what_to_do(void **state)
{
    (void)state;
    assert_shows("{\"device\":\"unenrolled\",\"store\":\"0000\",\"version\":\"0.1.0\","
                 "\"link\":\"none\",\"waiting\":0,\"streams\":{},\"can_save\":true,\"lost\":0}",
                 "Tillback unenrolled, store 0000\n"
                 "version  0.1.0\n"
                 "link     none: enrol it (tillback provision, or a stick)\n"
                 "waiting  0 events for the hub\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_is_well_in_four_lines),
        cmocka_unit_test(what_is_wrong_is_said_with_the_reason),
        cmocka_unit_test(a_box_that_is_nobodys_says_what_to_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
