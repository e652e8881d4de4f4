#include "hal/base/cleanup.h"
#include "sync/config/keeper.h"
#include "tests/support/keeper_house.h"
#include "tests/support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static void assert_unmoved(struct keeper_house *box, const char *path)
{
    assert_string_equal(box->policy.value, "{\"version\":\"first\"}");
    assert_int_equal(box->times_told, 1);
    assert_int_equal(box->told.state, CONFIG_STATE_REJECTED);
    assert_int_equal(box->told.version, 0);
    assert_int_equal(box->told.seen, 3);
    assert_int_equal(box->told.applied_version, 3);
    assert_string_equal(box->told.path, path);
    keeper_house_start_again(box);
    assert_string_equal(box->policy.value, "{\"version\":\"first\"}");
    keeper_house_close(box);
}

static void document_of_the_hub_is_put_in_force_and_reported(void **state)
{
    (void)state;
    struct keeper_house box;
    keeper_house_open_with_first(&box);
    assert_string_equal(box.policy.value, "{\"version\":\"first\"}");
    assert_int_equal(box.told.version, 3);
    assert_int_equal(box.told.applied_version, 3);
    assert_int_equal(box.settled.state, CONFIG_STATE_APPLIED);
    keeper_house_start_again(&box);
    assert_string_equal(box.policy.value, "{\"version\":\"first\"}");
    keeper_house_close(&box);
}

static void only_what_differs_is_touched(void **state)
{
    (void)state;
    struct keeper_house box;
    keeper_house_open_with_first(&box);
    unsigned before = box.broker.applied;
    keeper_house_send(&box, 4, KEEPER_SECOND);
    assert_string_equal(box.policy.value, "{\"version\":\"second\"}");
    assert_int_equal(box.broker.applied, before);
    keeper_house_close(&box);
}

static void what_was_changed_on_the_box_is_told_and_made_good(void **state)
{
    (void)state;
    struct keeper_house box;
    struct config_report report;
    keeper_house_open_with_first(&box);
    box.policy.drifted = true;
    keeper_report(box.keeper, &report);
    assert_true(report.drift[CONFIG_POLICY]);
    assert_false(report.drift[CONFIG_BROKER]);
    unsigned before = box.policy.applied;
    keeper_house_send(&box, 4, KEEPER_FIRST);
    assert_int_equal(box.policy.applied, before + 1);
    keeper_house_close(&box);
}

static void flipped_bit_is_refused(void **state)
{
    (void)state;
    for (unsigned at = 60; at < 200; at += 35) {
        struct keeper_house box;
        keeper_house_open_with_first(&box);
        const struct config config = keeper_document(4, KEEPER_SECOND);
        struct buf envelope CLEANUP(buf_free) = keeper_sign(&config, CONFIG_ENVELOPE);
        envelope.data[at] ^= 1;
        keeper_take(box.keeper, buf_slice(&envelope));
        assert_unmoved(&box, "signature");
    }
}

static void another_kind_of_envelope_is_refused(void **state)
{
    (void)state;
    struct keeper_house box;
    keeper_house_open_with_first(&box);
    const struct config config = keeper_document(4, KEEPER_SECOND);
    struct buf envelope CLEANUP(buf_free) = keeper_sign(&config, "command");
    keeper_take(box.keeper, buf_slice(&envelope));
    assert_unmoved(&box, "signature");
}

static void document_for_another_device_is_refused(void **state)
{
    (void)state;
    struct keeper_house box;
    struct config config = keeper_document(4, KEEPER_SECOND);
    keeper_house_open_with_first(&box);
    (void)snprintf(config.device, sizeof config.device, "store-0043-a");
    keeper_house_give(&box, &config);
    assert_unmoved(&box, "device");
}

static void document_for_another_store_is_refused(void **state)
{
    (void)state;
    struct keeper_house box;
    struct config config = keeper_document(4, KEEPER_SECOND);
    keeper_house_open_with_first(&box);
    (void)snprintf(config.store, sizeof config.store, "0043");
    keeper_house_give(&box, &config);
    assert_unmoved(&box, "store");
}

static void older_document_is_refused(void **state)
{
    (void)state;
    struct keeper_house box;
    keeper_house_open_with_first(&box);
    keeper_house_send(&box, 2, KEEPER_SECOND);
    assert_unmoved(&box, "version");
}

static void other_document_under_a_known_version_is_refused(void **state)
{
    (void)state;
    struct keeper_house box;
    keeper_house_open_with_first(&box);
    keeper_house_send(&box, 3, KEEPER_SECOND);
    assert_unmoved(&box, "version");
}

/* A rejected keeper_document raises the bar too: what was superseded must not come back. */
static void document_older_than_a_rejected_one_is_refused(void **state)
{
    (void)state;
    struct keeper_house box;
    keeper_house_open_with_first(&box);
    keeper_house_send(&box, 9, "{\"policy\":{\"version\":\"bad\"}}");
    keeper_house_send(&box, 8, KEEPER_SECOND);
    assert_string_equal(box.told.path, "version");
    assert_string_equal(box.policy.value, "{\"version\":\"first\"}");
    keeper_house_close(&box);
}

