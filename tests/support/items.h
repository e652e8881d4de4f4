/*
 * A table of items on the PostgreSQL server that TILLBACK_POSTGRESQL names, in a schema of its own,
 * and two handles on it; without a server there is neither.
 */
#ifndef TESTS_SUPPORT_ITEMS_H
#define TESTS_SUPPORT_ITEMS_H

#include "hal/database.h"
#include "tests/support/scratch.h"

struct items {
    struct scratch scratch; /* the schema has its name */
    struct database *db;
    struct database *other;
    struct fault fault;
};

enum { ITEMS_VERSION = 2 };
extern const struct database_sql items_schema[ITEMS_VERSION];

/* Their statements. */
enum {
    ITEMS_PUT,
    ITEMS_GET, /* name, body, big, whether big is NULL; by name */
    ITEMS_BODY_OF,
    ITEMS_MAX_OF,
    ITEMS_SUM,
    ITEMS_ROW, /* a name twice takes the place of the first */
    ITEMS_NAMED,
};

/* Of cmocka: *state is a struct items. */
int items_setup(void **state);
int items_teardown(void **state);
/* Fails the test with their fault. */
void items_must(struct items *items, enum err err);
struct statement *items_statement(struct items *items, struct database *db, size_t index);
/* An item with 15 bytes, and its number; `big` 0: none. */
int64_t items_put(struct items *items, struct database *db, const char *name, int64_t big);
/* One that is sent, of the first handle; what is lent for it is soon gone. */
void items_send(struct items *items, const char *name, int64_t big);
/* Of all items' `big`. */
int64_t items_sum(struct items *items, struct database *db);

#endif
