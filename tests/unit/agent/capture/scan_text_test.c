/* What scans mean: receipts, items, fiscal codes, and what must not be passed on. */
#include "agent/capture/scan_text.h"
#include "hal/base/hex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct bench {
    struct scan_formats *formats;
    struct arena arena;
};

static int open_bench(void **state)
{
    struct bench *bench = calloc(1, sizeof *bench);
    assert_non_null(bench);
    arena_init(&bench->arena, 1024 * 1024);
    assert_int_equal(scan_formats_open(&bench->formats, NULL, NULL), ERR_OK);
    *state = bench;
    return 0;
}

static int close_bench(void **state)
{
    struct bench *bench = *state;
    scan_formats_close(bench->formats);
    arena_free(&bench->arena);
    free(bench);
    return 0;
}

static struct scan_meaning read_scan(void **state, const char *data, const char *aim)
{
    struct bench *bench = *state;
    struct scan_meaning meaning;
    scan_interpret(slice_of(data), aim, bench->formats, &bench->arena, &meaning);
    return meaning;
}

static void assert_field(const struct scan_meaning *meaning, const char *name, const char *value)
{
    const char *found = scan_field_find(&meaning->fields, name);
    if (!found)
        fail_msg("no field %s", name);
    assert_string_equal(found, value);
}

static void receipt_of_the_shipped_pattern_has_its_fields(void **state)
{
    struct scan_meaning m = read_scan(state, "0042-01-20261122-0017", "");
    assert_int_equal(m.kind, SCAN_RECEIPT);
    assert_string_equal(m.format, "till");
    assert_string_equal(m.receipt, "0042-01-20261122-0017");
    assert_field(&m, "store", "0042");
    assert_field(&m, "number", "0017");
}

static void our_return_number_needs_its_check_digit(void **state)
{
    struct scan_meaning right = read_scan(state, "R0042-000123-6", "");
    struct scan_meaning wrong = read_scan(state, "R0042-000123-8", "");
    assert_int_equal(right.kind, SCAN_RETURN);
    assert_string_equal(right.receipt, "R0042-000123-6");
    assert_int_equal(wrong.kind, SCAN_UNKNOWN);
}

static void configured_pattern_with_check_digit_gives_the_number_of_sales(void **state)
{
    static const char document[] =
        "{\"version\":\"t\",\"patterns\":[{\"name\":\"slip\",\"pattern\":\"{store:d4}{lane:d2}"
        "{date:d8}{number:d4}{check:d1}\",\"check\":{\"rule\":\"luhn\",\"field\":\"check\","
        "\"over\":[\"store\",\"lane\",\"date\",\"number\"]},"
        "\"receipt\":\"{store}-{lane}-{date}-{number:6}\"}]}";
    struct bench *bench = *state;
    struct scan_formats *formats = NULL;
    assert_int_equal(scan_formats_read(&formats, slice_of(document), NULL), ERR_OK);
    unsigned taken = 0;
    for (char digit = '0'; digit <= '9'; digit++) {
        char text[] = "0042012026112200170";
        text[18] = digit;
        struct scan_meaning m;
        scan_interpret(slice_of(text), "", formats, &bench->arena, &m);
        if (m.kind != SCAN_RECEIPT)
            continue;
        taken++;
        assert_string_equal(m.receipt, "0042-01-20261122-000017");
    }
    assert_int_equal(taken, 1);
    scan_formats_close(formats);
}

static void bad_pattern_is_refused_by_its_place(void **state)
{
    (void)state;
    static const char document[] =
        "{\"version\":\"t\",\"patterns\":[{\"name\":\"a\",\"pattern\":\"{n:d4}\"},"
        "{\"name\":\"b\",\"pattern\":\"{n:q4}\"}]}";
    struct scan_formats *formats = NULL;
    struct fault fault;
    assert_int_equal(scan_formats_read(&formats, slice_of(document), &fault), ERR_INVALID);
    assert_string_equal(fault.where, "patterns[1].pattern");
    assert_null(formats);
}

