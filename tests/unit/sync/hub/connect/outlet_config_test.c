/* What a file of outlets may ask for, and how it is told what it may not. */
#include "sync/hub/connect/outlet_config.h"
#include "tests/support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char secret[] = "whsec_YSBzZWNyZXQgb2YgdHdlbnR5LWZvdXIr";

/* What comes of one outlet with these events. */
static enum err read_events(const char *events, struct outlets_config *config, struct fault *fault)
{
    struct scratch scratch;
    char path[SCRATCH_PATH_MAX];
    char secret_path[SCRATCH_PATH_MAX];
    char text[2048];
    scratch_make(&scratch);
    scratch_path(&scratch, "outlets.json", path);
    scratch_write(scratch_path(&scratch, "secret", secret_path), secret, strlen(secret));
    int len = snprintf(text, sizeof text,
                       "{\"outlets\":[{\"name\":\"shop\",\"url\":\"https://shop.example.com/\","
                       "\"secret_file\":\"%s\",\"events\":[%s]}]}",
                       secret_path, events);
    scratch_write(path, text, (size_t)len);
    enum err err = outlets_config_read(path, config, fault);
    scratch_remove(&scratch);
    return err;
}

static void events_of_returns_are_wanted_and_no_others(void **state)
{
    (void)state;
    struct outlets_config config;
    struct fault fault;
    assert_int_equal(read_events("\"return.created\",\"refund.settled\"", &config, &fault), ERR_OK);
    size_t wanted = 0;
    for (size_t i = 0; i < EVENT_TYPE_COUNT; i++)
        wanted += config.outlets[0].wanted[i];
    assert_int_equal(wanted, 2);
    assert_true(config.outlets[0].wanted[EVENT_RETURN_CREATED]);
    assert_true(config.outlets[0].wanted[EVENT_REFUND_SETTLED]);
    outlets_config_free(&config);
}

/* They would be waited for in vain. */
static void events_of_no_return_are_refused_by_name(void **state)
{
    (void)state;
    struct outlets_config config;
    struct fault fault;
    assert_int_equal(read_events("\"return.created\",\"sale.recorded\"", &config, &fault),
                     ERR_INVALID);
    assert_non_null(strstr(fault.text, "\"sale.recorded\" is not of one"));
    assert_int_equal(read_events("\"return.vanished\"", &config, &fault), ERR_INVALID);
    assert_non_null(strstr(fault.text, "no events \"return.vanished\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_of_returns_are_wanted_and_no_others),
        cmocka_unit_test(events_of_no_return_are_refused_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
