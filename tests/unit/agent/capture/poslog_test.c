/* POSLog documents through the desk: sales and returns captured once, the rest refused by name. */
#include "agent/capture/poslog.h"
#include "agent/views/exception_view.h"
#include "tests/support/await.h"
#include "tests/support/counter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NS "http://www.nrf-arts.org/IXRetail/namespace/"
#define NS6 "http://www.nrf-arts.org/IXRetail/v6.0.0/poslog"
#define HEAD(number)                                                                               \
    "<Transaction><BusinessUnit><UnitID>0042</UnitID></BusinessUnit><WorkstationID>01"             \
    "</WorkstationID><SequenceNumber>" number "</SequenceNumber><BusinessDayDate>2026-11-22"       \
    "</BusinessDayDate><EndDateTime>2026-11-22T10:11:12+01:00</EndDateTime>"                       \
    "<CurrencyCode>EUR</CurrencyCode><RetailTransaction TransactionStatus=\"Finished\">"
#define TAIL "</RetailTransaction></Transaction>"
#define SOCKS_SALE                                                                                 \
    "<LineItem EntryMethod=\"Scanned\"><SequenceNumber>1</SequenceNumber><Sale "                   \
    "ItemType=\"Stock\">"                                                                          \
    "<POSIdentity><POSItemID>4006381333931</POSItemID></POSIdentity><ItemID>4711</ItemID>"         \
    "<Description>Socks &amp; more</Description><ExtendedAmount>10.00</ExtendedAmount>"            \
    "<Quantity UnitOfMeasureCode=\"Each\">3</Quantity><Tax TaxType=\"VAT\"><TaxAuthority>DE"       \
    "</TaxAuthority><TaxGroupID>Standard</TaxGroupID><Amount>1.60</Amount><Percent>19</Percent>"   \
    "</Tax></Sale></LineItem>"
#define CASH(code, amount)                                                                         \
    "<LineItem><SequenceNumber>9</SequenceNumber><Tender TenderType=\"Cash\" TypeCode=\"" code     \
    "\"><Amount>" amount "</Amount></Tender></LineItem>"
#define SALE_17 HEAD("17") SOCKS_SALE CASH("Sale", "20.00") CASH("Change", "10.00") TAIL
#define LINK                                                                                       \
    "<TransactionLink ReasonCode=\"Return\"><BusinessUnit><UnitID>0042</UnitID></BusinessUnit>"    \
    "<WorkstationID>01</WorkstationID><BusinessDayDate>2026-11-22</BusinessDayDate>"               \
    "<SequenceNumber>17</SequenceNumber><LineItemSequenceNumber>1</LineItemSequenceNumber>"        \
    "</TransactionLink>"
#define BACK(reason)                                                                               \
    "<ItemID>4711</ItemID><Reason>" reason "</Reason><Disposal Method=\"ReturnToStock\"/>" LINK
#define RETURN_LINE_18                                                                             \
    HEAD("18")                                                                                     \
    "<LineItem><SequenceNumber>1</SequenceNumber><Return ItemType=\"Stock\"><ExtendedAmount>3.33"  \
    "</ExtendedAmount><Quantity>1</Quantity>" BACK("Unwanted") "</Return></LineItem>" CASH(        \
        "Refund", "3.33") TAIL
#define RETURN_AS_SALE_18                                                                          \
    HEAD("18")                                                                                     \
    "<LineItem><SequenceNumber>1</SequenceNumber><Sale ItemType=\"Stock\"><ExtendedAmount>3.33"    \
    "</ExtendedAmount><Quantity>-1</Quantity>" BACK("Unwanted") "</Sale></LineItem>" CASH(         \
        "Refund", "-3.33") TAIL
#define DOCUMENT(ns, content) "<?xml version=\"1.0\"?><POSLog xmlns=\"" ns "\">" content "</POSLog>"

struct bench {
    struct counter *counter;
    struct loop *loop;
    struct poslog_desk *desk;
    bool answered;
    enum err err;
    struct cJSON *body;
};

static void open_desk(struct bench *bench)
{
    struct poslog_config config = {
        .loop = bench->loop,
        .capture = counter_capture(bench->counter),
        .log_config = counter_config(bench->counter),
    };
    assert_int_equal(poslog_open(&bench->desk, &config, NULL), ERR_OK);
}

