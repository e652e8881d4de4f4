#include "sync/hub/device_words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { MOST = 8 };

/* Words between '|'. What is read points into the line. */
static enum err read_words(char *line, struct device_words *out, struct fault *fault)
{
    char *words[MOST];
    int count = 0;
    for (char *word; count < MOST && (word = strsep(&line, "|"));)
        words[count++] = word;
    return device_words_read(count, words, "store name days force", out, fault);
}

static void what_a_command_takes_is_read(void **state)
{
    (void)state;
    struct device_words words;
    char line[] = "box-1|--store|0042|--name|Front counter|--days|30";
    assert_int_equal(read_words(line, &words, NULL), ERR_OK);
    assert_string_equal(words.subject, "box-1");
    assert_string_equal(words.store, "0042");
    assert_string_equal(words.name, "Front counter");
    assert_int_equal(words.days, 30);
    assert_false(words.force);
    char flags[] = "--force|--json";
    assert_int_equal(read_words(flags, &words, NULL), ERR_OK);
    assert_true(words.force && words.json);
    assert_null(words.subject);
}

static void what_it_does_not_take_is_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        const char *named;
    } wrong[] = {
        {"--|x", "--"},           {"--store name|x", "--store name"},
        {"--stor|x", "--stor"},   {"--storename|x", "--storename"},
        {"--hours|1", "--hours"}, {"box-1|box-2", "box-2"},
        {"--store", "--store"},   {"--days|0", "--days"},
        {"--days|366", "--days"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char line[32];
        struct device_words words;
        struct fault fault;
        (void)snprintf(line, sizeof line, "%s", wrong[i].line);
        assert_int_equal(read_words(line, &words, &fault), ERR_INVALID);
        assert_string_equal(fault.where, wrong[i].named);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_command_takes_is_read),
        cmocka_unit_test(what_it_does_not_take_is_refused_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
