/*
 * What the hub's database takes in: batches of events of many stores, each verified, committed and
 * so acknowledgeable, and booked to entries beside, as the hub does. A chain of stores sells and
 * takes back; a return is three events of about the size that they have on the road.
 *
 * Several workers are processes on one database, as hubs on a PostgreSQL server are; SQLite has
 * one. Prints a line of JSON for each tenth of the way, so that one sees whether the rate is steady
 * and memory flat, and one for the whole.
 *
 *   hub_bench DATABASE [EVENTS [WORKERS [STORES]]]
 */
#include "sync/contract/chain.h"
#include "sync/contract/event.h"
#include "sync/hub/ingest/bookkeeper.h"
#include "sync/hub/ingest/ingest.h"
#include "tests/bench/raw.h"
#include "tests/support/scratch.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    BATCH_EVENTS = 60, /* twenty returns */
    BATCHES_IN_COMMIT = 8,
    TENTHS = 10,
    WORKERS_MAX = 16,
    DAY_MS = 24 * 60 * 60 * 1000,
};
static const int64_t FIRST_MS = INT64_C(1767225600000);

struct store {
    struct id log;
    struct sha256 hash;
    int64_t seq;
    int number;
};

struct bench {
    struct hubdb *hub;
    struct books books;
    struct ingest_rules rules;
    struct store *stores;
    int store_count;
    int worker;
    int64_t returns; /* made by this worker so far */
    struct fault fault;
};

static void must(struct bench *b, enum err err)
{
    if (!err)
        return;
    (void)fprintf(stderr, "hub_bench: %s: %s: %s\n", err_name(err), b->fault.where, b->fault.text);
    exit(1);
}

/* --- Events ---------------------------------------------------------------------------------- */

static struct id make_id(const struct bench *b, int64_t number, uint8_t kind)
{
    struct id id = {{(uint8_t)b->worker, kind}};
    for (int i = 0; i < 8; i++)
        id.bytes[15 - i] = (uint8_t)(number >> 8 * i);
    id.bytes[6] = 0x70;
    return id;
}

static void write_created(struct buf *data, const struct store *store, int64_t number)
{
    buf_printf(
        data,
        "{\"number\":\"R%04d-%06" PRId64 "-0\",\"receipt\":\"%04d-01-%" PRId64 "\","
        "\"store\":\"%04d\",\"country\":\"DE\",\"currency\":\"EUR\",\"decision\":\"accepted\","
        "\"reasons\":[],\"goods\":\"received\",\"policy\":{\"version\":\"1\",\"rule\":\"default\"},"
        "\"lines\":[{\"line\":1,\"quantity\":1,\"net\":280,\"tax\":[{\"type\":\"vat\",\"class\":"
        "\"standard\",\"jurisdiction\":\"DE\",\"rate\":\"19\",\"amount\":53}],\"gross\":333,"
        "\"fee\":{\"amount\":0,\"tax\":0},\"cost\":200,\"disposition\":\"restock\",\"reason\":"
        "\"unwanted\",\"condition\":\"new_sealed\"}],\"refund\":{\"currency\":\"EUR\",\"total\":"
        "333,\"tenders\":[{\"tender\":1,\"type\":\"card\",\"amount\":333,\"executor\":\"terminal\","
        "\"reference\":\"tok_%" PRId64 "\"}]},\"sale\":{\"lines\":[{\"line\":1,\"sku\":\"4711\","
        "\"gtin\":\"04006381333931\",\"description\":\"Socks\",\"quantity\":3,\"amount\":1000}],"
        "\"tenders\":[{\"tender\":1,\"type\":\"card\",\"amount\":1000}]}}",
        store->number, number, store->number, number, store->number, number);
}

static void write_data(struct buf *data, const struct store *store, int64_t number, int step)
{
    if (step == 0)
        write_created(data, store, number);
    else if (step == 1)
        buf_append_text(data, "{\"lines\":[{\"line\":1,\"quantity\":1}]}");
    else
        buf_printf(data,
                   "{\"position\":0,\"tender\":1,\"type\":\"card\",\"amount\":333,\"reference\":"
                   "\"RF%" PRId64 "\",\"currency\":\"EUR\"}",
                   number);
}

static void write_body(struct bench *b, const struct store *store, int64_t number, int step,
                       int64_t time_ms, struct buf *body)
{
    static const enum event_type types[] = {EVENT_RETURN_CREATED, EVENT_ITEM_RECEIVED,
                                            EVENT_REFUND_ISSUED};
    struct buf data;
    char source[64];
    buf_init(&data, EVENT_BODY_MAX);
    write_data(&data, store, number, step);
    (void)snprintf(source, sizeof source, "/store/%04d/device/w%d-box-%d", store->number, b->worker,
                   store->number);
    const struct event event = {
        .id = make_id(b, number * 3 + step, 1),
        .type = types[step],
        .source = slice_of(source),
        .time_ms = time_ms,
        .correlation = make_id(b, number, 2),
        .sequence = step + 1,
        .data = buf_slice(&data),
    };
    event_write(body, &event);
    buf_free(&data);
}

/* --- Taking in ------------------------------------------------------------------------------- */

