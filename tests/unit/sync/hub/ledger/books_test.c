/* Companies, charts and templates: what a document may say, and which row wins. */
#include "sync/hub/ledger/books.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The default company's rows, then `more`, as a whole document. */
static char *document(const char *more_rows, const char *more_members, const char *templates)
{
    struct books books;
    struct buf text;
    assert_int_equal(books_open((struct slice){"", 0}, &books, NULL), ERR_OK);
    buf_init(&text, 65536);
    buf_append_text(&text, "{\"version\":1,\"templates\":[");
    buf_append_text(&text, templates);
    buf_append_text(&text,
                    "],\"companies\":[{\"company\":\"main\",\"country\":\"DE\",\"accounts\":[");
    for (size_t i = 0; i < books.companies[0].chart.count; i++) {
        const struct chart_row *row = &books.companies[0].chart.rows[i];
        buf_printf(&text, "%s{\"role\":\"%s\",\"account\":\"%s\"", i ? "," : "", row->key.role,
                   row->account);
        if (*row->key.tender)
            buf_printf(&text, ",\"tender\":\"%s\"", row->key.tender);
        buf_append_char(&text, '}');
    }
    buf_append_text(&text, more_rows);
    buf_append_text(&text, "]");
    buf_append_text(&text, more_members);
    buf_append_text(&text, "}]}");
    char *copy = strdup(text.data);
    buf_free(&text);
    books_close(&books);
    return copy;
}

static void expect_refusal(char *text, const char *where, const char *why)
{
    struct books books = {0};
    struct fault fault = {0};
    assert_int_equal(books_open(slice_of(text), &books, &fault), ERR_INVALID);
    assert_string_equal(fault.where, where);
    if (!strstr(fault.text, why))
        fail_msg("\"%s\" lacks \"%s\"", fault.text, why);
    assert_null(books.companies);
    free(text);
}

static void default_books_have_a_balanced_template_for_every_trigger(void **state)
{
    struct books books;
    (void)state;
    assert_int_equal(books_open((struct slice){"", 0}, &books, NULL), ERR_OK);
    for (size_t i = 0; i < TRIGGER_COUNT; i++) {
        const struct template *template = books.companies[0].templates[i];
        assert_non_null(template);
        assert_true(template->line_count >= 2);
        assert_int_equal(template_check(template, NULL), ERR_OK);
        assert_null(company_lacks(&books.companies[0], (enum trigger)i));
    }
    books_close(&books);
}

static void template_that_would_not_always_balance_is_refused(void **state)
{
    (void)state;
    expect_refusal(document("", "",
                            "{\"trigger\":\"accepted\",\"lines\":["
                            "{\"side\":\"debit\",\"role\":\"returns\",\"amount\":\"net\"},"
                            "{\"side\":\"credit\",\"role\":\"refunds_payable\",\"amount\":\"due\"}"
                            "]}"),
                   "accepted", "\"tax\"");
    expect_refusal(document("", "",
                            "{\"trigger\":\"restocked\",\"lines\":["
                            "{\"side\":\"debit\",\"role\":\"stock\",\"amount\":\"cost\"}]}"),
                   "restocked", "\"cost\"");
}

static void template_with_another_triggers_amount_is_refused(void **state)
{
    (void)state;
    expect_refusal(document("", "",
                            "{\"trigger\":\"restocked\",\"lines\":["
                            "{\"side\":\"debit\",\"role\":\"stock\",\"amount\":\"net\"},"
                            "{\"side\":\"credit\",\"role\":\"stock\",\"amount\":\"net\"}]}"),
                   "restocked", "\"net\"");
}

static void template_may_be_empty_to_book_nothing(void **state)
{
    struct books books;
    char *text = document("", "", "{\"trigger\":\"goods_received\",\"lines\":[]}");
    (void)state;
    assert_int_equal(books_open(slice_of(text), &books, NULL), ERR_OK);
    assert_int_equal(books.companies[0].templates[TRIGGER_GOODS_RECEIVED]->line_count, 0);
    assert_int_equal(books.companies[0].templates[TRIGGER_RESTOCKED]->line_count, 2);
    books_close(&books);
    free(text);
}

static void two_templates_for_one_trigger_are_refused(void **state)
{
    (void)state;
    expect_refusal(document("", "",
                            "{\"trigger\":\"donated\",\"lines\":[]},"
                            "{\"trigger\":\"donated\",\"lines\":[]}"),
                   "donated", "two templates");
}

static void role_without_account_is_refused(void **state)
{
    (void)state;
    expect_refusal(document("", "",
                            "{\"trigger\":\"donated\",\"lines\":["
                            "{\"side\":\"debit\",\"role\":\"good_deeds\",\"amount\":\"cost\"},"
                            "{\"side\":\"credit\",\"role\":\"holding\",\"amount\":\"cost\"}]}"),
                   "accounts", "\"good_deeds\"");
}