static int open_bench(void **state)
{
    struct bench *bench = calloc(1, sizeof *bench);
    assert_non_null(bench);
    bench->counter = counter_open();
    assert_int_equal(loop_open(&bench->loop, NULL), ERR_OK);
    open_desk(bench);
    *state = bench;
    return 0;
}

static int close_bench(void **state)
{
    struct bench *bench = *state;
    poslog_close(bench->desk);
    counter_close(bench->counter);
    loop_close(bench->loop);
    json_free(bench->body);
    free(bench);
    return 0;
}

static void on_done(void *context, const struct poslog_answer *answer)
{
    struct bench *bench = context;
    bench->err = answer->err;
    assert_int_equal(json_parse(answer->body, JSON_LIMITS_DEFAULT, &bench->body, NULL), ERR_OK);
    bench->answered = true;
}

static void begin(struct bench *bench, const char *xml)
{
    struct fault fault;
    json_free(bench->body);
    bench->body = NULL;
    bench->answered = false;
    if (poslog_take(bench->desk, slice_of(xml), on_done, bench, &fault) != ERR_OK)
        fail_msg("%s: %s", fault.where, fault.text);
}

static void take(struct bench *bench, const char *xml)
{
    begin(bench, xml);
    assert_true(await_flag(bench->loop, &bench->answered, AWAIT_MS));
    assert_int_equal(bench->err, ERR_OK);
}

static size_t count_of(const struct bench *bench, const char *list)
{
    size_t count = 0;
    const struct cJSON *item = json_first(json_member(bench->body, list));
    for (; item; item = json_next(item))
        count++;
    return count;
}

static void assert_counts(const struct bench *bench, size_t captured, size_t duplicates,
                          size_t refused, size_t skipped)
{
    const struct cJSON *why = json_first(json_member(bench->body, "refused"));
    if (why && !refused)
        fail_msg("%s: %s", json_member_text(why, "field"), json_member_text(why, "detail"));
    assert_int_equal(count_of(bench, "captured"), captured);
    assert_int_equal(count_of(bench, "duplicates"), duplicates);
    assert_int_equal(count_of(bench, "refused"), refused);
    assert_int_equal(count_of(bench, "skipped"), skipped);
}

static void assert_refused(const struct bench *bench, const char *code)
{
    const struct cJSON *item = json_first(json_member(bench->body, "refused"));
    assert_non_null(item);
    assert_string_equal(json_member_text(item, "code"), code);
}

static int64_t head(const struct bench *bench)
{
    struct eventlog_status status;
    eventlog_status(counter_log(bench->counter), &status);
    return status.streams[STREAM_RETURNS].head + status.streams[STREAM_SALES].head;
}

static void a_sale_is_captured_once_in_either_namespace(void **state)
{
    struct bench *bench = *state;
    take(bench, DOCUMENT(NS, SALE_17));
    assert_counts(bench, 1, 0, 0, 0);
    const struct cJSON *sale = json_first(json_member(bench->body, "captured"));
    assert_string_equal(json_member_text(sale, "receipt"), "0042-01-20261122-0017");
    int64_t before = head(bench);
    take(bench, DOCUMENT(NS6, SALE_17));
    assert_counts(bench, 0, 1, 0, 0);
    assert_int_equal(head(bench), before);
}

static void captured_sale_can_be_returned_at_the_counter(void **state)
{
    struct bench *bench = *state;
    take(bench, DOCUMENT(NS6, SALE_17));
    struct counter_answer answer =
        counter_ask(bench->counter, CAPTURE_RETURN, NULL, "",
                    "{\"receipt\":\"0042-01-20261122-0017\",\"lines\":[{\"line\":1,\"quantity\":1,"
                    "\"reason\":\"unwanted\",\"condition\":\"open_box\"}]}");
    assert_int_equal(answer.err, ERR_OK);
    const struct cJSON *line = json_first(json_member(answer.body, "lines"));
    assert_int_equal(json_member_int(line, "gross", 0), 333);
    assert_int_equal(json_member_int(line, "net", 0), 280);
    counter_answer_free(&answer);
}

