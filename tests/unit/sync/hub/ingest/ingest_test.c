#include "sync/hub/ingest/ingest.h"
#include "tests/support/ingest_house.h"
#include "tests/support/seed.h"
#include "tests/support/sent_log.h"
#include "tests/support/take_batch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void every_statement_can_be_prepared(void **state)
{
    struct ingest_house *f = *state;
    struct fault fault = {0};
    if (database_prepare_all(f->db, &fault) != ERR_OK)
        fail_msg("%s: %s", fault.where, fault.text);
}

static void batches_in_order_move_the_watermark(void **state)
{
    struct ingest_house *f = *state;
    struct sent_log log;
    sent_log_init(&log, 1, NULL);
    sent_log_fill(&log, 1, 30);
    assert_int_equal(ingest_house_give(f, &log, "box-a", 1, 10), INGEST_TAKEN);
    assert_int_equal(f->result.ack.through, 10);
    assert_int_equal(f->result.ack.ack_no, 1);
    assert_int_equal(ingest_house_give(f, &log, "box-a", 11, 30), INGEST_TAKEN);
    assert_int_equal(f->result.ack.through, 30);
    assert_int_equal(f->result.ack.backed_up_through, 30);
    assert_int_equal(f->result.ack.ack_no, 2);
    assert_true(sha256_equal(&f->result.ack.hash, &log.hashes[30]));
    assert_true(f->result.newest);
    assert_int_equal(ingest_house_number(f, "SELECT count(*) FROM event"), 30);
    assert_int_equal(
        ingest_house_number(f, "SELECT count(*) FROM return_index WHERE receipt = 'R7'"), 1);
    sent_log_free(&log);
}

static void the_stored_bytes_are_the_sent_bytes(void **state)
{
    struct ingest_house *f = *state;
    struct sent_log log;
    struct statement *s;
    sent_log_init(&log, 1, NULL);
    sent_log_fill(&log, 1, 3);
    ingest_house_give(f, &log, "box-a", 1, 3);
    assert_int_equal(database_prepare(f->db, "SELECT body FROM event ORDER BY seq", &s, NULL),
                     ERR_OK);
    for (int i = 0; i < 3; i++) {
        bool row;
        assert_int_equal(statement_step(s, &row, NULL), ERR_OK);
        assert_true(row);
        assert_true(slice_equal(column_slice(s, 0), log.slices[i]));
    }
    statement_close(s);
    sent_log_free(&log);
}

static void a_batch_sent_100_times_has_one_effect_and_100_answers(void **state)
{
    struct ingest_house *f = *state;
    struct sent_log log;
    sent_log_init(&log, 1, NULL);
    sent_log_fill(&log, 1, 10);
    assert_int_equal(ingest_house_give(f, &log, "box-a", 1, 10), INGEST_TAKEN);
    for (int i = 0; i < 99; i++) {
        assert_int_equal(ingest_house_give(f, &log, "box-a", 1, 10), INGEST_KNOWN);
        assert_true(f->result.has_ack);
        assert_int_equal(f->result.ack.through, 10);
        assert_int_equal(f->result.ack.ack_no, 1);
    }
    assert_int_equal(ingest_house_number(f, "SELECT count(*) FROM event"), 10);
    assert_int_equal(ingest_house_number(f, "SELECT count(*) FROM entry"), 10);
    sent_log_free(&log);
}

