#include "hal/framer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { NOISE_BYTES = 10 * 1024 };

/* What came out, as "d2:DATA|DATA|!why|". */
struct seen {
    struct framer framer;
    struct buf text;
    int scans;
    int refusals;
    size_t refused_bytes;
};

static void open_framer(struct seen *seen, const char *prefix, const char *suffix, char terminator)
{
    memset(seen, 0, sizeof *seen);
    buf_init(&seen->text, 64 * 1024);
    assert_int_equal(framer_init(&seen->framer, prefix, suffix, terminator, NULL), ERR_OK);
}

static void note(struct seen *seen, enum framed framed, const struct frame *frame)
{
    if (framed == FRAMED_SCAN) {
        seen->scans++;
        if (frame->aim[0])
            buf_printf(&seen->text, "%s:", frame->aim);
        buf_append(&seen->text, frame->data.data, frame->data.len);
    } else {
        seen->refusals++;
        seen->refused_bytes += frame->bytes;
        buf_printf(&seen->text, "!%s", frame->why);
    }
    buf_append_char(&seen->text, '|');
}

static void feed_bytes(struct seen *seen, const char *bytes, size_t len)
{
    struct slice input = {bytes, len};
    struct frame frame;
    enum framed framed;
    while ((framed = framer_take(&seen->framer, &input, &frame)) != FRAMED_NOTHING)
        note(seen, framed, &frame);
}

static void feed(struct seen *seen, const char *text)
{
    feed_bytes(seen, text, strlen(text));
}

static void cut(struct seen *seen)
{
    struct frame frame;
    if (framer_cut(&seen->framer, &frame) == FRAMED_REFUSED)
        note(seen, FRAMED_REFUSED, &frame);
}

/* What has come out since the last question. */
static void assert_seen(struct seen *seen, const char *expected)
{
    assert_string_equal(seen->text.data ? seen->text.data : "", expected);
    buf_reset(&seen->text);
}

static void close_framer(struct seen *seen)
{
    buf_free(&seen->text);
}

static void a_scan_ends_at_the_terminator(void **state)
{
    (void)state;
    struct seen seen;
    open_framer(&seen, "", "", 0);
    feed(&seen, "R-1001");
    assert_seen(&seen, "");
    feed(&seen, "\r");
    assert_seen(&seen, "R-1001|");
    assert_false(framer_waiting(&seen.framer));
    close_framer(&seen);
}