/* The legacy till has paid already: the refund is issued, and nobody pays again. */
static void assert_return_is_recorded_once(struct bench *bench, const char *xml)
{
    take(bench, DOCUMENT(NS, SALE_17));
    take(bench, xml);
    assert_counts(bench, 1, 0, 0, 0);
    const struct cJSON *made = json_first(json_member(bench->body, "captured"));
    char id[64];
    (void)snprintf(id, sizeof id, "%s", json_member_text(made, "return_id"));
    struct counter_answer again = counter_ask(bench->counter, CAPTURE_REFUND, id, "", "{}");
    assert_int_not_equal(again.err, ERR_OK);
    counter_answer_free(&again);
    int64_t before = head(bench);
    take(bench, xml);
    assert_counts(bench, 0, 1, 0, 0);
    assert_int_equal(head(bench), before);
}

static void a_return_line_is_recorded_as_paid_once(void **state)
{
    assert_return_is_recorded_once(*state, DOCUMENT(NS6, RETURN_LINE_18));
}

static void a_negative_sale_line_is_the_same_return(void **state)
{
    assert_return_is_recorded_once(*state, DOCUMENT(NS, RETURN_AS_SALE_18));
}

/* A negative sale line comes from tills that know neither reason nor disposal. */
static void what_a_till_does_not_say_of_a_return_is_in_the_mapping(void **state)
{
    struct bench *bench = *state;
    assert_return_is_recorded_once(
        bench, DOCUMENT(NS, HEAD("18") "<LineItem><SequenceNumber>1</SequenceNumber><Sale>"
                                       "<ItemID>4711</ItemID><ExtendedAmount>3.33</ExtendedAmount>"
                                       "<Quantity>-1</Quantity>" LINK
                                       "</Sale></LineItem>" CASH("Refund", "-3.33") TAIL));
}

static void a_tax_without_a_mapping_is_named_whole(void **state)
{
    struct bench *bench = *state;
    take(bench,
         DOCUMENT(NS, HEAD("17") "<LineItem><SequenceNumber>1</SequenceNumber><Sale><ItemID>"
                                 "4711</ItemID><ExtendedAmount>1.00</ExtendedAmount><Tax "
                                 "TaxType=\"Levy\"><TaxAuthority>DE</TaxAuthority><TaxGroupID>"
                                 "Standard</TaxGroupID><Amount>0.10</Amount></Tax></Sale>"
                                 "</LineItem>" CASH("Sale", "1.00") TAIL));
    assert_refused(bench, "unmapped_code");
    const struct cJSON *item = json_first(json_member(bench->body, "refused"));
    assert_non_null(strstr(json_member_text(item, "detail"), "\"Levy:Standard\""));
}

static void documents_survive_a_restart_between_their_sendings(void **state)
{
    struct bench *bench = *state;
    take(bench, DOCUMENT(NS, SALE_17 RETURN_LINE_18));
    assert_counts(bench, 2, 0, 0, 0);
    poslog_close(bench->desk);
    counter_restart(bench->counter);
    open_desk(bench);
    take(bench, DOCUMENT(NS, SALE_17 RETURN_LINE_18));
    assert_counts(bench, 0, 2, 0, 0);
}

struct raised {
    struct exception_state last;
    size_t count;
};

static enum err take_raised(void *context, const struct exception_state *state, struct fault *fault)
{
    (void)fault;
    struct raised *raised = context;
    raised->last = *state;
    raised->count++;
    return ERR_OK;
}

static struct raised raised_in(struct bench *bench)
{
    struct raised raised = {0};
    struct views views = views_of_reader(counter_reader(bench->counter));
    struct exception_view_query query = {.step = -1, .after_ms = -1, .max = 50};
    assert_int_equal(exception_view_list(&views, &query, take_raised, &raised, NULL), ERR_OK);
    return raised;
}

