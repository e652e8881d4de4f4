#include "hal/base/cleanup.h"
#include "hal/base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct line {
    const char *item;
    int64_t quantity;
};

struct store {
    const char *city;
};

struct sale {
    bool has_note;
    bool gift;
    bool has_gift;
    const char *receipt;
    const char *note;
    int64_t total;
    int64_t at_ms;
    int kind;
    struct line *lines;
    size_t line_count;
    const char **tags;
    size_t tag_count;
    struct store store;
    const struct cJSON *extra;
};

static const char *const kinds[] = {"sale", "exchange", NULL};

#define COUNT(list) (sizeof(list) / sizeof *(list))

static const struct json_field line_fields[] = {
    {.name = "item", .kind = JSON_TEXT, .offset = offsetof(struct line, item), .min = 1, .max = 8},
    {.name = "quantity",
     .kind = JSON_INT,
     .offset = offsetof(struct line, quantity),
     .min = 1,
     .max = 99},
};
static const struct json_table line_table = {line_fields, COUNT(line_fields), sizeof(struct line),
                                             false};

static const struct json_field store_fields[] = {
    {.name = "city", .kind = JSON_TEXT, .offset = offsetof(struct store, city), .max = 20},
};
static const struct json_table store_table = {store_fields, COUNT(store_fields),
                                              sizeof(struct store), true};

static const struct json_field sale_fields[] = {
    {.name = "receipt", .kind = JSON_TEXT, .offset = offsetof(struct sale, receipt), .max = 20},
    {.name = "note",
     .kind = JSON_TEXT,
     .presence = JSON_OPTIONAL,
     .offset = offsetof(struct sale, note),
     .max = 20},
    {.name = "total",
     .kind = JSON_INT,
     .presence = JSON_OPTIONAL,
     .offset = offsetof(struct sale, total)},
    {.name = "at",
     .kind = JSON_TIME,
     .presence = JSON_OPTIONAL,
     .offset = offsetof(struct sale, at_ms)},
    {.name = "gift",
     .kind = JSON_FLAG,
     .presence = JSON_OPTIONAL,
     .offset = offsetof(struct sale, gift),
     .present_offset = offsetof(struct sale, has_gift)},
    {.name = "kind",
     .kind = JSON_CHOICE,
     .presence = JSON_OPTIONAL,
     .offset = offsetof(struct sale, kind),
     .choices = kinds},
    {.name = "lines",
     .kind = JSON_LIST,
     .presence = JSON_OPTIONAL,
     .offset = offsetof(struct sale, lines),
     .count_offset = offsetof(struct sale, line_count),
     .min = 1,
     .max = 3,
     .items = &line_table},
    {.name = "tags",
     .kind = JSON_TEXTS,
     .presence = JSON_OPTIONAL,
     .offset = offsetof(struct sale, tags),
     .count_offset = offsetof(struct sale, tag_count),
     .max = 2},
    {.name = "store",
     .kind = JSON_OBJECT,
     .presence = JSON_OPTIONAL,
     .offset = offsetof(struct sale, store),
     .items = &store_table},
    {.name = "extra",
     .kind = JSON_ANY,
     .presence = JSON_OPTIONAL,
     .offset = offsetof(struct sale, extra)},
};
static const struct json_table sale_table = {sale_fields, COUNT(sale_fields), sizeof(struct sale),
                                             false};

static struct arena arena;
static struct cJSON *doc;
static struct fault fault;

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 64 * 1024);
    doc = NULL;
    fault = (struct fault){0};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    json_free(doc);
    arena_free(&arena);
    return 0;
}

static enum err read_sale(const char *text, struct sale *sale)
{
    json_free(doc);
    doc = NULL;
    assert_int_equal(json_parse(slice_of(text), JSON_LIMITS_DEFAULT, &doc, &fault), ERR_OK);
    return json_read(doc, &sale_table, sale, &arena, &fault);
}

