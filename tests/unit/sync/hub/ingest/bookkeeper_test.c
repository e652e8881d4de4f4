#include "sync/hub/ingest/bookkeeper.h"
#include "sync/hub/ingest/filing.h"
#include "sync/hub/ingest/ingest.h"
#include "sync/hub/ingest/rebuild.h"
#include "tests/support/hub_database.h"
#include "tests/support/scratch.h"
#include "tests/support/take_batch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { RETURNS = 12, EVENTS_MAX = 200, TEXT_MAX = 1024 * 1024, ROUNDS = 25 };

#define NOW_MS INT64_C(1795000001000)

/* --- A store's log --------------------------------------------------------------------------- */

struct store {
    struct id log;
    size_t count;
    char *bodies[EVENTS_MAX];             /* [0] is seq 1 */
    struct sha256 hashes[EVENTS_MAX + 1]; /* [n] is the chain at seq n */
    struct slice slices[EVENTS_MAX];
    int64_t sequences[RETURNS];
};

static void store_add(struct store *store, int number, enum event_type type, const char *data)
{
    struct buf body;
    size_t i = store->count++;
    assert_true(i < EVENTS_MAX);
    struct event event = {
        .id = {{9, (uint8_t)(i + 1)}},
        .type = type,
        .source = SLICE_LITERAL("/store/0042/device/box-a"),
        .time_ms = INT64_C(1795342272000),
        .correlation = {{3, (uint8_t)(number + 1)}},
        .sequence = ++store->sequences[number],
        .data = slice_of(data),
    };
    buf_init(&body, 8192);
    event_write(&body, &event);
    store->bodies[i] = strdup(body.data);
    store->slices[i] = slice_of(store->bodies[i]);
    store->hashes[i + 1] = chain_next(&store->hashes[i], store->slices[i]);
    buf_free(&body);
}

static void add_created(struct store *store, int number)
{
    char data[1024];
    (void)snprintf(data, sizeof data,
                   "{\"number\":\"R-%d\",\"receipt\":\"A-%d\",\"store\":\"0042\","
                   "\"currency\":\"EUR\",\"decision\":\"accepted\",\"lines\":[{\"line\":1,"
                   "\"quantity\":1,\"net\":280,\"tax\":[{\"jurisdiction\":\"DE\",\"rate\":\"19\","
                   "\"amount\":53}],\"gross\":333,\"cost\":200}]}",
                   number, number);
    store_add(store, number, EVENT_RETURN_CREATED, data);
}

static const char received[] = "{\"lines\":[{\"line\":1,\"quantity\":1}]}";
static const char restocked[] =
    "{\"lines\":[{\"line\":1,\"quantity\":1,\"disposition\":\"restock\"}]}";
static const char issued[] = "{\"tender\":1,\"type\":\"card\",\"amount\":333}";

/* Lives of returns side by side: some end in a refund, some are voided. */
static void store_fill(struct store *store)
{
    store->log = (struct id){{1, 1}};
    store->hashes[0] = chain_origin(&store->log, NULL);
    for (int i = 0; i < RETURNS; i++)
        add_created(store, i);
    for (int i = 0; i < RETURNS; i++)
        store_add(store, i, EVENT_ITEM_RECEIVED, received);
    for (int i = 0; i < RETURNS; i++) {
        if (i % 3 == 2) {
            store_add(store, i, EVENT_RETURN_VOIDED, "{}");
        } else {
            store_add(store, i, EVENT_ITEM_DISPOSITIONED, restocked);
            store_add(store, i, EVENT_REFUND_ISSUED, issued);
        }
    }
}

static void store_free(struct store *store)
{
    for (size_t i = 0; i < store->count; i++)
        free(store->bodies[i]);
}

/* --- A hub ----------------------------------------------------------------------------------- */

struct fixture {
    struct scratch scratch;
    struct hubdb *hub;
    struct database *db;
    struct ingest_rules rules;
    struct books books;
    struct store store;
    struct news total;
    struct fault fault;
};

static void must(struct fixture *f, enum err err)
{
    if (err)
        fail_msg("%s: %s: %s", err_name(err), f->fault.where, f->fault.text);
}