static void what_is_ahead_of_a_gap_is_held_and_joins_when_it_closes(void **state)
{
    struct ingest_house *f = *state;
    struct sent_log log;
    sent_log_init(&log, 1, NULL);
    sent_log_fill(&log, 1, 40);
    ingest_house_give(f, &log, "box-a", 1, 5);
    assert_int_equal(ingest_house_give(f, &log, "box-a", 31, 40), INGEST_TAKEN);
    assert_int_equal(ingest_house_give(f, &log, "box-a", 11, 20), INGEST_TAKEN);
    assert_int_equal(f->result.ack.through, 5);
    assert_int_equal(f->result.ack.also_count, 2);
    assert_int_equal(f->result.ack.also[0].first, 11);
    assert_int_equal(f->result.ack.also[0].last, 20);
    assert_int_equal(f->result.ack.also[1].first, 31);
    assert_int_equal(ingest_house_give(f, &log, "box-a", 21, 30), INGEST_TAKEN);
    assert_int_equal(f->result.ack.also_count, 1);
    assert_int_equal(f->result.ack.also[0].first, 11);
    assert_int_equal(f->result.ack.also[0].last, 40);
    assert_int_equal(ingest_house_give(f, &log, "box-a", 4, 12), INGEST_TAKEN);
    assert_int_equal(f->result.ack.through, 40);
    assert_int_equal(f->result.ack.also_count, 0);
    assert_true(sha256_equal(&f->result.ack.hash, &log.hashes[40]));
    assert_int_equal(ingest_house_number(f, "SELECT count(*) FROM event"), 40);
    assert_int_equal(ingest_house_number(f, "SELECT count(*) FROM hub_exception"), 0);
    sent_log_free(&log);
}

/* Any order, any cuts, any repetition: the same events, the same watermark. */
static void any_order_of_any_batches_ends_the_same(void **state)
{
    (void)state;
    unsigned seed = (unsigned)seed_chosen();
    for (int round = 0; round < 15; round++) {
        struct ingest_house *f = NULL;
        struct sent_log log;
        (void)ingest_house_setup((void **)&f);
        sent_log_init(&log, 1, NULL);
        sent_log_fill(&log, 1, 60);
        sent_log_add_body(&log, "{\"id\":\"nonsense\"}");
        sent_log_fill(&log, 61, 39);
        for (int i = 0; i < 150; i++) {
            int64_t first = 1 + rand_r(&seed) % 100;
            int64_t last = first + rand_r(&seed) % 20;
            enum ingest_verdict verdict =
                ingest_house_give(f, &log, "box-a", first, last > 100 ? 100 : last);
            assert_true(verdict == INGEST_TAKEN || verdict == INGEST_KNOWN);
        }
        for (int64_t first = 100; first >= 1; first -= 3)
            ingest_house_give(f, &log, "box-a", first, first + 2 > 100 ? 100 : first + 2);
        assert_int_equal(f->result.ack.through, 100);
        assert_int_equal(f->result.ack.also_count, 0);
        assert_true(sha256_equal(&f->result.ack.hash, &log.hashes[100]));
        assert_int_equal(ingest_house_number(f, "SELECT count(*) FROM event"), 100);
        assert_int_equal(ingest_house_number(f, "SELECT count(*) FROM entry"), 100);
        assert_int_equal(ingest_house_number(f, "SELECT count(*) FROM held_range"), 0);
        assert_int_equal(ingest_house_number(f, "SELECT count(*) FROM parked"), 1);
        assert_int_equal(ingest_house_number(f, "SELECT count(*) FROM hub_exception"), 0);
        sent_log_free(&log);
        (void)ingest_house_teardown((void **)&f);
    }
}

static void poison_is_parked_alone_and_blocks_nothing(void **state)
{
    struct ingest_house *f = *state;
    struct sent_log log;
    sent_log_init(&log, 1, NULL);
    sent_log_add(&log, 1, "good");
    sent_log_add_body(&log, "{\"specversion\":\"1.0\"}");
    sent_log_add(&log, 2, "good");
    ingest_house_give(f, &log, "box-a", 1, 3);
    assert_int_equal(f->result.ack.through, 3);
    assert_int_equal(f->result.ack.parked_count, 1);
    assert_int_equal(f->result.ack.parked[0].seq, 2);
    assert_string_equal(f->result.ack.parked[0].code, "unreadable");
    assert_int_equal(ingest_house_number(f, "SELECT count(*) FROM event WHERE id IS NOT NULL"), 2);
    sent_log_free(&log);
}

