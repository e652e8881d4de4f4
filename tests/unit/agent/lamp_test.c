#include "agent/lamp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static const struct eventlog_status well = {.can_save = true};
static const struct uplink_status online = {.state = UPLINK_ONLINE};
static const struct uplink_status offline = {.state = UPLINK_OFFLINE};

static void a_link_that_is_down_is_no_illness(void **state)
{
    (void)state;
    assert_int_equal(lamp_judge(&well, NULL, &online, false, 0), BEACON_ONLINE);
    assert_int_equal(lamp_judge(&well, NULL, &offline, false, 0), BEACON_OFFLINE);
    assert_int_equal(lamp_judge(&well, NULL, NULL, false, 0), BEACON_NOBODYS);
}

static void what_waits_for_a_person_is_shown_with_and_without_a_link(void **state)
{
    (void)state;
    struct eventlog_status log = well;
    log.streams[STREAM_SALES].parked = 1;
    assert_int_equal(lamp_judge(&log, NULL, &online, false, 0), BEACON_ATTENTION);
    log = well;
    log.lost[STREAM_RETURNS] = 1;
    assert_int_equal(lamp_judge(&log, NULL, &offline, false, 0), BEACON_ATTENTION);
}

static void an_update_comes_before_all_but_illness(void **state)
{
    (void)state;
    struct eventlog_status log = well;
    assert_int_equal(lamp_judge(&log, NULL, &offline, true, 0), BEACON_UPDATING);
    log.can_save = false;
    assert_int_equal(lamp_judge(&log, NULL, &online, true, 0), BEACON_ILL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_link_that_is_down_is_no_illness),
        cmocka_unit_test(what_waits_for_a_person_is_shown_with_and_without_a_link),
        cmocka_unit_test(an_update_comes_before_all_but_illness),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
