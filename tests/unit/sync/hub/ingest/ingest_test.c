#include "sync/hub/ingest/ingest.h"
#include "tests/support/hub_database.h"
#include "tests/support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

/* --- Logs as an appliance would make them ---------------------------------------------------- */

enum { CHAIN_MAX = 200 };

struct chain {
    struct id log;
    enum stream stream;
    bool has_parent;
    struct chain_parent parent;
    size_t count;
    char *bodies[CHAIN_MAX];             /* [0] is seq 1 */
    struct sha256 hashes[CHAIN_MAX + 1]; /* [n] is the chain at seq n */
    struct slice slices[CHAIN_MAX];
};

static struct id made_id(int kind, int number)
{
    struct id id = {{0}};
    (void)snprintf((char *)id.bytes, ID_BYTES, "%02d-%08d", kind, number);
    return id;
}

static void chain_init(struct chain *chain, int number, const struct chain_parent *parent)
{
    *chain = (struct chain){.log = made_id(1, number), .stream = STREAM_RETURNS};
    chain->has_parent = parent != NULL;
    if (parent)
        chain->parent = *parent;
    chain->hashes[0] = chain_origin(&chain->log, parent);
}

static void chain_free(struct chain *chain)
{
    for (size_t i = 0; i < chain->count; i++)
        free(chain->bodies[i]);
}

static void chain_add_body(struct chain *chain, const char *body)
{
    assert_true(chain->count < CHAIN_MAX);
    size_t i = chain->count++;
    chain->bodies[i] = strdup(body);
    chain->slices[i] = slice_of(chain->bodies[i]);
    chain->hashes[i + 1] = chain_next(&chain->hashes[i], chain->slices[i]);
}

static void write_event(struct buf *out, int number, const char *text)
{
    struct event event = {
        .id = made_id(2, number),
        .type = EVENT_RETURN_CREATED,
        .source = SLICE_LITERAL("/store/0042/device/box-a"),
        .time_ms = INT64_C(1795000000000),
        .correlation = made_id(3, number),
        .sequence = 1,
    };
    struct buf data;
    buf_init(&data, 4096);
    buf_printf(&data, "{\"receipt\":\"R%d\",\"number\":\"N%d\",\"text\":\"%s\"}", number, number,
               text);
    event.data = buf_slice(&data);
    event_write(out, &event);
    buf_free(&data);
}

/* An event of that number; the same number and text make the same bytes. */
static void chain_add(struct chain *chain, int number, const char *text)
{
    struct buf body;
    buf_init(&body, 8192);
    write_event(&body, number, text);
    chain_add_body(chain, body.data);
    buf_free(&body);
}

static void chain_fill(struct chain *chain, int first, int count)
{
    for (int i = 0; i < count; i++)
        chain_add(chain, first + i, "plain");
}

static struct ingest_batch batch_of(const struct chain *chain, const char *device, int64_t first,
                                    int64_t last)
{
    return (struct ingest_batch){
        .device = device,
        .header = {.log = chain->log,
                   .stream = chain->stream,
                   .first = first,
                   .last = last,
                   .prev = chain->hashes[first - 1],
                   .hash = chain->hashes[last],
                   .has_parent = chain->has_parent,
                   .parent = chain->parent},
        .bodies = &chain->slices[first - 1],
        .count = (size_t)(last - first + 1),
        .received_ms = INT64_C(1795000001000),
    };
}

/* --- A hub ----------------------------------------------------------------------------------- */

struct fixture {
    struct scratch scratch;
    struct hubdb *hub;
    struct database *db;
    struct ingest_rules rules;
    struct ingest_result result;
};

