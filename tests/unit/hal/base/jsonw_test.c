#include "hal/base/json.h"
#include "hal/base/jsonw.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct buf out;

static int setup(void **state)
{
    (void)state;
    buf_init(&out, 4096);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    buf_free(&out);
    return 0;
}

static void the_same_calls_make_the_same_compact_bytes(void **state)
{
    (void)state;
    struct jsonw w = jsonw_to(&out);
    jsonw_object(&w, NULL);
    jsonw_text(&w, "receipt", "R-1");
    jsonw_array(&w, "lines");
    jsonw_int(&w, NULL, 1);
    jsonw_object(&w, NULL);
    jsonw_end(&w);
    jsonw_array(&w, NULL);
    jsonw_end(&w);
    jsonw_bool(&w, NULL, true);
    jsonw_end(&w);
    jsonw_bool(&w, "flag", false);
    jsonw_null(&w, "none");
    jsonw_text(&w, "no_text", NULL);
    jsonw_raw(&w, "raw", SLICE_LITERAL("{\"a\":1.50}"));
    jsonw_time(&w, "at", 0);
    jsonw_int(&w, "least", INT64_MIN);
    jsonw_end(&w);
    assert_string_equal(out.data,
                        "{\"receipt\":\"R-1\",\"lines\":[1,{},[],true],\"flag\":false,"
                        "\"none\":null,\"no_text\":null,\"raw\":{\"a\":1.50},"
                        "\"at\":\"1970-01-01T00:00:00.000Z\",\"least\":-9223372036854775808}");
    assert_int_equal(buf_check(&out, NULL, ""), ERR_OK);
}

static void texts_are_escaped_and_bytes_that_are_no_text_replaced(void **state)
{
    (void)state;
    struct jsonw w = jsonw_to(&out);
    jsonw_array(&w, NULL);
    jsonw_text(&w, NULL, "\"\\/\b\n\x1d\x7f");
    jsonw_text(&w, NULL, "\xc3\xa9\xf0\x9f\x98\x80");
    jsonw_text(&w, NULL,
               "a\xff"
               "b\xe2\x82");
    jsonw_slice(&w, NULL, (struct slice){"x\0y", 3});
    jsonw_text(&w, NULL, "");
    jsonw_end(&w);
    assert_string_equal(out.data, "[\"\\\"\\\\/\\u0008\\u000a\\u001d\x7f\","
                                  "\"\xc3\xa9\xf0\x9f\x98\x80\","
                                  "\"a\xef\xbf\xbd"
                                  "b\xef\xbf\xbd\xef\xbf\xbd\","
                                  "\"x\\u0000y\",\"\"]");
}

static void keys_are_escaped_too(void **state)
{
    (void)state;
    struct jsonw w = jsonw_to(&out);
    jsonw_object(&w, NULL);
    jsonw_int(&w, "a\"b", 1);
    jsonw_end(&w);
    assert_string_equal(out.data, "{\"a\\\"b\":1}");
}

static void every_byte_written_is_read_back(void **state)
{
    (void)state;
    char text[0x80];
    for (int i = 1; i < 0x80; i++)
        text[i - 1] = (char)i;
    text[0x7f] = '\0';
    struct jsonw w = jsonw_to(&out);
    jsonw_object(&w, NULL);
    jsonw_text(&w, "t", text);
    jsonw_end(&w);
    struct cJSON *doc;
    assert_int_equal(json_parse(buf_slice(&out), JSON_LIMITS_DEFAULT, &doc, NULL), ERR_OK);
    assert_string_equal(json_member_text(doc, "t"), text);
    json_free(doc);
}

static void what_does_not_fit_fails_the_buffer(void **state)
{
    (void)state;
    struct buf small;
    buf_init(&small, 5);
    struct jsonw w = jsonw_to(&small);
    jsonw_array(&w, NULL);
    jsonw_text(&w, NULL, "too long");
    jsonw_end(&w);
    assert_int_equal(buf_check(&small, NULL, ""), ERR_TOO_LARGE);
    buf_free(&small);
}

#define JSONW_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        JSONW_TEST(the_same_calls_make_the_same_compact_bytes),
        JSONW_TEST(texts_are_escaped_and_bytes_that_are_no_text_replaced),
        JSONW_TEST(keys_are_escaped_too),
        JSONW_TEST(every_byte_written_is_read_back),
        JSONW_TEST(what_does_not_fit_fails_the_buffer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
