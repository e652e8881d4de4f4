/*
 * What the hub's database takes in: a year of a chain of stores, or less (retailer.h), batch by
 * batch, each verified, committed and so acknowledgeable; booked to entries, posted, reconciled
 * with what the payment provider reports, and told back to the appliances, as the hub does. Only
 * the accounting system is left out: the connector here says that all it is given is posted.
 *
 * Several workers are processes on one database, as hubs on a PostgreSQL server are; SQLite has
 * one. Of several one posts and reconciles. Prints a line of JSON for each part of the way, so that
 * one sees whether the rate is steady and memory flat, and one for the whole with what is held
 * then.
 *
 *   hub_bench DATABASE [EVENTS [WORKERS [STORES [PARTS [DAYS]]]]]
 */
#include "sync/contract/chain.h"
#include "sync/hub/connect/intake.h"
#include "sync/hub/connect/posting.h"
#include "sync/hub/connect/reconcile.h"
#include "sync/hub/ingest/bookkeeper.h"
#include "sync/hub/ingest/inbox.h"
#include "sync/hub/ingest/ingest.h"
#include "sync/hub/ledger/period.h"
#include "tests/bench/raw.h"
#include "tests/bench/retailer.h"
#include "tests/support/scratch.h"
#include "tests/support/take_batch.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    BATCH_RETURNS = 20,
    BATCH_EVENTS = BATCH_RETURNS * RETAILER_STEPS,
    BATCHES_IN_COMMIT = 8,
    GROUP_EVENTS = BATCH_EVENTS * BATCHES_IN_COMMIT,
    PARTS = 10,
    WORKERS_MAX = 16,
    ID_LOG = 3,
    REPORT_MAX = 64 * 1024 * 1024,
};

struct store {
    struct id log;
    struct sha256 hash;
    int64_t seq;
};

struct bench {
    struct hubdb *hub;
    struct database *db;
    struct books books;
    struct ingest_rules rules;
    struct match_rule match;
    struct retailer retailer;
    struct store *stores;
    int store_count;
    int64_t returns; /* made by this worker so far */
    int64_t settled; /* of them, those that a report was due for */
    double ingest_s; /* spent on taking in alone */
    struct statement *inbox_last;
    struct posting_batch posting;
    struct fault fault;
};

static void must(struct bench *b, enum err err)
{
    if (!err)
        return;
    (void)fprintf(stderr, "hub_bench: %s: %s: %s\n", err_name(err), b->fault.where, b->fault.text);
    exit(1);
}

static int64_t now_ms(const struct bench *b)
{
    return retailer_time_ms(&b->retailer, b->returns);
}

/* --- Taking in ------------------------------------------------------------------------------- */

static void bring_batch(struct bench *b, int number)
{
    static struct buf bodies[BATCH_EVENTS];
    struct slice slices[BATCH_EVENTS];
    struct ingest_result result;
    struct store *store = &b->stores[number];
    struct sha256 hash = store->hash;
    char device[64];
    int64_t received_ms = now_ms(b);
    for (int i = 0; i < BATCH_EVENTS; i++) {
        if (!bodies[i].max)
            buf_init(&bodies[i], EVENT_BODY_MAX);
        buf_reset(&bodies[i]);
        retailer_event(&b->retailer, number + 1, b->returns + i / RETAILER_STEPS,
                       i % RETAILER_STEPS, &bodies[i]);
        slices[i] = buf_slice(&bodies[i]);
        hash = chain_next(&hash, slices[i]);
    }
    b->returns += BATCH_RETURNS;
    retailer_device(&b->retailer, number + 1, device);
    const struct ingest_batch batch = {
        .device = device,
        .header = {.log = store->log,
                   .stream = STREAM_RETURNS,
                   .first = store->seq + 1,
                   .last = store->seq + BATCH_EVENTS,
                   .prev = store->hash,
                   .hash = hash},
        .bodies = slices,
        .count = BATCH_EVENTS,
        .received_ms = received_ms,
    };
    must(b, take_batch(b->db, &b->rules, &batch, &result, &b->fault));
    if (result.verdict != INGEST_TAKEN || result.parked) {
        (void)fprintf(stderr, "hub_bench: not taken: %s\n", result.why.text);
        exit(1);
    }
    store->seq += BATCH_EVENTS;
    store->hash = hash;
}

/* The appliance has what the hub told it. */
static void take_inbox(struct bench *b, int number)
{
    char device[64];
    bool row;
    retailer_device(&b->retailer, number + 1, device);
    bind_text(b->inbox_last, 1, device);
    must(b, statement_step(b->inbox_last, &row, &b->fault));
    int64_t last = row ? column_int(b->inbox_last, 0) : 0;
    statement_reset(b->inbox_last);
    must(b, inbox_acknowledge(b->db, device, last, now_ms(b), &b->fault));
}

