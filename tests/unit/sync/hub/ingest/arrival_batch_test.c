#include "sync/contract/compression.h"
#include "tests/support/arrival_house.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void a_batch_is_answered_with_its_retained_acknowledgement(void **state)
{
    struct arrival_house *f = *state;
    struct ack ack;
    assert_int_equal(arrival_house_event(f, EVENT_RETURN_CREATED, "return/1", "{}"), ERR_OK);
    arrival_house_await(f);
    assert_string_equal(f->device, "box-a");
    assert_string_equal(f->name, "ack/returns");
    assert_true(f->retain);
    assert_int_equal(ack_read(slice_of(f->payload), &ack, NULL), ERR_OK);
    assert_int_equal(ack.through, 1);
    assert_true(sha256_equal(&ack.hash, &f->hash));
    assert_int_equal(f->desk.events, 1);
}

static void a_body_that_is_no_batch_gets_no_answer_and_changes_nothing(void **state)
{
    struct arrival_house *f = *state;
    const struct batch_header header = {.log = f->log, .first = 1, .last = 1};
    const struct slice broken = SLICE_LITERAL("[{\"a\":");
    assert_int_equal(arrival_house_batch(f, &header, broken, NULL), ERR_OK);
    assert_int_equal(arrival_house_event(f, EVENT_RETURN_CREATED, "return/1", "{}"), ERR_OK);
    arrival_house_await(f);
    assert_int_equal(f->desk.refused, 1);
    assert_int_equal(arrival_house_number(f, "SELECT count(*) FROM event"), 1);
}

static struct ack read_ack(struct arrival_house *f)
{
    struct ack ack;
    arrival_house_await(f);
    assert_int_equal(ack_read(slice_of(f->payload), &ack, NULL), ERR_OK);
    return ack;
}

static void a_compressed_batch_is_taken_as_its_json(void **state)
{
    struct arrival_house *f = *state;
    assert_int_equal(arrival_house_event(f, EVENT_RETURN_CREATED, "return/1", "{}"), ERR_OK);
    assert_true(read_ack(f).reads_compressed);
    assert_int_equal(
        arrival_house_encoded(f, EVENT_RETURN_CREATED, "return/2", "{\"a\":1}", COMPRESSION_NAME),
        ERR_OK);
    struct ack ack = read_ack(f);
    assert_int_equal(ack.through, 2);
    assert_true(sha256_equal(&ack.hash, &f->hash));
    assert_true(ack.reads_compressed);
    assert_int_equal(
        arrival_house_number(f, "SELECT count(*) FROM event WHERE CAST(body AS TEXT) LIKE '{%}'"),
        2);
}

/* Whoever sent it learns that it isn't read, and what the hub holds: it goes again as it is. */
static void what_cannot_be_unpacked_is_refused_visibly_and_the_sender_told(void **state)
{
    struct arrival_house *f = *state;
    assert_int_equal(arrival_house_event(f, EVENT_RETURN_CREATED, "return/1", "{}"), ERR_OK);
    arrival_house_await(f);
    const struct sha256 before = f->hash;
    assert_int_equal(
        arrival_house_encoded(f, EVENT_RETURN_CREATED, "return/2", "{}", "zstd-events-9"), ERR_OK);
    struct ack ack = read_ack(f);
    assert_int_equal(ack.through, 1);
    assert_false(ack.reads_compressed);
    assert_int_equal(f->desk.refused, 1);
    assert_int_equal(
        arrival_house_number(f, "SELECT count(*) FROM hub_exception WHERE code = 'batch_refused'"
                                " AND detail LIKE '%content-encoding%'"),
        1);
    f->seq = 1;
    f->hash = before;
    assert_int_equal(arrival_house_event(f, EVENT_RETURN_CREATED, "return/2", "{}"), ERR_OK);
    ack = read_ack(f);
    assert_int_equal(ack.through, 2);
    assert_true(ack.reads_compressed);
}

int main(void)
{
#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, arrival_house_setup, arrival_house_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_batch_is_answered_with_its_retained_acknowledgement),
        TEST(a_body_that_is_no_batch_gets_no_answer_and_changes_nothing),
        TEST(a_compressed_batch_is_taken_as_its_json),
        TEST(what_cannot_be_unpacked_is_refused_visibly_and_the_sender_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