static void open_hub(struct fixture *f)
{
    char path[SCRATCH_PATH_MAX];
    struct fault fault = {0};
    const struct hubdb_config config = {
        .path = hub_database_path(&f->scratch, path),
        .folder = f->scratch.path,
        .now_ms = INT64_C(1795000000000),
    };
    if (hubdb_open(&f->hub, &config, &fault) != ERR_OK)
        fail_msg("%s: %s", fault.where, fault.text);
    f->db = hubdb_database(f->hub);
    f->rules.hub_epoch = hubdb_epoch(f->hub);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    scratch_make(&f->scratch);
    open_hub(f);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    hubdb_close(f->hub);
    scratch_remove(&f->scratch);
    free(f);
    return 0;
}

static enum ingest_verdict give(struct fixture *f, const struct chain *chain, const char *device,
                                int64_t first, int64_t last)
{
    struct fault fault = {0};
    const struct ingest_batch batch = batch_of(chain, device, first, last);
    enum err err = database_begin(f->db, &fault);
    if (!err)
        err = ingest_batch(f->db, &f->rules, &batch, &f->result, &fault);
    if (!err)
        err = database_commit(f->db, &fault);
    if (err)
        fail_msg("%s: %s", fault.where, fault.text);
    return f->result.verdict;
}

static int64_t number_of(struct fixture *f, const char *sql)
{
    struct statement *s;
    assert_int_equal(database_prepare(f->db, sql, &s, NULL), ERR_OK);
    bool row;
    assert_int_equal(statement_step(s, &row, NULL), ERR_OK);
    assert_true(row);
    int64_t number = column_int(s, 0);
    statement_close(s);
    return number;
}

static int64_t exceptions(struct fixture *f, const char *code)
{
    char sql[160];
    (void)snprintf(sql, sizeof sql, "SELECT count(*) FROM hub_exception WHERE code = '%s'", code);
    return number_of(f, sql);
}

/* --- What it does ---------------------------------------------------------------------------- */

static void every_statement_can_be_prepared(void **state)
{
    struct fixture *f = *state;
    struct fault fault = {0};
    if (database_prepare_all(f->db, &fault) != ERR_OK)
        fail_msg("%s: %s", fault.where, fault.text);
}

static void batches_in_order_move_the_watermark(void **state)
{
    struct fixture *f = *state;
    struct chain chain;
    chain_init(&chain, 1, NULL);
    chain_fill(&chain, 1, 30);
    assert_int_equal(give(f, &chain, "box-a", 1, 10), INGEST_TAKEN);
    assert_int_equal(f->result.ack.through, 10);
    assert_int_equal(f->result.ack.ack_no, 1);
    assert_int_equal(give(f, &chain, "box-a", 11, 30), INGEST_TAKEN);
    assert_int_equal(f->result.ack.through, 30);
    assert_int_equal(f->result.ack.backed_up_through, 30);
    assert_int_equal(f->result.ack.ack_no, 2);
    assert_true(sha256_equal(&f->result.ack.hash, &chain.hashes[30]));
    assert_true(f->result.newest);
    assert_int_equal(number_of(f, "SELECT count(*) FROM event"), 30);
    assert_int_equal(number_of(f, "SELECT count(*) FROM return_index WHERE receipt = 'R7'"), 1);
    chain_free(&chain);
}

static void the_stored_bytes_are_the_sent_bytes(void **state)
{
    struct fixture *f = *state;
    struct chain chain;
    struct statement *s;
    chain_init(&chain, 1, NULL);
    chain_fill(&chain, 1, 3);
    give(f, &chain, "box-a", 1, 3);
    assert_int_equal(database_prepare(f->db, "SELECT body FROM event ORDER BY seq", &s, NULL),
                     ERR_OK);
    for (int i = 0; i < 3; i++) {
        bool row;
        assert_int_equal(statement_step(s, &row, NULL), ERR_OK);
        assert_true(row);
        assert_true(slice_equal(column_slice(s, 0), chain.slices[i]));
    }
    statement_close(s);
    chain_free(&chain);
}

