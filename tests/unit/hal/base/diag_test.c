#include "hal/base/diag.h"
#include "hal/base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <unistd.h>

static int pair[2];

/* One line that was written, parsed; release with json_free. */
static struct cJSON *line(void)
{
    char text[16384];
    ssize_t len = read(pair[0], text, sizeof text);
    assert_true(len > 1);
    assert_int_equal(text[len - 1], '\n');
    struct cJSON *doc;
    struct slice json = {text, (size_t)len - 1};
    assert_null(memchr(json.data, '\n', json.len));
    assert_int_equal(json_parse(json, JSON_LIMITS_DEFAULT, &doc, NULL), ERR_OK);
    return doc;
}

static void a_line_is_json_with_its_name_and_sentence(void **state)
{
    (void)state;
    struct diag *d = diag_open(pair[1], "tillbackd", DIAG_INFO);
    diag_write(d, DIAG_DEBUG, "quiet", "not written");
    diag_write(d, DIAG_WARN, "uplink.disconnected", "after %d s\n", 3);
    struct cJSON *doc = line();
    assert_string_equal(json_member_text(doc, "program"), "tillbackd");
    assert_string_equal(json_member_text(doc, "level"), "warn");
    assert_string_equal(json_member_text(doc, "name"), "uplink.disconnected");
    assert_string_equal(json_member_text(doc, "text"), "after 3 s\n");
    assert_non_null(json_member_text(doc, "time"));
    json_free(doc);
    diag_close(d);
}

static void a_failure_tells_code_place_and_text(void **state)
{
    (void)state;
    struct diag *d = diag_open(pair[1], "tillbackd", DIAG_DEBUG);
    struct fault fault;
    (void)fault_set(&fault, ERR_DISK_FULL, "/state", "no room");
    diag_fault(d, DIAG_ERROR, "log.append", &fault);
    struct cJSON *doc = line();
    assert_string_equal(json_member_text(doc, "code"), "disk_full");
    assert_string_equal(json_member_text(doc, "where"), "/state");
    assert_string_equal(json_member_text(doc, "text"), "no room");
    json_free(doc);
    diag_close(d);
}

static void the_longest_and_ugliest_sentence_is_still_a_line(void **state)
{
    (void)state;
    struct diag *d = diag_open(pair[1], "tillbackd", DIAG_DEBUG);
    char ugly[2000];
    memset(ugly, '\1', sizeof ugly);
    ugly[sizeof ugly - 1] = '\0';
    diag_write(d, DIAG_INFO, "ugly", "%s", ugly);
    json_free(line());
    struct fault fault;
    (void)fault_set(&fault, ERR_IO, ugly, "%s", ugly);
    diag_fault(d, DIAG_INFO, "ugly", &fault);
    json_free(line());
    diag_close(d);
}

static void what_is_shed_is_all_but_errors_for_a_while(void **state)
{
    (void)state;
    struct diag *d = diag_open(pair[1], "tillbackd", DIAG_INFO);
    diag_shed(NULL, true);
    diag_shed(d, true);
    diag_set_least(d, DIAG_DEBUG);
    diag_write(d, DIAG_WARN, "quiet", "not written");
    diag_write(d, DIAG_ERROR, "always", "written");
    json_free(line());
    diag_shed(d, false);
    diag_write(d, DIAG_INFO, "loud", "written");
    struct cJSON *doc = line();
    assert_string_equal(json_member_text(doc, "name"), "loud");
    json_free(doc);
    diag_close(d);
}

static void no_diag_writes_nothing(void **state)
{
    (void)state;
    diag_write(NULL, DIAG_ERROR, "x", "%s", "y");
    struct fault fault = {0};
    diag_fault(NULL, DIAG_ERROR, "x", &fault);
    diag_close(NULL);
}

static int setup(void **state)
{
    (void)state;
    return pipe(pair);
}

static int teardown(void **state)
{
    (void)state;
    close(pair[0]);
    close(pair[1]);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_line_is_json_with_its_name_and_sentence, setup, teardown),
        cmocka_unit_test_setup_teardown(a_failure_tells_code_place_and_text, setup, teardown),
        cmocka_unit_test_setup_teardown(the_longest_and_ugliest_sentence_is_still_a_line, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_is_shed_is_all_but_errors_for_a_while, setup,
                                        teardown),
        cmocka_unit_test(no_diag_writes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