static void an_unknown_type_is_parked_under_its_own_id(void **state)
{
    struct ingest_house *f = *state;
    struct sent_log log;
    struct buf body;
    buf_init(&body, 8192);
    sent_event_write(&body, 5, "x");
    char *type = strstr(body.data, "return.created");
    memcpy(type, "return.bananas", strlen("return.bananas"));
    sent_log_init(&log, 1, NULL);
    sent_log_add_body(&log, body.data);
    ingest_house_give(f, &log, "box-a", 1, 1);
    struct id id = sent_id(2, 5);
    assert_int_equal(f->result.ack.parked_count, 1);
    assert_string_equal(f->result.ack.parked[0].code, "unknown_type");
    assert_true(id_equal(&f->result.ack.parked[0].id, &id));
    buf_free(&body);
    sent_log_free(&log);
}

static void an_event_in_the_wrong_stream_is_parked(void **state)
{
    struct ingest_house *f = *state;
    struct sent_log log;
    sent_log_init(&log, 1, NULL);
    log.stream = STREAM_SALES;
    sent_log_add(&log, 1, "a return among sales");
    ingest_house_give(f, &log, "box-a", 1, 1);
    assert_string_equal(f->result.ack.parked[0].code, "wrong_stream");
    sent_log_free(&log);
}

static void another_body_under_a_known_id_is_parked(void **state)
{
    struct ingest_house *f = *state;
    struct sent_log log;
    sent_log_init(&log, 1, NULL);
    sent_log_add(&log, 1, "first");
    sent_log_add(&log, 1, "second");
    ingest_house_give(f, &log, "box-a", 1, 2);
    assert_int_equal(f->result.ack.through, 2);
    assert_int_equal(f->result.ack.parked_count, 1);
    assert_string_equal(f->result.ack.parked[0].code, "id_body_conflict");
    assert_int_equal(ingest_house_exceptions(f, "id_body_conflict"), 1);
    sent_log_free(&log);
}

static void a_return_created_twice_in_a_batch_is_found_by_the_first(void **state)
{
    struct ingest_house *f = *state;
    const struct id first = sent_id(3, 1);
    const struct id second = sent_id(3, 2);
    char texts[2][ID_TEXT + 1];
    struct sent_log log;
    struct buf body;
    id_format(&first, texts[0]);
    id_format(&second, texts[1]);
    buf_init(&body, 8192);
    sent_event_write(&body, 2, "again");
    for (char *at = body.data; (at = strstr(at, texts[1])) != NULL;)
        memcpy(at, texts[0], ID_TEXT);
    sent_log_init(&log, 1, NULL);
    sent_log_add(&log, 1, "first");
    sent_log_add_body(&log, body.data);
    ingest_house_give(f, &log, "box-a", 1, 2);
    assert_int_equal(f->result.ack.parked_count, 0);
    assert_int_equal(ingest_house_number(f, "SELECT count(*) FROM entry"), 2);
    assert_int_equal(ingest_house_number(f, "SELECT count(*) FROM return_index"), 1);
    assert_int_equal(
        ingest_house_number(f, "SELECT event.seq FROM return_index JOIN event USING (event_no)"),
        1);
    buf_free(&body);
    sent_log_free(&log);
}

/* A certificate lets a device speak, but only of what it captured itself. */
static void a_device_cannot_speak_for_another(void **state)
{
    struct ingest_house *f = *state;
    struct sent_log log;
    sent_log_init(&log, 1, NULL);
    sent_log_add(&log, 1, "the event says that box-a made it");
    ingest_house_give(f, &log, "box-b", 1, 1);
    assert_int_equal(f->result.ack.parked_count, 1);
    assert_string_equal(f->result.ack.parked[0].code, "wrong_source");
    sent_log_free(&log);
}