static void open_hub(struct fixture *f)
{
    char path[SCRATCH_PATH_MAX];
    scratch_make(&f->scratch);
    const struct hubdb_config config = {.path = hub_database_path(&f->scratch, path),
                                        .folder = f->scratch.path,
                                        .now_ms = INT64_C(1795000000000)};
    must(f, hubdb_open(&f->hub, &config, &f->fault));
    f->db = hubdb_database(f->hub);
    f->rules.hub_epoch = hubdb_epoch(f->hub);
    f->total = (struct news){0};
}

static void close_hub(struct fixture *f)
{
    hubdb_close(f->hub);
    scratch_remove(&f->scratch);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    must(f, books_open(slice_of(""), &f->books, &f->fault));
    store_fill(&f->store);
    open_hub(f);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    close_hub(f);
    store_free(&f->store);
    books_close(&f->books);
    free(f);
    return 0;
}

static void ingest(struct fixture *f, size_t first, size_t last)
{
    struct ingest_result result;
    const struct ingest_batch batch = {
        .device = "box-a",
        .header = {.log = f->store.log,
                   .stream = STREAM_RETURNS,
                   .first = (int64_t)first,
                   .last = (int64_t)last,
                   .prev = f->store.hashes[first - 1],
                   .hash = f->store.hashes[last]},
        .bodies = &f->store.slices[first - 1],
        .count = last - first + 1,
        .received_ms = NOW_MS,
    };
    must(f, database_begin(f->db, &f->fault));
    must(f, take_batch(f->db, &f->rules, &batch, &result, &f->fault));
    must(f, database_commit(f->db, &f->fault));
}

static void book(struct fixture *f)
{
    struct news news = {.more = true};
    while (news.more) {
        must(f, database_begin(f->db, &f->fault));
        must(f, bookkeeper_step(f->db, &f->books, NOW_MS, &news, &f->fault));
        must(f, database_commit(f->db, &f->fault));
        f->total.applied += news.applied;
        f->total.parked += news.parked;
        f->total.entries += news.entries;
    }
}

/* One text of what a query gives. */
static void dump(struct fixture *f, const char *sql, struct buf *out)
{
    struct statement *s;
    bool row = true;
    assert_int_equal(database_prepare(f->db, sql, &s, NULL), ERR_OK);
    buf_init(out, TEXT_MAX);
    while (statement_step(s, &row, &f->fault) == ERR_OK && row) {
        for (int i = 0; i < column_count(s); i++)
            buf_printf(out, "%s|", column_text(s, i) ? column_text(s, i) : "(null)");
        buf_append_char(out, '\n');
    }
    buf_append_text(out, "");
    statement_close(s);
}

static void journal(struct fixture *f, struct buf *out)
{
    dump(f, "SELECT reference, made_ms, body FROM journal_entry ORDER BY reference", out);
}

static int64_t number(struct fixture *f, const char *sql)
{
    struct buf text;
    dump(f, sql, &text);
    int64_t value = text.data ? atoll(text.data) : 0;
    buf_free(&text);
    return value;
}

static const char imbalance[] =
    "SELECT coalesce(sum(json_extract(value, '$.debit')), 0) - "
    "coalesce(sum(json_extract(value, '$.credit')), 0) FROM journal_entry, "
    "json_each(journal_entry.body, '$.lines')";

/* --- Order ----------------------------------------------------------------------------------- */

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

/* All events in a random order, single and in pairs, some twice, booked now and then. */
static void ingest_shuffled(struct fixture *f, uint32_t seed)
{
    size_t order[EVENTS_MAX];
    size_t count = f->store.count;
    for (size_t i = 0; i < count; i++)
        order[i] = i + 1;
    for (size_t i = count - 1; i > 0; i--) {
        size_t k = next_random(&seed) % (i + 1);
        size_t kept = order[i];
        order[i] = order[k];
        order[k] = kept;
    }
    for (size_t i = 0; i < count; i++) {
        ingest(f, order[i], order[i]);
        if (next_random(&seed) % 4 == 0)
            ingest(f, order[i] - (order[i] > 1), order[i]);
        if (next_random(&seed) % 5 == 0)
            book(f);
    }
    book(f);
}

