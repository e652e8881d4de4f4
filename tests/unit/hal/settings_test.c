#include "hal/settings.h"
#include "tests/support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct setting table[] = {
    {"http.listen", SETTING_TEXT, "127.0.0.1:8080", 0, 0, "where to listen"},
    {"broker.url", SETTING_TEXT, NULL, 0, 0, "the broker"},
    {"keep.days", SETTING_INT, "30", 1, 400, "how long"},
    {"page", SETTING_FLAG, "yes", 0, 0, "serve the page"},
    {"scanner.*", SETTING_TEXT, NULL, 0, 0, "a scanner's device"},
};

enum { TABLE_COUNT = sizeof table / sizeof *table };

struct fixture {
    struct scratch scratch;
    char path[SCRATCH_PATH_MAX];
    struct settings *settings;
    struct fault fault;
};

static int setup(void **state)
{
    static struct fixture fixture;
    memset(&fixture, 0, sizeof fixture);
    *state = &fixture;
    scratch_make(&fixture.scratch);
    scratch_path(&fixture.scratch, "tillback.conf", fixture.path);
    assert_int_equal(settings_open(&fixture.settings, table, TABLE_COUNT, NULL), ERR_OK);
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    settings_close(f->settings);
    scratch_remove(&f->scratch);
    return 0;
}

static enum err load(struct fixture *f, const char *text)
{
    scratch_write(f->path, text, strlen(text));
    return settings_load(f->settings, f->path, &f->fault);
}

static void what_is_not_given_has_its_default(void **state)
{
    struct fixture *f = *state;
    assert_string_equal(settings_text(f->settings, "http.listen"), "127.0.0.1:8080");
    assert_null(settings_text(f->settings, "broker.url"));
    assert_int_equal(settings_int(f->settings, "keep.days"), 30);
    assert_true(settings_flag(f->settings, "page"));
    assert_null(settings_text(f->settings, "scanner.counter"));
}

static void what_is_given_later_wins(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(load(f, "# a store\n\n  keep.days=7 \r\nbroker.url=mqtts://a=b:1\npage=no"),
                     ERR_OK);
    assert_int_equal(settings_int(f->settings, "keep.days"), 7);
    assert_string_equal(settings_text(f->settings, "broker.url"), "mqtts://a=b:1");
    assert_false(settings_flag(f->settings, "page"));
    assert_int_equal(settings_set(f->settings, "keep.days=8", &f->fault), ERR_OK);
    assert_int_equal(settings_int(f->settings, "keep.days"), 8);
    assert_int_equal(settings_set(f->settings, "broker.url=", &f->fault), ERR_OK);
    assert_string_equal(settings_text(f->settings, "broker.url"), "");
}

static void assert_refused(struct fixture *f, const char *assignment, const char *where)
{
    assert_int_equal(settings_set(f->settings, assignment, &f->fault), ERR_INVALID);
    assert_string_equal(f->fault.where, where);
}

static void bad_keys_and_values_are_refused_and_change_nothing(void **state)
{
    struct fixture *f = *state;
    assert_refused(f, "keep.days=0", "keep.days");
    assert_refused(f, "keep.days=401", "keep.days");
    assert_refused(f, "keep.days=7d", "keep.days");
    assert_refused(f, "keep.days=", "keep.days");
    assert_refused(f, "keep.days=99999999999999999999", "keep.days");
    assert_refused(f, "page=true", "page");
    assert_refused(f, "keep.day=7", "keep.day");
    assert_refused(f, "scanner.=x", "scanner.");
    assert_refused(f, "keep.days", "keep.days");
    assert_refused(f, "=7", "=7");
    assert_int_equal(settings_int(f->settings, "keep.days"), 30);
    assert_true(settings_flag(f->settings, "page"));
}

static void a_bad_line_is_told_with_file_line_and_key(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(load(f, "page=yes\n\nkeep.days=x\n"), ERR_INVALID);
    assert_non_null(strstr(f->fault.where, "tillback.conf:3.keep.days"));
}

static void a_file_that_can_not_be_settings_is_refused(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(settings_load(f->settings, f->path, &f->fault), ERR_NOT_FOUND);
    scratch_write(f->path, "page=no\0keep.days=7", 19);
    assert_int_equal(settings_load(f->settings, f->path, &f->fault), ERR_INVALID);
    static char large[70000];
    memset(large, '#', sizeof large);
    scratch_write(f->path, large, sizeof large);
    assert_int_equal(settings_load(f->settings, f->path, &f->fault), ERR_TOO_LARGE);
    assert_true(settings_flag(f->settings, "page"));
}

static enum err note(void *context, const char *name, const char *value, struct fault *fault)
{
    struct buf *seen = context;
    buf_printf(seen, "%s=%s;", name, value);
    if (strcmp(value, "stop") == 0)
        return fault_set(fault, ERR_REFUSED, name, "stop");
    return ERR_OK;
}

static void a_starred_key_is_visited_in_the_order_given(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(load(f, "scanner.b=1\nscanner.a=2\nscanner.b=3\n"), ERR_OK);
    struct buf seen;
    buf_init(&seen, 1000);
    assert_int_equal(settings_each(f->settings, "scanner.*", note, &seen, &f->fault), ERR_OK);
    assert_string_equal(seen.data, "b=3;a=2;");
    assert_string_equal(settings_text(f->settings, "scanner.a"), "2");
    assert_int_equal(settings_set(f->settings, "scanner.b=stop", &f->fault), ERR_OK);
    buf_reset(&seen);
    assert_int_equal(settings_each(f->settings, "scanner.*", note, &seen, &f->fault), ERR_REFUSED);
    assert_string_equal(seen.data, "b=stop;");
    buf_free(&seen);
}

static void help_names_every_key_with_its_default(void **state)
{
    (void)state;
    struct buf text;
    buf_init(&text, 4096);
    settings_help(table, TABLE_COUNT, &text);
    for (size_t i = 0; i < TABLE_COUNT; i++) {
        assert_non_null(strstr(text.data, table[i].key));
        assert_non_null(strstr(text.data, table[i].help));
    }
    assert_non_null(strstr(text.data, "[127.0.0.1:8080]"));
    buf_free(&text);
    settings_close(NULL);
}

#define SETTINGS_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SETTINGS_TEST(what_is_not_given_has_its_default),
        SETTINGS_TEST(what_is_given_later_wins),
        SETTINGS_TEST(bad_keys_and_values_are_refused_and_change_nothing),
        SETTINGS_TEST(a_bad_line_is_told_with_file_line_and_key),
        SETTINGS_TEST(a_file_that_can_not_be_settings_is_refused),
        SETTINGS_TEST(a_starred_key_is_visited_in_the_order_given),
        cmocka_unit_test(help_names_every_key_with_its_default),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
