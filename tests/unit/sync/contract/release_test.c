#include "sync/contract/release.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define HASH "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

static const char whole[] =
    "{\"version\":\"0.2.0\",\"url\":\"https://updates.example/tillback-0.2.0.raucb\","
    "\"sha256\":\"" HASH "\",\"bytes\":45839602,\"kib_per_s\":500,\"window\":\"22:00-05:30\"}";

static void a_release_reads_and_is_written_the_same(void **state)
{
    (void)state;
    struct release release;
    struct buf text;
    assert_int_equal(release_read(slice_of(whole), &release, NULL), ERR_OK);
    assert_string_equal(release.version, "0.2.0");
    assert_int_equal(release.bytes, 45839602);
    assert_int_equal(release.window.from_minute, 22 * 60);
    assert_int_equal(release.window.to_minute, 5 * 60 + 30);
    buf_init(&text, RELEASE_TEXT_MAX);
    struct jsonw w = jsonw_to(&text);
    jsonw_object(&w, NULL);
    release_write(&w, &release);
    jsonw_end(&w);
    assert_true(slice_is(buf_slice(&text), whole));
    buf_free(&text);
}

static void what_is_no_release_is_refused_by_its_member(void **state)
{
    (void)state;
    static const struct {
        const char *member;
        const char *text;
    } wrong[] = {
        {"", "[]"},
        {"version", "{\"url\":\"https://a/b\",\"sha256\":\"" HASH "\"}"},
        {"version", "{\"version\":\"../1\",\"url\":\"https://a/b\",\"sha256\":\"" HASH "\"}"},
        {"url", "{\"version\":\"1\",\"url\":\"file:///etc/passwd\",\"sha256\":\"" HASH "\"}"},
        {"url", "{\"version\":\"1\",\"url\":\"https:///b\",\"sha256\":\"" HASH "\"}"},
        {"url", "{\"version\":\"1\",\"url\":\"https://u:p@a/b\",\"sha256\":\"" HASH "\"}"},
        {"url", "{\"version\":\"1\",\"url\":\"https://a/b c\",\"sha256\":\"" HASH "\"}"},
        {"sha256", "{\"version\":\"1\",\"url\":\"https://a/b\",\"sha256\":\"9f86\"}"},
        {"sha256", "{\"version\":\"1\",\"url\":\"https://a/b\"}"},
        {"window",
         "{\"version\":\"1\",\"url\":\"https://a/b\",\"sha256\":\"" HASH "\",\"window\":\"2-5\"}"},
        {"window", "{\"version\":\"1\",\"url\":\"https://a/b\",\"sha256\":\"" HASH
                   "\",\"window\":\"02:00-24:00\"}"},
        {"window", "{\"version\":\"1\",\"url\":\"https://a/b\",\"sha256\":\"" HASH
                   "\",\"window\":\"02:00-02:00\"}"},
        {"bytes",
         "{\"version\":\"1\",\"url\":\"https://a/b\",\"sha256\":\"" HASH "\",\"bytes\":-1}"},
        {"colour",
         "{\"version\":\"1\",\"url\":\"https://a/b\",\"sha256\":\"" HASH "\",\"colour\":1}"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct release release = {.version = "kept"};
        struct fault fault = {0};
        assert_int_equal(release_read(slice_of(wrong[i].text), &release, &fault), ERR_INVALID);
        assert_string_equal(fault.where, wrong[i].member);
        assert_string_equal(release.version, "kept");
    }
}

static bool open_at(const char *window, int hour, int minute)
{
    char text[512];
    struct release release;
    (void)snprintf(text, sizeof text,
                   "{\"version\":\"1\",\"url\":\"http://a/b\",\"sha256\":\"" HASH
                   "\",\"window\":\"%s\"}",
                   window);
    assert_int_equal(release_read(slice_of(text), &release, NULL), ERR_OK);
    /* 20000 whole days after 1970 */
    return release_window_open(&release.window,
                               (INT64_C(20000) * 1440 + hour * 60 + minute) * 60000);
}

static void window_opens_at_its_first_minute_and_not_at_its_last(void **state)
{
    (void)state;
    assert_false(open_at("02:00-05:00", 1, 59));
    assert_true(open_at("02:00-05:00", 2, 0));
    assert_true(open_at("02:00-05:00", 4, 59));
    assert_false(open_at("02:00-05:00", 5, 0));
}

static void window_goes_over_midnight(void **state)
{
    (void)state;
    assert_true(open_at("22:00-05:00", 23, 0));
    assert_true(open_at("22:00-05:00", 0, 0));
    assert_true(open_at("22:00-05:00", 4, 59));
    assert_false(open_at("22:00-05:00", 12, 0));
}

static void without_a_window_it_is_always_open(void **state)
{
    (void)state;
    const struct release_window none = {0, 0};
    assert_true(release_window_open(&none, 0));
    assert_true(release_window_open(&none, INT64_C(1795342320345)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_release_reads_and_is_written_the_same),
        cmocka_unit_test(what_is_no_release_is_refused_by_its_member),
        cmocka_unit_test(window_opens_at_its_first_minute_and_not_at_its_last),
        cmocka_unit_test(window_goes_over_midnight),
        cmocka_unit_test(without_a_window_it_is_always_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
