/* Which connector takes which company, and how a file is told what it may not say. */
#include "sync/hub/connect/connectors_config.h"
#include "tests/support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define REST "{\"name\":\"rest\",\"connector\":\"none\"}"
#define MAIN "{\"name\":\"main\",\"connector\":\"ledger-file:a\",\"companies\":[\"main\"]}"

/* What comes of these connectors, beside the books that ship: one company, "main". */
static enum err read_text(const char *connectors, struct connectors_config *config,
                          struct fault *fault)
{
    struct scratch scratch;
    struct books books;
    char path[SCRATCH_PATH_MAX];
    char text[2048];
    scratch_make(&scratch);
    scratch_path(&scratch, "connectors.json", path);
    int len = snprintf(text, sizeof text, "{\"connectors\":[%s]}", connectors);
    scratch_write(path, text, (size_t)len);
    assert_int_equal(books_open(slice_of(""), &books, NULL), ERR_OK);
    enum err err = connectors_config_read(path, &books, config, fault);
    books_close(&books);
    scratch_remove(&scratch);
    return err;
}

static void each_has_its_companies_and_one_has_the_others(void **state)
{
    (void)state;
    struct connectors_config config;
    struct fault fault;
    assert_int_equal(read_text(MAIN "," REST, &config, &fault), ERR_OK);
    assert_int_equal(config.count, 2);
    assert_string_equal(config.connectors[0].companies[0], "main");
    assert_int_equal(config.connectors[1].company_count, 0);
    assert_int_equal(config.named_count, 1);
    assert_string_equal(config.named[0], "main");
    connectors_config_free(&config);
}

static void what_leaves_a_company_in_doubt_is_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *connectors;
        const char *why;
    } cases[] = {
        {MAIN, "one must go without companies"},
        {REST "," MAIN ",{\"name\":\"more\",\"connector\":\"none\"}", "here 2 do"},
        {REST ",{\"name\":\"x\",\"connector\":\"none\",\"companies\":[\"mian\"]}",
         "no company \"mian\""},
        {REST "," MAIN ",{\"name\":\"x\",\"connector\":\"none\",\"companies\":[\"main\"]}",
         "\"main\" is named twice"},
        {REST "," REST, "\"rest\" occurs twice"},
        {"{\"name\":\"The \\\"rest\\\"\",\"connector\":\"none\"}", "must be of a-z"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct connectors_config config;
        struct fault fault;
        assert_int_equal(read_text(cases[i].connectors, &config, &fault), ERR_INVALID);
        if (!strstr(fault.text, cases[i].why))
            fail_msg("%s is not %s", fault.text, cases[i].why);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_has_its_companies_and_one_has_the_others),
        cmocka_unit_test(what_leaves_a_company_in_doubt_is_refused_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