static void every_kind_of_field_is_read(void **state)
{
    (void)state;
    struct sale sale = {.note = "before"};
    assert_int_equal(
        read_sale("{\"receipt\":\"R-\\u00e9\",\"total\":-1999,\"at\":\"1970-01-01T00:00:01Z\","
                  "\"gift\":false,\"kind\":\"exchange\",\"lines\":[{\"item\":\"a\",\"quantity\":2},"
                  "{\"item\":\"b\",\"quantity\":99}],\"tags\":[\"x\",\"y\"],"
                  "\"store\":{\"city\":\"Bonn\",\"newer\":1},\"extra\":[1],\"note\":null}",
                  &sale),
        ERR_OK);
    assert_string_equal(sale.receipt, "R-\xc3\xa9");
    assert_int_equal(sale.total, -1999);
    assert_int_equal(sale.at_ms, 1000);
    assert_true(sale.has_gift);
    assert_false(sale.gift);
    assert_int_equal(sale.kind, 1);
    assert_int_equal(sale.line_count, 2);
    assert_string_equal(sale.lines[1].item, "b");
    assert_int_equal(sale.lines[1].quantity, 99);
    assert_int_equal(sale.tag_count, 2);
    assert_string_equal(sale.tags[1], "y");
    assert_string_equal(sale.store.city, "Bonn");
    assert_int_equal(json_first(sale.extra) != NULL, 1);
    assert_string_equal(sale.note, "before"); /* null leaves the default */
}

static void assert_refused(const char *text, const char *where, const char *rule)
{
    struct sale sale = {0};
    assert_int_equal(read_sale(text, &sale), ERR_INVALID);
    assert_string_equal(fault.where, where);
    if (!strstr(fault.text, rule))
        fail_msg("%s: \"%s\" is not in \"%s\"", text, rule, fault.text);
}

static void every_refusal_names_the_field_and_the_rule(void **state)
{
    (void)state;
    assert_refused("{}", "receipt", "missing");
    assert_refused("{\"receipt\":null}", "receipt", "missing");
    assert_refused("{\"receipt\":1}", "receipt", "text");
    assert_refused("{\"receipt\":\"123456789012345678901\"}", "receipt", "at most 20");
    assert_refused("{\"receipt\":\"R\",\"total\":1.5}", "total", "whole number");
    assert_refused("{\"receipt\":\"R\",\"total\":\"1\"}", "total", "whole number");
    assert_refused("{\"receipt\":\"R\",\"total\":9007199254740993}", "total", "whole number");
    assert_refused("{\"receipt\":\"R\",\"total\":1e300}", "total", "whole number");
    assert_refused("{\"receipt\":\"R\",\"at\":\"today\"}", "at", "RFC 3339");
    assert_refused("{\"receipt\":\"R\",\"gift\":1}", "gift", "true or false");
    assert_refused("{\"receipt\":\"R\",\"kind\":\"x\"}", "kind", "sale, exchange");
    assert_refused("{\"receipt\":\"R\",\"lines\":{}}", "lines", "list");
    assert_refused("{\"receipt\":\"R\",\"lines\":[]}", "lines", "from 1 to 3");
    assert_refused("{\"receipt\":\"R\",\"lines\":[1]}", "lines[0]", "object");
    assert_refused(
        "{\"receipt\":\"R\",\"lines\":[{\"item\":\"a\",\"quantity\":1},{\"item\":\"\"}]}",
        "lines[1].item", "must not be empty");
    assert_refused("{\"receipt\":\"R\",\"lines\":[{\"item\":\"a\",\"quantity\":100}]}",
                   "lines[0].quantity", "from 1 to 99");
    assert_refused("{\"receipt\":\"R\",\"tags\":[\"a\",\"b\",\"c\"]}", "tags", "from 0 to 2");
    assert_refused("{\"receipt\":\"R\",\"tags\":[\"\"]}", "tags[0]", "must not be empty");
    assert_refused("{\"receipt\":\"R\",\"store\":{}}", "store.city", "missing");
    assert_refused("{\"receipt\":\"R\",\"stray\":1}", "stray", "not a field");
    assert_refused("[]", "", "object");
}

static void lists_larger_than_the_arena_are_refused(void **state)
{
    (void)state;
    struct arena small;
    arena_init(&small, 8);
    assert_int_equal(json_parse(SLICE_LITERAL("{\"receipt\":\"R\",\"lines\":[{\"item\":\"a\","
                                              "\"quantity\":1}]}"),
                                JSON_LIMITS_DEFAULT, &doc, NULL),
                     ERR_OK);
    struct sale sale = {0};
    assert_int_equal(json_read(doc, &sale_table, &sale, &small, &fault), ERR_TOO_LARGE);
    assert_string_equal(fault.where, "lines");
    arena_free(&small);
}

