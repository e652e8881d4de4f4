/*
 * A hub's database at work, for tests: stores' events go in as the JSON of their data, are booked
 * and reconciled, and single values come out. Each device letter is a store with its logs.
 */
#ifndef TESTS_SUPPORT_HUB_RUN_H
#define TESTS_SUPPORT_HUB_RUN_H

#include "sync/hub/connect/reconcile.h"
#include "sync/hub/ingest/bookkeeper.h"
#include "sync/hub/ingest/ingest.h"
#include "tests/support/scratch.h"

enum { HUB_RUN_STORES = 3, HUB_RUN_RETURNS = 64 };

/* 2026-11-22T10:11:12Z. */
#define HUB_RUN_NOW_MS INT64_C(1795342272000)

struct hub_run {
    struct scratch scratch;
    struct hubdb *hub;
    struct database *db;
    struct books books;
    struct ingest_rules rules;
    struct match_rule match;
    int64_t now_ms;
    int64_t delay_ms; /* how long ago events happened */
    struct {
        struct id log;
        int64_t seq;
        struct sha256 hash;
    } stores[HUB_RUN_STORES][STREAMS_OF_APPLIANCE];
    int64_t sequences[HUB_RUN_RETURNS]; /* of each return at its store */
    int64_t events;
    struct fault fault;
};

void hub_run_open(struct hub_run *run);
void hub_run_close(struct hub_run *run);
/* The two as cmocka wants them: the state is the run. */
int hub_run_setup(void **state);
int hub_run_teardown(void **state);

/* The id of a return: its number is 1 to HUB_RUN_RETURNS - 1. */
struct id hub_run_return(int number);
/* A store's next event of a return, ingested. */
void hub_run_event(struct hub_run *run, int store, int number, enum event_type type,
                   const char *data);
/* return.created, item.received and refund.issued of one piece for `amount`, paid by card. */
void hub_run_refund(struct hub_run *run, int store, int number, int64_t amount);
/* Books all, reconciles all, and again until nothing moves. */
void hub_run_work(struct hub_run *run);

/* A settlement file, taken in and reconciled. */
void hub_run_settle(struct hub_run *run, enum settlement_format format, const char *text);

/* The first column of the first row; 0 or "" without a row. The text is the caller's to free. */
int64_t hub_run_number(struct hub_run *run, const char *sql);
char *hub_run_text(struct hub_run *run, const char *sql);
/* How many events of any device have the text in their bodies. */
int64_t hub_run_events_with(struct hub_run *run, const char *text);
/* Debits less credits of all lines with this role. */
int64_t hub_run_balance(struct hub_run *run, const char *role);
/* Fails the test where the number that a query, written as for printf, gives is another. */
#define HUB_RUN_EXPECT(run, expected, ...)                                                         \
    do {                                                                                           \
        char sql_[512];                                                                            \
        (void)snprintf(sql_, sizeof sql_, __VA_ARGS__);                                            \
        assert_int_equal(hub_run_number(run, sql_), expected);                                     \
    } while (0)
/* Fails the test with the fault's text. */
void hub_run_must(struct hub_run *run, enum err err);

#endif