/* One commit of batches, as the hub groups what has come meanwhile. */
static void take_group(struct bench *b, int64_t *next_store)
{
    double began = raw_seconds();
    must(b, database_begin(b->db, &b->fault));
    for (int i = 0; i < BATCHES_IN_COMMIT; i++) {
        int number = (int)((*next_store)++ % b->store_count);
        bring_batch(b, number);
        take_inbox(b, number);
    }
    must(b, database_commit(b->db, &b->fault));
    b->ingest_s += raw_seconds() - began;
}

/* --- What follows ---------------------------------------------------------------------------- */

/* Each returns whether there is more. */
static bool book(struct bench *b)
{
    struct news news;
    must(b, database_begin(b->db, &b->fault));
    must(b, bookkeeper_step(b->db, &b->books, now_ms(b), &news, &b->fault));
    must(b, database_commit(b->db, &b->fault));
    if (news.parked) {
        (void)fprintf(stderr, "hub_bench: %" PRId64 " events were parked\n", news.parked);
        exit(1);
    }
    return news.more;
}

static bool reconcile(struct bench *b)
{
    struct reconcile_news news;
    must(b, database_begin(b->db, &b->fault));
    must(b, reconcile_step(b->db, &b->match, now_ms(b), &news, &b->fault));
    must(b, database_commit(b->db, &b->fault));
    return news.more;
}

/* In two transactions, with the connector between, which is not here. */
static bool post(struct bench *b)
{
    static const struct connector_ops ops = {.name = "bench"};
    static const struct connector connector = {.ops = &ops};
    struct posting_batch *batch = &b->posting;
    struct posting_round round = {.books = &b->books, .connector = &connector, .name = ops.name};
    posting_batch_init(batch);
    must(b, database_begin(b->db, &b->fault));
    must(b, posting_pick(b->db, &round, POSTING_BATCH_MAX, now_ms(b), batch, &b->fault));
    must(b, database_commit(b->db, &b->fault));
    for (size_t i = 0; i < batch->count; i++) {
        struct posting *posting = &batch->items[i];
        posting->tried = true;
        posting->posted.day = posting->day;
        (void)snprintf(posting->posted.number, sizeof posting->posted.number, "J-%.60s",
                       posting->entry.event_id);
    }
    must(b, database_begin(b->db, &b->fault));
    must(b, posting_record(b->db, ops.name, now_ms(b), 0, batch, &b->fault));
    must(b, database_commit(b->db, &b->fault));
    bool more = batch->count > 0;
    posting_batch_free(batch);
    return more;
}

/* The provider's report of the days that are old enough. */
static void report(struct bench *b, int64_t before_day)
{
    int64_t first = b->settled;
    struct buf text;
    struct intake taken;
    while (b->settled < b->returns &&
           day_of_ms(retailer_time_ms(&b->retailer, b->settled)) < before_day)
        b->settled++;
    if (b->settled == first)
        return;
    buf_init(&text, REPORT_MAX);
    retailer_settlement(&b->retailer, first, b->settled, &text);
    must(b, database_begin(b->db, &b->fault));
    must(b, intake_settlement(b->db, SETTLEMENT_ADYEN, buf_slice(&text), "bench", now_ms(b), &taken,
                              &b->fault));
    must(b, database_commit(b->db, &b->fault));
    buf_free(&text);
}

/* Until there is nothing to do: what one step makes, another takes up. */
static void settle_down(struct bench *b)
{
    bool more = true;
    while (more) {
        more = book(b);
        more = reconcile(b) || more;
        more = post(b) || more;
    }
}

static void work_off(struct bench *b)
{
    if (b->retailer.part == 0) {
        settle_down(b); /* a report is about what is in the books */
        report(b, day_of_ms(now_ms(b)) - RETAILER_SETTLED_AFTER);
        settle_down(b);
    } else {
        while (book(b))
            ;
    }
}

/* --- What is held ---------------------------------------------------------------------------- */

static int64_t number(struct bench *b, const char *sql)
{
    struct statement *s;
    bool row;
    must(b, database_prepare(b->db, sql, &s, &b->fault));
    must(b, statement_step(s, &row, &b->fault));
    int64_t value = row ? column_int(s, 0) : 0;
    statement_close(s);
    return value;
}

static void tell_held(struct bench *b)
{
    static const struct {
        const char *name;
        const char *sql;
    } figures[] = {
        {"events_held", "SELECT count(*) FROM event WHERE device <> 'centre'"},
        {"events_of_centre", "SELECT count(*) FROM event WHERE device = 'centre'"},
        {"applied", "SELECT count(*) FROM ledger_event WHERE state = 'applied'"},
        {"not_applied", "SELECT count(*) FROM ledger_event WHERE state <> 'applied'"},
        {"entries", "SELECT count(*) FROM journal_entry"},
        {"posted", "SELECT count(*) FROM posting WHERE state = 'posted'"},
        {"refunds", "SELECT count(*) FROM expected_refund"},
        {"settled", "SELECT count(*) FROM expected_refund WHERE state = 'settled'"},
        {"lines_differing", "SELECT count(*) FROM settlement_line WHERE state = 'differs'"},
        {"exceptions", "SELECT count(*) FROM hub_exception"},
        {"parked", "SELECT count(*) FROM parked"},
        {"unbalanced", "SELECT sum(debit_minor) - sum(credit_minor) FROM journal_balance"},
    };
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
        (void)printf(",\"%s\":%" PRId64, figures[i].name, number(b, figures[i].sql));
}