static void what_is_not_json_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "{",
        "{}}",
        "{} x",
        "[1,]",
        "{\"a\":1,}",
        "{a:1}",
        "'a'",
        "01",
        "1.",
        "+1",
        "0x10",
        "NaN",
        "\x01{}",
        "[1\x0b]",
        "\"\t\"",
        "\"\\x\"",
        "\"\\ud800\"",
        "nul",
        "1e400",
        "[-1e999]",
        "\xff",
        "\"\xc3\"",
        "\"\\u0000\"",
        "\xef\xbb\xbf{}",
        "// c\n1",
        "[1 2]",
        "\"open",
        "tru",
        "-",
        "1e",
        "[",
        "1234567890123456789012345678901234567890123456789012345678901",
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        enum err err = json_parse(slice_of(bad[i]), JSON_LIMITS_DEFAULT, &doc, &fault);
        if (err != ERR_INVALID)
            fail_msg("%s was not refused", bad[i]);
        assert_null(doc);
    }
    assert_int_equal(json_parse((struct slice){"\"a\0b\"", 5}, JSON_LIMITS_DEFAULT, &doc, NULL),
                     ERR_INVALID);
}

static void length_of_a_text_is_told_in_bytes(void **state)
{
    (void)state;
    struct line line;
    assert_int_equal(json_parse(SLICE_LITERAL("{\"item\":\"\u00fc\u00fc\u00fc\u00fc\u00fc\"}"),
                                JSON_LIMITS_DEFAULT, &doc, NULL),
                     ERR_OK);
    assert_int_equal(json_read(doc, &line_table, &line, &arena, &fault), ERR_INVALID);
    assert_string_equal(fault.where, "item");
    assert_string_equal(fault.text, "must have at most 8 bytes, in UTF-8");
    json_free(doc);
    assert_int_equal(json_parse(SLICE_LITERAL("{\"item\":\"\"}"), JSON_LIMITS_DEFAULT, &doc, NULL),
                     ERR_OK);
    assert_int_equal(json_read(doc, &line_table, &line, &arena, &fault), ERR_INVALID);
    assert_string_equal(fault.text, "must not be empty");
}

static void keys_that_occur_twice_are_refused_at_every_level(void **state)
{
    (void)state;
    static const char *const bad[] = {"{\"a\":1,\"a\":2}", "{\"a\":1,\"b\":1,\"\\u0061\":2}",
                                      "[[{\"x\":{\"a\":1,\"a\":1}}]]"};
    for (size_t i = 0; i < COUNT(bad); i++) {
        assert_int_equal(json_parse(slice_of(bad[i]), JSON_LIMITS_DEFAULT, &doc, &fault),
                         ERR_INVALID);
        assert_string_equal(fault.where, "a");
    }
    assert_string_equal(fault.text, "the key occurs twice in the object that ends at offset 20");
    assert_int_equal(json_parse(SLICE_LITERAL("{\"a\":1,\"A\":1,\"b\":{\"a\":1}}"),
                                JSON_LIMITS_DEFAULT, &doc, NULL),
                     ERR_OK);
}

static void number_that_is_too_large_is_told_by_its_place(void **state)
{
    (void)state;
    assert_int_equal(json_parse(SLICE_LITERAL("{\"a\": 1e400}"), JSON_LIMITS_DEFAULT, &doc, &fault),
                     ERR_INVALID);
    assert_string_equal(fault.text, "a number that is too large at offset 6");
}

static void size_and_depth_are_limited_exactly(void **state)
{
    (void)state;
    struct json_limits limits = {.bytes = 6, .depth = 3};
    assert_int_equal(json_parse(SLICE_LITERAL("[[[]]]"), limits, &doc, NULL), ERR_OK);
    json_free(doc);
    doc = NULL;
    assert_int_equal(json_parse(SLICE_LITERAL("[[[]]] "), limits, &doc, NULL), ERR_TOO_LARGE);
    limits.bytes = 100;
    assert_int_equal(json_parse(SLICE_LITERAL("[[[[]]]]"), limits, &doc, NULL), ERR_TOO_DEEP);
    assert_int_equal(json_parse(SLICE_LITERAL("[\"[[[[\"]"), limits, &doc, NULL), ERR_OK);
}

