/*
 * Appends to the event log from many producers, against raw SQLite inserting the same bytes into
 * the same table with the same indexes and the same sync settings, in its best batch.
 *
 * The producers are tills as the appliance has them: one loop's thread asks for all of them, and is
 * told by the writer. With a window of 1 each waits for its answer before it asks again, as a till
 * does; a group is then never larger than the number of producers. With a wider one each has that
 * many commands on the way, as an import has, and groups grow as they do in raw batches.
 *
 * Raw SQLite has the rows ready in memory. The log's time holds all that a log does besides: the
 * event's JSON written and checked, its hash in the chain, the head file synced after each commit,
 * and each answer brought to the loop.
 *
 * Prints a line of JSON: rates in events a second, and how many bytes went to the disk for each
 * byte of the events, beside raw SQLite with as many events in a transaction as a group had on
 * average.
 *
 *   eventlog_bench [EVENTS [PRODUCERS [WINDOW [BODY_BYTES]]]]
 */
#include "hal/loop.h"
#include "sync/eventlog/eventlog.h"
#include "tests/bench/counted.h"
#include "tests/bench/raw.h"
#include "tests/support/scratch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    struct loop *loop;
    struct slice data;
    int64_t left; /* to be submitted */
    int64_t ended;
    int64_t events;
    int commits;
};

struct producer {
    struct bench *bench;
    uint32_t number; /* of its last event; the writer thread's */
};

/* One of a producer's commands: on its way, or free. */
struct ask {
    struct eventlog_command command;
    struct producer *producer;
};

static enum err decide(void *context, struct eventlog_txn *txn, struct fault *fault)
{
    struct producer *p = ((struct ask *)context)->producer;
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

static void submit(struct ask *ask)
{
    struct bench *bench = ask->producer->bench;
    if (bench->left == 0)
        return;
    bench->left--;
    eventlog_submit(bench->log, &ask->command);
}

/* The loop's thread: it has its answer, and asks for the next. */
static void told(void *context)
{
    struct ask *ask = context;
    struct bench *bench = ask->producer->bench;
    if (++bench->ended == bench->events)
        loop_stop(bench->loop);
    submit(ask);
}

static void done(void *context, enum err err, const struct fault *fault)
{
    struct ask *ask = context;
    must(err == ERR_OK, fault->text);
    must(loop_post(ask->producer->bench->loop, told, ask) == ERR_OK, "out of memory");
}

static void count_commit(void *context)
{
    ((struct bench *)context)->commits++;
}

static void ask_all(struct bench *bench, int producers, int window)
{
    struct producer *all = calloc((size_t)producers, sizeof *all);
    struct ask *asks = calloc((size_t)producers * (size_t)window, sizeof *asks);
    must(all != NULL && asks != NULL, "out of memory");
    for (int i = 0; i < producers; i++) {
        all[i] = (struct producer){.bench = bench};
        for (int k = 0; k < window; k++) {
            struct ask *ask = &asks[i * window + k];
            ask->command =
                (struct eventlog_command){.decide = decide, .done = done, .context = ask};
            ask->producer = &all[i];
            submit(ask);
        }
    }
    loop_run(bench->loop);
    free(asks);
    free(all);
}

static double run_log(const char *folder, struct clock *clock, int64_t events, int producers,
                      int window, struct slice data, int *commits)
{
    struct bench bench = {.data = data, .events = events, .left = events};
    struct eventlog_config config = {
        .folder = folder,
        .device_id = "box-1",
        .store = "0042",
        .vfs = counted_vfs(),
        .clock = clock,
        .committed = count_commit,
        .context = &bench,
    };
    struct fault fault;
    must(eventlog_open(&bench.log, &config, &fault) == ERR_OK, "opening the log");
    must(loop_open(&bench.loop, &fault) == ERR_OK, "opening the loop");
    double start = raw_seconds();
    ask_all(&bench, producers, window);
    double took = raw_seconds() - start;
    eventlog_close(bench.log);
    loop_close(bench.loop);
    *commits = bench.commits;
    return took;
}

/* Bytes that raw SQLite writes to the disk. */
static int64_t raw_disk(const struct raw_saves *rows, const struct scratch *scratch, int64_t events,
                        int64_t batch)
{
    char path[SCRATCH_PATH_MAX];
    int64_t before = counted_bytes();
    (void)raw_write(rows, scratch_path(scratch, "raw-same.db", path), events, batch);
    return counted_bytes() - before;
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
    int64_t before = counted_bytes();
    double log_s = run_log(scratch.path, clock, events, producers, window, data, &commits);
    double log_rate = (double)events / log_s;
    int64_t log_disk = counted_bytes() - before;
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
