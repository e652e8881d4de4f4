/* A batch as the hub takes it: read, then stored in the caller's transaction. */
#ifndef TESTS_SUPPORT_TAKE_BATCH_H
#define TESTS_SUPPORT_TAKE_BATCH_H

#include "sync/hub/ingest/ingest.h"

enum err take_batch(struct database *db, const struct ingest_rules *rules,
                    const struct ingest_batch *batch, struct ingest_result *result,
                    struct fault *fault) MUST_CHECK;

#endif
