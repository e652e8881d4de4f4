/* Another store asks for a receipt that "box-a" wrote: it is told yes when box-a has said so. */
#include "sync/contract/reservation.h"
#include "tests/support/arrival_house.h"
#include "tests/support/await.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define ASKED "{\"receipt\":\"R-1\",\"reserve\":true}"
#define FREE "{\"receipt\":\"R-1\",\"returns\":[]}"
/* Of the return that box-a sends below: {2, its type, 1}. */
#define RETURN_ID_HEAD "02%02x0100-0000-0000-0000-000000000000"

static struct sale_reply ask(struct arrival_house *f, const char *topic, const char *question)
{
    struct sale_reply reply;
    f->reserves = 0;
    assert_int_equal(
        arrival_house_take(f, (struct mqtt_message){.topic = topic,
                                                    .payload = slice_of(question),
                                                    .correlation = SLICE_LITERAL("q-1")}),
        ERR_OK);
    arrival_house_await(f);
    assert_string_equal(f->name, "reply");
    assert_int_equal(sale_reply_read(slice_of(f->payload), &reply, NULL), ERR_OK);
    return reply;
}

static struct sale_reply ask_from_b(struct arrival_house *f)
{
    return ask(f, "tb/v1/box-b/up/query", ASKED);
}

static void say(struct arrival_house *f, const char *topic, const char *text)
{
    assert_int_equal(
        arrival_house_take(f, (struct mqtt_message){.topic = topic,
                                                    .payload = slice_of(text),
                                                    .correlation = SLICE_LITERAL("q-1")}),
        ERR_OK);
}

/* box-a says what it has of the receipt: what box-b is told then. */
static struct sale_reply confirm(struct arrival_house *f, const char *text)
{
    struct sale_reply reply;
    say(f, "tb/v1/box-a/up/reserved", text);
    arrival_house_await(f);
    assert_string_equal(f->device, "box-b");
    assert_string_equal(f->correlation, "q-1");
    assert_int_equal(sale_reply_read(slice_of(f->payload), &reply, NULL), ERR_OK);
    return reply;
}

static bool is_answered_behind(void *context)
{
    return strcmp(((struct arrival_house *)context)->correlation, "q-2") == 0;
}

/* Nobody is answered but who asks something behind it. */
static void passes_over(struct arrival_house *f, const char *topic)
{
    const struct mqtt_message other = {.topic = "tb/v1/box-c/up/query",
                                       .payload = SLICE_LITERAL("{\"receipt\":\"R-2\"}"),
                                       .correlation = SLICE_LITERAL("q-2")};
    struct fault fault;
    f->correlation[0] = '\0';
    say(f, topic, FREE);
    assert_int_equal(arrival_take(&f->desk, f->worker, &other, &fault), ERR_OK);
    assert_true(await(f->loop, is_answered_behind, f, AWAIT_MS));
    assert_int_equal(f->answers, 1);
}

/* box-a has told a sale, is in store 0042, and online. */
static void open_shop(struct arrival_house *f)
{
    arrival_house_state(f, "first", true);
    assert_int_equal(arrival_house_event(f, EVENT_SALE_RECORDED, "receipt/R-1", "{\"total\":5}"),
                     ERR_OK);
    arrival_house_await(f);
}

static void send_return(struct arrival_house *f)
{
    (void)snprintf((char *)f->log.bytes, ID_BYTES, "log-of-returns");
    f->hash = chain_origin(&f->log, NULL);
    f->seq = 0;
    assert_int_equal(
        arrival_house_event(f, EVENT_RETURN_CREATED, "return/1", "{\"receipt\":\"R-1\"}"), ERR_OK);
    arrival_house_await(f);
}

static void has_of_it(char text[static 256], int64_t events)
{
    char id[64];
    (void)snprintf(id, sizeof id, RETURN_ID_HEAD, (unsigned)EVENT_RETURN_CREATED);
    (void)snprintf(text, 256, "{\"receipt\":\"R-1\",\"returns\":[{\"id\":\"%s\",\"events\":%lld}]}",
                   id, (long long)events);
}

