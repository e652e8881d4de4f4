/*
 * Posters at work on a hub's database with two entries, for tests: a worker, fake accounting
 * systems that answer what the test wants, and queries that are awaited.
 */
#ifndef TESTS_SUPPORT_POSTER_HOUSE_H
#define TESTS_SUPPORT_POSTER_HOUSE_H

#include "sync/hub/connect/poster.h"
#include "tests/support/scratch.h"

#include <stdatomic.h>

#define POSTER_HOUSE_NOW_MS INT64_C(1795342272000)

/* A fake accounting system: answers what the test wants, and counts. */
struct poster_fake {
    atomic_int calls;
    atomic_int failures_left; /* as many first calls fail and may be repeated */
    atomic_int of_south;      /* which call was the first for that company */
    enum err then;            /* what the others give */
    const char *refused;      /* the reference of one that it never takes; NULL: of none */
    enum err how;             /* what that one gives; ERR_REFUSED when it isn't said */
    atomic_int refusals;
};

struct poster_house {
    struct scratch scratch;
    struct loop *loop;
    struct clock *clock;
    struct hubdb *hub;
    struct hubdb *reader;
    struct hubdb *other; /* of a person who writes while the worker has the hub's */
    struct worker *worker;
    struct books books;
    struct company companies[2];
    struct poster *poster;
    struct poster_fake fake;
    struct poster *other_poster; /* of a second connector */
    struct poster_fake other_fake;
    int told;
    const char *awaited; /* a query that gives 1 once it holds */
    struct fault fault;
};

/* As cmocka wants them: the state is the house, with entries a/accepted and b/accepted of main. */
int poster_house_setup(void **state);
int poster_house_teardown(void **state);

/* The worker and one poster, of all companies. */
void poster_house_start(struct poster_house *f);
void poster_house_start_worker(struct poster_house *f);
/* One poster; `most_a_minute` 0: as many as it can. */
void poster_house_start_one(struct poster_house *f, struct poster **poster,
                            struct poster_fake *fake, struct posting_share share,
                            int64_t most_a_minute);

/* An entry as the ledger leaves it, of a return that box-a took in. */
void poster_house_entry(struct poster_house *f, struct hubdb *hub, const char *company,
                        const char *reference);
/* One number from the database; 0 for no row. */
int64_t poster_house_number(struct poster_house *f, const char *sql);
/* Waits until the query gives 1. */
void poster_house_await(struct poster_house *f, const char *sql);
/* Ends the test on a failure. */
void poster_house_must(struct poster_house *f, enum err err);

#endif
