/* The cases of RFC 7396, appendix A, and what differs between two settings. */
#include "hal/base/cleanup.h"
#include "sync/hub/fleet/layer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *base;
    const char *patch;
    const char *result;
} cases[] = {
    {"{\"a\":\"b\"}", "{\"a\":\"c\"}", "{\"a\":\"c\"}"},
    {"{\"a\":\"b\"}", "{\"b\":\"c\"}", "{\"a\":\"b\",\"b\":\"c\"}"},
    {"{\"a\":\"b\"}", "{\"a\":null}", "{}"},
    {"{\"a\":\"b\",\"b\":\"c\"}", "{\"a\":null}", "{\"b\":\"c\"}"},
    {"{\"a\":[\"b\"]}", "{\"a\":\"c\"}", "{\"a\":\"c\"}"},
    {"{\"a\":\"c\"}", "{\"a\":[\"b\"]}", "{\"a\":[\"b\"]}"},
    {"{\"a\":{\"b\":\"c\"}}", "{\"a\":{\"b\":\"d\",\"c\":null}}", "{\"a\":{\"b\":\"d\"}}"},
    {"{\"a\":[{\"b\":\"c\"}]}", "{\"a\":[1]}", "{\"a\":[1]}"},
    {"[\"a\",\"b\"]", "[\"c\",\"d\"]", "[\"c\",\"d\"]"},
    {"{\"a\":\"b\"}", "[\"c\"]", "[\"c\"]"},
    {"{\"a\":\"foo\"}", "null", "null"},
    {"{\"a\":\"foo\"}", "\"bar\"", "\"bar\""},
    {"{\"e\":null}", "{\"a\":1}", "{\"e\":null,\"a\":1}"},
    {"[1,2]", "{\"a\":\"b\",\"c\":null}", "{\"a\":\"b\"}"},
    {"{}", "{\"a\":{\"bb\":{\"ccc\":null}}}", "{\"a\":{\"bb\":{}}}"},
};

static void patches_merge_as_the_standard_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf out CLEANUP(buf_free);
        buf_init(&out, 1024);
        assert_int_equal(layer_merge(slice_of(cases[i].base), slice_of(cases[i].patch), &out, NULL),
                         ERR_OK);
        assert_string_equal(out.data, cases[i].result);
    }
}

static void numbers_stay_as_they_were_written(void **state)
{
    (void)state;
    struct buf out CLEANUP(buf_free);
    buf_init(&out, 1024);
    assert_int_equal(layer_merge(SLICE_LITERAL("{\"a\":1.50,\"b\":9007199254740993}"),
                                 SLICE_LITERAL("{\"c\":1e3}"), &out, NULL),
                     ERR_OK);
    assert_string_equal(out.data, "{\"a\":1.50,\"b\":9007199254740993,\"c\":1e3}");
}

static void what_is_too_large_is_refused(void **state)
{
    (void)state;
    struct buf out CLEANUP(buf_free);
    buf_init(&out, 8);
    assert_int_equal(
        layer_merge(SLICE_LITERAL("{}"), SLICE_LITERAL("{\"a\":\"long text\"}"), &out, NULL),
        ERR_TOO_LARGE);
}

static void collect(void *context, const char *path, struct slice before, struct slice after)
{
    struct buf *out = context;
    buf_printf(out, "%s:%.*s>%.*s;", path, (int)before.len, before.data, (int)after.len,
               after.data);
}

static void differences_are_told_by_path(void **state)
{
    (void)state;
    struct buf out CLEANUP(buf_free);
    buf_init(&out, 1024);
    assert_int_equal(layer_diff(SLICE_LITERAL("{\"a\":{\"b\":1,\"c\":2},\"d\":[1]}"),
                                SLICE_LITERAL("{\"a\":{\"b\":3,\"e\":4},\"d\":[1]}"), collect, &out,
                                NULL),
                     ERR_OK);
    assert_string_equal(out.data, "a.b:1>3;a.c:2>;a.e:>4;");
}

static void same_settings_have_no_difference(void **state)
{
    (void)state;
    struct buf out CLEANUP(buf_free);
    buf_init(&out, 1024);
    assert_int_equal(
        layer_diff(SLICE_LITERAL("{\"a\":1}"), SLICE_LITERAL("{\"a\":1}"), collect, &out, NULL),
        ERR_OK);
    assert_int_equal(out.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patches_merge_as_the_standard_says),
        cmocka_unit_test(numbers_stay_as_they_were_written),
        cmocka_unit_test(what_is_too_large_is_refused),
        cmocka_unit_test(differences_are_told_by_path),
        cmocka_unit_test(same_settings_have_no_difference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
