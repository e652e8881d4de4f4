/* The document behind an entry: what it books, and what the store called the goods. */
#include "sync/hub/connect/document.h"
#include "tests/support/hub_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HEAD                                                                                       \
    "{\"number\":\"R-1\",\"receipt\":\"A-1\",\"store\":\"0040\",\"currency\":\"EUR\","             \
    "\"decision\":"                                                                                \
    "\"accepted\",\"goods\":\"received\","
#define SOCKS                                                                                      \
    "{\"line\":1,\"item\":0,\"quantity\":2,\"goods\":\"received\",\"condition\":\"%s\",\"net\":"   \
    "560,"                                                                                         \
    "\"tax\":[{\"jurisdiction\":\"DE\",\"rate\":\"19\",\"amount\":106}],\"gross\":666}"

struct loaded {
    struct hub_run run;
    struct arena arena;
    struct cJSON *texts[DOCUMENT_TEXTS];
    struct document document;
};

static int set_up(void **state)
{
    struct loaded *l = calloc(1, sizeof *l);
    hub_run_open(&l->run);
    arena_init(&l->arena, 1024 * 1024);
    *state = l;
    return 0;
}

static int tear_down(void **state)
{
    struct loaded *l = *state;
    for (size_t i = 0; i < DOCUMENT_TEXTS; i++)
        json_free(l->texts[i]);
    arena_free(&l->arena);
    hub_run_close(&l->run);
    free(l);
    return 0;
}

/* The document behind the return's entry of that rule. */
static void load(struct loaded *l, const char *rule)
{
    char sql[160];
    (void)snprintf(sql, sizeof sql,
                   "SELECT reference FROM journal_entry WHERE reference LIKE '%%/%s'", rule);
    char *reference = hub_run_text(&l->run, sql);
    hub_run_must(&l->run, document_load(l->run.db, reference, &l->arena, l->texts, &l->document,
                                        &l->run.fault));
    free(reference);
}

static void give_back(struct loaded *l, const char *condition, const char *more)
{
    char data[1024];
    (void)snprintf(data, sizeof data, HEAD "\"lines\":[" SOCKS "],%s}", condition, more);
    hub_run_event(&l->run, 0, 1, EVENT_RETURN_CREATED, data);
    hub_run_work(&l->run);
}

#define SALE                                                                                       \
    "\"sale\":{\"lines\":[{\"line\":1,\"sku\":\"4711\",\"gtin\":\"4006381333931\","                \
    "\"description\":\"Socks\",\"unit\":\"g\",\"quantity\":3}]}"

static void lines_are_called_what_the_sale_calls_them(void **state)
{
    struct loaded *l = *state;
    give_back(l, "new_sealed", SALE);
    load(l, "accepted");
    assert_string_equal(l->document.receipt, "A-1");
    assert_int_equal(l->document.count, 1);
    const struct document_line *line = &l->document.lines[0];
    assert_string_equal(line->sku, "4711");
    assert_string_equal(line->gtin, "4006381333931");
    assert_string_equal(line->description, "Socks");
    assert_string_equal(line->unit, "g");
    assert_true(line->to_stock);
    assert_int_equal(line->item.quantity, 2);
    assert_int_equal(line->item.net_minor, 560);
    assert_int_equal(line->item.tax.items[0].amount_minor, 106);
}

static void without_a_sale_lines_are_called_what_was_asked_for(void **state)
{
    struct loaded *l = *state;
    give_back(l, "open_box", "\"request\":{\"lines\":[{\"sku\":\"4712\"}]}");
    load(l, "accepted");
    assert_int_equal(l->document.count, 1);
    assert_string_equal(l->document.lines[0].sku, "4712");
    assert_string_equal(l->document.lines[0].gtin, "");
    assert_string_equal(l->document.lines[0].unit, "each");
}

static void goods_that_were_never_sold_are_not_for_the_stock(void **state)
{
    struct loaded *l = *state;
    give_back(l, "wrong_goods", SALE);
    load(l, "accepted");
    assert_int_equal(l->document.count, 1);
    assert_false(l->document.lines[0].to_stock);
}

static void entry_that_books_no_debt_has_no_document(void **state)
{
    struct loaded *l = *state;
    give_back(l, "new_sealed", SALE);
    hub_run_event(&l->run, 0, 1, EVENT_REFUND_ISSUED,
                  "{\"position\":0,\"tender\":1,\"type\":\"card\",\"amount\":666,\"currency\":"
                  "\"EUR\"}");
    hub_run_work(&l->run);
    load(l, "refund_issued");
    assert_int_equal(l->document.count, 0);
    assert_string_equal(l->document.receipt, "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(lines_are_called_what_the_sale_calls_them),
        TEST(without_a_sale_lines_are_called_what_was_asked_for),
        TEST(goods_that_were_never_sold_are_not_for_the_stock),
        TEST(entry_that_books_no_debt_has_no_document),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
