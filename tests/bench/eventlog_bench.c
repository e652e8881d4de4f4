/*
 * Appends to the event log from many producers, against raw SQLite inserting the same bytes into
 * the same table with the same indexes and the same sync settings, in its best batch.
 *
 * Each producer is a thread. With a window of 1 it waits for each answer before it asks again, as
 * a till does; a group is then never larger than the number of producers. With a wider one it keeps
 * that many commands on the way, as an import does, and groups grow as they do in raw batches.
 *
 * Raw SQLite has the rows ready in memory. The log's time holds all that a log does besides: the
 * event's JSON written and read back, its hash in the chain, a savepoint for each command, the head
 * file synced after each commit, and each producer woken up.
 *
 * Prints a line of JSON: rates in events a second, and how many bytes went to the disk for each
 * byte of the events, beside raw SQLite with as many events in a transaction as a group had on
 * average.
 *
 *   eventlog_bench [EVENTS [PRODUCERS [WINDOW [BODY_BYTES]]]]
 */
#include "sync/eventlog/eventlog.h"
#include "tests/bench/raw.h"
#include "tests/support/scratch.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { EVENTS = 100000, PRODUCERS = 32, DATA_BYTES = 300, WINDOW_MAX = 64 };

static void must(bool ok, const char *what)
{
    if (ok)
        return;
    (void)fprintf(stderr, "eventlog_bench: %s\n", what);
    exit(1);
}

/* --- The event log --------------------------------------------------------------------------- */

struct bench {
    struct eventlog *log;
    struct slice data;
    int64_t events; /* of each producer */
    int window;
    int commits;
};

struct producer {
    struct bench *bench;
    struct eventlog_command commands[WINDOW_MAX];
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool asleep;
    int64_t ended;
    uint32_t number;
};

static enum err decide(void *context, struct eventlog_txn *txn, struct fault *fault)
{
    struct producer *p = context;
    int64_t seq;
    struct event draft = {
        .type = EVENT_RETURN_CREATED,
        .subject = SLICE_LITERAL("receipt/0042-01-20261122-0017"),
        .sequence = 1,
        .data = p->bench->data,
        .correlation.bytes[6] = 0x70,
        .correlation.bytes[8] = 0x80,
    };
    p->number++;
    memcpy(draft.correlation.bytes, &p->number, sizeof p->number);
    memcpy(draft.correlation.bytes + 9, &p, 7);
    return eventlog_append(txn, &draft, &seq, fault);
}

static void done(void *context, enum err err, const struct fault *fault)
{
    struct producer *p = context;
    must(err == ERR_OK, fault->text);
    pthread_mutex_lock(&p->lock);
    p->ended++;
    bool wake = p->asleep;
    p->asleep = false;
    pthread_mutex_unlock(&p->lock);
    if (wake)
        pthread_cond_signal(&p->wake);
}

/* Commands end in order, so that the oldest of the window is the one that is free. */
static void *produce(void *context)
{
    struct producer *p = context;
    int window = p->bench->window;
    for (int64_t i = 0; i < p->bench->events + window; i++) {
        pthread_mutex_lock(&p->lock);
        while (p->ended <= i - window) {
            p->asleep = true;
            pthread_cond_wait(&p->wake, &p->lock);
        }
        pthread_mutex_unlock(&p->lock);
        if (i < p->bench->events)
            eventlog_submit(p->bench->log, &p->commands[i % window]);
    }
    return NULL;
}

static void count_commit(void *context)
{
    ((struct bench *)context)->commits++;
}

static double run_log(const char *folder, struct clock *clock, int64_t events, int producers,
                      int window, struct slice data, int *commits)
{
    struct bench bench = {.data = data, .events = events / producers, .window = window};
    struct eventlog_config config = {
        .folder = folder,
        .device_id = "box-1",
        .store = "0042",
        .clock = clock,
        .committed = count_commit,
        .context = &bench,
    };
    struct fault fault;
    must(eventlog_open(&bench.log, &config, &fault) == ERR_OK, "opening the log");
    struct producer *all = calloc((size_t)producers, sizeof *all);
    double start = raw_seconds();
    for (int i = 0; i < producers; i++) {
        all[i] = (struct producer){
            .bench = &bench,
            .lock = PTHREAD_MUTEX_INITIALIZER,
            .wake = PTHREAD_COND_INITIALIZER,
        };
        for (int k = 0; k < window; k++)
            all[i].commands[k] =
                (struct eventlog_command){.decide = decide, .done = done, .context = &all[i]};
        must(pthread_create(&all[i].thread, NULL, produce, &all[i]) == 0, "starting a producer");
    }
    for (int i = 0; i < producers; i++)
        pthread_join(all[i].thread, NULL);
    double took = raw_seconds() - start;
    eventlog_close(bench.log);
    *commits = bench.commits;
    free(all);
    return took;
}

