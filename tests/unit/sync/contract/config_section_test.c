/* What each section takes, and by which path it says no. */
#include "hal/base/diag.h"
#include "sync/contract/config_section.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

static void settings_of_every_section_are_taken(void **state)
{
    (void)state;
    struct fault fault = {0};
    static const char all[] =
        "{\"policy\":{},\"scan\":{},\"printing\":{},\"staff\":{},\"retention\":{\"days\":30,"
        "\"least_days\":10},\"limits\":{\"session_idle_s\":60},\"broker\":{\"url\":\"mqtts://b\","
        "\"proxy\":\"http://p:3128\"},\"time\":{\"servers\":[\"ntp.example\",\"192.0.2.1\"]},"
        "\"diagnostics\":{\"level\":\"debug\"},\"features\":{\"poslog\":false},"
        "\"updates\":{\"channel\":\"stable\"}}";
    if (config_settings_check(slice_of(all), &fault) != ERR_OK)
        fail_msg("%s: %s", fault.where, fault.text);
    assert_int_equal(config_settings_check(SLICE_LITERAL("{}"), &fault), ERR_OK);
    assert_string_equal(config_section_name(CONFIG_TIME), "time");
    assert_true(slice_is(config_section_of(slice_of(all), CONFIG_FEATURES), "{\"poslog\":false}"));
    assert_int_equal(config_section_of(SLICE_LITERAL("{}"), CONFIG_FEATURES).len, 0);
}

static const struct {
    const char *settings;
    const char *path;
} wrong[] = {
    {"[]", "settings"},
    {"{", "settings"},
    {"{\"policy\":{},\"policy\":{}}", "settings"},
    {"{\"coffee\":{}}", "settings.coffee"},
    {"{\"policy\":17}", "settings.policy"},
    {"{\"retention\":{\"days\":-1}}", "settings.retention.days"},
    {"{\"retention\":{\"days\":1.5}}", "settings.retention.days"},
    {"{\"retention\":{\"days\":5,\"least_days\":10}}", "settings.retention.days"},
    {"{\"retention\":{\"years\":1}}", "settings.retention.years"},
    {"{\"limits\":{\"ack_timeout_ms\":99}}", "settings.limits.ack_timeout_ms"},
    {"{\"broker\":{\"url\":\"mqtt://plain:1883\"}}", "settings.broker.url"},
    {"{\"broker\":{\"url\":\"mqtts://\"}}", "settings.broker.url"},
    {"{\"broker\":{\"url\":\"mqtts://a b\"}}", "settings.broker.url"},
    {"{\"broker\":{\"url\":17}}", "settings.broker.url"},
    {"{\"broker\":{\"proxy\":\"ftp://p\"}}", "settings.broker.proxy"},
    {"{\"broker\":{\"port\":1}}", "settings.broker.port"},
    {"{\"broker\":{\"confirm_s\":4}}", "settings.broker.confirm_s"},
    {"{\"time\":{\"servers\":[\"no host\"]}}", "settings.time.servers"},
    {"{\"diagnostics\":{\"level\":\"loud\"}}", "settings.diagnostics.level"},
    {"{\"features\":{\"poslog\":1}}", "settings.features.poslog"},
    {"{\"updates\":{\"channel\":\"Stable!\"}}", "settings.updates.channel"},
    {"{\"updates\":{\"release\":{\"version\":\"0.2.0\"}}}", "settings.updates.release.url"},
    {"{\"updates\":{\"release\":7}}", "settings.updates.release"},
};

static void wrong_setting_is_named_by_its_path(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct fault fault = {0};
        if (config_settings_check(slice_of(wrong[i].settings), &fault) == ERR_OK)
            fail_msg("%s was taken", wrong[i].settings);
        if (strncmp(fault.where, wrong[i].path, strlen(wrong[i].path)) != 0)
            fail_msg("%s: at \"%s\": %s", wrong[i].settings, fault.where, fault.text);
        assert_true(fault.text[0] != '\0');
    }
}

static void what_a_section_does_not_say_stays_as_it_was(void **state)
{
    (void)state;
    struct config_retention retention = {.days = 400, .least_days = 120};
    struct config_diagnostics diagnostics = {.level = DIAG_WARN};
    struct config_broker broker = {.url = "mqtts://old:8883", .proxy = "http://p:1"};
    assert_int_equal(config_retention_read(SLICE_LITERAL("{\"events\":7}"), &retention, NULL),
                     ERR_OK);
    assert_int_equal(retention.days, 400);
    assert_int_equal(retention.events, 7);
    assert_int_equal(config_diagnostics_read(SLICE_LITERAL("{}"), &diagnostics, NULL), ERR_OK);
    assert_int_equal(diagnostics.level, DIAG_WARN);
    assert_int_equal(config_broker_read(SLICE_LITERAL("{\"proxy\":\"\"}"), &broker, NULL), ERR_OK);
    assert_string_equal(broker.url, "mqtts://old:8883");
    assert_string_equal(broker.proxy, "");
    assert_int_equal(config_broker_read(SLICE_LITERAL("{\"url\":\"x\"}"), &broker, NULL),
                     ERR_INVALID);
    assert_string_equal(broker.url, "mqtts://old:8883");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_of_every_section_are_taken),
        cmocka_unit_test(wrong_setting_is_named_by_its_path),
        cmocka_unit_test(what_a_section_does_not_say_stays_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
