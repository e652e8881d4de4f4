/* What of a kept journal may leave the appliance. */
#include "agent/service/last_words.h"
#include "hal/base/cleanup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void assert_copied(const char *journal, const char *expected)
{
    struct buf out CLEANUP(buf_free);
    buf_init(&out, 4096);
    last_words_copy(slice_of(journal), &out);
    assert_int_equal(out.len, strlen(expected));
    assert_memory_equal(out.len ? out.data : "", expected, out.len);
}

static void what_the_system_said_goes_along(void **state)
{
    (void)state;
    static const char said[] =
        "2026-11-26T18:00:35+0000 tillback systemd[1]: tillbackd.service: Failed.\n"
        "2026-11-26T18:00:36+0000 tillback kernel: EXT4-fs (vda4): mounted\n"
        "2026-11-26T18:00:37+0000 tillback health[318]: slot B does not become healthy\n";
    assert_copied(said, said);
}

static void of_what_tillbackd_said_only_what_may_leave(void **state)
{
    (void)state;
    assert_copied(
        "2026-11-26T18:00:35+0000 tillback serve[313]: {\"time\":\"2026-11-26T18:00:35Z\","
        "\"level\":\"warn\",\"name\":\"people.first\",\"text\":\"one-time PIN 12345\"}\n"
        "2026-11-26T18:00:35+0000 tillback serve[313]: ready http=127.0.0.1:8080\n",
        "{\"time\":\"2026-11-26T18:00:35Z\",\"level\":\"warn\","
        "\"name\":\"people.first\"}\n");
}

static void what_anybody_else_said_stays(void **state)
{
    (void)state;
    assert_copied("2026-11-26T18:00:35+0000 tillback sh[9]: kernel: secret\n"
                  "kernel: secret\n\n \n"
                  "no line of a journal",
                  "");
}

static void a_last_line_without_an_end_is_a_line(void **state)
{
    (void)state;
    assert_copied("t h rauc[3]: done", "t h rauc[3]: done\n");
    assert_copied("", "");
}

static void the_end_is_of_whole_lines(void **state)
{
    (void)state;
    const struct slice words = slice_of("one\ntwo\nthree\n");
    assert_int_equal(last_words_end(words, 14).len, 14);
    assert_string_equal(last_words_end(words, 13).data, "two\nthree\n");
    assert_string_equal(last_words_end(words, 9).data, "three\n");
    assert_int_equal(last_words_end(words, 5).len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_system_said_goes_along),
        cmocka_unit_test(of_what_tillbackd_said_only_what_may_leave),
        cmocka_unit_test(what_anybody_else_said_stays),
        cmocka_unit_test(a_last_line_without_an_end_is_a_line),
        cmocka_unit_test(the_end_is_of_whole_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
