/* What the hub says of a log, with a batch and without one. */
#include "sync/hub/ingest/ingest.sql.h"
#include "tests/support/ingest_house.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

enum { POISON = ACK_PARKED_MAX + 10 };

/* Of the device "box-a"; every event of it is parked. */
static void give_poison(struct ingest_house *f, struct sent_log *log)
{
    sent_log_init(log, 1, NULL);
    for (int i = 0; i < POISON; i++) {
        char body[32];
        (void)snprintf(body, sizeof body, "{\"a\":%d}", i);
        sent_log_add_body(log, body);
    }
    assert_int_equal(ingest_house_give(f, log, "box-a", 1, POISON), INGEST_TAKEN);
}

static void what_is_parked_is_told_page_by_page(void **state)
{
    struct ingest_house *f = *state;
    struct sent_log log;
    struct ack page;
    give_poison(f, &log);
    const struct ack *ack = &f->result.ack;
    assert_int_equal(ack->parked_count, ACK_PARKED_MAX);
    assert_int_equal(ack->parked[0].seq, POISON);
    assert_int_equal(ack->parked_above, POISON - ACK_PARKED_MAX);
    assert_int_equal(ack->parked_total, POISON);
    const struct parked_ask ask = {log.log, ack->parked_above + 1};
    assert_int_equal(ingest_parked_page(f->db, &f->rules, "box-a", &ask, &page, NULL), ERR_OK);
    assert_int_equal(page.parked_count, POISON - ACK_PARKED_MAX);
    assert_int_equal(page.parked[0].seq, ack->parked_above);
    assert_int_equal(page.parked_below, ask.below);
    assert_int_equal(page.parked_above, 0);
    assert_int_equal(page.parked_total, POISON);
    sent_log_free(&log);
}

static void nobody_is_told_what_is_parked_of_another_s_log(void **state)
{
    struct ingest_house *f = *state;
    struct sent_log log;
    struct ack page;
    give_poison(f, &log);
    const struct parked_ask others = {log.log, POISON};
    const struct parked_ask nobodys = {sent_id(1, 9), POISON};
    assert_int_equal(ingest_parked_page(f->db, &f->rules, "box-b", &others, &page, NULL),
                     ERR_NOT_FOUND);
    assert_int_equal(ingest_parked_page(f->db, &f->rules, "box-a", &nobodys, &page, NULL),
                     ERR_NOT_FOUND);
    sent_log_free(&log);
}

static void a_log_that_is_not_here_is_asked_for_from_its_beginning(void **state)
{
    struct ingest_house *f = *state;
    struct sent_log log;
    struct ingest_result result;
    struct id unknown = sent_id(1, 9);
    give_poison(f, &log);
    assert_int_equal(ingest_unknown_log(f->db, &f->rules, STREAM_RETURNS, &unknown, &result, NULL),
                     ERR_OK);
    assert_true(result.has_ack && result.newest);
    assert_true(id_equal(&result.ack.log, &unknown));
    assert_int_equal(result.ack.through, 0);
    assert_int_equal(ingest_unknown_log(f->db, &f->rules, STREAM_RETURNS, &log.log, &result, NULL),
                     ERR_OK);
    assert_false(result.has_ack);
    sent_log_free(&log);
}

static void what_was_told_is_not_told_again_by_itself(void **state)
{
    struct ingest_house *f = *state;
    struct sent_log log;
    struct sent_log other;
    struct ingest_result result;
    give_poison(f, &log);
    sent_log_init(&other, 2, NULL);
    sent_log_fill(&other, 1, 1);
    assert_int_equal(ingest_house_give(f, &other, "box-a", 1, 1), INGEST_TAKEN);
    assert_int_equal(database_script(f->db, "UPDATE stream_log SET untold = 1", NULL), ERR_OK);
    assert_int_equal(ingest_acknowledgement(f->db, &f->rules, &log.log, &result, NULL), ERR_OK);
    assert_int_equal(result.ack.through, POISON);
    assert_int_equal(ingest_house_number(f, "SELECT untold FROM stream_log WHERE through > 1"), 0);
    assert_int_equal(ingest_house_number(f, "SELECT untold FROM stream_log WHERE through = 1"), 1);
    sent_log_free(&log);
    sent_log_free(&other);
}

static void give_one(struct ingest_house *f, int number, const char *device, struct sent_log *log)
{
    sent_log_init(log, number, NULL);
    sent_log_fill(log, number * 10, 1);
    assert_int_equal(ingest_house_give(f, log, device, 1, 1), INGEST_TAKEN);
}

/* By a hub that was set back: who isn't told sends nothing again. */
static void newest_log_of_each_appliance_is_to_be_told(void **state)
{
    static const int newest[] = {1, 2};
    struct ingest_house *f = *state;
    struct sent_log logs[3];
    struct statement *s;
    bool row;
    size_t count = 0;
    give_one(f, 1, "box-a", &logs[0]);
    give_one(f, 2, "box-a", &logs[1]);
    give_one(f, 3, "box-b", &logs[2]);
    assert_int_equal(database_statement(f->db, INGEST_LOG_CURRENT, &s, NULL), ERR_OK);
    bind_int(s, 1, 0);
    bind_int(s, 2, 10);
    while (database_step(f->db, s, &row, NULL) == ERR_OK && row) {
        struct id id;
        assert_true(count < 2);
        assert_int_equal(column_bytes(s, 1, id.bytes, ID_BYTES), ERR_OK);
        assert_true(id_equal(&id, &logs[newest[count++]].log));
    }
    assert_int_equal(count, 2);
    for (size_t i = 0; i < 3; i++)
        sent_log_free(&logs[i]);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, ingest_house_setup, ingest_house_teardown)
    const struct CMUnitTest tests[] = {
        TEST(what_is_parked_is_told_page_by_page),
        TEST(nobody_is_told_what_is_parked_of_another_s_log),
        TEST(a_log_that_is_not_here_is_asked_for_from_its_beginning),
        TEST(newest_log_of_each_appliance_is_to_be_told),
        TEST(what_was_told_is_not_told_again_by_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