static void a_batch_sent_100_times_has_one_effect_and_100_answers(void **state)
{
    struct fixture *f = *state;
    struct chain chain;
    chain_init(&chain, 1, NULL);
    chain_fill(&chain, 1, 10);
    assert_int_equal(give(f, &chain, "box-a", 1, 10), INGEST_TAKEN);
    for (int i = 0; i < 99; i++) {
        assert_int_equal(give(f, &chain, "box-a", 1, 10), INGEST_KNOWN);
        assert_true(f->result.has_ack);
        assert_int_equal(f->result.ack.through, 10);
        assert_int_equal(f->result.ack.ack_no, 1);
    }
    assert_int_equal(number_of(f, "SELECT count(*) FROM event"), 10);
    assert_int_equal(number_of(f, "SELECT count(*) FROM entry"), 10);
    chain_free(&chain);
}

static void what_is_ahead_of_a_gap_is_held_and_joins_when_it_closes(void **state)
{
    struct fixture *f = *state;
    struct chain chain;
    chain_init(&chain, 1, NULL);
    chain_fill(&chain, 1, 40);
    give(f, &chain, "box-a", 1, 5);
    assert_int_equal(give(f, &chain, "box-a", 31, 40), INGEST_TAKEN);
    assert_int_equal(give(f, &chain, "box-a", 11, 20), INGEST_TAKEN);
    assert_int_equal(f->result.ack.through, 5);
    assert_int_equal(f->result.ack.also_count, 2);
    assert_int_equal(f->result.ack.also[0].first, 11);
    assert_int_equal(f->result.ack.also[0].last, 20);
    assert_int_equal(f->result.ack.also[1].first, 31);
    assert_int_equal(give(f, &chain, "box-a", 21, 30), INGEST_TAKEN);
    assert_int_equal(f->result.ack.also_count, 1);
    assert_int_equal(f->result.ack.also[0].first, 11);
    assert_int_equal(f->result.ack.also[0].last, 40);
    assert_int_equal(give(f, &chain, "box-a", 4, 12), INGEST_TAKEN);
    assert_int_equal(f->result.ack.through, 40);
    assert_int_equal(f->result.ack.also_count, 0);
    assert_true(sha256_equal(&f->result.ack.hash, &chain.hashes[40]));
    assert_int_equal(number_of(f, "SELECT count(*) FROM event"), 40);
    assert_int_equal(number_of(f, "SELECT count(*) FROM hub_exception"), 0);
    chain_free(&chain);
}

/* Any order, any cuts, any repetition: the same events, the same watermark. */
static void any_order_of_any_batches_ends_the_same(void **state)
{
    (void)state;
    const char *given = getenv("SEED");
    unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL);
    print_message("SEED=%u\n", seed);
    for (int round = 0; round < 15; round++) {
        struct fixture *f = NULL;
        struct chain chain;
        (void)set_up((void **)&f);
        chain_init(&chain, 1, NULL);
        chain_fill(&chain, 1, 60);
        chain_add_body(&chain, "{\"id\":\"nonsense\"}");
        chain_fill(&chain, 61, 39);
        for (int i = 0; i < 150; i++) {
            int64_t first = 1 + rand_r(&seed) % 100;
            int64_t last = first + rand_r(&seed) % 20;
            enum ingest_verdict verdict = give(f, &chain, "box-a", first, last > 100 ? 100 : last);
            assert_true(verdict == INGEST_TAKEN || verdict == INGEST_KNOWN);
        }
        for (int64_t first = 100; first >= 1; first -= 3)
            give(f, &chain, "box-a", first, first + 2 > 100 ? 100 : first + 2);
        assert_int_equal(f->result.ack.through, 100);
        assert_int_equal(f->result.ack.also_count, 0);
        assert_true(sha256_equal(&f->result.ack.hash, &chain.hashes[100]));
        assert_int_equal(number_of(f, "SELECT count(*) FROM event"), 100);
        assert_int_equal(number_of(f, "SELECT count(*) FROM entry"), 100);
        assert_int_equal(number_of(f, "SELECT count(*) FROM held_range"), 0);
        assert_int_equal(number_of(f, "SELECT count(*) FROM parked"), 1);
        assert_int_equal(number_of(f, "SELECT count(*) FROM hub_exception"), 0);
        chain_free(&chain);
        (void)tear_down((void **)&f);
    }
}

