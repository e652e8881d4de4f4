#include "tests/unit/agent/returns/counter.h"

static enum err try(struct counter *c, const char *json, struct return_request *request)
{
    c->fault = (struct fault){0};
    return return_request_read(counter_json(c, json), NULL, &c->arena, request, &c->fault);
}

static void the_example_is_read(void **state)
{
    struct counter *c = *state;
    struct return_request request;
    assert_int_equal(try(c,
                         "{'receipt':'0042-01-20261122-0017','lines':[{'line':1,'quantity':1,"
                         "'reason':'unwanted','condition':'open_box'}]}",
                         &request),
                     ERR_OK);
    assert_true(request.in_hand);
    assert_false(request.has_refund_to);
    assert_int_equal(request.lines[0].line, 1);
    assert_false(request.lines[0].has_claimed_price);
}

static void a_line_may_differ_in_what_is_in_hand(void **state)
{
    struct counter *c = *state;
    struct return_request request;
    assert_int_equal(try(c,
                         "{'receipt':null,'in_hand':false,'lines':[{'gtin':'4006381333931',"
                         "'quantity':1,'reason':'late','condition':'used','in_hand':true,"
                         "'claimed_price':0}]}",
                         &request),
                     ERR_OK);
    assert_null(request.receipt);
    assert_false(request.in_hand);
    assert_true(request.lines[0].has_in_hand && request.lines[0].in_hand);
    assert_true(request.lines[0].has_claimed_price);
}

static void assert_refused(struct counter *c, const char *head, const char *line, const char *where)
{
    char json[1024];
    struct return_request request;
    snprintf(json, sizeof json, "{%s'lines':[{%s'quantity':1,'reason':'late','condition':'used'}]}",
             head, line);
    if (try(c, json, &request) == ERR_OK)
        fail_msg("taken: %s", json);
    assert_string_equal(c->fault.where, where);
}

static void every_refusal_names_the_field(void **state)
{
    struct counter *c = *state;
    assert_refused(c, "", "'line':1,", "receipt");
    assert_refused(c, "'receipt':'R',", "", "lines[0]");
    assert_refused(c, "'receipt':'R',", "'gtin':'12',", "lines[0]");
    assert_refused(c, "'receipt':'R','refund_to':'rounding',", "'line':1,", "refund_to");
    assert_refused(c, "'receipt':'R','currency':'EUX',", "'line':1,", "currency");
    assert_refused(c, "'receipt':'R','colour':1,", "'line':1,", "colour");
    assert_refused(c, "'receipt':'R',", "'line':0,", "lines[0].line");
    assert_refused(c, "'receipt':'R',", "'line':1,'amount':0,", "lines[0].amount");
    assert_refused(c, "'receipt':'4111111111111111',", "'line':1,", "receipt");
    assert_refused(c, "'receipt':'R','note':'4111-1111-1111-1111',", "'line':1,", "note");
    assert_refused(c, "'receipt':'R',", "'line':1,'note':'4111 1111 1111 1111',", "lines[0].note");
    assert_refused(c, "'receipt':'R',", "'line':1,'serial':'378282246310005',", "lines[0].serial");
}

static void a_written_decision_has_what_the_api_promises(void **state)
{
    struct counter *c = *state;
    counter_sell(c, "EUR", true,
                 "{'line':1,'sku':'a','quantity':3,'amount':1000,'tax':[{'type':'vat',"
                 "'class':'standard','jurisdiction':'DE','rate':'19','amount':160}]}",
                 "{'tender':1,'type':'card','amount':1000}", "");
    struct decision d = counter_quote(c, 1, 1);
    struct buf out;
    buf_init(&out, 65536);
    struct jsonw w = jsonw_to(&out);
    jsonw_object(&w, NULL);
    decision_write(&d, &c->policy, POLICY_EN, &w);
    jsonw_end(&w);
    assert_string_equal(
        out.data,
        "{\"decision\":\"accepted\",\"policy\":\"default-2\",\"rule\":\"\",\"reasons\":[],"
        "\"lines\":[{\"line\":1,\"item\":0,\"quantity\":1,\"reason\":\"unwanted\","
        "\"condition\":\"open_box\",\"net\":280,\"tax\":[{\"type\":\"vat\",\"class\":\"standard\","
        "\"jurisdiction\":\"DE\",\"rate\":\"19\",\"amount\":53}],\"gross\":333,"
        "\"fee\":{\"amount\":0,\"tax\":0},\"goods\":\"received\",\"disposition\":\"restock\","
        "\"disposition_rule\":\"opened\"}],\"refund\":{\"currency\":\"EUR\",\"total\":333,"
        "\"payout\":333,\"tax\":53,\"fee\":0,\"tenders\":[{\"tender\":1,\"type\":\"card\","
        "\"amount\":333,\"executor\":\"terminal\",\"state\":\"pending\"}]},"
        "\"goods\":\"received\",\"money\":\"pending\",\"posting\":\"none\"}");
    buf_free(&out);
}

#define REQUEST(test) cmocka_unit_test_setup_teardown(test, counter_setup, counter_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        REQUEST(the_example_is_read),
        REQUEST(a_line_may_differ_in_what_is_in_hand),
        REQUEST(every_refusal_names_the_field),
        REQUEST(a_written_decision_has_what_the_api_promises),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