static void take_batch(struct bench *b, struct store *store)
{
    static struct buf bodies[BATCH_EVENTS];
    struct slice slices[BATCH_EVENTS];
    struct ingest_result result;
    struct sha256 hash = store->hash;
    char device[64];
    int64_t time_ms = FIRST_MS + b->returns / (20 * b->store_count) * (DAY_MS / 40);
    for (int i = 0; i < BATCH_EVENTS; i++) {
        if (!bodies[i].max)
            buf_init(&bodies[i], EVENT_BODY_MAX);
        buf_reset(&bodies[i]);
        write_body(b, store, b->returns + i / 3, i % 3, time_ms, &bodies[i]);
        slices[i] = buf_slice(&bodies[i]);
        hash = chain_next(&hash, slices[i]);
    }
    b->returns += BATCH_EVENTS / 3;
    (void)snprintf(device, sizeof device, "w%d-box-%d", b->worker, store->number);
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
        .received_ms = time_ms,
    };
    must(b, ingest_batch(hubdb_database(b->hub), &b->rules, &batch, &result, &b->fault));
    if (result.verdict != INGEST_TAKEN || result.parked) {
        (void)fprintf(stderr, "hub_bench: not taken: %s\n", result.why.text);
        exit(1);
    }
    store->seq += BATCH_EVENTS;
    store->hash = hash;
}

/* One commit of batches, as the hub groups what has come meanwhile. */
static void take_group(struct bench *b, int64_t *next_store)
{
    struct database *db = hubdb_database(b->hub);
    must(b, database_begin(db, &b->fault));
    for (int i = 0; i < BATCHES_IN_COMMIT; i++)
        take_batch(b, &b->stores[(*next_store)++ % b->store_count]);
    must(b, database_commit(db, &b->fault));
}

/* Returns whether there is more. */
static bool book(struct bench *b)
{
    struct database *db = hubdb_database(b->hub);
    struct bookkeeper_news news;
    must(b, database_begin(db, &b->fault));
    must(b, bookkeeper_step(db, &b->books, FIRST_MS, &news, &b->fault));
    must(b, database_commit(db, &b->fault));
    if (news.parked) {
        (void)fprintf(stderr, "hub_bench: %" PRId64 " events were parked\n", news.parked);
        exit(1);
    }
    return news.more;
}

/* --- A worker -------------------------------------------------------------------------------- */

static void open_worker(struct bench *b, const char *database, const char *folder)
{
    const struct hubdb_config config = {.path = database, .folder = folder, .now_ms = FIRST_MS};
    must(b, hubdb_open_beside(&b->hub, &config, false, &b->fault));
    must(b, books_open(slice_of(""), &b->books, &b->fault));
    b->rules.hub_epoch = hubdb_epoch(b->hub);
    b->stores = calloc((size_t)b->store_count, sizeof *b->stores);
    for (int i = 0; b->stores && i < b->store_count; i++) {
        b->stores[i].log = make_id(b, i, 3);
        b->stores[i].hash = chain_origin(&b->stores[i].log, NULL);
        b->stores[i].number = i + 1;
    }
}

static long memory_kib(void)
{
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

static void work(struct bench *b, int64_t events, bool tells)
{
    int64_t next_store = 0;
    int64_t taken = 0;
    for (int tenth = 1; tenth <= TENTHS; tenth++) {
        double began = raw_seconds();
        int64_t from = taken;
        for (; taken < events * tenth / TENTHS; taken += BATCH_EVENTS * BATCHES_IN_COMMIT) {
            take_group(b, &next_store);
            for (int i = 0; i < BATCH_EVENTS * BATCHES_IN_COMMIT; i += BOOKKEEPER_EVENTS_MAX)
                (void)book(b);
        }
        if (tells)
            (void)printf("{\"tenth\":%d,\"events\":%" PRId64 ",\"rate\":%.0f,\"peak_kib\":%ld}\n",
                         tenth, taken, (double)(taken - from) / (raw_seconds() - began),
                         memory_kib());
        (void)fflush(stdout);
    }
    while (book(b))
        ;
}

static pid_t start(int worker, const char *database, const char *folder, int64_t events, int stores)
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    struct bench b = {.worker = worker, .store_count = stores};
    open_worker(&b, database, folder);
    work(&b, events, worker == 0);
    hubdb_close(b.hub);
    exit(0);
}

int main(int argc, char **argv)
{
    struct bench b = {0};
    struct scratch scratch;
    int64_t events = argc > 2 ? strtoll(argv[2], NULL, 10) : 100000;
    int workers = argc > 3 ? (int)strtol(argv[3], NULL, 10) : 1;
    int stores = argc > 4 ? (int)strtol(argv[4], NULL, 10) : 500;
    if (argc < 2 || events < 1 || workers < 1 || workers > WORKERS_MAX || stores < 1)
        return 2;
    scratch_make(&scratch);
    const struct hubdb_config config = {
        .path = argv[1], .folder = scratch.path, .now_ms = FIRST_MS};
    must(&b, hubdb_open(&b.hub, &config, &b.fault));
    hubdb_close(b.hub);
    double began = raw_seconds();
    for (int i = 0; i < workers; i++)
        if (start(i, argv[1], scratch.path, events / workers, stores) < 0)
            return 1;
    int status;
    bool fine = true;
    while (wait(&status) > 0)
        fine = fine && status == 0;
    if (fine)
        (void)printf("{\"events\":%" PRId64 ",\"workers\":%d,\"stores\":%d,\"rate\":%.0f}\n",
                     events, workers, stores, (double)events / (raw_seconds() - began));
    scratch_remove(&scratch);
    return fine ? 0 : 1;
}