static void poison_is_parked_alone_and_blocks_nothing(void **state)
{
    struct fixture *f = *state;
    struct chain chain;
    chain_init(&chain, 1, NULL);
    chain_add(&chain, 1, "good");
    chain_add_body(&chain, "{\"specversion\":\"1.0\"}");
    chain_add(&chain, 2, "good");
    give(f, &chain, "box-a", 1, 3);
    assert_int_equal(f->result.ack.through, 3);
    assert_int_equal(f->result.ack.parked_count, 1);
    assert_int_equal(f->result.ack.parked[0].seq, 2);
    assert_string_equal(f->result.ack.parked[0].code, "unreadable");
    assert_int_equal(number_of(f, "SELECT count(*) FROM event WHERE id IS NOT NULL"), 2);
    chain_free(&chain);
}

static void an_unknown_type_is_parked_under_its_own_id(void **state)
{
    struct fixture *f = *state;
    struct chain chain;
    struct buf body;
    buf_init(&body, 8192);
    write_event(&body, 5, "x");
    char *type = strstr(body.data, "return.created");
    memcpy(type, "return.bananas", strlen("return.bananas"));
    chain_init(&chain, 1, NULL);
    chain_add_body(&chain, body.data);
    give(f, &chain, "box-a", 1, 1);
    struct id id = made_id(2, 5);
    assert_int_equal(f->result.ack.parked_count, 1);
    assert_string_equal(f->result.ack.parked[0].code, "unknown_type");
    assert_true(id_equal(&f->result.ack.parked[0].id, &id));
    buf_free(&body);
    chain_free(&chain);
}

static void an_event_in_the_wrong_stream_is_parked(void **state)
{
    struct fixture *f = *state;
    struct chain chain;
    chain_init(&chain, 1, NULL);
    chain.stream = STREAM_SALES;
    chain_add(&chain, 1, "a return among sales");
    give(f, &chain, "box-a", 1, 1);
    assert_string_equal(f->result.ack.parked[0].code, "wrong_stream");
    chain_free(&chain);
}

static void another_body_under_a_known_id_is_parked(void **state)
{
    struct fixture *f = *state;
    struct chain chain;
    chain_init(&chain, 1, NULL);
    chain_add(&chain, 1, "first");
    chain_add(&chain, 1, "second");
    give(f, &chain, "box-a", 1, 2);
    assert_int_equal(f->result.ack.through, 2);
    assert_int_equal(f->result.ack.parked_count, 1);
    assert_string_equal(f->result.ack.parked[0].code, "id_body_conflict");
    assert_int_equal(exceptions(f, "id_body_conflict"), 1);
    chain_free(&chain);
}

/* A certificate lets a device speak, but only of what it captured itself. */
static void a_device_cannot_speak_for_another(void **state)
{
    struct fixture *f = *state;
    struct chain chain;
    chain_init(&chain, 1, NULL);
    chain_add(&chain, 1, "the event says that box-a made it");
    give(f, &chain, "box-b", 1, 1);
    assert_int_equal(f->result.ack.parked_count, 1);
    assert_string_equal(f->result.ack.parked[0].code, "wrong_source");
    chain_free(&chain);
}

