#include "tests/fault/block/hub_workload.h"
#include "sync/hub/ingest/ingest.h"
#include "sync/hub/ingest/verify.h"
#include "tests/support/take_batch.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH_MAX = 3, BODY_MAX = 32 * 1024 };

static const int64_t now_ms = INT64_C(1795000000000);
static const struct id log_id = {"block workload."};

static void must(enum err err, const struct fault *fault)
{
    if (!err)
        return;
    (void)printf("FAILED: %s: %s\n", fault->where, fault->text);
    exit(2);
}

static struct hubdb *open_hub(const char *folder)
{
    char path[PATH_MAX];
    struct fault fault = {0};
    struct hubdb *hub;
    (void)snprintf(path, sizeof path, "%s/hub.db", folder);
    const struct hubdb_config config = {.path = path, .folder = folder, .now_ms = now_ms};
    must(hubdb_open(&hub, &config, &fault), &fault);
    return hub;
}

static struct id id_of(uint8_t kind, int64_t seq)
{
    struct id id = {{kind}};
    memcpy(id.bytes + 1, &seq, sizeof seq);
    return id;
}

static void write_body(struct buf *out, int64_t seq)
{
    char data[BODY_MAX];
    int padding = (int)(50 + seq * 37 % 900 + (seq % 40 ? 0 : 20000));
    (void)snprintf(data, sizeof data, "{\"receipt\":\"R%lld\",\"text\":\"%*s\"}", (long long)seq,
                   padding, "");
    const struct event event = {
        .id = id_of(1, seq),
        .type = EVENT_RETURN_CREATED,
        .source = SLICE_LITERAL("/store/0042/device/box-a"),
        .time_ms = now_ms,
        .correlation = id_of(2, seq),
        .sequence = 1,
        .data = slice_of(data),
    };
    event_write(out, &event);
}

/* The watermark that may be answered now. */
static int64_t take(struct hubdb *hub, int64_t first, int count, struct sha256 *hash)
{
    struct database *db = hubdb_database(hub);
    struct buf bodies[BATCH_MAX];
    struct slice slices[BATCH_MAX];
    struct ingest_result result = {0};
    struct fault fault = {0};
    const struct ingest_rules rules = {.hub_epoch = hubdb_epoch(hub)};
    struct ingest_batch batch = {
        .device = "box-a",
        .header = {.log = log_id,
                   .stream = STREAM_RETURNS,
                   .first = first,
                   .last = first + count - 1,
                   .prev = *hash},
        .bodies = slices,
        .count = (size_t)count,
        .received_ms = now_ms,
    };
    for (int i = 0; i < count; i++) {
        buf_init(&bodies[i], EVENT_BODY_MAX);
        write_body(&bodies[i], first + i);
        slices[i] = buf_slice(&bodies[i]);
        *hash = chain_next(hash, slices[i]);
    }
    batch.header.hash = *hash;
    must(database_begin(db, &fault), &fault);
    must(take_batch(db, &rules, &batch, &result, &fault), &fault);
    must(database_commit(db, &fault), &fault);
    for (int i = 0; i < count; i++)
        buf_free(&bodies[i]);
    return result.ack.through;
}

void hub_workload_run(const char *folder, int commits,
                      void (*answered)(void *context, int64_t through), void *context)
{
    struct hubdb *hub = open_hub(folder);
    struct sha256 hash = chain_origin(&log_id, NULL);
    int64_t first = 1;
    for (int commit = 1; commit <= commits; commit++) {
        int count = 1 + commit % BATCH_MAX;
        answered(context, take(hub, first, count, &hash));
        first += count;
    }
    hubdb_close(hub);
}

static void print_finding(void *unused_context, const struct verify_finding *finding)
{
    (void)unused_context;
    (void)printf("%s: %s\n", finding->what, finding->text);
}

int hub_workload_check(const char *folder, int64_t mark)
{
    struct hubdb *hub = open_hub(folder);
    struct fault fault = {0};
    struct verified verified = {0};
    struct ingest_result result = {0};
    const struct ingest_rules rules = {.hub_epoch = hubdb_epoch(hub)};
    must(verify_hub(hub, &(struct verify_wish){.report = print_finding}, &verified, &fault),
         &fault);
    enum err err = ingest_acknowledgement(hubdb_database(hub), &rules, &log_id, &result, &fault);
    int64_t through = err ? 0 : result.ack.through;
    hubdb_close(hub);
    if (through < mark)
        (void)printf("%lld were answered, %lld are there\n", (long long)mark, (long long)through);
    return through >= mark && verified.findings == 0 ? 0 : 1;
}
