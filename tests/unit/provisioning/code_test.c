#include "hal/base/buf.h"
#include "provisioning/code.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char letters[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

static void assert_same(const struct code *a, const struct code *b)
{
    assert_memory_equal(a->locator, b->locator, CODE_LOCATOR_BYTES);
    assert_memory_equal(a->token, b->token, CODE_TOKEN_BYTES);
}

static enum err parse(const char *text, struct code *code)
{
    return code_parse(slice_of(text), code, NULL);
}

static void code_comes_back_from_its_text(void **state)
{
    (void)state;
    for (int i = 0; i < 1000; i++) {
        struct code made = code_make(), read;
        char text[CODE_TEXT + 1];
        code_format(&made, text);
        assert_int_equal(strlen(text), CODE_TEXT);
        assert_int_equal(parse(text, &read), ERR_OK);
        assert_same(&made, &read);
    }
}

static void code_of_known_bytes_never_changes(void **state)
{
    (void)state;
    struct code code = {{0, 1, 2, 3, 4}, {5, 6, 7, 8, 9, 10, 11, 12, 13, 14}};
    char text[CODE_TEXT + 1];
    code_format(&code, text);
    /* digits by RFC 4648's order of bits; the last two make the number 1 modulo 1021 */
    assert_string_equal(text, "000G-40R4-0M30-E209-185G-R38E-C2");
}

static void spelling_is_forgiven(void **state)
{
    (void)state;
    struct code code = {{0, 1, 2, 3, 4}, {5, 6, 7, 8, 9, 10, 11, 12, 13, 14}}, read;
    static const char *const spellings[] = {
        "000g40r40m30e209185gr38ec2",
        "OOOG 4OR4 OM3O E2O9 I85G R38E C2",
        "  000G-40R4-0M30-E209-l85G-R38E-C2\r\n",
    };
    for (size_t i = 0; i < sizeof spellings / sizeof *spellings; i++) {
        assert_int_equal(parse(spellings[i], &read), ERR_OK);
        assert_same(&code, &read);
    }
}

static void every_single_wrong_character_is_found(void **state)
{
    (void)state;
    for (int round = 0; round < 50; round++) {
        struct code code = code_make(), read;
        char text[CODE_TEXT + 1];
        code_format(&code, text);
        for (size_t i = 0; i < CODE_TEXT; i++) {
            char right = text[i];
            for (const char *wrong = letters; right != '-' && *wrong; wrong++) {
                text[i] = *wrong;
                if (*wrong != right)
                    assert_int_equal(parse(text, &read), ERR_INVALID);
            }
            text[i] = right;
        }
    }
}

static void every_swap_of_neighbours_is_found(void **state)
{
    (void)state;
    for (int round = 0; round < 200; round++) {
        struct code code = code_make(), read;
        char text[CODE_TEXT + 1];
        code_format(&code, text);
        for (size_t i = 0; i + 1 < CODE_TEXT; i++) {
            size_t next = text[i + 1] == '-' ? i + 2 : i + 1;
            if (text[i] == '-' || text[i] == text[next])
                continue;
            char kept = text[i];
            text[i] = text[next];
            text[next] = kept;
            assert_int_equal(parse(text, &read), ERR_INVALID);
            text[next] = text[i];
            text[i] = kept;
        }
    }
}

static void refusals_say_what_is_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum err err;
        const char *says;
    } cases[] = {
        {"", ERR_INVALID, "26 characters are missing"},
        {"000G-40R4-0M30-E209-185G-R38E-C", ERR_INVALID, "1 characters are missing"},
        {"000G-40R4-0M30-E209-185G-R38E-C20", ERR_INVALID, "more than 26"},
        {"000G-40R4-0M30-E2U9", ERR_INVALID, "character 18 is neither"},
        {"000G-40R4-0M30-E209-185G-R38E-CW", ERR_INVALID, "mistyped"},
        {"----------------------------------------------------------------------------------",
         ERR_TOO_LARGE, "more than 80"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct code untouched = {{9}, {9}}, read = untouched;
        struct fault fault;
        assert_int_equal(code_parse(slice_of(cases[i].text), &read, &fault), cases[i].err);
        assert_non_null(strstr(fault.text, cases[i].says));
        assert_string_equal(fault.where, "code");
        assert_same(&read, &untouched);
    }
}

static void seal_proves_who_made_the_code_and_over_what(void **state)
{
    (void)state;
    struct code code = code_make(), other = code_make();
    struct slice bundle = SLICE_LITERAL("the bundle");
    struct sha256 seal = code_seal(&code, bundle);
    struct fault fault;
    assert_int_equal(code_check_seal(&code, bundle, &seal, &fault), ERR_OK);
    assert_int_equal(code_check_seal(&other, bundle, &seal, &fault), ERR_REFUSED);
    assert_int_equal(code_check_seal(&code, SLICE_LITERAL("the bundlf"), &seal, &fault),
                     ERR_REFUSED);
    seal.bytes[31] ^= 1;
    assert_int_equal(code_check_seal(&code, bundle, &seal, &fault), ERR_REFUSED);
}

static void token_hash_depends_on_the_token_alone(void **state)
{
    (void)state;
    struct code a = code_make(), b = a, c = a;
    b.locator[0] ^= 1;
    c.token[0] ^= 1;
    struct sha256 of_a = code_token_hash(&a), of_b = code_token_hash(&b),
                  of_c = code_token_hash(&c);
    assert_true(sha256_equal(&of_a, &of_b));
    assert_false(sha256_equal(&of_a, &of_c));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(code_comes_back_from_its_text),
        cmocka_unit_test(code_of_known_bytes_never_changes),
        cmocka_unit_test(spelling_is_forgiven),
        cmocka_unit_test(every_single_wrong_character_is_found),
        cmocka_unit_test(every_swap_of_neighbours_is_found),
        cmocka_unit_test(refusals_say_what_is_wrong),
        cmocka_unit_test(seal_proves_who_made_the_code_and_over_what),
        cmocka_unit_test(token_hash_depends_on_the_token_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