/* The document's only transaction is refused; a person is told so once, whatever is sent again. */
static void assert_raises(struct bench *bench, const char *xml, const char *code)
{
    size_t before = raised_in(bench).count;
    clock_fake_advance(counter_clock(bench->counter), 1000); /* the list is by age */
    take(bench, xml);
    assert_counts(bench, 0, 0, 1, 0);
    struct raised raised = raised_in(bench);
    assert_int_equal(raised.count, before + 1);
    assert_string_equal(raised.last.code, code);
    assert_true(exception_of_no_return(&raised.last));
    assert_non_null(strstr(raised.last.detail, "POSLog 0042/01/2026-11-22/"));
    char id[ID_TEXT + 1];
    id_format(&raised.last.id, id);
    const struct cJSON *item = json_first(json_member(bench->body, "refused"));
    assert_string_equal(json_member_text(item, "exception_id"), id);
    int64_t events = head(bench);
    take(bench, xml);
    assert_int_equal(head(bench), events);
    item = json_first(json_member(bench->body, "refused"));
    assert_string_equal(json_member_text(item, "exception_id"), id);
}

#define PAID_BACK(quantity, tender, amount)                                                        \
    HEAD("18")                                                                                     \
    "<LineItem><SequenceNumber>1</SequenceNumber><Return><Quantity>" quantity                      \
    "</Quantity>" BACK("Unwanted") "</Return></LineItem><LineItem><SequenceNumber>9"               \
                                   "</SequenceNumber><Tender TenderType=\"" tender                 \
                                   "\" TypeCode=\"Refund\"><Amount>" amount                        \
                                   "</Amount></Tender></LineItem>" TAIL

/* The money has left the till: what this store would not have paid is for a person. */
static void what_a_till_paid_back_otherwise_is_an_exception(void **state)
{
    struct bench *bench = *state;
    assert_raises(bench, DOCUMENT(NS, PAID_BACK("1", "Cash", "3.33")), "no_original");
    take(bench, DOCUMENT(NS, SALE_17));
    assert_raises(bench, DOCUMENT(NS, PAID_BACK("1", "Cash", "9.99")), "amount_rebased");
    assert_raises(bench, DOCUMENT(NS, PAID_BACK("4", "Cash", "13.33")),
                  "quantity_exceeds_remaining");
    assert_raises(bench, DOCUMENT(NS, PAID_BACK("1", "CreditDebit", "3.33")), "tender_not_allowed");
}

static void what_can_not_be_captured_is_an_exception_that_names_the_transaction(void **state)
{
    struct bench *bench = *state;
    assert_raises(bench, DOCUMENT(NS, HEAD("17") SOCKS_SALE CASH("Sale", "9.00") TAIL),
                  "tax_payment_mismatch");
    assert_raises(bench,
                  DOCUMENT(NS, HEAD("16") SOCKS_SALE
                           "<LineItem><Tender TenderType=\"Shells\" TypeCode=\"Sale\"><Amount>10.00"
                           "</Amount></Tender></LineItem>" TAIL),
                  "unmapped_code");
    take(bench, DOCUMENT(NS, SALE_17));
    assert_raises(bench,
                  DOCUMENT(NS, HEAD("17") "<LineItem><SequenceNumber>1</SequenceNumber><Sale>"
                                          "<ItemID>4712</ItemID><ExtendedAmount>1.00"
                                          "</ExtendedAmount></Sale></LineItem>" CASH("Sale", "1.00")
                                              TAIL),
                  "id_body_conflict");
}

#define RETURNED_OF(number)                                                                        \
    "<LineItem><SequenceNumber>2</SequenceNumber><Return><ItemID>4711</ItemID><Quantity>1"         \
    "</Quantity><Reason>Unwanted</Reason><Disposal Method=\"ReturnToStock\"/><TransactionLink "    \
    "ReasonCode=\"Return\"><WorkstationID>01</WorkstationID><BusinessDayDate>2026-11-22"           \
    "</BusinessDayDate><SequenceNumber>" number "</SequenceNumber></TransactionLink></Return>"     \
    "</LineItem>"

/* The till has done it; what is not taken here must not stay unknown to the store. */
static void goods_of_several_sales_in_one_transaction_are_an_exception(void **state)
{
    struct bench *bench = *state;
    take(bench, DOCUMENT(NS, SALE_17));
    assert_raises(
        bench,
        DOCUMENT(NS, HEAD("19") RETURNED_OF("17") RETURNED_OF("16") CASH("Refund", "6.66") TAIL),
        "not_captured");
    assert_string_equal(raised_in(bench).last.owner, "manager");
}

/* --- Exchanges: one pair of socks of sale 17 comes back, which is 3.33 ------------------------ */