static void who_asks_is_told_yes_when_the_holder_has_said_so(void **state)
{
    struct arrival_house *f = *state;
    struct reservation asked;
    struct sale_reply reply;
    open_shop(f);
    reply = ask_from_b(f);
    assert_true(reply.awaits_holder);
    assert_int_equal(reply.sale.len, 0);
    assert_int_equal(f->reserves, 1);
    assert_string_equal(f->holder, "box-a");
    assert_false(f->reminds);
    assert_int_equal(reservation_read(slice_of(f->reserve), &asked, NULL), ERR_OK);
    assert_string_equal(asked.receipt, "R-1");
    assert_int_equal(asked.others, 0);
    assert_true(asked.for_ms >= 60 * 1000);
    reply = confirm(f, FREE);
    assert_false(reply.awaits_holder);
    assert_true(reply.confirmed);
    assert_int_equal(reply.reserved_until_ms, 0);
    assert_true(reply.sale.len > 0);
    assert_true(confirm(f, FREE).sale.len > 0); /* it came twice */
}

static void without_the_sale_the_store_that_the_number_names_is_asked(void **state)
{
    struct arrival_house *f = *state;
    const char *topic = "tb/v1/box-b/up/query";
    open_shop(f);
    assert_false(ask(f, topic, "{\"receipt\":\"R-2\",\"reserve\":true}").awaits_holder);
    const char *nobody = "{\"receipt\":\"R-2\",\"store\":\"0099\",\"reserve\":true}";
    assert_false(ask(f, topic, nobody).awaits_holder);
    assert_int_equal(f->reserves, 0);
    const char *named = "{\"receipt\":\"R-2\",\"store\":\"0042\",\"reserve\":true}";
    assert_true(ask(f, topic, named).awaits_holder);
    assert_string_equal(f->holder, "box-a");
    struct sale_reply reply = confirm(f, "{\"receipt\":\"R-2\",\"returns\":[]}");
    assert_false(reply.awaits_holder);
    assert_int_equal(reply.sale.len, 0);
}

static void who_only_looks_disturbs_nobody(void **state)
{
    struct arrival_house *f = *state;
    open_shop(f);
    struct sale_reply reply = ask(f, "tb/v1/box-b/up/query", "{\"receipt\":\"R-1\"}");
    assert_false(reply.awaits_holder);
    assert_true(reply.sale.len > 0);
    assert_int_equal(f->reserves, 0);
}

static void what_the_holder_saved_and_is_not_here_yet_is_waited_for(void **state)
{
    struct arrival_house *f = *state;
    struct sale_reply reply;
    char told[256];
    open_shop(f);
    reply = ask_from_b(f);
    has_of_it(told, 1);
    reply = confirm(f, told);
    assert_true(reply.reserved_until_ms > 0);
    assert_false(reply.confirmed);
    send_return(f);
    reply = ask_from_b(f);
    assert_true(reply.awaits_holder);
    reply = confirm(f, told);
    assert_int_equal(reply.reserved_until_ms, 0);
    assert_int_equal(reply.event_count, 1);
    has_of_it(told, 2); /* approved since, say */
    reply = confirm(f, told);
    assert_true(reply.reserved_until_ms > 0);
}

static void holder_that_is_not_there_is_answered_for(void **state)
{
    struct arrival_house *f = *state;
    open_shop(f);
    arrival_house_state(f, "first", false);
    struct sale_reply reply = ask_from_b(f);
    assert_false(reply.awaits_holder);
    assert_false(reply.confirmed); /* it may have taken something back meanwhile */
    assert_true(reply.sale.len > 0);
    assert_int_equal(f->reserves, 0);
}

