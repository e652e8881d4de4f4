#include "agent/print/template.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void the_one_that_ships_has_every_text_in_every_language(void **state)
{
    (void)state;
    struct template *template;
    assert_int_equal(template_open(&template, NULL, NULL), ERR_OK);
    size_t count;
    (void)template_blocks(template, &count);
    assert_in_range(count, 10, TEMPLATE_BLOCKS_MAX);
    const char *english = template_text(template, slice_of("title_voided"), POLICY_EN);
    assert_string_equal(english, "Return taken back");
    for (int language = POLICY_EN + 1; language < POLICY_LANGUAGE_COUNT; language++)
        assert_string_not_equal(
            template_text(template, slice_of("title_voided"), (enum policy_language)language),
            english);
    assert_null(template_text(template, slice_of("nothing"), POLICY_EN));
    template_close(template);
}

static void assert_refused(const char *text, const char *where)
{
    struct template *template;
    struct fault fault;
    assert_int_equal(template_read(&template, slice_of(text), &fault), ERR_INVALID);
    assert_string_equal(fault.where, where);
}

static void what_is_missing_or_unknown_is_named(void **state)
{
    (void)state;
    assert_refused("{\"version\":\"1\",\"blocks\":[{\"block\":\"poem\"}],\"texts\":[]}",
                   "blocks[0].block");
    assert_refused("{\"version\":\"1\",\"blocks\":[{\"block\":\"rule\"}],\"texts\":["
                   "{\"key\":\"a\",\"de\":\"b\"}]}",
                   "texts[0].en");
    assert_refused("{\"version\":\"1\",\"blocks\":[{\"block\":\"rule\"}],\"texts\":["
                   "{\"key\":\"a\",\"en\":\"b\"}]}",
                   "texts");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_one_that_ships_has_every_text_in_every_language),
        cmocka_unit_test(what_is_missing_or_unknown_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
