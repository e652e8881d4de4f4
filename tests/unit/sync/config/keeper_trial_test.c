#include "sync/config/keeper.h"
#include "tests/support/await.h"
#include "tests/support/keeper_house.h"
#include "tests/support/pki.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char moved[] = "{\"policy\":{\"version\":\"first\"},"
                            "\"broker\":{\"url\":\"mqtts://elsewhere:8883\"}}";

static void begin_trial(struct keeper_house *box)
{
    keeper_house_open_with_first(box);
    keeper_house_send(box, 4, moved);
    assert_int_equal(box->told.state, CONFIG_STATE_PENDING_CONFIRM);
    assert_int_equal(box->told.applied_version, 3);
    assert_non_null(strstr(box->broker.value, "elsewhere"));
}

static void new_connectivity_is_kept_when_the_hub_answers_over_it(void **state)
{
    (void)state;
    struct keeper_house box;
    begin_trial(&box);
    keeper_disconnected(box.keeper);
    keeper_connected(box.keeper);
    keeper_house_acknowledge(&box, 4, CONFIG_STATE_PENDING_CONFIRM);
    assert_int_equal(box.told.state, CONFIG_STATE_APPLIED);
    assert_int_equal(box.told.applied_version, 4);
    clock_fake_advance(box.clock, 3600 * 1000);
    keeper_house_start_again(&box);
    assert_non_null(strstr(box.broker.value, "elsewhere"));
    assert_int_equal(box.settled.state, CONFIG_STATE_APPLIED);
    keeper_house_close(&box);
}

static void answer_to_another_report_confirms_nothing(void **state)
{
    (void)state;
    struct keeper_house box;
    struct config_report report;
    begin_trial(&box);
    keeper_house_acknowledge(&box, 3, CONFIG_STATE_APPLIED);
    keeper_house_acknowledge(&box, 4, CONFIG_STATE_APPLIED);
    keeper_house_acknowledge(&box, 5, CONFIG_STATE_PENDING_CONFIRM);
    keeper_report(box.keeper, &report);
    assert_int_equal(report.state, CONFIG_STATE_PENDING_CONFIRM);
    keeper_house_close(&box);
}

static bool is_rolled_back(void *context)
{
    return ((struct keeper_house *)context)->settled.state == CONFIG_STATE_ROLLED_BACK;
}

static void trial_goes_on_after_a_power_cut_for_what_is_left_of_it(void **state)
{
    (void)state;
    struct keeper_house box;
    begin_trial(&box);
    clock_fake_advance(box.clock, 59 * 1000);
    keeper_house_start_again(&box);
    assert_int_equal(box.settled.state, CONFIG_STATE_PENDING_CONFIRM);
    assert_non_null(strstr(box.broker.value, "elsewhere"));
    assert_true(await(box.loop, is_rolled_back, &box, AWAIT_MS)); /* the last second */
    assert_string_equal(box.broker.value, "");
    keeper_house_close(&box);
}

static void assert_rolled_back(struct keeper_house *box)
{
    assert_int_equal(box->settled.state, CONFIG_STATE_ROLLED_BACK);
    assert_int_equal(box->settled.version, 4);
    assert_int_equal(box->settled.applied_version, 3);
    assert_string_equal(box->policy.value, "{\"version\":\"first\"}");
    assert_string_equal(box->broker.value, "");
    keeper_connected(box->keeper);
    keeper_house_send(box, 4, moved); /* retained: it comes again */
    assert_int_equal(box->told.state, CONFIG_STATE_ROLLED_BACK);
    assert_string_equal(box->broker.value, "");
    keeper_house_send(box, 5, KEEPER_SECOND);
    assert_int_equal(box->told.state, CONFIG_STATE_APPLIED);
    keeper_house_close(box);
}

static void trial_whose_time_ran_out_in_a_power_cut_is_rolled_back(void **state)
{
    (void)state;
    struct keeper_house box;
    begin_trial(&box);
    clock_fake_advance(box.clock, 61 * 1000);
    box.settled = (struct config_report){.state = CONFIG_STATE_NONE};
    keeper_house_start_again(&box);
    /* The power may have gone before the trial itself was noted. */
    assert_int_equal(box.settled_before, CONFIG_STATE_PENDING_CONFIRM);
    assert_rolled_back(&box);
}

static void trial_is_rolled_back_when_the_clock_went_back(void **state)
{
    (void)state;
    struct keeper_house box;
    begin_trial(&box);
    clock_fake_set_wall(box.clock, PKI_NOW_MS - PKI_DAY_MS);
    keeper_house_start_again(&box);
    assert_rolled_back(&box);
}

static void trial_is_rolled_back_when_the_box_starts_again_and_again(void **state)
{
    (void)state;
    struct keeper_house box;
    begin_trial(&box);
    for (int i = 0; i < 3; i++)
        keeper_house_start_again(&box);
    assert_rolled_back(&box);
}

static void document_that_comes_during_a_trial_waits_for_its_end(void **state)
{
    (void)state;
    struct keeper_house box;
    begin_trial(&box);
    keeper_house_send(&box, 5, KEEPER_SECOND);
    assert_string_equal(box.policy.value, "{\"version\":\"first\"}");
    keeper_house_acknowledge(&box, 4, CONFIG_STATE_PENDING_CONFIRM);
    assert_int_equal(box.told.version, 5);
    assert_string_equal(box.policy.value, "{\"version\":\"second\"}");
    keeper_house_close(&box);
}

int main(void)
{
#define TEST(name) cmocka_unit_test(name)
    const struct CMUnitTest tests[] = {
        TEST(new_connectivity_is_kept_when_the_hub_answers_over_it),
        TEST(answer_to_another_report_confirms_nothing),
        TEST(trial_goes_on_after_a_power_cut_for_what_is_left_of_it),
        TEST(trial_whose_time_ran_out_in_a_power_cut_is_rolled_back),
        TEST(trial_is_rolled_back_when_the_clock_went_back),
        TEST(trial_is_rolled_back_when_the_box_starts_again_and_again),
        TEST(document_that_comes_during_a_trial_waits_for_its_end),
    };
    return cmocka_run_group_tests(tests, keeper_house_setup, keeper_house_teardown);
}
