/*
 * A returns counter for tests: a real event log with the appliance's views, the policy that ships,
 * and capture, in a scratch folder with a fake clock. Commands are asked and awaited.
 */
#ifndef TESTS_SUPPORT_COUNTER_H
#define TESTS_SUPPORT_COUNTER_H

#include "agent/capture/capture.h"
#include "agent/views/views.h"

struct counter;

/* 2026-11-22T12:00:00Z, and trusted. */
#define COUNTER_NOW_MS INT64_C(1795348800000)

/* What a test sells and takes back: the receipt of counter_sell's sale, and pieces of it. */
#define COUNTER_RECEIPT "0042-01-20261122-0017"
#define COUNTER_PIECES(count)                                                                      \
    "{\"receipt\":\"" COUNTER_RECEIPT "\",\"lines\":[{\"line\":1,\"quantity\":" count              \
    ",\"reason\":\"unwanted\",\"condition\":\"open_box\"}]}"

struct counter *counter_open(void);
/* Closes and opens the same folder again, as a restart does. */
void counter_restart(struct counter *counter);
/* A restart on a disk that has no room for anything new, or has it again. */
void counter_fill_disk(struct counter *counter, bool full);
void counter_close(struct counter *counter);
/* The two as cmocka wants them: the state is a counter that has sold COUNTER_RECEIPT. */
int counter_setup(void **state);
int counter_teardown(void **state);

struct counter_answer {
    enum err err;
    struct fault fault;
    struct cJSON *body; /* NULL when err; freed by counter_answer_free */
    struct buf text;
    bool replayed;
};
/* `key` may be ""; `subject` a return's id as text, or NULL. Waits for the answer. */
struct counter_answer counter_ask(struct counter *counter, enum capture_kind kind,
                                  const char *subject, const char *key, const char *json);
/* The same at another lane than 01. */
struct counter_answer counter_ask_at(struct counter *counter, const char *lane,
                                     enum capture_kind kind, const char *subject, const char *key,
                                     const char *json);
/* The same as a manager. */
struct counter_answer counter_ask_manager(struct counter *counter, enum capture_kind kind,
                                          const char *subject, const char *json);
/* Asks to return one piece of what counter_setup sold. */
struct counter_answer counter_take_back(struct counter *counter, const char *key);
void counter_answer_free(struct counter_answer *answer);

struct eventlog *counter_log(struct counter *counter);
/* The last seq of the returns. */
int64_t counter_head(struct counter *counter);
struct eventlog_reader *counter_reader(struct counter *counter);
struct capture *counter_capture(struct counter *counter);
const struct eventlog_config *counter_config(struct counter *counter);
struct clock *counter_clock(struct counter *counter);
/* What the shop decides by; a test may change it between its commands. */
struct policy *counter_policy(struct counter *counter);

/* Records a sale of three pieces for 10.00 with 19 % (tax 160), paid by card. */
void counter_sell(struct counter *counter, const char *receipt);

#endif