static void a_million_brackets_are_refused_without_recursion(void **state)
{
    (void)state;
    static char brackets[1000000];
    memset(brackets, '[', sizeof brackets);
    struct json_limits limits = {.bytes = sizeof brackets, .depth = 16};
    assert_int_equal(json_parse((struct slice){brackets, sizeof brackets}, limits, &doc, NULL),
                     ERR_TOO_DEEP);
}

static void print_is_compact_and_keeps_the_order(void **state)
{
    (void)state;
    assert_int_equal(
        json_parse(
            SLICE_LITERAL(" { \"b\" : 9007199254740991 , \"a\" : [ true, null, -0.1, 1e300 ] } "),
            JSON_LIMITS_DEFAULT, &doc, NULL),
        ERR_OK);
    struct buf out CLEANUP(buf_free);
    buf_init(&out, 100);
    json_print(doc, &out);
    assert_string_equal(out.data, "{\"b\":9007199254740991,\"a\":[true,null,-0.1,"
                                  "1e+300]}");
}

static void single_look_ups_give_the_fallback_for_what_is_of_another_kind(void **state)
{
    (void)state;
    assert_int_equal(json_parse(SLICE_LITERAL("{\"t\":\"x\",\"n\":7,\"f\":1.5,\"l\":[1,2]}"),
                                JSON_LIMITS_DEFAULT, &doc, NULL),
                     ERR_OK);
    assert_string_equal(json_member_text(doc, "t"), "x");
    assert_null(json_member_text(doc, "n"));
    assert_null(json_member_text(doc, "none"));
    assert_int_equal(json_member_int(doc, "n", -1), 7);
    assert_int_equal(json_member_int(doc, "f", -1), -1);
    assert_int_equal(json_member_int(doc, "t", -1), -1);
    assert_int_equal(json_member_int(doc, "none", -1), -1);
    const struct cJSON *item = json_first(json_member(doc, "l"));
    int64_t number;
    assert_int_equal(json_whole(json_next(item), &number), ERR_OK);
    assert_int_equal(number, 2);
    assert_null(json_next(json_next(item)));
    assert_null(json_first(json_member(doc, "t")));
}

static void texts_and_numbers_of_every_form_are_read(void **state)
{
    (void)state;
    assert_int_equal(
        json_parse(SLICE_LITERAL(
                       "{\"\\u0061\\n\":\"\\\"\\\\\\ud83d\\ude00\",\"e\":\"\",\"n\":[-7,-0,1e2,0.5,"
                       "123456789012345,9007199254740993,-1.5E-1]}"),
                   JSON_LIMITS_DEFAULT, &doc, NULL),
        ERR_OK);
    assert_string_equal(json_member_text(doc, "a\n"), "\"\\\xf0\x9f\x98\x80");
    assert_string_equal(json_member_text(doc, "e"), "");
    struct buf out CLEANUP(buf_free);
    buf_init(&out, 200);
    json_print(json_member(doc, "n"), &out);
    assert_string_equal(out.data, "[-7,0,100,0.5,123456789012345,9007199254740992,-0.15]");
}

#define JSON_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        JSON_TEST(every_kind_of_field_is_read),
        JSON_TEST(texts_and_numbers_of_every_form_are_read),
        JSON_TEST(every_refusal_names_the_field_and_the_rule),
        JSON_TEST(lists_larger_than_the_arena_are_refused),
        JSON_TEST(what_is_not_json_is_refused),
        JSON_TEST(length_of_a_text_is_told_in_bytes),
        JSON_TEST(keys_that_occur_twice_are_refused_at_every_level),
        JSON_TEST(number_that_is_too_large_is_told_by_its_place),
        JSON_TEST(size_and_depth_are_limited_exactly),
        JSON_TEST(a_million_brackets_are_refused_without_recursion),
        JSON_TEST(print_is_compact_and_keeps_the_order),
        JSON_TEST(single_look_ups_give_the_fallback_for_what_is_of_another_kind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