#define NEW_GOODS(price)                                                                           \
    "<LineItem><SequenceNumber>1</SequenceNumber><Sale><ItemID>4712</"                             \
    "ItemID><ExtendedAmount>" price "</ExtendedAmount></Sale></LineItem>"
#define EXCHANGE(number, price, tenders)                                                           \
    HEAD(number) NEW_GOODS(price) RETURNED_OF("17") tenders TAIL

/* Captured; and the same again changes nothing. */
static void assert_exchanged(struct bench *bench, const char *xml, char return_id[static 64])
{
    take(bench, DOCUMENT(NS, SALE_17)); /* known from before, the second time */
    take(bench, xml);
    assert_counts(bench, 1, 0, 0, 0);
    const struct cJSON *made = json_first(json_member(bench->body, "captured"));
    assert_string_equal(json_member_text(made, "kind"), "exchange");
    assert_non_null(json_member_text(made, "sale_id"));
    (void)snprintf(return_id, 64, "%s", json_member_text(made, "return_id"));
    int64_t before = head(bench);
    take(bench, xml);
    assert_counts(bench, 0, 1, 0, 0);
    made = json_first(json_member(bench->body, "duplicates"));
    assert_string_equal(json_member_text(made, "return_id"), return_id);
    assert_int_equal(head(bench), before);
}

static void assert_nothing_is_left_to_pay(struct bench *bench, const char *return_id)
{
    struct counter_answer again = counter_ask(bench->counter, CAPTURE_REFUND, return_id, "", "{}");
    assert_int_not_equal(again.err, ERR_OK);
    counter_answer_free(&again);
}

/* The whole sale of transaction `receipt` comes back: the tender that it goes back on. */
static void assert_goes_back(struct bench *bench, const char *receipt, const char *type,
                             int64_t amount)
{
    char body[256];
    (void)snprintf(body, sizeof body,
                   "{\"receipt\":\"%s\",\"lines\":[{\"line\":1,\"quantity\":1,\"reason\":"
                   "\"unwanted\",\"condition\":\"open_box\"}]}",
                   receipt);
    struct counter_answer answer = counter_ask(bench->counter, CAPTURE_RETURN, NULL, "", body);
    assert_int_equal(answer.err, ERR_OK);
    const struct cJSON *tenders = json_member(json_member(answer.body, "refund"), "tenders");
    int64_t sum = 0;
    for (const struct cJSON *one = json_first(tenders); one; one = json_next(one)) {
        assert_string_equal(json_member_text(one, "type"), type);
        sum += json_member_int(one, "amount", 0);
    }
    assert_int_equal(sum, amount);
    counter_answer_free(&answer);
}

static void an_exchange_for_dearer_goods_takes_the_rest_in(void **state)
{
    struct bench *bench = *state;
    char id[64];
    assert_exchanged(bench, DOCUMENT(NS, EXCHANGE("19", "10.00", CASH("Sale", "6.67"))), id);
    assert_nothing_is_left_to_pay(bench, id);
    assert_goes_back(bench, "0042-01-20261122-0019", "cash", 1000);
}

static void an_even_exchange_has_no_tender(void **state)
{
    struct bench *bench = *state;
    char id[64];
    assert_exchanged(bench, DOCUMENT(NS6, EXCHANGE("19", "3.33", "")), id);
    assert_nothing_is_left_to_pay(bench, id);
    assert_goes_back(bench, "0042-01-20261122-0019", "cash", 333);
}

static void an_exchange_for_cheaper_goods_has_paid_the_rest_out(void **state)
{
    struct bench *bench = *state;
    char id[64];
    assert_exchanged(bench, DOCUMENT(NS, EXCHANGE("19", "1.00", CASH("Refund", "2.33"))), id);
    assert_nothing_is_left_to_pay(bench, id);
    assert_goes_back(bench, "0042-01-20261122-0019", "cash", 100);
    assert_exchanged(bench, DOCUMENT(NS, EXCHANGE("20", "1.00", CASH("Change", "2.34"))), id);
    assert_nothing_is_left_to_pay(bench, id);
}

