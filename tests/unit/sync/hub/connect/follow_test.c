/* What follows from a store's events besides entries. */
#include "tests/support/hub_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define CREATED                                                                                    \
    "{\"number\":\"R-7\",\"store\":\"0040\",\"currency\":\"EUR\",\"decision\":\"accepted\","       \
    "\"goods\":\"received\",\"lines\":[{\"line\":1,\"quantity\":1,\"net\":5000,\"tax\":[],"        \
    "\"gross\":5000}],\"refund\":{\"total\":5000,\"tenders\":[{\"tender\":1,\"type\":\"cash\","    \
    "\"amount\":5000}]}}"

static void a_void_is_measured_against_what_was_accepted(void **state)
{
    struct hub_run *run = *state;
    hub_run_event(run, 0, 7, EVENT_RETURN_CREATED, CREATED);
    hub_run_work(run);
    HUB_RUN_EXPECT(run, 5000, "SELECT sum_minor FROM measure_day WHERE measure = 'accepted'");
    hub_run_event(run, 0, 7, EVENT_RETURN_VOIDED, "{\"note\":\"customer keeps it\"}");
    hub_run_work(run);
    HUB_RUN_EXPECT(run, 5000,
                   "SELECT sum_minor FROM measure_day WHERE measure = 'voided'"
                   " AND currency = 'EUR' AND count = 1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_void_is_measured_against_what_was_accepted, hub_run_setup,
                                        hub_run_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