static void journal_is_the_same_for_any_order_of_batches(void **state)
{
    struct fixture *f = *state;
    struct buf expected;
    ingest(f, 1, f->store.count);
    book(f);
    journal(f, &expected);
    assert_int_equal(f->total.applied, f->store.count);
    assert_int_equal(f->total.parked, 0);
    for (uint32_t seed = 1; seed <= ROUNDS; seed++) {
        struct buf shuffled;
        close_hub(f);
        open_hub(f);
        print_message("seed %u\n", seed);
        ingest_shuffled(f, seed);
        journal(f, &shuffled);
        assert_string_equal(shuffled.data, expected.data);
        assert_int_equal(number(f, imbalance), 0);
        assert_int_equal(number(f, "SELECT count(*) FROM ledger_event WHERE state <> 'applied'"),
                         0);
        buf_free(&shuffled);
    }
    buf_free(&expected);
}

static void rebuild_gives_the_same_entries_and_positions(void **state)
{
    struct fixture *f = *state;
    struct rebuilt rebuilt = {0};
    struct buf before;
    struct buf after;
    static const char all[] =
        "SELECT entry_no, reference, made_ms, body FROM journal_entry UNION ALL "
        "SELECT 0, hex(correlation), 0, position FROM ledger_position ORDER BY 1, 2";
    ingest_shuffled(f, 7);
    dump(f, all, &before);
    must(f, database_begin(f->db, &f->fault));
    must(f, rebuild_ledger(f->db, &f->books, &rebuilt, &f->fault));
    must(f, database_commit(f->db, &f->fault));
    dump(f, all, &after);
    assert_string_equal(after.data, before.data);
    assert_int_equal(rebuilt.events, f->store.count);
    assert_true(rebuilt.entries > RETURNS);
    assert_int_equal(rebuilt.differing, 0);
    buf_free(&before);
    buf_free(&after);
}

static void rebuild_that_would_change_a_posted_entry_is_refused(void **state)
{
    struct fixture *f = *state;
    struct rebuilt rebuilt = {0};
    ingest(f, 1, f->store.count);
    book(f);
    must(f, database_begin(f->db, &f->fault));
    must(f, database_script(f->db,
                            "UPDATE journal_entry SET body = replace(body, '4100', '4199');"
                            "UPDATE posting SET state = 'posted' WHERE reference IN (SELECT"
                            " reference FROM journal_entry WHERE body LIKE '%4199%' LIMIT 1)",
                            &f->fault));
    assert_int_equal(rebuild_ledger(f->db, &f->books, &rebuilt, &f->fault), ERR_CONFLICT);
    database_rollback(f->db);
}

/* --- What can't be taken --------------------------------------------------------------------- */

/* A return whose second event the ledger refuses, and a third behind it. */
static void add_bad_return(struct fixture *f)
{
    store_free(&f->store);
    f->store = (struct store){.log = {{1, 1}}};
    f->store.hashes[0] = chain_origin(&f->store.log, NULL);
    add_created(&f->store, 0);
    store_add(&f->store, 0, EVENT_ITEM_RECEIVED, "{\"lines\":[{\"line\":9,\"quantity\":1}]}");
    store_add(&f->store, 0, EVENT_REFUND_ISSUED, issued);
    add_created(&f->store, 1);
    store_add(&f->store, 1, EVENT_ITEM_RECEIVED, received);
}

static void refused_event_is_parked_and_holds_only_its_return(void **state)
{
    struct fixture *f = *state;
    struct ingest_result result;
    add_bad_return(f);
    ingest(f, 1, f->store.count);
    book(f);
    assert_int_equal(f->total.parked, 1);
    assert_int_equal(number(f, "SELECT count(*) FROM ledger_event WHERE state = 'held'"), 1);
    assert_int_equal(number(f, "SELECT count(*) FROM ledger_event WHERE state = 'applied'"), 3);
    must(f, ingest_acknowledgement(f->db, &f->rules, &f->store.log, &result, &f->fault));
    assert_int_equal(result.ack.parked_count, 1);
    assert_int_equal(result.ack.parked[0].seq, 2);
    assert_true(result.ack.ack_no > 1);
}

static int64_t parked_event(struct fixture *f)
{
    return number(f, "SELECT event_no FROM ledger_event WHERE state = 'parked'");
}