/* --- A worker -------------------------------------------------------------------------------- */

static void open_bench(struct bench *b, const char *database, const char *folder)
{
    const struct hubdb_config config = {.path = database, .folder = folder};
    must(b, hubdb_open_beside(&b->hub, &config, false, &b->fault));
    must(b, books_open(slice_of(""), &b->books, &b->fault));
    b->db = hubdb_database(b->hub);
    b->rules.hub_epoch = hubdb_epoch(b->hub);
    b->match = (struct match_rule){.late_days = 10, .missing_days = 14};
    must(b, database_prepare(b->db, "SELECT inbox_next - 1 FROM device WHERE id = ?1",
                             &b->inbox_last, &b->fault));
    b->stores = calloc((size_t)b->store_count, sizeof *b->stores);
    for (int i = 0; b->stores && i < b->store_count; i++) {
        b->stores[i].log = retailer_id(&b->retailer, i, ID_LOG);
        b->stores[i].hash = chain_origin(&b->stores[i].log, NULL);
    }
}

static void close_bench(struct bench *b)
{
    free(b->stores);
    statement_close(b->inbox_last);
    books_close(&b->books);
    hubdb_close(b->hub);
}

static long peak_kib(void)
{
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

/* Of a file; 0 for a server's database. */
static int64_t size_mib(const char *database)
{
    struct stat file;
    return stat(database, &file) == 0 ? (int64_t)file.st_size >> 20 : 0;
}

static void work(struct bench *b, const char *database, int64_t events, int parts)
{
    int64_t next_store = 0;
    for (int part = 1; part <= parts; part++) {
        double began = raw_seconds();
        int64_t from = b->returns * RETAILER_STEPS;
        b->ingest_s = 0;
        while (b->returns * RETAILER_STEPS < events * part / parts) {
            take_group(b, &next_store);
            work_off(b);
        }
        double taken = (double)(b->returns * RETAILER_STEPS - from);
        if (b->retailer.part == 0)
            (void)printf("{\"part\":%d,\"events\":%" PRId64 ",\"rate\":%.0f,\"ingest_rate\":%.0f,"
                         "\"peak_kib\":%ld,\"database_mib\":%" PRId64 "}\n",
                         part, b->returns * RETAILER_STEPS, taken / (raw_seconds() - began),
                         taken > 0 ? taken / b->ingest_s : 0, peak_kib(), size_mib(database));
        (void)fflush(stdout);
    }
}

static pid_t start(const struct bench *as, int worker, const char *database, const char *folder,
                   int64_t events, int parts)
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    struct bench b = *as;
    b.retailer.part = worker;
    open_bench(&b, database, folder);
    work(&b, database, events, parts);
    close_bench(&b);
    exit(0);
}

/* Everything that the workers left, and the whole in a line. */
static void finish(struct bench *b, const char *database, const char *folder, int64_t events,
                   int workers, double began)
{
    open_bench(b, database, folder);
    settle_down(b);
    (void)printf("{\"events\":%" PRId64 ",\"workers\":%d,\"stores\":%d,\"rate\":%.0f", events,
                 workers, b->store_count, (double)events / (raw_seconds() - began));
    tell_held(b);
    (void)printf("}\n");
    close_bench(b);
}

int main(int argc, char **argv)
{
    struct bench b = {0};
    struct scratch scratch;
    int64_t asked = argc > 2 ? strtoll(argv[2], NULL, 10) : 100000;
    int workers = argc > 3 ? (int)strtol(argv[3], NULL, 10) : 1;
    int parts = argc > 5 ? (int)strtol(argv[5], NULL, 10) : PARTS;
    b.retailer.days = argc > 6 ? strtoll(argv[6], NULL, 10) : 365;
    b.store_count = argc > 4 ? (int)strtol(argv[4], NULL, 10) : 500;
    if (argc < 2 || asked < 1 || workers < 1 || workers > WORKERS_MAX || b.store_count < 1 ||
        parts < 1 || b.retailer.days < 1)
        return 2;
    scratch_make(&scratch);
    const struct hubdb_config config = {.path = argv[1], .folder = scratch.path};
    must(&b, hubdb_open(&b.hub, &config, &b.fault));
    hubdb_close(b.hub);
    /* Whole groups, as many for each worker. */
    int64_t each = (asked / workers + GROUP_EVENTS - 1) / GROUP_EVENTS * GROUP_EVENTS;
    b.retailer.returns = each / RETAILER_STEPS;
    double began = raw_seconds();
    for (int i = 0; i < workers; i++)
        if (start(&b, i, argv[1], scratch.path, each, parts) < 0)
            return 1;
    int status;
    bool fine = true;
    while (wait(&status) > 0)
        fine = fine && status == 0;
    if (fine)
        finish(&b, argv[1], scratch.path, each * workers, workers, began);
    scratch_remove(&scratch);
    return fine ? 0 : 1;
}
