/*
 * An event log in a scratch folder, with one view of its own, for tests: commands that append a
 * few events and are awaited, readers' answers as values, and a stopped clock.
 */
#ifndef TESTS_SUPPORT_LOG_FIXTURE_H
#define TESTS_SUPPORT_LOG_FIXTURE_H

#include "sync/eventlog/eventlog.h"
#include "tests/support/scratch.h"

#include <pthread.h>

struct log_fixture {
    struct scratch scratch;
    struct clock *clock;
    struct eventlog_config config;
    struct eventlog_view view;
    struct eventlog *log; /* NULL while closed */
    int commits;          /* calls of `committed` */
    struct fault fault;   /* of the last open */
};

/* A store's folder: with nothing in it yet, or with an open log. */
void log_fixture_begin(struct log_fixture *f);
void log_fixture_make(struct log_fixture *f);
void log_fixture_remove(struct log_fixture *f);
/* The two as cmocka wants them: the state is the fixture. */
int log_fixture_setup(void **state);
int log_fixture_teardown(void **state);
#define LOG_TEST(name)                                                                             \
    cmocka_unit_test_setup_teardown(name, log_fixture_setup, log_fixture_teardown)
enum err log_fixture_open(struct log_fixture *f);
void log_fixture_close(struct log_fixture *f);
void log_fixture_reopen(struct log_fixture *f);
/* Changes the database behind the log's back. */
void log_fixture_tamper(struct log_fixture *f, const char *sql);
/* One number from the database; -1 for no row. */
int64_t log_fixture_number(struct log_fixture *f, const char *sql);
/* Copies the database (closed) to `name` in the folder, and back. */
void log_fixture_keep(struct log_fixture *f, const char *name);
void log_fixture_restore(struct log_fixture *f, const char *name);
struct eventlog_stream_status log_fixture_stream(struct log_fixture *f, enum stream stream);

/* A command of a test: what it appends, how it ended. */
struct log_command {
    struct eventlog_command command;
    struct log_fixture *fixture;
    enum event_type type;
    int events;          /* to append */
    size_t padding;      /* bytes of data in each */
    const char *subject; /* may be NULL: "receipt/1" */
    struct id correlation;
    enum err fail; /* what decide says after appending */
    int64_t first; /* the seq of its first event */
    int64_t seen;  /* what the view counted for its correlation, before */
    bool replayed;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool ended;
    enum err err;
    struct fault fault;
};

void log_command_make(struct log_command *c, struct log_fixture *f, enum event_type type,
                      int events);
void log_command_key(struct log_command *c, const char *key, const char *hash);
void log_command_submit(struct log_command *c);
enum err log_command_await(struct log_command *c);
/* Make, submit, await; asserts success; the seq of the last event. */
int64_t log_fixture_append(struct log_fixture *f, enum event_type type, int events);
struct id log_fixture_id(uint8_t tag);

enum err log_fixture_acknowledge(struct log_fixture *f, enum stream stream, const struct ack *ack);
/* An acknowledgement of what the log has at `through`. */
struct ack log_fixture_ack(struct log_fixture *f, enum stream stream, int64_t through,
                           int64_t ack_no);
/* How many events of both streams are lost. */
int64_t log_fixture_lost(struct log_fixture *f);
/* Notes what the hub has of another log as lost. */
enum err log_fixture_expect(struct log_fixture *f, const struct id *log, enum stream stream,
                            int64_t through);
enum err log_fixture_receive(struct log_fixture *f, int64_t epoch, int64_t number,
                             struct slice body);
/* A message of the hub. */
void log_fixture_message(struct buf *out, uint8_t tag, struct id correlation);

/* The bodies of a range one after the other, each behind its seq and a colon. */
enum err log_fixture_range(struct log_fixture *f, const struct id *log, int64_t first, int64_t max,
                           struct buf *out, struct sha256 *before, struct sha256 *last);
/* How many findings eventlog_verify has; `first` gets the first. */
int log_fixture_verify(struct log_fixture *f, struct eventlog_finding *first);
/* The same; the first is printed. */
int log_fixture_findings(struct log_fixture *f);

#endif
