#include "hal/base/cleanup.h"
#include "hal/base/json_scan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

static const struct json_limits limits = {.bytes = 1000, .depth = 4};

/* Walks all of it; the last part found is left in `part`. */
static enum err walk(const char *text, char opener, struct json_part *part, size_t *count)
{
    struct json_scan scan;
    bool found = true;
    *count = 0;
    enum err err = json_scan_begin(&scan, slice_of(text), limits, opener, NULL);
    while (!err && (err = json_scan_next(&scan, part, &found, NULL)) == ERR_OK && found)
        (*count)++;
    return err;
}

static void members_are_found_byte_for_byte(void **state)
{
    (void)state;
    struct json_part part;
    size_t count;
    assert_int_equal(
        walk(" { \"a\" : 1 , \"b\\n\" :\t[ 1.5e-3 , \"]}\" ] \r\n} ", '{', &part, &count), ERR_OK);
    assert_int_equal(count, 2);
    assert_true(slice_is(part.key, "b\\n"));
    assert_true(slice_is(part.value, "[ 1.5e-3 , \"]}\" ]"));
}

static void every_kind_of_value_is_taken(void **state)
{
    (void)state;
    struct json_part part;
    size_t count;
    assert_int_equal(walk("[null,true,false,0,-0,-12.50E+07,1e9,\"\",\"\\u00e9\\ud83d\\ude00\","
                          "\"\xf0\x9f\x98\x80\",{},[],{\"a\":[{}]}]",
                          '[', &part, &count),
                     ERR_OK);
    assert_int_equal(count, 13);
}

static void what_is_not_json_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "[",
        "[1",
        "[1,]",
        "[,1]",
        "[1 2]",
        "[01]",
        "[+1]",
        "[1.]",
        "[.1]",
        "[1e]",
        "[1e+]",
        "[-]",
        "[--1]",
        "[0x10]",
        "[NaN]",
        "[nul]",
        "[True]",
        "[\"]",
        "[\"\\\"]",
        "[\"\\q\"]",
        "[\"\\u12\"]",
        "[\"\\u000g\"]",
        "[\"\\u0000\"]",
        "[\"\\udc00\"]",
        "[\"\\ud800\"]",
        "[\"\\ud800\\n\"]",
        "[\"\t\"]",
        "[\"\x80\"]",
        "[\"\xc0\x80\"]",
        "[\"\xed\xa0\x80\"]",
        "[1]]",
        "[1],",
        "[1}",
        "[{\"a\"}]",
        "[{\"a\":}]",
        "[{\"a\" 1}]",
        "[{a:1}]",
        "[{\"a\":1,}]",
        "[{,}]",
        "{}",
        "[1]\v",
        "\xef\xbb\xbf[]",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct json_part part;
        size_t count;
        if (walk(wrong[i], '[', &part, &count) != ERR_INVALID)
            fail_msg("taken: %s", wrong[i]);
    }
}

static void depth_counts_the_outermost(void **state)
{
    (void)state;
    struct json_part part;
    size_t count;
    assert_int_equal(walk("[[[[]]]]", '[', &part, &count), ERR_OK);
    assert_int_equal(walk("[[[{\"a\":[]}]]]", '[', &part, &count), ERR_TOO_DEEP);
    assert_int_equal(walk("[[[[[", '[', &part, &count), ERR_TOO_DEEP);
}

static void size_is_limited(void **state)
{
    (void)state;
    struct json_scan scan;
    struct json_limits small = {.bytes = 2, .depth = 1};
    assert_int_equal(json_scan_begin(&scan, SLICE_LITERAL("[]"), small, '[', NULL), ERR_OK);
    assert_int_equal(json_scan_begin(&scan, SLICE_LITERAL("[] "), small, '[', NULL), ERR_TOO_LARGE);
}

static void refusals_say_where(void **state)
{
    (void)state;
    struct json_scan scan;
    struct json_part part;
    bool found;
    struct fault fault = {0};
    struct slice text = SLICE_LITERAL("[1x]");
    assert_int_equal(json_scan_begin(&scan, text, limits, '[', &fault), ERR_OK);
    assert_int_equal(json_scan_next(&scan, &part, &found, &fault), ERR_OK);
    assert_int_equal(json_scan_next(&scan, &part, &found, &fault), ERR_INVALID);
    assert_string_equal(fault.text, "neither ',' nor an end at offset 2");
}

static void member_is_found_once_or_refused(void **state)
{
    (void)state;
    struct slice value = {0};
    struct slice text = SLICE_LITERAL("{\"a\":{\"b\":1},\"b\":[ 2 ]}");
    assert_int_equal(json_scan_member(text, limits, "b", &value, NULL), ERR_OK);
    assert_true(slice_is(value, "[ 2 ]"));
    assert_int_equal(json_scan_member(text, limits, "c", &value, NULL), ERR_NOT_FOUND);
    text = SLICE_LITERAL("{\"a\":1,\"a\":2}");
    assert_int_equal(json_scan_member(text, limits, "a", &value, NULL), ERR_INVALID);
    text = SLICE_LITERAL("{\"a\":1}x");
    assert_int_equal(json_scan_member(text, limits, "a", &value, NULL), ERR_INVALID);
    assert_true(slice_is(value, "[ 2 ]"));
}