static void event_let_go_makes_way_for_those_behind_it(void **state)
{
    struct fixture *f = *state;
    struct news news = {0};
    struct rebuilt rebuilt = {0};
    add_bad_return(f);
    ingest(f, 1, f->store.count);
    book(f);
    must(f, database_begin(f->db, &f->fault));
    must(f, filing_let_go(f->db, &f->books, parked_event(f), NOW_MS, &news, &f->fault));
    must(f, database_commit(f->db, &f->fault));
    assert_int_equal(news.log_count, 1);
    assert_string_equal(news.logs[0].device, "box-a");
    assert_int_equal(number(f, "SELECT count(*) FROM ledger_event WHERE state = 'held'"), 0);
    must(f, database_begin(f->db, &f->fault));
    must(f, rebuild_ledger(f->db, &f->books, &rebuilt, &f->fault));
    must(f, database_commit(f->db, &f->fault));
    assert_int_equal(rebuilt.differing, 0);
    assert_int_equal(rebuilt.events, f->store.count);
}

static void event_tried_again_in_vain_stays_parked(void **state)
{
    struct fixture *f = *state;
    struct news news = {0};
    add_bad_return(f);
    ingest(f, 1, f->store.count);
    book(f);
    int64_t event = parked_event(f);
    must(f, database_begin(f->db, &f->fault));
    must(f, filing_retry(f->db, &f->books, event, NOW_MS, &news, &f->fault));
    must(f, database_commit(f->db, &f->fault));
    assert_int_equal(news.parked, 1);
    assert_int_equal(parked_event(f), event);
    assert_int_equal(filing_retry(f->db, &f->books, event + 1, NOW_MS, &news, &f->fault),
                     ERR_NOT_FOUND);
}

static void second_event_of_one_place_is_parked(void **state)
{
    struct fixture *f = *state;
    add_bad_return(f);
    f->store.sequences[1] = 1;
    store_add(&f->store, 1, EVENT_RETURN_VOIDED, "{}");
    ingest(f, 4, 6);
    book(f);
    assert_int_equal(number(f, "SELECT count(*) FROM parked WHERE code = 'sequence_conflict'"), 1);
}

static void damaged_position_parks_its_return_and_no_other(void **state)
{
    struct fixture *f = *state;
    add_bad_return(f);
    ingest(f, 1, 1);
    ingest(f, 4, 4);
    book(f);
    must(f, database_script(f->db,
                            "UPDATE ledger_position SET position = '{' "
                            "WHERE correlation = (SELECT min(correlation) FROM ledger_position)",
                            &f->fault));
    ingest(f, 2, 3);
    ingest(f, 5, 5);
    book(f);
    assert_int_equal(f->total.parked, 2);
    assert_int_equal(number(f, "SELECT count(*) FROM ledger_event WHERE state = 'applied'"), 3);
}

static void entry_that_is_there_already_parks_its_event_and_no_other(void **state)
{
    struct fixture *f = *state;
    add_bad_return(f);
    ingest(f, 4, 5);
    book(f);
    int64_t entries = number(f, "SELECT count(*) FROM journal_entry");
    assert_int_equal(f->total.applied, 2);
    assert_true(entries > 0);
    must(f, database_script(f->db,
                            "DELETE FROM ledger_event; DELETE FROM ledger_position;"
                            "UPDATE ledger_cursor SET event_no = 0",
                            &f->fault));
    ingest(f, 1, 1);
    book(f);
    assert_int_equal(f->total.parked, 1);
    assert_int_equal(number(f, "SELECT count(*) FROM parked WHERE code = 'contradicts_return'"), 1);
    assert_int_equal(number(f, "SELECT count(*) FROM ledger_event WHERE state = 'applied'"), 2);
    assert_int_equal(number(f, "SELECT count(*) FROM journal_entry"), entries);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(journal_is_the_same_for_any_order_of_batches),
        TEST(rebuild_gives_the_same_entries_and_positions),
        TEST(rebuild_that_would_change_a_posted_entry_is_refused),
        TEST(refused_event_is_parked_and_holds_only_its_return),
        TEST(event_let_go_makes_way_for_those_behind_it),
        TEST(event_tried_again_in_vain_stays_parked),
        TEST(second_event_of_one_place_is_parked),
        TEST(damaged_position_parks_its_return_and_no_other),
        TEST(entry_that_is_there_already_parks_its_event_and_no_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