static void a_pattern_that_could_be_slow_gives_up(void **state)
{
    (void)state;
    struct pattern_match match;
    char text[PATTERN_TEXT_MAX + 1];
    memset(text, 'a', PATTERN_TEXT_MAX);
    text[PATTERN_TEXT_MAX] = '\0';
    assert_false(pattern_fits("{a:x}{b:x}{c:x}{d:x}{e:x}{f:x}{g:x}{h:x}!", slice_of(text), &match));
}

static void items_by_their_check_digit(void **state)
{
    static const struct {
        const char *data, *format, *gtin;
    } cases[] = {
        {"4006381333931", "ean13", "04006381333931"},  {"96385074", "ean8", "00000096385074"},
        {"036000291452", "upca", "00036000291452"},    {"04252614", "upce", "00042100005264"},
        {"14006381333938", "itf14", "14006381333938"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct scan_meaning m = read_scan(state, cases[i].data, "");
        assert_int_equal(m.kind, SCAN_ITEM);
        assert_string_equal(m.format, cases[i].format);
        assert_string_equal(m.gtin, cases[i].gtin);
    }
    assert_int_equal(read_scan(state, "4006381333935", "").kind, SCAN_UNKNOWN);
}

static void element_string_ends_fields_where_gs1_says(void **state)
{
    struct scan_meaning m = read_scan(state,
                                      "0104006381333931"
                                      "17271231"
                                      "10LOT7\x1d"
                                      "21S-1\x1d"
                                      "3103001250"
                                      "3922"
                                      "1999",
                                      "d2");
    assert_int_equal(m.kind, SCAN_ITEM);
    assert_string_equal(m.format, "gs1");
    assert_string_equal(m.gtin, "04006381333931");
    assert_field(&m, "17", "271231");
    assert_field(&m, "10", "LOT7");
    assert_field(&m, "21", "S-1");
    assert_field(&m, "3103", "001250");
    assert_field(&m, "3922", "1999");
}

static void element_strings_that_break_a_rule_are_unknown(void **state)
{
    static const char *const bad[] = {
        "0104006381333932",                        /* check digit */
        "010400638133393117271331",                /* month 13 */
        "010400638133393117271232",                /* day 32 */
        "01040063813339313106001250",              /* weights have up to 5 decimals */
        "010400638133393110LOT#7",                 /* not in character set 82 */
        "01040063813339317",                       /* identifier cut */
        "010400638133393188X",                     /* unknown identifier */
        "010400638133393110123456789012345678901", /* 21 characters in 10 */
        "010400638133393121A\x1d"
        "21B",                     /* twice */
        "80031400638133393100001", /* no filler 0 */
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (read_scan(state, bad[i], "d2").kind == SCAN_ITEM)
            fail_msg("%s was taken", bad[i]);
}

static void returnable_asset_of_8003_is_read(void **state)
{
    struct scan_meaning m = read_scan(state, "80030400638133393100001", "C1");
    assert_int_equal(m.kind, SCAN_ITEM);
    assert_field(&m, "8003", "0400638133393100001");
    assert_string_equal(m.gtin, "");
}

static void digital_link_is_read_like_its_element_string(void **state)
{
    struct scan_meaning m = read_scan(
        state, "https://shop.example/some/01/4006381333931/10/L%2F7/21/S1?17=271231&utm=x#top",
        "Q1");
    assert_int_equal(m.kind, SCAN_ITEM);
    assert_string_equal(m.format, "digital_link");
    assert_string_equal(m.gtin, "04006381333931");
    assert_field(&m, "10", "L/7");
    assert_field(&m, "21", "S1");
    assert_field(&m, "17", "271231");
    assert_int_equal(read_scan(state, "https://shop.example/about", "").kind, SCAN_UNKNOWN);
    assert_int_equal(read_scan(state, "https://a/01/4006381333935", "").kind, SCAN_UNKNOWN);
    assert_int_equal(read_scan(state, "https://a/01/4006381333931?17=271331", "").kind,
                     SCAN_UNKNOWN);
}

static void german_receipt_code(void **state)
{
    struct scan_meaning m = read_scan(
        state,
        "V0;955002-00;Kassenbeleg-V1;Beleg^0.00_2.55_0.00_0.00_0.00^2.55:Bar;18;112;"
        "2019-07-10T18:41:04.000Z;2019-07-10T18:41:05.000Z;ecdsa-plain-SHA256;unixTime;MEQCIA==;"
        "BHhWOeisRpPB",
        "Q1");
    assert_int_equal(m.kind, SCAN_FISCAL);
    assert_string_equal(m.format, "dsfinvk");
    assert_string_equal(m.receipt, "955002-00/18");
    assert_field(&m, "total", "2.55");
    assert_field(&m, "gross_reduced", "2.55");
    assert_field(&m, "time", "2019-07-10T18:41:05.000Z");
    assert_null(scan_field_find(&m.fields, "tax"));
}

static void austrian_receipt_code_has_decimal_commas(void **state)
{
    struct scan_meaning m = read_scan(
        state,
        "_R1-AT1_DEMO-CASH-BOX817_83469_2015-11-25T19:20:10_20,15_-0,15_0,00_0,00_3,50_x/9Qcg==_"
        "20f2ed172daa09e5_cg8hNU5ihto=_U3VwZXJTaWc=",
        "Q1");
    assert_int_equal(m.kind, SCAN_FISCAL);
    assert_string_equal(m.format, "rksv");
    assert_string_equal(m.receipt, "83469");
    assert_field(&m, "total", "23.50");
    assert_field(&m, "register", "DEMO-CASH-BOX817");
    assert_field(&m, "gross_reduced_1", "-0.15");
}

static void portuguese_receipt_code(void **state)
{
    struct scan_meaning m = read_scan(
        state,
        "A:123456789*B:999999990*C:PT*D:FS*E:N*F:20190812*G:FS CDVF/12345*H:CDF7T5HD-12345*I1:PT*"
        "I7:0.65*I8:0.15*N:0.15*O:0.80*Q:YhGV*R:9999*S:NU;0.80",
        "Q1");
    assert_int_equal(m.kind, SCAN_FISCAL);
    assert_string_equal(m.format, "atcud");
    assert_string_equal(m.receipt, "FS CDVF/12345");
    assert_field(&m, "total", "0.80");
    assert_field(&m, "tax", "0.15");
    assert_field(&m, "time", "20190812");
}

#define KASSENBELEG(amounts, end)                                                                  \
    "V0;955002-00;Kassenbeleg-V1;Beleg^" amounts "^2.55:Bar;18;112;2019-07-10T18:41:04.000Z;"      \
    "2019-07-10T18:41:05.000Z;ecdsa-plain-SHA256;unixTime;MEQCIA==;BHhW" end
#define RKSV(sums, end)                                                                            \
    "_R1-AT1_BOX_83469_2015-11-25T19:20:10_" sums "_x/9Qcg==_20f2_cg8hNU5ihto=_U3VwZXJT" end

static void fiscal_codes_that_break_a_rule_are_unknown(void **state)
{
    static const char *const bad[] = {
        KASSENBELEG("0.00_2.555_0.00_0.00_0.00", ""), /* tenths of a cent */
        KASSENBELEG("0.00_2,55_0.00_0.00_0.00", ""),  /* decimal comma */
        KASSENBELEG("0.00_2.55_0.00_0.00", ""),       /* a rate is missing */
        KASSENBELEG("0.00_2.55_0.00_0.00_0.00", ";x"),
        RKSV("20,15_-0.15_0,00_0,00_3,50", ""), /* decimal point */
        RKSV("20,15_-0,15_0,00_0,00", ""),
        RKSV("20,15_-0,15_0,00_0,00_3,50", "_x"),
        "A:1*B:2*C:PT*D:FS*E:N*F:20190812*G:FS 1*H:0*N:0.15*O:0.80*Q:YhGV", /* no R */
        "AQFzAgEyAwEzBAQxLjAw",         /* base64 of four values: the tax is missing */
        "AQFzAgEyAwEzBAQxLjAwBgEx",     /* 6 follows 4 */
        "AQFzAgEyAwEzBAQxLjAwBQA=",     /* nothing in 5 */
        "AQACATIDATMEBDEuMDAFBDAuMDA=", /* a seller without a name */
    };
    static const char *const good[] = {KASSENBELEG("0.00_2.55_0.00_0.00_0.00", ""),
                                       RKSV("20,15_-0,15_0,00_0,00_3,50", ""),
                                       "AQFzAgEyAwEzBAQxLjAwBQQwLjAw"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (read_scan(state, bad[i], "Q1").kind == SCAN_FISCAL)
            fail_msg("%s was taken", bad[i]);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (read_scan(state, good[i], "Q1").kind != SCAN_FISCAL)
            fail_msg("%s was not taken", good[i]);
}

/* The seller's name is Arabic: its length is in bytes, not in characters. */
static void saudi_receipt_code_counts_bytes(void **state)
{
    static const char *const values[] = {"متجر", "310122393500003", "2022-04-25T15:30:00Z",
                                         "1000.00", "150.00"};
    struct buf tlv;
    struct buf text;
    buf_init(&tlv, 1000);
    buf_init(&text, 2000);
    for (size_t i = 0; i < 5; i++) {
        buf_append_char(&tlv, (char)(i + 1));
        buf_append_char(&tlv, (char)strlen(values[i]));
        buf_append_text(&tlv, values[i]);
    }
    base64_encode(&text, (const uint8_t *)tlv.data, tlv.len, false);
    struct scan_meaning m = read_scan(state, text.data, "Q1");
    assert_int_equal(m.kind, SCAN_FISCAL);
    assert_string_equal(m.format, "zatca");
    assert_field(&m, "seller", values[0]);
    assert_field(&m, "total", "1000.00");
    assert_field(&m, "tax", "150.00");
    text.data[20] = '!';
    assert_int_equal(read_scan(state, text.data, "Q1").kind, SCAN_UNKNOWN);
    buf_free(&tlv);
    buf_free(&text);
}

/* Its check digit tells a receipt from a card number of the same digits. */
static void receipt_with_a_check_digit_is_no_card_number(void **state)
{
    (void)state;
    static const char document[] =
        "{\"version\":\"1\",\"patterns\":[{\"name\":\"any\",\"pattern\":\"{number:d16}\"},{"
        "\"name\":"
        "\"till\",\"pattern\":\"{number:d15}{check:d1}\",\"check\":{\"rule\":\"gs1\",\"field\":"
        "\"check\",\"over\":[\"number\"]}}]}";
    struct scan_formats *formats;
    assert_int_equal(scan_formats_read(&formats, SLICE_LITERAL(document), NULL), ERR_OK);
    struct known_formats known = scan_formats_known(formats);
    static const char receipt[] = "4000042010000036";
    static const char card[] = "4000042010000002";
    assert_true(cardnumber_in(slice_of(receipt)) && cardnumber_in(slice_of(card)));
    assert_int_equal(cardnumber_refuse(receipt, "receipt", &known, NULL), ERR_OK);
    assert_int_equal(cardnumber_refuse(card, "receipt", &known, NULL), ERR_REFUSED);
    scan_formats_close(formats);
}

static void card_number_is_named_and_never_repeated(void **state)
{
    struct scan_meaning m = read_scan(state, "4111 1111 1111 1111", "");
    assert_int_equal(m.kind, SCAN_CARD);
    assert_int_equal(m.fields.count, 0);
    assert_string_equal(m.receipt, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, open_bench, close_bench)
        T(receipt_of_the_shipped_pattern_has_its_fields),
        T(our_return_number_needs_its_check_digit),
        T(configured_pattern_with_check_digit_gives_the_number_of_sales),
        T(bad_pattern_is_refused_by_its_place),
        T(a_pattern_that_could_be_slow_gives_up),
        T(items_by_their_check_digit),
        T(element_string_ends_fields_where_gs1_says),
        T(element_strings_that_break_a_rule_are_unknown),
        T(returnable_asset_of_8003_is_read),
        T(digital_link_is_read_like_its_element_string),
        T(german_receipt_code),
        T(austrian_receipt_code_has_decimal_commas),
        T(portuguese_receipt_code),
        T(fiscal_codes_that_break_a_rule_are_unknown),
        T(saudi_receipt_code_counts_bytes),
        T(receipt_with_a_check_digit_is_no_card_number),
        T(card_number_is_named_and_never_repeated),
#undef T
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