static void several_members_are_found_in_one_walk(void **state)
{
    (void)state;
    static const char *const names[] = {"b", "none", "a"};
    struct slice values[3];
    assert_int_equal(json_scan_members(SLICE_LITERAL("{\"a\":[1],\"c\":2,\"b\":\"x\"}"), limits,
                                       names, 3, values, NULL),
                     ERR_OK);
    assert_true(slice_is(values[0], "\"x\""));
    assert_null(values[1].data);
    assert_true(slice_is(values[2], "[1]"));
    struct fault fault;
    assert_int_equal(json_scan_members(SLICE_LITERAL("{\"a\":1,\"b\":2,\"a\":3}"), limits, names, 3,
                                       values, &fault),
                     ERR_INVALID);
    assert_string_equal(fault.where, "a");
}

static void what_was_checked_before_is_passed_over_by_texts_and_brackets(void **state)
{
    (void)state;
    struct slice value;
    assert_int_equal(
        json_scan_member(SLICE_LITERAL("{\"a\":[{\"x\":\"]}\\\"\"},[[[[[]]]]]],\"b\":7}"),
                         JSON_LIMITS_CHECKED, "b", &value, NULL),
        ERR_OK);
    assert_true(slice_is(value, "7"));
    static const char *const wrong[] = {"{\"a\":[", "{\"a\":[\"", "{\"a\":[]"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(
            json_scan_member(slice_of(wrong[i]), JSON_LIMITS_CHECKED, "b", &value, NULL),
            ERR_INVALID);
}

static void what_is_not_plain_is_met_wherever_it_stands(void **state)
{
    (void)state;
    static const unsigned char others[] = {'"', '\\', 0x00, 0x1f, 0x80, 0xa0, 0xff};
    char text[32];
    for (size_t place = 0; place < sizeof text; place++)
        for (size_t i = 0; i < sizeof others; i++)
            for (int around = 0x20; around < 0x80; around++) {
                if (around == '"' || around == '\\')
                    continue;
                memset(text, around, sizeof text);
                assert_int_equal(json_scan_plain((struct slice){text, place}), place);
                text[place] = (char)others[i];
                assert_int_equal(json_scan_plain((struct slice){text, sizeof text}), place);
            }
}

static void text_without_escapes_is_borrowed(void **state)
{
    (void)state;
    struct arena arena CLEANUP(arena_free);
    arena_init(&arena, 100);
    struct slice value = SLICE_LITERAL("\"caf\xc3\xa9\"");
    struct slice text;
    assert_int_equal(json_scan_text(value, &arena, &text), ERR_OK);
    assert_true(slice_is(text, "caf\xc3\xa9"));
    assert_ptr_equal(text.data, value.data + 1);
}

static void text_with_escapes_is_made_in_the_arena(void **state)
{
    (void)state;
    struct arena arena CLEANUP(arena_free);
    arena_init(&arena, 100);
    struct slice text;
    assert_int_equal(json_scan_text(SLICE_LITERAL("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e9"
                                                  "\\u20ac\\ud83d\\ude00.\""),
                                    &arena, &text),
                     ERR_OK);
    assert_true(slice_is(text, "\"\\/\b\f\n\r\tA\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80."));
    arena_free(&arena);
    arena_init(&arena, 1);
    assert_int_equal(json_scan_text(SLICE_LITERAL("\"\\n\""), &arena, &text), ERR_NO_MEMORY);
    assert_int_equal(json_scan_text(SLICE_LITERAL("12"), &arena, &text), ERR_INVALID);
}

static void whole_numbers_are_exact(void **state)
{
    (void)state;
    int64_t number = 7;
    assert_int_equal(json_scan_int(SLICE_LITERAL("9007199254740992"), &number), ERR_OK);
    assert_true(number == INT64_C(9007199254740992));
    assert_int_equal(json_scan_int(SLICE_LITERAL("-9007199254740992"), &number), ERR_OK);
    assert_true(number == -INT64_C(9007199254740992));
    static const char *const wrong[] = {"9007199254740993",  "1.0", "1e3", "", "-", "\"1\"",
                                        "99999999999999999", "true"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(json_scan_int(slice_of(wrong[i]), &number), ERR_INVALID);
}

static void flags_are_true_or_false(void **state)
{
    (void)state;
    bool flag = false;
    assert_int_equal(json_scan_flag(SLICE_LITERAL("true"), &flag), ERR_OK);
    assert_true(flag);
    assert_int_equal(json_scan_flag(SLICE_LITERAL("false"), &flag), ERR_OK);
    assert_false(flag);
    assert_int_equal(json_scan_flag(SLICE_LITERAL("null"), &flag), ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_are_found_byte_for_byte),
        cmocka_unit_test(every_kind_of_value_is_taken),
        cmocka_unit_test(what_is_not_json_is_refused),
        cmocka_unit_test(depth_counts_the_outermost),
        cmocka_unit_test(size_is_limited),
        cmocka_unit_test(refusals_say_where),
        cmocka_unit_test(member_is_found_once_or_refused),
        cmocka_unit_test(several_members_are_found_in_one_walk),
        cmocka_unit_test(what_was_checked_before_is_passed_over_by_texts_and_brackets),
        cmocka_unit_test(what_is_not_plain_is_met_wherever_it_stands),
        cmocka_unit_test(text_without_escapes_is_borrowed),
        cmocka_unit_test(text_with_escapes_is_made_in_the_arena),
        cmocka_unit_test(whole_numbers_are_exact),
        cmocka_unit_test(flags_are_true_or_false),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