static void a_device_cannot_add_to_anothers_return(void **state)
{
    struct fixture *f = *state;
    struct chain mine;
    chain_init(&mine, 1, NULL);
    chain_add(&mine, 1, "a return of box-a");
    give(f, &mine, "box-a", 1, 1);
    struct chain forged;
    chain_init(&forged, 2, NULL);
    struct event event = {
        .id = made_id(9, 1),
        .type = EVENT_REFUND_ISSUED,
        .source = SLICE_LITERAL("/store/0042/device/box-b"),
        .time_ms = INT64_C(1795000000000),
        .correlation = made_id(3, 1),
        .sequence = 2,
        .data = SLICE_LITERAL("{}"),
    };
    struct buf body;
    buf_init(&body, 8192);
    event_write(&body, &event);
    chain_add_body(&forged, body.data);
    give(f, &forged, "box-b", 1, 1);
    assert_int_equal(f->result.ack.parked_count, 1);
    assert_string_equal(f->result.ack.parked[0].code, "wrong_source");
    buf_free(&body);
    chain_free(&mine);
    chain_free(&forged);
}

static void a_log_belongs_to_the_device_that_began_it(void **state)
{
    struct fixture *f = *state;
    struct chain chain;
    chain_init(&chain, 1, NULL);
    chain_fill(&chain, 1, 10);
    give(f, &chain, "box-a", 1, 5);
    assert_int_equal(give(f, &chain, "box-b", 6, 10), INGEST_REFUSED);
    assert_false(f->result.has_ack);
    assert_int_equal(number_of(f, "SELECT max(through) FROM stream_log"), 5);
    assert_int_equal(exceptions(f, "batch_refused"), 1);
    chain_free(&chain);
}

static void a_batch_whose_bodies_do_not_lead_to_its_hash_is_refused(void **state)
{
    struct fixture *f = *state;
    struct chain chain;
    struct chain other;
    chain_init(&chain, 1, NULL);
    chain_init(&other, 1, NULL);
    chain_fill(&chain, 1, 10);
    chain_fill(&other, 11, 10);
    give(f, &chain, "box-a", 1, 5);
    memcpy(&other.hashes[5], &chain.hashes[5], sizeof other.hashes[5]);
    assert_int_equal(give(f, &other, "box-a", 6, 10), INGEST_REFUSED);
    assert_true(f->result.has_ack);
    assert_int_equal(f->result.ack.through, 5);
    assert_int_equal(number_of(f, "SELECT count(*) FROM event"), 5);
    chain_free(&chain);
    chain_free(&other);
}

static void a_log_that_went_back_in_time_gets_the_hubs_watermark(void **state)
{
    struct fixture *f = *state;
    struct chain chain;
    struct chain other;
    chain_init(&chain, 1, NULL);
    chain_init(&other, 1, NULL);
    chain_fill(&chain, 1, 20);
    chain_fill(&other, 1, 10);
    chain_fill(&other, 101, 20);
    give(f, &chain, "box-a", 1, 20);
    assert_int_equal(give(f, &other, "box-a", 8, 15), INGEST_CONFLICT);
    assert_int_equal(f->result.ack.through, 20);
    assert_true(sha256_equal(&f->result.ack.hash, &chain.hashes[20]));
    assert_int_equal(give(f, &other, "box-a", 21, 25), INGEST_CONFLICT);
    assert_int_equal(number_of(f, "SELECT count(*) FROM event"), 20);
    assert_true(exceptions(f, "seq_conflict") > 0);
    chain_free(&chain);
    chain_free(&other);
}

static void a_forks_tail_brings_only_what_differs(void **state)
{
    struct fixture *f = *state;
    struct chain chain;
    struct chain fork;
    chain_init(&chain, 1, NULL);
    chain_fill(&chain, 1, 20);
    give(f, &chain, "box-a", 1, 20);
    const struct chain_parent parent = {chain.log, 10, chain.hashes[10]};
    chain_init(&fork, 2, &parent);
    chain_fill(&fork, 11, 3);
    chain_fill(&fork, 101, 4);
    assert_int_equal(give(f, &fork, "box-a", 1, 7), INGEST_TAKEN);
    assert_int_equal(f->result.events, 4);
    assert_int_equal(f->result.ack.through, 7);
    assert_true(f->result.newest);
    assert_int_equal(number_of(f, "SELECT count(*) FROM event"), 24);
    assert_int_equal(exceptions(f, "log_forked"), 1);
    assert_int_equal(exceptions(f, "fork_parent_differs"), 0);
    assert_int_equal(exceptions(f, "duplicate_event"), 0);
    give(f, &chain, "box-a", 1, 20);
    assert_false(f->result.newest);
    chain_free(&chain);
    chain_free(&fork);
}

