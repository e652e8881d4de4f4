/* POSLog documents as texts: what is refused whole, and the encodings that tills write. */
#include "agent/capture/poslog_xml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define NS "http://www.nrf-arts.org/IXRetail/namespace/"

static void assert_unreadable(const char *xml, enum err expected)
{
    struct arena arena;
    struct poslog poslog;
    struct fault fault;
    arena_init(&arena, POSLOG_ARENA_BYTES);
    enum err err = poslog_read(slice_of(xml), &arena, &poslog, &fault);
    if (err != expected)
        fail_msg("%.60s: %s", xml, err_name(err));
    arena_free(&arena);
}

static void documents_with_entities_or_without_end_are_refused_whole(void **state)
{
    (void)state;
    assert_unreadable("<!DOCTYPE a [<!ENTITY b \"c\">]><POSLog xmlns=\"" NS "\">&b;</POSLog>",
                      ERR_REFUSED);
    assert_unreadable("<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><POSLog xmlns=\"" NS "\"/>",
                      ERR_REFUSED);
    assert_unreadable("<POSLog xmlns=\"" NS "\"><Transaction>", ERR_INVALID);
    assert_unreadable("<POSLog><Transaction/></POSLog>", ERR_INVALID);
    assert_unreadable("<POSLog xmlns=\"urn:other\"/>", ERR_INVALID);
    assert_unreadable("", ERR_INVALID);
}

static void nesting_and_long_texts_have_limits(void **state)
{
    (void)state;
    struct buf xml;
    buf_init(&xml, 1024 * 1024);
    buf_append_text(&xml, "<POSLog xmlns=\"" NS "\">");
    for (int i = 0; i < POSLOG_DEPTH_MAX; i++)
        buf_append_text(&xml, "<a>");
    assert_unreadable(xml.data, ERR_TOO_DEEP);
    buf_reset(&xml);
    buf_append_text(&xml, "<POSLog xmlns=\"" NS "\"><Transaction><WorkstationID>");
    for (int i = 0; i <= POSLOG_TEXT_MAX; i++)
        buf_append_char(&xml, 'x');
    buf_append_text(&xml, "</WorkstationID></Transaction></POSLog>");
    assert_unreadable(xml.data, ERR_TOO_LARGE);
    buf_free(&xml);
}

#define SOCKS(encoding, name)                                                                      \
    "<?xml version=\"1.0\" encoding=\"" encoding "\"?><POSLog xmlns=\"" NS                         \
    "\"><Transaction><RetailTransaction><LineItem><Sale><Description>" name                        \
    "</Description></Sale></LineItem></RetailTransaction></Transaction></POSLog>"

static void texts_come_in_the_encodings_of_old_tills(void **state)
{
    (void)state;
    static const char *const documents[] = {
        SOCKS("UTF-8", "Söckchen €"),
        SOCKS("windows-1252", "S\xf6"
                              "ckchen \x80"),
        SOCKS("Windows-1252", "S\xf6"
                              "ckchen \x80"),
        SOCKS("ISO-8859-1", "S\xf6"
                            "ckchen &#x20ac;"),
    };
    for (size_t i = 0; i < sizeof documents / sizeof *documents; i++) {
        struct arena arena;
        struct poslog poslog;
        struct fault fault = {0};
        arena_init(&arena, POSLOG_ARENA_BYTES);
        if (poslog_read(slice_of(documents[i]), &arena, &poslog, &fault) != ERR_OK)
            fail_msg("%zu: %s", i, fault.text);
        assert_string_equal(poslog.first->lines[0].description, "Söckchen €");
        arena_free(&arena);
    }
}

static void assert_refused_at(const char *xml, const char *where, const char *text)
{
    struct arena arena;
    struct poslog poslog;
    struct fault fault = {0};
    arena_init(&arena, POSLOG_ARENA_BYTES);
    assert_int_equal(poslog_read(slice_of(xml), &arena, &poslog, &fault), ERR_INVALID);
    assert_string_equal(fault.where, where);
    assert_non_null(strstr(fault.text, text));
    arena_free(&arena);
}

static void refusal_says_where_and_what_to_do(void **state)
{
    (void)state;
    assert_refused_at(SOCKS("EBCDIC-CP-DE", "x"), "line 1, column 30", "write it as UTF-8");
    assert_refused_at(SOCKS("windows-1252", "\x81"), "line 1, column 166", "not well-formed");
    assert_refused_at("<POSLog xmlns=\"" NS "\">\n  <a></b>", "line 2, column 7", "mismatched tag");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documents_with_entities_or_without_end_are_refused_whole),
        cmocka_unit_test(nesting_and_long_texts_have_limits),
        cmocka_unit_test(texts_come_in_the_encodings_of_old_tills),
        cmocka_unit_test(refusal_says_where_and_what_to_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