/* A newer program may bring templates with roles that a company's accounts don't know. */
static void role_of_a_template_that_ships_may_lack_its_account(void **state)
{
    struct books books;
    (void)state;
    assert_int_equal(books_open(slice_of("{\"version\":1,\"companies\":[{\"company\":\"main\","
                                         "\"country\":\"DE\",\"accounts\":[{\"role\":"
                                         "\"quarantine_stock\",\"account\":\"3100\"},{\"role\":"
                                         "\"cost_of_goods_sold\",\"account\":\"5000\"}]}]}"),
                                &books, NULL),
                     ERR_OK);
    const struct company *company = &books.companies[0];
    assert_null(company_lacks(company, TRIGGER_GOODS_RECEIVED));
    assert_string_equal(company_lacks(company, TRIGGER_RESTOCKED), "stock");
    assert_string_equal(company_lacks(company, TRIGGER_REFUND_SETTLED), "tender");
    books_close(&books);
}

static void unknown_word_names_its_path(void **state)
{
    (void)state;
    expect_refusal(document(",{\"role\":\"tax\"}", "", ""), "companies[0].accounts[36].account",
                   "missing");
}

static void row_that_names_most_wins(void **state)
{
    static const struct {
        struct chart_key key;
        const char *account;
    } cases[] = {
        {{"tax", "AT", "", "DE", "7"}, "2200"},    {{"tax", "AT", "", "DE", "19"}, "DE19"},
        {{"tax", "AT", "", "FR", "19"}, "AT"},     {{"tender", "DE", "cash", "", ""}, "1000"},
        {{"tender", "AT", "cash", "", ""}, "ATC"}, {{"tender", "AT", "card", "", ""}, "1100"},
    };
    struct books books;
    struct fault fault = {0};
    char *text = document(",{\"role\":\"tax\",\"jurisdiction\":\"DE\",\"rate\":\"19\","
                          "\"account\":\"DE19\"},{\"role\":\"tax\",\"country\":\"AT\","
                          "\"jurisdiction\":\"FR\",\"account\":\"AT\"},{\"role\":\"tender\","
                          "\"country\":\"AT\",\"tender\":\"cash\",\"account\":\"ATC\"}",
                          "", "");
    (void)state;
    assert_int_equal(books_open(slice_of(text), &books, NULL), ERR_OK);
    const struct chart *chart = &books.companies[0].chart;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *account;
        assert_int_equal(chart_account(chart, &cases[i].key, &account, NULL), ERR_OK);
        assert_string_equal(account, cases[i].account);
    }
    struct chart_key unknown = {"tender", "DE", "pebbles", "", ""};
    const char *account = NULL;
    assert_int_equal(chart_account(chart, &unknown, &account, &fault), ERR_NOT_FOUND);
    assert_null(account);
    books_close(&books);
    free(text);
}

static void company_is_found_by_name_or_store(void **state)
{
    struct books books;
    struct fault fault = {0};
    const struct company *company;
    char *text = document("", ",\"stores\":[\"0042\"]", "");
    (void)state;
    assert_int_equal(books_open(slice_of(text), &books, NULL), ERR_OK);
    assert_int_equal(books_company(&books, "", "0042", &company, NULL), ERR_OK);
    assert_string_equal(company->name, "main");
    assert_int_equal(books_company(&books, "main", "0043", &company, NULL), ERR_OK);
    assert_int_equal(books_company(&books, "", "0043", &company, &fault), ERR_NOT_FOUND);
    assert_string_equal(fault.where, "store");
    assert_int_equal(books_company(&books, "other", "0042", &company, &fault), ERR_NOT_FOUND);
    assert_string_equal(fault.where, "company");
    books_close(&books);
    free(text);
}

static void closed_periods_are_read(void **state)
{
    struct books books;
    int64_t posting;
    char *text = document("",
                          ",\"when_closed\":\"move\",\"closed\":[{\"from\":\"1970-01-01\","
                          "\"to\":\"1970-01-31\"}]",
                          "");
    (void)state;
    assert_int_equal(books_open(slice_of(text), &books, NULL), ERR_OK);
    assert_int_equal(period_place(&books.companies[0].periods, 3, &posting, NULL), ERR_OK);
    assert_int_equal(posting, 31);
    books_close(&books);
    free(text);
    expect_refusal(
        document("", ",\"closed\":[{\"from\":\"1970-02-01\",\"to\":\"1970-01-31\"}]", ""), "closed",
        "later day");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(default_books_have_a_balanced_template_for_every_trigger),
        cmocka_unit_test(template_that_would_not_always_balance_is_refused),
        cmocka_unit_test(template_with_another_triggers_amount_is_refused),
        cmocka_unit_test(template_may_be_empty_to_book_nothing),
        cmocka_unit_test(two_templates_for_one_trigger_are_refused),
        cmocka_unit_test(role_without_account_is_refused),
        cmocka_unit_test(role_of_a_template_that_ships_may_lack_its_account),
        cmocka_unit_test(unknown_word_names_its_path),
        cmocka_unit_test(row_that_names_most_wins),
        cmocka_unit_test(company_is_found_by_name_or_store),
        cmocka_unit_test(closed_periods_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