/* Its broker died, say, and with it the word that it went. */
static void holder_not_heard_of_for_minutes_is_not_waited_for(void **state)
{
    struct arrival_house *f = *state;
    open_shop(f);
    clock_fake_advance(f->clock, 2 * 60 * 1000); /* its state comes every minute */
    assert_true(ask_from_b(f).awaits_holder);
    assert_true(confirm(f, FREE).confirmed);
    clock_fake_advance(f->clock, 60 * 1000);
    struct sale_reply reply = ask_from_b(f);
    assert_false(reply.awaits_holder);
    assert_false(reply.confirmed);
    assert_true(reply.sale.len > 0);
    const char *named = "{\"receipt\":\"R-2\",\"store\":\"0042\",\"reserve\":true}";
    assert_false(ask(f, "tb/v1/box-b/up/query", named).awaits_holder);
    arrival_house_state(f, "first", true);
    assert_true(ask_from_b(f).awaits_holder);
}

static void silent_holder_is_answered_for_after_a_while(void **state)
{
    struct arrival_house *f = *state;
    struct sale_reply reply;
    open_shop(f);
    assert_true(ask_from_b(f).awaits_holder);
    clock_fake_advance(f->clock, HOLDER_PATIENCE_MS / 2);
    assert_true(ask_from_b(f).awaits_holder);
    clock_fake_advance(f->clock, HOLDER_PATIENCE_MS / 2);
    reply = ask_from_b(f);
    assert_false(reply.awaits_holder);
    assert_true(reply.sale.len > 0);
    assert_int_equal(f->reserves, 1);                        /* it is told all the same */
    assert_int_equal(confirm(f, FREE).reserved_until_ms, 0); /* late */
    assert_true(ask_from_b(f).awaits_holder);
}

static void nobody_else_answers_for_the_holder(void **state)
{
    struct arrival_house *f = *state;
    open_shop(f);
    assert_true(ask_from_b(f).awaits_holder);
    passes_over(f, "tb/v1/box-c/up/reserved");
    clock_fake_advance(f->clock, 10 * 60 * 1000); /* and nobody after the reservation's end */
    passes_over(f, "tb/v1/box-a/up/reserved");
}

static bool is_reserved(void *context)
{
    return ((struct arrival_house *)context)->reserves > 0;
}

static void holder_is_reminded_when_it_comes_back(void **state)
{
    struct arrival_house *f = *state;
    struct reservation asked;
    open_shop(f);
    assert_true(ask_from_b(f).awaits_holder);
    f->reserves = 0;
    clock_fake_advance(f->clock, 20 * 1000);
    arrival_house_state(f, "second", true);
    assert_true(await(f->loop, is_reserved, f, AWAIT_MS));
    assert_true(f->reminds);
    assert_int_equal(reservation_read(slice_of(f->reserve), &asked, NULL), ERR_OK);
    assert_string_equal(asked.receipt, "R-1");
    assert_int_equal(asked.for_ms, 100 * 1000);
}

static void one_lease_is_taken_by_one(void **state)
{
    struct arrival_house *f = *state;
    open_shop(f);
    assert_true(ask_from_b(f).awaits_holder);
    struct sale_reply reply = ask(f, "tb/v1/box-c/up/query", ASKED);
    assert_true(reply.reserved_until_ms > 0);
    assert_false(reply.awaits_holder);
    assert_int_equal(f->reserves, 0);
}

int main(void)
{
#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, arrival_house_setup, arrival_house_teardown)
    const struct CMUnitTest tests[] = {
        TEST(who_asks_is_told_yes_when_the_holder_has_said_so),
        TEST(who_only_looks_disturbs_nobody),
        TEST(without_the_sale_the_store_that_the_number_names_is_asked),
        TEST(what_the_holder_saved_and_is_not_here_yet_is_waited_for),
        TEST(holder_that_is_not_there_is_answered_for),
        TEST(holder_not_heard_of_for_minutes_is_not_waited_for),
        TEST(silent_holder_is_answered_for_after_a_while),
        TEST(nobody_else_answers_for_the_holder),
        TEST(holder_is_reminded_when_it_comes_back),
        TEST(one_lease_is_taken_by_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