static void an_event_twice_in_one_log_is_stored_once_and_told_to_people(void **state)
{
    struct fixture *f = *state;
    struct chain chain;
    chain_init(&chain, 1, NULL);
    chain_fill(&chain, 1, 5);
    chain_fill(&chain, 3, 2);
    assert_int_equal(give(f, &chain, "box-a", 1, 7), INGEST_TAKEN);
    assert_int_equal(f->result.events, 5);
    assert_int_equal(f->result.ack.through, 7);
    assert_int_equal(number_of(f, "SELECT count(*) FROM event"), 5);
    assert_int_equal(exceptions(f, "duplicate_event"), 1);
    assert_int_equal(number_of(f, "SELECT times FROM hub_exception"), 2);
    assert_int_equal(number_of(f, "SELECT count(*) FROM hub_exception WHERE team = 'it'"
                                  " AND due_ms - raised_ms = 24 * 3600000"),
                     1);
    give(f, &chain, "box-a", 1, 7);
    assert_int_equal(number_of(f, "SELECT times FROM hub_exception"), 2);
    chain_free(&chain);
}

static void an_event_in_a_log_that_came_from_no_other_is_told_to_people(void **state)
{
    struct fixture *f = *state;
    struct chain chain;
    struct chain other;
    chain_init(&chain, 1, NULL);
    chain_fill(&chain, 1, 5);
    give(f, &chain, "box-a", 1, 5);
    chain_init(&other, 2, NULL);
    chain_fill(&other, 4, 4);
    assert_int_equal(give(f, &other, "box-a", 1, 4), INGEST_TAKEN);
    assert_int_equal(f->result.events, 2);
    assert_int_equal(exceptions(f, "duplicate_event"), 1);
    chain_free(&chain);
    chain_free(&other);
}

static void nobody_forks_from_anothers_log(void **state)
{
    struct fixture *f = *state;
    struct chain chain;
    struct chain fork;
    chain_init(&chain, 1, NULL);
    chain_fill(&chain, 1, 5);
    give(f, &chain, "box-a", 1, 5);
    const struct chain_parent parent = {chain.log, 3, chain.hashes[3]};
    chain_init(&fork, 2, &parent);
    chain_fill(&fork, 50, 2);
    assert_int_equal(give(f, &fork, "box-b", 1, 2), INGEST_REFUSED);
    assert_int_equal(number_of(f, "SELECT count(*) FROM stream_log"), 1);
    chain_free(&chain);
    chain_free(&fork);
}

static void held_events_that_the_chain_does_not_lead_to_give_way(void **state)
{
    struct fixture *f = *state;
    struct chain before;
    struct chain after;
    chain_init(&before, 1, NULL);
    chain_init(&after, 1, NULL);
    chain_fill(&before, 1, 30);
    chain_fill(&after, 1, 5);
    chain_fill(&after, 201, 25);
    give(f, &before, "box-a", 1, 5);
    give(f, &before, "box-a", 21, 30);
    assert_int_equal(give(f, &after, "box-a", 25, 30), INGEST_CONFLICT);
    assert_int_equal(give(f, &after, "box-a", 6, 20), INGEST_TAKEN);
    assert_int_equal(f->result.ack.through, 20);
    assert_int_equal(f->result.ack.also_count, 0);
    assert_int_equal(exceptions(f, "chain_broken"), 1);
    assert_int_equal(give(f, &after, "box-a", 21, 30), INGEST_TAKEN);
    assert_int_equal(f->result.ack.through, 30);
    assert_true(sha256_equal(&f->result.ack.hash, &after.hashes[30]));
    /* What was held had happened, and stays known. */
    assert_int_equal(number_of(f, "SELECT count(*) FROM event"), 40);
    chain_free(&before);
    chain_free(&after);
}

