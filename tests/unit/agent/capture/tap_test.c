/* A legacy till's print stream: its text, the sales in it, and a tap on a line (a pty) as a whole.
 */
#include "agent/capture/tap.h"
#include "agent/capture/tap_template.h"
#include "agent/capture/tap_text.h"
#include "agent/returns/sale.h"
#include "agent/views/exception_view.h"
#include "tests/support/await.h"
#include "tests/support/counter.h"
#include "tests/support/scratch.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#define BYTES(text) ((struct slice){(text), sizeof(text) - 1})
#define CUT                                                                                        \
    "\x1d"                                                                                         \
    "VA"                                                                                           \
    "\x10"

static const char template_text[] =
    "{\"version\":\"1\",\"page\":\"cp437\",\"currency\":\"EUR\",\"prices_include_tax\":true,"
    "\"decimal_point\":\",\",\"store\":\"0042\",\"lane\":\"01\","
    "\"receipt\":\"{store}-{lane}-{year}{month}{day}-{number:4}\","
    "\"tax\":{\"type\":\"vat\",\"jurisdiction\":\"DE\"},\"patterns\":["
    "{\"is\":\"number\",\"pattern\":\"Bon {number:d1-6}\"},"
    "{\"is\":\"time\",\"pattern\":\"{day:d2}.{month:d2}.{year:d4} {hour:d2}:{minute:d2}\"},"
    "{\"is\":\"total\",\"pattern\":\"SUMME {amount:m}\"},"
    "{\"is\":\"tender\",\"pattern\":\"BAR {amount:m}\",\"tender\":\"cash\"},"
    "{\"is\":\"change\",\"pattern\":\"RUECKGELD {amount:m}\",\"tender\":\"cash\"},"
    "{\"is\":\"tax\",\"pattern\":\"{code:a1} {rate:m}% {net:m} {amount:m}\"},"
    "{\"is\":\"line\",\"pattern\":\"{sku:d4} {what:t} {amount:m} {code:a1}\"}]}";

#define RECEIPT(total)                                                                             \
    "MARKT\nBon 17\n22.11.2026 10:11\n4711 K\xc3\xa4se alt 10,00 A\n4712 Brot 2,50 B\n"            \
    "4713 Wein 1,00 A\nSUMME " total "\nBAR 20,00\nRUECKGELD 6,50\nA 19% 9,24 1,76\n"              \
    "B 7% 2,34 0,16\n"

static struct buf text_of(enum code_page page, struct slice bytes, size_t step)
{
    struct tap_text tap;
    struct buf all;
    buf_init(&all, 4 * TAP_RECEIPT_MAX);
    tap_text_init(&tap, page);
    while (bytes.len) {
        struct slice part = {bytes.data, bytes.len < step ? bytes.len : step};
        bytes = (struct slice){bytes.data + part.len, bytes.len - part.len};
        while (tap_text_take(&tap, &part)) {
            buf_append(&all, tap.text.data, tap.text.len);
            buf_append_text(&all, "|");
        }
    }
    tap_text_free(&tap);
    return all;
}

static void commands_are_taken_off_and_a_cut_ends_a_receipt(void **state)
{
    (void)state;
    static const char stream[] = "\x1b@\x1b"
                                 "a\x01"
                                 "A\x1b!\x30"
                                 "B\n" /* style */
                                 "\x1dk\x04"
                                 "123\0"
                                 "\x1dkI\x03"
                                 "abc" /* barcodes */
                                 "\x1d(k\x03\0"
                                 "1C\x03"
                                 "\x1b*\x21\x02\0"
                                 "uvwxyz" /* QR, picture */
                                 "\x1dv0\0\x01\0\x02\0"
                                 "pq"
                                 "\x1bp\0\x19\xfa" /* raster, drawer */
                                 "\x1b"
                                 "D\x08\x10\0"
                                 "C\tD\x1b"
                                 "d\x03" CUT /* tabs, feed */
                                 "E\n\x1bi"
                                 "not cut";
    for (size_t step = 1; step <= sizeof stream; step++) {
        struct buf text = text_of(CODE_PAGE_437, BYTES(stream), step);
        assert_string_equal(text.data, "AB\nC D\n|E\n|");
        buf_free(&text);
    }
}

static void code_pages_become_utf8(void **state)
{
    (void)state;
    struct buf text = text_of(
        CODE_PAGE_437, BYTES("\x84\x9c \x1bt\x13\xd5 \x1bt\x10\x80\xe4 \x1bt\x63\x80\x1bi"), 99);
    assert_string_equal(text.data, "ä£ € €ä \xef\xbf\xbd|");
    buf_free(&text);
}