static void every_terminator_style_gives_the_same_scans(void **state)
{
    (void)state;
    static const struct {
        char terminator;
        const char *bytes;
    } rows[] = {
        {'\r', "A\rB\r"},
        {'\r', "A\r\nB\r\n"},
        {0, "A\r\r\nB\r"},
        {'\n', "A\nB\n"},
        {'\n', "A\r\nB\r\n"},
        {'\n', "A\r\n\r\nB\n"},
        {'\x03', "A\x03"
                 "B\x03"},
        {'\x03', "A\x03\nB\x03\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct seen seen;
        open_framer(&seen, "", "", rows[i].terminator);
        feed(&seen, rows[i].bytes);
        assert_seen(&seen, "A|B|");
        close_framer(&seen);
    }
}

static void line_feed_of_the_terminator_may_come_with_the_next_read(void **state)
{
    (void)state;
    struct seen seen;
    open_framer(&seen, "", "", '\r');
    feed(&seen, "A\r");
    feed(&seen, "\n");
    assert_false(framer_waiting(&seen.framer));
    feed(&seen, "B\r");
    assert_seen(&seen, "A|B|");
    close_framer(&seen);
}

static void a_burst_in_one_read_gives_each_scan_once_in_order(void **state)
{
    (void)state;
    struct seen seen;
    open_framer(&seen, "", "", '\r');
    char burst[2048];
    char expected[2048];
    size_t burst_len = 0;
    size_t expected_len = 0;
    for (int i = 0; i < 200; i++) {
        burst_len += (size_t)snprintf(burst + burst_len, sizeof burst - burst_len, "R-%d\r\n", i);
        expected_len +=
            (size_t)snprintf(expected + expected_len, sizeof expected - expected_len, "R-%d|", i);
    }
    feed_bytes(&seen, burst, burst_len);
    assert_int_equal(seen.scans, 200);
    assert_seen(&seen, expected);
    feed(&seen, "");
    cut(&seen);
    assert_seen(&seen, "");
    close_framer(&seen);
}

static void bytes_one_by_one_give_the_same_scans(void **state)
{
    (void)state;
    static const char bytes[] = "]E04006381333931\r\n]d2010401\x1d"
                                "17\r\nplain\r\n";
    struct seen seen;
    open_framer(&seen, "", "", '\r');
    for (size_t i = 0; i < sizeof bytes - 1; i++)
        feed_bytes(&seen, &bytes[i], 1);
    assert_seen(&seen, "E0:4006381333931|d2:010401\x1d"
                       "17|plain|");
    close_framer(&seen);
}

static void prefix_and_suffix_are_taken_off(void **state)
{
    (void)state;
    struct seen seen;
    open_framer(&seen, "\x02", "#!", '\r');
    feed(&seen, "\x02]C1R-1#!\r");
    feed(&seen, "\x02R-2#!\r\n");
    assert_seen(&seen, "C1:R-1|R-2|");
    close_framer(&seen);
}

static void a_missing_prefix_or_suffix_is_refused(void **state)
{
    (void)state;
    struct seen seen;
    open_framer(&seen, "<<", ">>", '\r');
    feed(&seen, "R-1>>\r<<R-2\r<\r<<R-3>>\r");
    assert_seen(&seen, "!it does not begin with the prefix|!it does not end with the suffix|"
                       "!it does not begin with the prefix|R-3|");
    close_framer(&seen);
}

static void prefix_and_suffix_do_not_share_bytes(void **state)
{
    (void)state;
    struct seen seen;
    open_framer(&seen, "##", "##", '\r');
    feed(&seen, "###\r####\r");
    assert_seen(&seen, "!it does not end with the suffix|!it holds no data|");
    close_framer(&seen);
}

static void aim_identifier_is_told_and_taken_off_only_when_it_is_one(void **state)
{
    (void)state;
    struct seen seen;
    open_framer(&seen, "", "", '\r');
    feed(&seen, "]d2X\r]Q3Y\r]zCZ\r");
    assert_seen(&seen, "d2:X|Q3:Y|zC:Z|");
    feed(&seen, "]1dX\r]\r]d\r]d-X\r[d2X\r");
    assert_seen(&seen, "]1dX|]|]d|]d-X|[d2X|");
    feed(&seen, "]d2\r");
    assert_seen(&seen, "!it holds no data|");
    close_framer(&seen);
}

static void group_separators_stay_in_the_data(void **state)
{
    (void)state;
    struct seen seen;
    open_framer(&seen, "", "", '\r');
    feed(&seen, "\x1d"
                "01\x1d"
                "21\x1d\r[)>\x1e"
                "06\x1d"
                "1P\x1e\x04\r");
    assert_seen(&seen, "\x1d"
                       "01\x1d"
                       "21\x1d|[)>\x1e"
                       "06\x1d"
                       "1P\x1e\x04|");
    close_framer(&seen);
}

static void bytes_that_are_not_utf8_are_refused(void **state)
{
    (void)state;
    struct seen seen;
    open_framer(&seen, "", "", '\r');
    feed(&seen, "\xff\xfe"
                "R\rcaf\xc3\xa9\rcaf\xe9\r\xc0\xaf\r");
    assert_seen(&seen, "!it is not UTF-8|caf\xc3\xa9|!it is not UTF-8|!it is not UTF-8|");
    close_framer(&seen);
}

static void nul_bytes_and_escapes_are_refused(void **state)
{
    (void)state;
    struct seen seen;
    open_framer(&seen, "", "", '\r');
    feed_bytes(&seen, "R\0X\r", 4);
    feed(&seen, "\x1b[2J\r\x7f\rA\nB\rR-1\r");
    assert_int_equal(seen.refusals, 4);
    assert_int_equal(seen.scans, 1);
    close_framer(&seen);
}

static void a_scan_cut_in_the_middle_is_refused_and_the_next_is_whole(void **state)
{
    (void)state;
    struct seen seen;
    open_framer(&seen, "", "", '\r');
    feed(&seen, "R-10");
    assert_true(framer_waiting(&seen.framer));
    cut(&seen);
    assert_false(framer_waiting(&seen.framer));
    assert_int_equal(seen.refused_bytes, 4);
    feed(&seen, "R-2002\r");
    assert_seen(&seen, "!it was cut in the middle|R-2002|");
    close_framer(&seen);
}

static void noise_without_terminator_is_refused_once_then_all_is_well(void **state)
{
    (void)state;
    struct seen seen;
    open_framer(&seen, "", "", '\r');
    static char noise[NOISE_BYTES];
    memset(noise, '~', sizeof noise);
    feed_bytes(&seen, noise, sizeof noise);
    assert_seen(&seen, "!it is longer than a scan can be|");
    assert_true(framer_waiting(&seen.framer));
    cut(&seen);
    assert_false(framer_waiting(&seen.framer));
    feed(&seen, "R-1\r");
    assert_seen(&seen, "R-1|");
    close_framer(&seen);
}

static void noise_that_ends_at_a_terminator_never_becomes_a_scan(void **state)
{
    (void)state;
    struct seen seen;
    open_framer(&seen, "", "", '\r');
    static char noise[NOISE_BYTES];
    memset(noise, '~', sizeof noise);
    feed_bytes(&seen, noise, sizeof noise);
    feed(&seen, "tail\r\nR-1\r\n");
    assert_seen(&seen, "!it is longer than a scan can be|R-1|");
    close_framer(&seen);
}

static void the_longest_scan_passes_and_one_byte_more_does_not(void **state)
{
    (void)state;
    static char bytes[SCAN_BYTES_MAX + 1];
    memset(bytes, 'x', sizeof bytes);
    struct seen seen;
    open_framer(&seen, "pppppppppppppppp", "ssssssssssssssss", '\n');
    feed(&seen, "pppppppppppppppp]d2");
    feed_bytes(&seen, bytes, SCAN_BYTES_MAX);
    feed(&seen, "ssssssssssssssss\r\n");
    assert_int_equal(seen.scans, 1);
    assert_int_equal(seen.text.len, strlen("d2:") + SCAN_BYTES_MAX + 1);
    feed(&seen, "pppppppppppppppp");
    feed_bytes(&seen, bytes, SCAN_BYTES_MAX + 1);
    feed(&seen, "ssssssssssssssss\n");
    assert_int_equal(seen.scans, 1);
    assert_int_equal(seen.refusals, 1);
    close_framer(&seen);
}

static void settings_that_can_not_work_are_refused(void **state)
{
    (void)state;
    struct framer framer;
    struct fault fault;
    assert_int_equal(framer_init(&framer, "12345678901234567", "", 0, &fault), ERR_INVALID);
    assert_string_equal(fault.where, "prefix");
    assert_int_equal(framer_init(&framer, "", "a\rb", 0, &fault), ERR_INVALID);
    assert_string_equal(fault.where, "suffix");
    assert_int_equal(framer_init(&framer, "#", "", '#', &fault), ERR_INVALID);
    assert_int_equal(framer_init(&framer, "", "", '\x1d', &fault), ERR_INVALID);
    assert_string_equal(fault.where, "terminator");
    assert_int_equal(framer_init(&framer, "", "", (char)0xc3, &fault), ERR_INVALID);
    assert_int_equal(framer_init(&framer, NULL, NULL, 0, &fault), ERR_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_scan_ends_at_the_terminator),
        cmocka_unit_test(every_terminator_style_gives_the_same_scans),
        cmocka_unit_test(line_feed_of_the_terminator_may_come_with_the_next_read),
        cmocka_unit_test(a_burst_in_one_read_gives_each_scan_once_in_order),
        cmocka_unit_test(bytes_one_by_one_give_the_same_scans),
        cmocka_unit_test(prefix_and_suffix_are_taken_off),
        cmocka_unit_test(a_missing_prefix_or_suffix_is_refused),
        cmocka_unit_test(prefix_and_suffix_do_not_share_bytes),
        cmocka_unit_test(aim_identifier_is_told_and_taken_off_only_when_it_is_one),
        cmocka_unit_test(group_separators_stay_in_the_data),
        cmocka_unit_test(bytes_that_are_not_utf8_are_refused),
        cmocka_unit_test(nul_bytes_and_escapes_are_refused),
        cmocka_unit_test(a_scan_cut_in_the_middle_is_refused_and_the_next_is_whole),
        cmocka_unit_test(noise_without_terminator_is_refused_once_then_all_is_well),
        cmocka_unit_test(noise_that_ends_at_a_terminator_never_becomes_a_scan),
        cmocka_unit_test(the_longest_scan_passes_and_one_byte_more_does_not),
        cmocka_unit_test(settings_that_can_not_work_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