static void with_backups_expected_only_a_backup_lets_prune(void **state)
{
    struct fixture *f = *state;
    struct chain chain;
    f->rules.backups = true;
    chain_init(&chain, 1, NULL);
    chain_fill(&chain, 1, 5);
    give(f, &chain, "box-a", 1, 5);
    assert_int_equal(f->result.ack.through, 5);
    assert_int_equal(f->result.ack.backed_up_through, 0);
    chain_free(&chain);
}

static void a_rolled_back_batch_left_nothing(void **state)
{
    struct fixture *f = *state;
    struct chain chain;
    struct fault fault = {0};
    chain_init(&chain, 1, NULL);
    chain_fill(&chain, 1, 5);
    const struct ingest_batch batch = batch_of(&chain, "box-a", 1, 5);
    assert_int_equal(database_begin(f->db, &fault), ERR_OK);
    assert_int_equal(ingest_batch(f->db, &f->rules, &batch, &f->result, &fault), ERR_OK);
    database_rollback(f->db);
    assert_int_equal(number_of(f, "SELECT count(*) FROM event"), 0);
    assert_int_equal(give(f, &chain, "box-a", 1, 5), INGEST_TAKEN);
    chain_free(&chain);
}

static void the_acknowledgement_can_be_asked_for(void **state)
{
    struct fixture *f = *state;
    struct chain chain;
    struct ingest_result result;
    struct fault fault = {0};
    struct id nobody = made_id(9, 9);
    chain_init(&chain, 1, NULL);
    chain_fill(&chain, 1, 5);
    give(f, &chain, "box-a", 1, 5);
    assert_int_equal(ingest_acknowledgement(f->db, &f->rules, &chain.log, &result, &fault), ERR_OK);
    assert_int_equal(result.ack.through, 5);
    assert_int_equal(ingest_acknowledgement(f->db, &f->rules, &nobody, &result, &fault),
                     ERR_NOT_FOUND);
    chain_free(&chain);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(every_statement_can_be_prepared),
        TEST(batches_in_order_move_the_watermark),
        TEST(the_stored_bytes_are_the_sent_bytes),
        TEST(a_batch_sent_100_times_has_one_effect_and_100_answers),
        TEST(what_is_ahead_of_a_gap_is_held_and_joins_when_it_closes),
        cmocka_unit_test(any_order_of_any_batches_ends_the_same),
        TEST(poison_is_parked_alone_and_blocks_nothing),
        TEST(an_unknown_type_is_parked_under_its_own_id),
        TEST(an_event_in_the_wrong_stream_is_parked),
        TEST(another_body_under_a_known_id_is_parked),
        TEST(a_device_cannot_speak_for_another),
        TEST(a_device_cannot_add_to_anothers_return),
        TEST(a_log_belongs_to_the_device_that_began_it),
        TEST(a_batch_whose_bodies_do_not_lead_to_its_hash_is_refused),
        TEST(a_log_that_went_back_in_time_gets_the_hubs_watermark),
        TEST(a_forks_tail_brings_only_what_differs),
        TEST(an_event_twice_in_one_log_is_stored_once_and_told_to_people),
        TEST(an_event_in_a_log_that_came_from_no_other_is_told_to_people),
        TEST(nobody_forks_from_anothers_log),
        TEST(held_events_that_the_chain_does_not_lead_to_give_way),
        TEST(with_backups_expected_only_a_backup_lets_prune),
        TEST(a_rolled_back_batch_left_nothing),
        TEST(the_acknowledgement_can_be_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