static void a_receipt_without_end_is_dropped_and_the_next_is_whole(void **state)
{
    (void)state;
    struct tap_text tap;
    tap_text_init(&tap, CODE_PAGE_437);
    for (size_t i = 0; i <= TAP_RECEIPT_MAX; i++) {
        struct slice one = {"x", 1};
        assert_false(tap_text_take(&tap, &one));
    }
    struct slice rest = BYTES("\x1bi"
                              "next\n\x1bi");
    assert_true(tap_text_take(&tap, &rest));
    assert_true(tap.text.failed);
    assert_true(tap_text_take(&tap, &rest));
    assert_string_equal(tap.text.data, "next\n");
    tap_text_free(&tap);
}

static enum err read_receipt(const char *text, struct buf *sale, struct fault *fault)
{
    struct tap_template *template = NULL;
    buf_init(sale, 256 * 1024);
    assert_int_equal(tap_template_read(&template, slice_of(template_text), NULL), ERR_OK);
    enum err err = tap_template_sale(template, slice_of(text), sale, fault);
    tap_template_close(template);
    return err;
}

/* 1.76 of tax over 10.00 and 1.00 of code A. */
static void a_receipt_becomes_a_sale_that_adds_up(void **state)
{
    (void)state;
    struct buf text;
    struct fault fault;
    struct arena arena;
    struct cJSON *doc = NULL;
    struct sale sale;
    arena_init(&arena, 1024 * 1024);
    assert_int_equal(read_receipt(RECEIPT("13,50"), &text, &fault), ERR_OK);
    assert_int_equal(json_parse(buf_slice(&text), JSON_LIMITS_DEFAULT, &doc, NULL), ERR_OK);
    if (sale_read(doc, NULL, &arena, &sale, &fault) != ERR_OK)
        fail_msg("%s: %s", fault.where, fault.text);
    assert_string_equal(sale.receipt, "0042-01-20261122-0017");
    assert_int_equal(sale.line_count, 3);
    assert_string_equal(sale.lines[0].description, "Käse alt");
    assert_int_equal(sale.lines[0].tax_minor, 160);
    assert_int_equal(sale.lines[1].tax_minor, 16);
    assert_int_equal(sale.lines[2].tax_minor, 16);
    assert_int_equal(sale.tenders[0].amount_minor, 1350);
    json_free(doc);
    arena_free(&arena);
    buf_free(&text);
}

static void what_is_no_whole_sale_says_why(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum err err;
        const char *where;
    } cases[] = {
        {"TAGESBERICHT\n", ERR_NOT_FOUND, ""},
        {RECEIPT("13,51"), ERR_INVALID, "total"},
        {RECEIPT("-13,50"), ERR_INVALID, "total"},
        {"Bon 1\n22.11.2026 10:11\nSUMME 1,00\n", ERR_INVALID, "line"},
        {"Bon 1\n4711 Brot 1,00 A\nSUMME 1,00\nBAR 1,00\n", ERR_INVALID, "time"},
        {"Bon 1\n4711 Brot 1,0 A\n", ERR_INVALID, "lines"},
        {"Bon 1\n4711 Brot 1,00 A\nC 19% 1,00 0,16\n", ERR_INVALID, "tax"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf sale;
        struct fault fault = {0};
        assert_int_equal(read_receipt(cases[i].text, &sale, &fault), cases[i].err);
        assert_string_equal(fault.where, cases[i].where);
        buf_free(&sale);
    }
}

struct bench {
    struct counter *counter;
    struct scratch scratch;
    struct loop *loop;
    struct tap *tap;
    int wire;
    int held;
};

static const char sale_17[] = "\x1b@MARKT\nBon 17\n22.11.2026 10:11\n4711 K\x84se 10,00 A\n"
                              "SUMME 10,00\nBAR 10,00\nA 19% 8,40 1,60\n" CUT;
static const char other_17[] = "\x1b@MARKT\nBon 17\n22.11.2026 10:11\n4711 Brot 20,00 A\n"
                               "SUMME 20,00\nBAR 20,00\nA 19% 16,81 3,19\n" CUT;
static const char short_18[] = "\x1b@MARKT\nBon 18\n22.11.2026 10:12\n4711 Brot 20,00 A\n"
                               "SUMME 19,00\nBAR 19,00\nA 19% 16,81 3,19\n" CUT;

static bool sale_came(void *context)
{
    const struct bench *bench = context;
    struct eventlog_status status;
    eventlog_status(counter_log(bench->counter), &status);
    return status.streams[STREAM_SALES].head > 0;
}

