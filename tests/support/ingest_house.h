/*
 * A hub's database that takes the batches of sent logs, each in a transaction of its own.
 */
#ifndef TESTS_SUPPORT_INGEST_HOUSE_H
#define TESTS_SUPPORT_INGEST_HOUSE_H

#include "sync/hub/ingest/ingest.h"
#include "tests/support/scratch.h"
#include "tests/support/sent_log.h"

struct ingest_house {
    struct scratch scratch;
    struct hubdb *hub;
    struct database *db;
    struct ingest_rules rules;
    struct ingest_result result;
};

int ingest_house_setup(void **state);
int ingest_house_teardown(void **state);
/* Opens the database, again after it was closed. */
void ingest_house_open(struct ingest_house *f);
/* `result` says more than the verdict. */
enum ingest_verdict ingest_house_give(struct ingest_house *f, const struct sent_log *log,
                                      const char *device, int64_t first, int64_t last);
/* One number from the database. */
int64_t ingest_house_number(struct ingest_house *f, const char *sql);
/* How many of that code there are. */
int64_t ingest_house_exceptions(struct ingest_house *f, const char *code);

#endif