static void
an_exchange_that_the_till_settled_otherwise_is_an_exception_and_nothing_else(void **state)
{
    struct bench *bench = *state;
    take(bench, DOCUMENT(NS, SALE_17));
    int64_t before = head(bench);
    assert_raises(bench, DOCUMENT(NS, EXCHANGE("19", "10.00", CASH("Sale", "5.00"))),
                  "amount_rebased");
    assert_raises(bench, DOCUMENT(NS, EXCHANGE("20", "1.00", CASH("Refund", "9.00"))),
                  "amount_rebased");
    assert_raises(bench,
                  DOCUMENT(NS, EXCHANGE("21", "1.00",
                                        "<LineItem><Tender TenderType=\"CreditDebit\" TypeCode="
                                        "\"Refund\"><Amount>2.33</Amount></Tender></LineItem>")),
                  "tender_not_allowed");
    assert_raises(bench,
                  DOCUMENT(NS, EXCHANGE("22", "1.00",
                                        "<LineItem><Tender TenderType=\"CreditDebit\" TypeCode="
                                        "\"Sale\"><Amount>1.00</Amount></Tender></LineItem>" CASH(
                                            "Refund", "3.33"))),
                  "not_captured");
    assert_int_equal(head(bench), before + 4);
}

static void an_exchange_of_what_came_back_before_is_an_exception(void **state)
{
    struct bench *bench = *state;
    char id[64];
    assert_exchanged(bench, DOCUMENT(NS, EXCHANGE("19", "3.33", "")), id);
    /* The second pair is 3.34, the third 3.33. */
    take(bench, DOCUMENT(NS, EXCHANGE("20", "3.33", "") EXCHANGE("21", "3.34", "")
                                 EXCHANGE("22", "3.33", "")));
    assert_counts(bench, 2, 0, 1, 0);
    assert_raises(bench, DOCUMENT(NS, EXCHANGE("23", "3.33", "")), "quantity_exceeds_remaining");
}

static void other_content_under_the_number_of_an_exchange_is_refused(void **state)
{
    struct bench *bench = *state;
    char id[64];
    assert_exchanged(bench, DOCUMENT(NS, EXCHANGE("19", "3.33", "")), id);
    assert_raises(bench, DOCUMENT(NS, EXCHANGE("19", "1.00", CASH("Refund", "2.34"))),
                  "id_body_conflict");
}

/* Its refund is recorded after it: whatever a stop left undone is done by the next sending. */
static void an_exchange_cut_anywhere_is_finished_once(void **state)
{
    struct bench *bench = *state;
    take(bench, DOCUMENT(NS, SALE_17));
    const char *xml = DOCUMENT(NS, EXCHANGE("19", "1.00", CASH("Refund", "2.33")));
    for (int steps = 0; steps < 12; steps++) {
        begin(bench, xml);
        for (int i = 0; i < steps && !bench->answered; i++)
            loop_run_once(bench->loop, 2);
        poslog_stop(bench->desk);
        counter_restart(bench->counter);
        assert_true(await_flag(bench->loop, &bench->answered, AWAIT_MS));
        poslog_close(bench->desk);
        open_desk(bench);
    }
    take(bench, xml);
    assert_counts(bench, 0, 1, 0, 0);
    const struct cJSON *made = json_first(json_member(bench->body, "duplicates"));
    assert_nothing_is_left_to_pay(bench, json_member_text(made, "return_id"));
    int64_t before = head(bench);
    take(bench, xml);
    assert_int_equal(head(bench), before);
}

/* Money has left the till, or come in: whoever sent the document may never read its answer. */
static void whatever_is_refused_is_an_exception(void **state)
{
    struct bench *bench = *state;
    take(bench, DOCUMENT(NS, SALE_17));
    assert_raises(
        bench,
        DOCUMENT(NS, HEAD("18") "<LineItem><SequenceNumber>1</SequenceNumber><Sale>"
                                "<ItemID>4711</ItemID><ExtendedAmount>ten"
                                "</ExtendedAmount></Sale></LineItem>" CASH("Sale", "10.00") TAIL),
        "not_captured");
    assert_raises(bench,
                  DOCUMENT(NS, HEAD("19") "<LineItem><SequenceNumber>1</SequenceNumber><Return>"
                                          "<ItemID>4712</ItemID><Quantity>1</Quantity><Reason>"
                                          "Unwanted</Reason><Disposal Method=\"ReturnToStock\"/>"
                                          "<TransactionLink ReasonCode=\"Return\"><WorkstationID>"
                                          "01</WorkstationID><BusinessDayDate>2026-11-22"
                                          "</BusinessDayDate><SequenceNumber>17</SequenceNumber>"
                                          "<LineItemSequenceNumber>7</LineItemSequenceNumber>"
                                          "</TransactionLink></Return></LineItem>" CASH(
                                              "Refund", "3.33") TAIL),
                  "not_captured");
}