static int open_bench(void **state)
{
    struct bench *bench = calloc(1, sizeof *bench);
    assert_non_null(bench);
    char file[SCRATCH_PATH_MAX];
    char value[2 * SCRATCH_PATH_MAX];
    bench->counter = counter_open();
    scratch_make(&bench->scratch);
    assert_int_equal(loop_open(&bench->loop, NULL), ERR_OK);
    bench->wire = posix_openpt(O_RDWR | O_NOCTTY);
    assert_true(bench->wire >= 0 && grantpt(bench->wire) == 0 && unlockpt(bench->wire) == 0);
    bench->held = open(ptsname(bench->wire), O_RDWR | O_NOCTTY);
    struct termios raw;
    assert_int_equal(tcgetattr(bench->held, &raw), 0);
    cfmakeraw(&raw);
    assert_int_equal(tcsetattr(bench->held, TCSANOW, &raw), 0);
    scratch_write(scratch_path(&bench->scratch, "t.json", file), template_text,
                  sizeof template_text - 1);
    (void)snprintf(value, sizeof value, "serial:%s,template=%s", ptsname(bench->wire), file);
    struct tap_config config = {.loop = bench->loop,
                                .capture = counter_capture(bench->counter),
                                .name = "old",
                                .value = value};
    assert_int_equal(tap_open(&bench->tap, &config, NULL), ERR_OK);
    *state = bench;
    return 0;
}

static int close_bench(void **state)
{
    struct bench *bench = *state;
    counter_close(bench->counter);
    tap_close(bench->tap);
    loop_close(bench->loop);
    close(bench->held);
    close(bench->wire);
    scratch_remove(&bench->scratch);
    free(bench);
    return 0;
}

static void print_receipt(struct bench *bench, const char *receipt)
{
    assert_int_equal(write(bench->wire, receipt, strlen(receipt)), strlen(receipt));
}

static void a_tap_on_a_line_records_a_printed_sale_once(void **state)
{
    struct bench *bench = *state;
    print_receipt(bench, sale_17);
    print_receipt(bench, sale_17);
    assert_true(await(bench->loop, sale_came, bench, AWAIT_MS));
    for (int i = 0; i < 10; i++)
        loop_run_once(bench->loop, 5);
    tap_stop(bench->tap);
    counter_restart(bench->counter); /* what was submitted is decided now */
    struct eventlog_status status;
    eventlog_status(counter_log(bench->counter), &status);
    assert_int_equal(status.streams[STREAM_SALES].head, 1);
}

struct raised {
    int mismatches;
    int conflicts;
};

static enum err take_raised(void *context, const struct exception_state *state, struct fault *fault)
{
    (void)fault;
    struct raised *raised = context;
    raised->mismatches += strcmp(state->code, "tax_payment_mismatch") == 0;
    raised->conflicts += strcmp(state->code, "id_body_conflict") == 0;
    assert_non_null(strstr(state->detail, "receipt tap old: "));
    return ERR_OK;
}

static struct raised raised_in(const struct bench *bench)
{
    struct raised raised = {0};
    struct views views = views_of_reader(counter_reader(bench->counter));
    struct exception_view_query query = {.step = -1, .after_ms = -1, .max = 50};
    assert_int_equal(exception_view_list(&views, &query, take_raised, &raised, NULL), ERR_OK);
    return raised;
}

static bool both_raised(void *context)
{
    struct raised raised = raised_in(context);
    return raised.mismatches && raised.conflicts;
}

static void what_a_person_must_look_at_is_raised_once(void **state)
{
    struct bench *bench = *state;
    print_receipt(bench, sale_17);
    for (int i = 0; i < 2; i++) {
        print_receipt(bench, other_17);
        print_receipt(bench, short_18);
    }
    assert_true(await(bench->loop, both_raised, bench, AWAIT_MS));
    for (int i = 0; i < 10; i++)
        loop_run_once(bench->loop, 5);
    tap_stop(bench->tap);
    counter_restart(bench->counter);
    struct raised raised = raised_in(bench);
    assert_int_equal(raised.mismatches, 1);
    assert_int_equal(raised.conflicts, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_are_taken_off_and_a_cut_ends_a_receipt),
        cmocka_unit_test(code_pages_become_utf8),
        cmocka_unit_test(a_receipt_without_end_is_dropped_and_the_next_is_whole),
        cmocka_unit_test(a_receipt_becomes_a_sale_that_adds_up),
        cmocka_unit_test(what_is_no_whole_sale_says_why),
        cmocka_unit_test_setup_teardown(a_tap_on_a_line_records_a_printed_sale_once, open_bench,
                                        close_bench),
        cmocka_unit_test_setup_teardown(what_a_person_must_look_at_is_raised_once, open_bench,
                                        close_bench),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