static void a_device_cannot_add_to_anothers_return(void **state)
{
    struct ingest_house *f = *state;
    struct sent_log mine;
    sent_log_init(&mine, 1, NULL);
    sent_log_add(&mine, 1, "a return of box-a");
    ingest_house_give(f, &mine, "box-a", 1, 1);
    struct sent_log forged;
    sent_log_init(&forged, 2, NULL);
    struct event event = {
        .id = sent_id(9, 1),
        .type = EVENT_REFUND_ISSUED,
        .source = SLICE_LITERAL("/store/0042/device/box-b"),
        .time_ms = INT64_C(1795000000000),
        .correlation = sent_id(3, 1),
        .sequence = 2,
        .data = SLICE_LITERAL("{}"),
    };
    struct buf body;
    buf_init(&body, 8192);
    event_write(&body, &event);
    sent_log_add_body(&forged, body.data);
    ingest_house_give(f, &forged, "box-b", 1, 1);
    assert_int_equal(f->result.ack.parked_count, 1);
    assert_string_equal(f->result.ack.parked[0].code, "wrong_source");
    buf_free(&body);
    sent_log_free(&mine);
    sent_log_free(&forged);
}

static void with_backups_expected_only_a_backup_lets_prune(void **state)
{
    struct ingest_house *f = *state;
    struct sent_log log;
    f->rules.backups = true;
    sent_log_init(&log, 1, NULL);
    sent_log_fill(&log, 1, 5);
    ingest_house_give(f, &log, "box-a", 1, 5);
    assert_int_equal(f->result.ack.through, 5);
    assert_int_equal(f->result.ack.backed_up_through, 0);
    sent_log_free(&log);
}

static void a_rolled_back_batch_left_nothing(void **state)
{
    struct ingest_house *f = *state;
    struct sent_log log;
    struct fault fault = {0};
    sent_log_init(&log, 1, NULL);
    sent_log_fill(&log, 1, 5);
    const struct ingest_batch batch = sent_log_batch(&log, "box-a", 1, 5);
    assert_int_equal(database_begin(f->db, &fault), ERR_OK);
    assert_int_equal(take_batch(f->db, &f->rules, &batch, &f->result, &fault), ERR_OK);
    database_rollback(f->db);
    assert_int_equal(ingest_house_number(f, "SELECT count(*) FROM event"), 0);
    assert_int_equal(ingest_house_give(f, &log, "box-a", 1, 5), INGEST_TAKEN);
    sent_log_free(&log);
}

static void the_acknowledgement_can_be_asked_for(void **state)
{
    struct ingest_house *f = *state;
    struct sent_log log;
    struct ingest_result result;
    struct fault fault = {0};
    struct id nobody = sent_id(9, 9);
    sent_log_init(&log, 1, NULL);
    sent_log_fill(&log, 1, 5);
    ingest_house_give(f, &log, "box-a", 1, 5);
    assert_int_equal(ingest_acknowledgement(f->db, &f->rules, &log.log, &result, &fault), ERR_OK);
    assert_int_equal(result.ack.through, 5);
    assert_int_equal(ingest_acknowledgement(f->db, &f->rules, &nobody, &result, &fault),
                     ERR_NOT_FOUND);
    sent_log_free(&log);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, ingest_house_setup, ingest_house_teardown)
    const struct CMUnitTest tests[] = {
        TEST(every_statement_can_be_prepared),
        TEST(batches_in_order_move_the_watermark),
        TEST(the_stored_bytes_are_the_sent_bytes),
        TEST(a_batch_sent_100_times_has_one_effect_and_100_answers),
        TEST(what_is_ahead_of_a_gap_is_held_and_joins_when_it_closes),
        TEST(any_order_of_any_batches_ends_the_same),
        TEST(poison_is_parked_alone_and_blocks_nothing),
        TEST(an_unknown_type_is_parked_under_its_own_id),
        TEST(an_event_in_the_wrong_stream_is_parked),
        TEST(another_body_under_a_known_id_is_parked),
        TEST(a_return_created_twice_in_a_batch_is_found_by_the_first),
        TEST(a_device_cannot_speak_for_another),
        TEST(a_device_cannot_add_to_anothers_return),
        TEST(with_backups_expected_only_a_backup_lets_prune),
        TEST(a_rolled_back_batch_left_nothing),
        TEST(the_acknowledgement_can_be_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