static void same_document_again_is_only_reported_again(void **state)
{
    (void)state;
    struct keeper_house box;
    keeper_house_open_with_first(&box);
    unsigned applied = box.policy.applied;
    keeper_house_send(&box, 3, KEEPER_FIRST);
    assert_int_equal(box.policy.applied, applied);
    assert_int_equal(box.times_told, 1);
    assert_int_equal(box.told.state, CONFIG_STATE_APPLIED);
    keeper_house_close(&box);
}

static void wrong_value_rejects_the_whole_with_its_path(void **state)
{
    (void)state;
    struct keeper_house box;
    keeper_house_open_with_first(&box);
    keeper_house_send(
        &box, 4, "{\"broker\":{\"url\":\"mqtts://elsewhere:1\"},\"policy\":{\"version\":\"bad\"}}");
    assert_int_equal(box.told.state, CONFIG_STATE_REJECTED);
    assert_int_equal(box.told.version, 4);
    assert_int_equal(box.told.applied_version, 3);
    assert_string_equal(box.told.path, "settings.policy.rule[2]");
    assert_string_equal(box.told.reason, "must not be bad");
    assert_string_equal(box.policy.value, "{\"version\":\"first\"}");
    assert_string_equal(box.broker.value, "");
    keeper_house_start_again(&box);
    assert_int_equal(box.settled.state, CONFIG_STATE_REJECTED);
    assert_string_equal(box.policy.value, "{\"version\":\"first\"}");
    keeper_house_close(&box);
}

static void section_that_is_not_known_rejects_the_whole(void **state)
{
    (void)state;
    struct keeper_house box;
    keeper_house_open_with_first(&box);
    keeper_house_send(&box, 4, "{\"coffee\":{}}");
    assert_string_equal(box.told.path, "settings.coffee");
    assert_int_equal(box.told.state, CONFIG_STATE_REJECTED);
    keeper_house_close(&box);
}

static void document_without_its_record_is_as_if_it_never_came(void **state)
{
    (void)state;
    struct keeper_house box;
    char path[SCRATCH_PATH_MAX + 16];
    keeper_house_open_with_first(&box);
    (void)snprintf(path, sizeof path, "%s/4.json", box.folder);
    scratch_write(path, "{}", 2); /* the power went before the record was replaced */
    keeper_house_start_again(&box);
    assert_string_equal(box.policy.value, "{\"version\":\"first\"}");
    keeper_connected(box.keeper);
    keeper_house_send(&box, 4, KEEPER_SECOND);
    assert_string_equal(box.policy.value, "{\"version\":\"second\"}");
    keeper_house_close(&box);
}

static void damaged_document_leaves_the_box_as_it_is_by_itself_and_says_so(void **state)
{
    (void)state;
    struct keeper_house box;
    char path[SCRATCH_PATH_MAX + 16];
    keeper_house_open_with_first(&box);
    (void)snprintf(path, sizeof path, "%s/3.json", box.folder);
    scratch_write(path, "{}", 2);
    keeper_house_start_again(&box);
    assert_string_equal(box.policy.value, "");
    assert_int_equal(box.settled.state, CONFIG_STATE_REJECTED);
    assert_int_equal(box.settled.applied_version, 0);
    keeper_connected(box.keeper);
    keeper_house_send(&box, 3, KEEPER_FIRST); /* retained: it comes again, and is good */
    assert_string_equal(box.policy.value, "{\"version\":\"first\"}");
    assert_int_equal(box.told.state, CONFIG_STATE_APPLIED);
    keeper_house_close(&box);
}

int main(void)
{
#define TEST(name) cmocka_unit_test(name)
    const struct CMUnitTest tests[] = {
        TEST(document_of_the_hub_is_put_in_force_and_reported),
        TEST(only_what_differs_is_touched),
        TEST(what_was_changed_on_the_box_is_told_and_made_good),
        TEST(flipped_bit_is_refused),
        TEST(another_kind_of_envelope_is_refused),
        TEST(document_for_another_device_is_refused),
        TEST(document_for_another_store_is_refused),
        TEST(older_document_is_refused),
        TEST(other_document_under_a_known_version_is_refused),
        TEST(document_older_than_a_rejected_one_is_refused),
        TEST(same_document_again_is_only_reported_again),
        TEST(wrong_value_rejects_the_whole_with_its_path),
        TEST(section_that_is_not_known_rejects_the_whole),
        TEST(document_without_its_record_is_as_if_it_never_came),
        TEST(damaged_document_leaves_the_box_as_it_is_by_itself_and_says_so),
    };
    return cmocka_run_group_tests(tests, keeper_house_setup, keeper_house_teardown);
}