static void an_exception_of_no_return_goes_its_way_too(void **state)
{
    struct bench *bench = *state;
    take(bench, DOCUMENT(NS, HEAD("17") SOCKS_SALE CASH("Sale", "9.00") TAIL));
    char id[ID_TEXT + 1];
    struct exception_state raised = raised_in(bench).last;
    id_format(&raised.id, id);
    assert_string_equal(raised.owner, "finance");
    struct counter_answer assigned =
        counter_ask(bench->counter, CAPTURE_ASSIGN, id, "a-1", "{\"owner\":\"petra\"}");
    struct counter_answer resolved =
        counter_ask(bench->counter, CAPTURE_RESOLVE, id, "", "{\"how\":\"the till was mended\"}");
    struct counter_answer again =
        counter_ask(bench->counter, CAPTURE_ASSIGN, id, "a-1", "{\"owner\":\"petra\"}");
    assert_int_equal(assigned.err, ERR_OK);
    assert_int_equal(resolved.err, ERR_OK);
    assert_string_equal(json_member_text(resolved.body, "state"), "resolved");
    assert_null(json_member(resolved.body, "return_id"));
    assert_string_equal(again.text.data, assigned.text.data);
    assert_int_equal(raised_in(bench).count, 0);
    counter_answer_free(&assigned);
    counter_answer_free(&resolved);
    counter_answer_free(&again);
}

static void a_card_number_in_a_document_is_not_repeated(void **state)
{
    struct bench *bench = *state;
    take(bench, DOCUMENT(NS, HEAD("16") SOCKS_SALE
                         "<LineItem><Tender TenderType=\"4111111111111111\" TypeCode=\"Sale\">"
                         "<Amount>10.00</Amount></Tender></LineItem>" TAIL));
    assert_refused(bench, "unmapped_code");
    struct buf text;
    buf_init(&text, 64 * 1024);
    json_print(bench->body, &text);
    assert_null(strstr(text.data, "4111111111111111"));
    assert_null(strstr(raised_in(bench).last.detail, "4111111111111111"));
    buf_free(&text);
}

static void refund_that_the_receipt_does_not_allow_is_refused(void **state)
{
    struct bench *bench = *state;
    take(bench, DOCUMENT(NS, SALE_17));
    take(bench, DOCUMENT(NS, PAID_BACK("1", "Cash", "9.99")));
    assert_counts(bench, 0, 0, 1, 0);
    assert_refused(bench, "refused");
    struct counter_answer whole =
        counter_ask(bench->counter, CAPTURE_RETURN, NULL, "",
                    "{\"receipt\":\"0042-01-20261122-0017\",\"lines\":[{\"line\":1,\"quantity\":3,"
                    "\"reason\":\"unwanted\",\"condition\":\"open_box\"}]}");
    assert_string_equal(json_member_text(whole.body, "decision"), "accepted");
    counter_answer_free(&whole);
}

static void unmapped_codes_are_refused_and_the_others_go_on(void **state)
{
    struct bench *bench = *state;
    take(bench, DOCUMENT(NS, HEAD("16") SOCKS_SALE
                         "<LineItem><Tender TenderType=\"Shells\" TypeCode=\"Sale\"><Amount>10.00"
                         "</Amount></Tender></LineItem>" TAIL SALE_17));
    assert_counts(bench, 1, 0, 1, 0);
    assert_refused(bench, "unmapped_code");
    take(bench, DOCUMENT(NS, HEAD("18") "<LineItem><SequenceNumber>1</SequenceNumber><Return>"
                                        "<Quantity>1</Quantity>" BACK(
                                            "Moonphase") "</Return></LineItem>" CASH("Refund",
                                                                                     "3.33") TAIL));
    assert_refused(bench, "unmapped_code");
}

