#include "tests/support/take_batch.h"
#include "hal/base/cleanup.h"

enum err take_batch(struct database *db, const struct ingest_rules *rules,
                    const struct ingest_batch *batch, struct ingest_result *result,
                    struct fault *fault)
{
    struct ingest_batch read = *batch;
    struct arena arena CLEANUP(arena_free);
    arena_init(&arena, INGEST_ARENA_MAX);
    enum err err = ingest_read(&read, &arena, fault);
    return err ? err : ingest_batch(db, rules, &read, result, fault);
}