/* Bytes that raw SQLite writes to the disk. */
static int64_t raw_disk(const struct raw_saves *rows, const struct scratch *scratch, int64_t events,
                        int64_t batch)
{
    char path[SCRATCH_PATH_MAX];
    int64_t before = raw_written();
    (void)raw_write(rows, scratch_path(scratch, "raw-same.db", path), events, batch);
    return raw_written() - before;
}

/* --- Together -------------------------------------------------------------------------------- */

static void run_round(struct clock *clock, int64_t events, int producers, int window,
                      struct slice data)
{
    static const int64_t batches[] = {1, 32, 512, 4096};
    struct scratch scratch;
    char path[SCRATCH_PATH_MAX];
    scratch_make(&scratch);
    int commits;
    int64_t before = raw_written();
    double log_s = run_log(scratch.path, clock, events, producers, window, data, &commits);
    double log_rate = (double)events / log_s;
    int64_t log_disk = raw_written() - before;
    struct raw_saves *rows = raw_read(scratch_path(&scratch, "tillback.db", path), RAW_EVENTS);
    (void)printf("{\"log\":%.0f,\"commits\":%d,\"body_bytes\":%lld,\"raw\":{", log_rate, commits,
                 (long long)(raw_bytes(rows) / raw_count(rows)));
    double best = 0;
    for (size_t i = 0; i < sizeof batches / sizeof batches[0]; i++) {
        int64_t count = batches[i] == 1 && events > 10000 ? 10000 : events;
        char name[32];
        (void)snprintf(name, sizeof name, "raw-%d.db", (int)batches[i]);
        double rate =
            (double)count / raw_write(rows, scratch_path(&scratch, name, path), count, batches[i]);
        best = rate > best ? rate : best;
        (void)printf("%s\"%d\":%.0f", i ? "," : "", (int)batches[i], rate);
    }
    double bytes = (double)raw_bytes(rows);
    int64_t batch = events / commits > 0 ? events / commits : 1;
    int64_t same = raw_disk(rows, &scratch, events, batch);
    (void)printf("},\"ratio\":%.3f,\"batch\":%lld,\"disk\":{\"log\":%.3f,\"raw\":%.3f}}\n",
                 log_rate / best, (long long)batch, (double)log_disk / bytes, (double)same / bytes);
    (void)fflush(stdout);
    raw_free(rows);
    scratch_remove(&scratch);
}

int main(int argc, char **argv)
{
    int64_t events = argc > 1 ? strtoll(argv[1], NULL, 10) : EVENTS;
    int producers = argc > 2 ? (int)strtol(argv[2], NULL, 10) : PRODUCERS;
    int window = argc > 3 ? (int)strtol(argv[3], NULL, 10) : 1;
    size_t bytes = argc > 4 ? strtoul(argv[4], NULL, 10) : DATA_BYTES;
    must(events > 0 && producers > 0 && window > 0 && window <= WINDOW_MAX && bytes > 20 &&
             bytes < EVENT_BODY_MAX / 2,
         "usage: eventlog_bench [EVENTS [PRODUCERS [WINDOW [BODY_BYTES]]]]");
    events -= events % producers;
    char *data = malloc(bytes + 1);
    (void)snprintf(data, bytes + 1, "{\"pad\":\"%*s", (int)(bytes - 8), "");
    memset(data + 8, 'x', bytes - 10);
    memcpy(data + bytes - 2, "\"}", 2);
    struct clock *clock;
    must(clock_open(&clock, 0, NULL) == ERR_OK, "the clock");
    run_round(clock, events, producers, window, (struct slice){data, bytes});
    clock_close(clock);
    free(data);
    return 0;
}