static void return_without_its_original_is_refused(void **state)
{
    struct bench *bench = *state;
    take(bench,
         DOCUMENT(NS, HEAD("18") "<LineItem><SequenceNumber>1</SequenceNumber><Return>"
                                 "<ItemID>4711</ItemID><Quantity>1</Quantity><Reason>Other"
                                 "</Reason><Disposal Method=\"Resale\"/></Return></LineItem>" CASH(
                                     "Refund", "3.33") TAIL));
    assert_refused(bench, "no_original");
}

static void sale_that_does_not_add_up_is_refused(void **state)
{
    struct bench *bench = *state;
    take(bench, DOCUMENT(NS, HEAD("17") SOCKS_SALE CASH("Sale", "9.00") TAIL));
    assert_counts(bench, 0, 0, 1, 0);
    assert_refused(bench, "invalid");
}

static void what_concerns_no_counter_is_skipped(void **state)
{
    struct bench *bench = *state;
    take(bench, DOCUMENT(NS, "<Transaction><SequenceNumber>1</SequenceNumber><ControlTransaction/>"
                             "</Transaction>" HEAD("3") TAIL));
    assert_counts(bench, 0, 0, 0, 2);
}

static void other_content_under_the_same_number_is_refused(void **state)
{
    struct bench *bench = *state;
    take(bench, DOCUMENT(NS, SALE_17));
    take(bench, DOCUMENT(NS, HEAD("17") SOCKS_SALE CASH(
                                 "Sale", "10.00") "<LineItem VoidFlag=\"true\"/>" TAIL));
    assert_counts(bench, 0, 1, 0, 0); /* change or none: the same sale */
    take(bench, DOCUMENT(NS, HEAD("17") "<LineItem><SequenceNumber>1</SequenceNumber><Sale><ItemID>"
                                        "4712</ItemID><ExtendedAmount>1.00</ExtendedAmount></Sale>"
                                        "</LineItem>" CASH("Sale", "1.00") TAIL));
    assert_refused(bench, "conflict");
}

static void a_stopped_desk_ends_with_busy(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(
        poslog_take(bench->desk, slice_of(DOCUMENT(NS, SALE_17)), on_done, bench, NULL), ERR_OK);
    poslog_stop(bench->desk);
    assert_true(await_flag(bench->loop, &bench->answered, AWAIT_MS));
    assert_int_equal(bench->err, ERR_BUSY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, open_bench, close_bench)
        T(a_sale_is_captured_once_in_either_namespace),
        T(captured_sale_can_be_returned_at_the_counter),
        T(a_return_line_is_recorded_as_paid_once),
        T(a_negative_sale_line_is_the_same_return),
        T(what_a_till_does_not_say_of_a_return_is_in_the_mapping),
        T(a_tax_without_a_mapping_is_named_whole),
        T(documents_survive_a_restart_between_their_sendings),
        T(refund_that_the_receipt_does_not_allow_is_refused),
        T(what_a_till_paid_back_otherwise_is_an_exception),
        T(what_can_not_be_captured_is_an_exception_that_names_the_transaction),
        T(goods_of_several_sales_in_one_transaction_are_an_exception),
        T(an_exchange_for_dearer_goods_takes_the_rest_in),
        T(an_even_exchange_has_no_tender),
        T(an_exchange_for_cheaper_goods_has_paid_the_rest_out),
        T(an_exchange_that_the_till_settled_otherwise_is_an_exception_and_nothing_else),
        T(an_exchange_of_what_came_back_before_is_an_exception),
        T(other_content_under_the_number_of_an_exchange_is_refused),
        T(an_exchange_cut_anywhere_is_finished_once),
        T(whatever_is_refused_is_an_exception),
        T(an_exception_of_no_return_goes_its_way_too),
        T(a_card_number_in_a_document_is_not_repeated),
        T(unmapped_codes_are_refused_and_the_others_go_on),
        T(return_without_its_original_is_refused),
        T(sale_that_does_not_add_up_is_refused),
        T(what_concerns_no_counter_is_skipped),
        T(other_content_under_the_same_number_is_refused),
        T(a_stopped_desk_ends_with_busy),
#undef T
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
