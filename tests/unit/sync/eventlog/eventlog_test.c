#include "hal/base/cleanup.h"
#include "tests/support/log_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char hash_a[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
static const char hash_b[] = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

static void a_new_log_is_empty(void **state)
{
    struct log_fixture *f = *state;
    struct eventlog_status status;
    eventlog_status(f->log, &status);
    for (int i = 0; i < STREAMS_OF_APPLIANCE; i++) {
        const struct eventlog_stream_status *s = &status.streams[i];
        assert_int_equal(s->head, 0);
        assert_int_equal(s->through, 0);
        assert_int_equal(s->first_kept, 1);
        assert_false(s->forked);
        struct sha256 origin = chain_origin(&s->log, NULL);
        assert_true(sha256_equal(&s->head_hash, &origin));
    }
    assert_false(id_equal(&status.streams[0].log, &status.streams[1].log));
}

static void seqs_are_gapless_in_each_stream(void **state)
{
    struct log_fixture *f = *state;
    assert_int_equal(log_fixture_append(f, EVENT_RETURN_CREATED, 2), 2);
    assert_int_equal(log_fixture_append(f, EVENT_SALE_RECORDED, 1), 1);
    assert_int_equal(log_fixture_append(f, EVENT_REFUND_REQUESTED, 3), 5);
    assert_int_equal(log_fixture_append(f, EVENT_SALE_RECORDED, 1), 2);
    assert_int_equal(log_fixture_stream(f, STREAM_RETURNS).head, 5);
    assert_int_equal(log_fixture_stream(f, STREAM_SALES).head, 2);
    log_fixture_reopen(f);
    assert_int_equal(log_fixture_append(f, EVENT_RETURN_CREATED, 1), 6);
}

struct walk {
    struct sha256 hash;
    int64_t events;
    bool unbroken;
};

static enum err follow(void *context, int64_t seq, struct slice body, const struct sha256 *hash,
                       struct fault *fault)
{
    (void)fault;
    struct walk *walk = context;
    walk->hash = chain_next(&walk->hash, body);
    walk->events++;
    if (seq != walk->events || !sha256_equal(&walk->hash, hash))
        walk->unbroken = false;
    return ERR_OK;
}

static void every_body_is_in_the_chain_from_the_origin(void **state)
{
    struct log_fixture *f = *state;
    log_fixture_append(f, EVENT_RETURN_CREATED, 40);
    struct eventlog_stream_status status = log_fixture_stream(f, STREAM_RETURNS);
    struct eventlog_reader *reader;
    assert_int_equal(eventlog_reader_open(&reader, &f->config, NULL), ERR_OK);
    struct walk walk = {.unbroken = true, .hash = chain_origin(&status.log, NULL)};
    struct sha256 before;
    const struct eventlog_span all = {status.log, 1, 1000};
    assert_int_equal(eventlog_range(reader, &all, &before, follow, &walk, NULL), ERR_OK);
    eventlog_reader_close(reader);
    assert_true(walk.unbroken);
    assert_int_equal(walk.events, 40);
    assert_true(sha256_equal(&walk.hash, &status.head_hash));
}

static void the_body_is_a_whole_event_and_stays_as_it_is(void **state)
{
    struct log_fixture *f = *state;
    log_fixture_append(f, EVENT_RETURN_CREATED, 2);
    struct eventlog_stream_status status = log_fixture_stream(f, STREAM_RETURNS);
    struct buf first CLEANUP(buf_free);
    struct buf again CLEANUP(buf_free);
    buf_init(&first, 65536);
    buf_init(&again, 65536);
    struct sha256 before;
    struct sha256 last;
    assert_int_equal(log_fixture_range(f, &status.log, 2, 1, &first, &before, &last), ERR_OK);
    log_fixture_reopen(f);
    assert_int_equal(log_fixture_range(f, &status.log, 2, 1, &again, &before, &last), ERR_OK);
    assert_true(slice_equal(buf_slice(&first), buf_slice(&again)));
    struct arena arena CLEANUP(arena_free);
    arena_init(&arena, 65536);
    struct event event;
    struct slice body = {first.data + 2, first.len - 3};
    assert_int_equal(event_read(body, &arena, &event, NULL), ERR_OK);
    assert_int_equal(event.type, EVENT_RETURN_CREATED);
    assert_true(slice_is(event.source, "/store/0042/device/box-1"));
    assert_true(event.has_causation);
    assert_int_equal(event.sequence, 2);
    assert_int_equal(event.time_ms, INT64_C(1700000000000));
}

static void the_events_of_a_command_name_its_first_which_names_none(void **state)
{
    struct log_fixture *f = *state;
    log_fixture_append(f, EVENT_RETURN_CREATED, 3);
    struct eventlog_stream_status status = log_fixture_stream(f, STREAM_RETURNS);
    struct arena arena CLEANUP(arena_free);
    arena_init(&arena, 65536);
    struct event events[3];
    struct buf bodies[3];
    for (int i = 0; i < 3; i++) {
        struct sha256 before;
        struct sha256 last;
        buf_init(&bodies[i], 65536);
        assert_int_equal(log_fixture_range(f, &status.log, i + 1, 1, &bodies[i], &before, &last),
                         ERR_OK);
        struct slice body = {bodies[i].data + 2, bodies[i].len - 3};
        assert_int_equal(event_read(body, &arena, &events[i], NULL), ERR_OK);
    }
    assert_false(events[0].has_causation);
    for (int i = 1; i < 3; i++)
        assert_true(events[i].has_causation && id_equal(&events[i].causation, &events[0].id));
    for (int i = 0; i < 3; i++)
        buf_free(&bodies[i]);
}

static void later_events_carry_the_new_identity(void **state)
{
    struct log_fixture *f = *state;
    eventlog_identify(f->log, "box-2", "");
    log_fixture_append(f, EVENT_RETURN_CREATED, 1);
    struct buf body CLEANUP(buf_free);
    buf_init(&body, 65536);
    struct sha256 hash;
    struct id log = log_fixture_stream(f, STREAM_RETURNS).log;
    assert_int_equal(log_fixture_range(f, &log, 1, 1, &body, &hash, &hash), ERR_OK);
    assert_non_null(strstr(body.data, "\"source\":\"/device/box-2\""));
}

static void a_range_outside_the_log_is_not_found(void **state)
{
    struct log_fixture *f = *state;
    log_fixture_append(f, EVENT_RETURN_CREATED, 2);
    struct buf out CLEANUP(buf_free);
    buf_init(&out, 65536);
    struct sha256 before;
    struct sha256 last;
    struct eventlog_stream_status status = log_fixture_stream(f, STREAM_RETURNS);
    assert_int_equal(log_fixture_range(f, &status.log, 3, 9, &out, &before, &last), ERR_OK);
    assert_int_equal(out.len, 0);
    assert_true(sha256_equal(&before, &status.head_hash));
    assert_int_equal(log_fixture_range(f, &status.log, 4, 9, &out, &before, &last), ERR_NOT_FOUND);
    struct id unknown = log_fixture_id(99);
    assert_int_equal(log_fixture_range(f, &unknown, 1, 9, &out, &before, &last), ERR_NOT_FOUND);
}

/* Holds the writer thread until the test lets go, so that what follows is one group. */
struct gate {
    struct eventlog_command command;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool open;
    bool entered;
};

static enum err gate_decide(void *context, struct eventlog_txn *txn, struct fault *fault)
{
    (void)txn;
    (void)fault;
    struct gate *gate = context;
    pthread_mutex_lock(&gate->lock);
    gate->entered = true;
    pthread_cond_signal(&gate->wake);
    while (!gate->open)
        pthread_cond_wait(&gate->wake, &gate->lock);
    pthread_mutex_unlock(&gate->lock);
    return ERR_OK;
}

static void gate_done(void *context, enum err err, const struct fault *fault)
{
    (void)context;
    (void)err;
    (void)fault;
}

static void gate_shut(struct gate *gate, struct log_fixture *f)
{
    *gate = (struct gate){
        .command = {.decide = gate_decide, .done = gate_done, .context = gate},
        .lock = PTHREAD_MUTEX_INITIALIZER,
        .wake = PTHREAD_COND_INITIALIZER,
    };
    eventlog_submit(f->log, &gate->command);
    pthread_mutex_lock(&gate->lock);
    while (!gate->entered)
        pthread_cond_wait(&gate->wake, &gate->lock);
    pthread_mutex_unlock(&gate->lock);
}

static void gate_open(struct gate *gate)
{
    pthread_mutex_lock(&gate->lock);
    gate->open = true;
    pthread_cond_signal(&gate->wake);
    pthread_mutex_unlock(&gate->lock);
}

static void a_failing_command_takes_back_only_itself(void **state)
{
    struct log_fixture *f = *state;
    enum { COMMANDS = 5 };
    struct log_command c[COMMANDS];
    struct gate gate;
    gate_shut(&gate, f);
    for (int i = 0; i < COMMANDS; i++) {
        log_command_make(&c[i], f, EVENT_RETURN_CREATED, 2);
        c[i].fail = i == 1 || i == 3 ? ERR_REFUSED : ERR_OK;
        log_command_submit(&c[i]);
    }
    gate_open(&gate);
    int saved = 0;
    for (int i = 0; i < COMMANDS; i++) {
        assert_int_equal(log_command_await(&c[i]), c[i].fail);
        assert_int_equal(c[i].seen, saved);
        if (c[i].fail) {
            assert_string_equal(c[i].fault.text, "as the test wants");
            continue;
        }
        assert_int_equal(c[i].first, saved + 1);
        saved += 2;
    }
    assert_int_equal(log_fixture_stream(f, STREAM_RETURNS).head, saved);
    assert_int_equal(log_fixture_findings(f), 0);
}

static void what_waited_is_one_group_and_sees_its_earlier_commands(void **state)
{
    struct log_fixture *f = *state;
    enum { COMMANDS = 20 };
    struct log_command c[COMMANDS];
    struct gate gate;
    gate_shut(&gate, f);
    for (int i = 0; i < COMMANDS; i++) {
        log_command_make(&c[i], f, EVENT_RETURN_CREATED, 1);
        log_command_submit(&c[i]);
    }
    gate_open(&gate);
    for (int i = 0; i < COMMANDS; i++) {
        assert_int_equal(log_command_await(&c[i]), ERR_OK);
        assert_int_equal(c[i].seen, i);
        assert_int_equal(c[i].first, i + 1);
    }
    log_fixture_close(f);
    assert_int_equal(f->commits, 1);
}

static void closing_commits_what_was_submitted(void **state)
{
    struct log_fixture *f = *state;
    struct log_command c[5];
    for (int i = 0; i < 5; i++) {
        log_command_make(&c[i], f, EVENT_RETURN_CREATED, 1);
        log_command_submit(&c[i]);
    }
    log_fixture_close(f);
    for (int i = 0; i < 5; i++) {
        assert_true(c[i].ended);
        assert_int_equal(c[i].err, ERR_OK);
    }
    assert_int_equal(log_fixture_open(f), ERR_OK);
    assert_int_equal(log_fixture_stream(f, STREAM_RETURNS).head, 5);
}

static void a_key_known_is_replayed_and_nothing_is_appended(void **state)
{
    struct log_fixture *f = *state;
    log_fixture_append(f, EVENT_RETURN_CREATED, 1);
    struct log_command c;
    for (int round = 0; round < 3; round++) {
        log_command_make(&c, f, EVENT_RETURN_CREATED, 2);
        log_command_key(&c, "key-1", hash_a);
        log_command_submit(&c);
        assert_int_equal(log_command_await(&c), ERR_OK);
        assert_int_equal(c.replayed, round > 0);
        assert_int_equal(c.first, 2);
        assert_int_equal(log_fixture_stream(f, STREAM_RETURNS).head, 3);
        if (round == 1)
            log_fixture_reopen(f);
    }
}

static void a_key_with_another_request_is_a_conflict(void **state)
{
    struct log_fixture *f = *state;
    struct log_command c;
    log_command_make(&c, f, EVENT_RETURN_CREATED, 1);
    log_command_key(&c, "key-1", hash_a);
    log_command_submit(&c);
    assert_int_equal(log_command_await(&c), ERR_OK);
    log_fixture_reopen(f);
    log_command_make(&c, f, EVENT_RETURN_CREATED, 1);
    log_command_key(&c, "key-1", hash_b);
    log_command_submit(&c);
    assert_int_equal(log_command_await(&c), ERR_CONFLICT);
    assert_string_equal(c.fault.where, "Idempotency-Key");
    assert_int_equal(log_fixture_stream(f, STREAM_RETURNS).head, 1);
}

static void a_request_that_another_hash_stands_for_is_replayed(void **state)
{
    struct log_fixture *f = *state;
    struct log_command c;
    log_command_make(&c, f, EVENT_RETURN_CREATED, 1);
    log_command_key(&c, "key-1", hash_a);
    log_command_submit(&c);
    assert_int_equal(log_command_await(&c), ERR_OK);
    log_command_make(&c, f, EVENT_RETURN_CREATED, 1);
    log_command_key(&c, "key-1", hash_b);
    c.command.request_hash_also = slice_of(hash_a);
    log_command_submit(&c);
    assert_int_equal(log_command_await(&c), ERR_OK);
    assert_true(c.replayed);
    assert_int_equal(log_fixture_stream(f, STREAM_RETURNS).head, 1);
}

static void the_same_key_twice_in_one_group_acts_once(void **state)
{
    struct log_fixture *f = *state;
    struct log_command c[2];
    struct gate gate;
    gate_shut(&gate, f);
    for (int i = 0; i < 2; i++) {
        log_command_make(&c[i], f, EVENT_RETURN_CREATED, 1);
        log_command_key(&c[i], "key-1", hash_a);
        log_command_submit(&c[i]);
    }
    gate_open(&gate);
    assert_int_equal(log_command_await(&c[0]), ERR_OK);
    assert_int_equal(log_command_await(&c[1]), ERR_OK);
    assert_false(c[0].replayed);
    assert_true(c[1].replayed);
    assert_int_equal(log_fixture_stream(f, STREAM_RETURNS).head, 1);
}

static void the_key_of_a_command_that_failed_is_free(void **state)
{
    struct log_fixture *f = *state;
    struct log_command c;
    log_command_make(&c, f, EVENT_RETURN_CREATED, 1);
    log_command_key(&c, "key-1", hash_a);
    c.fail = ERR_BUSY;
    log_command_submit(&c);
    assert_int_equal(log_command_await(&c), ERR_BUSY);
    log_command_make(&c, f, EVENT_RETURN_CREATED, 1);
    log_command_key(&c, "key-1", hash_b);
    log_command_submit(&c);
    assert_int_equal(log_command_await(&c), ERR_OK);
    assert_false(c.replayed);
}

static void what_could_not_be_read_back_is_refused(void **state)
{
    struct log_fixture *f = *state;
    struct log_command c;
    log_command_make(&c, f, EVENT_RETURN_CREATED, 1);
    char subject[1001];
    memset(subject, 'r', sizeof subject - 1);
    subject[sizeof subject - 1] = '\0';
    c.subject = subject;
    log_command_submit(&c);
    assert_int_equal(log_command_await(&c), ERR_INVALID);
    log_command_make(&c, f, EVENT_RETURN_CREATED, 1);
    c.padding = EVENT_BODY_MAX;
    log_command_submit(&c);
    assert_int_equal(log_command_await(&c), ERR_TOO_LARGE);
    assert_int_equal(log_fixture_append(f, EVENT_RETURN_CREATED, 1), 1);
}

static enum err count_visits(void *context, const struct eventlog_record *record,
                             struct fault *fault)
{
    (void)fault;
    int64_t *sum = context;
    *sum = *sum * 10 + record->seq;
    return ERR_OK;
}

static void the_history_of_a_correlation_is_in_order_over_the_streams(void **state)
{
    struct log_fixture *f = *state;
    log_fixture_append(f, EVENT_SALE_RECORDED, 3);
    struct log_command other;
    log_command_make(&other, f, EVENT_RETURN_CREATED, 2);
    other.correlation = log_fixture_id(2);
    log_command_submit(&other);
    assert_int_equal(log_command_await(&other), ERR_OK);
    log_fixture_append(f, EVENT_RETURN_CREATED, 2);
    struct eventlog_reader *reader;
    assert_int_equal(eventlog_reader_open(&reader, &f->config, NULL), ERR_OK);
    int64_t sum = 0;
    struct id correlation = log_fixture_id(1);
    assert_int_equal(eventlog_history(reader, &correlation, count_visits, &sum, NULL), ERR_OK);
    eventlog_reader_close(reader);
    assert_int_equal(sum, 12334);
}

static void a_newer_database_is_refused_and_left_alone(void **state)
{
    struct log_fixture *f = *state;
    log_fixture_append(f, EVENT_RETURN_CREATED, 1);
    int64_t version = log_fixture_number(f, "PRAGMA user_version");
    log_fixture_close(f);
    log_fixture_tamper(f, "PRAGMA user_version = 99; PRAGMA application_id = 99");
    assert_int_equal(log_fixture_open(f), ERR_NEWER_SCHEMA);
    assert_non_null(strstr(f->fault.text, "99"));
    assert_int_equal(log_fixture_number(f, "PRAGMA user_version"), 99);
    char sql[64];
    (void)snprintf(sql, sizeof sql, "PRAGMA user_version = %d", (int)version);
    log_fixture_tamper(f, sql);
    assert_int_equal(log_fixture_open(f), ERR_OK);
    assert_int_equal(log_fixture_stream(f, STREAM_RETURNS).head, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOG_TEST(a_new_log_is_empty),
        LOG_TEST(seqs_are_gapless_in_each_stream),
        LOG_TEST(every_body_is_in_the_chain_from_the_origin),
        LOG_TEST(the_body_is_a_whole_event_and_stays_as_it_is),
        LOG_TEST(the_events_of_a_command_name_its_first_which_names_none),
        LOG_TEST(later_events_carry_the_new_identity),
        LOG_TEST(a_range_outside_the_log_is_not_found),
        LOG_TEST(a_failing_command_takes_back_only_itself),
        LOG_TEST(what_waited_is_one_group_and_sees_its_earlier_commands),
        LOG_TEST(closing_commits_what_was_submitted),
        LOG_TEST(a_key_known_is_replayed_and_nothing_is_appended),
        LOG_TEST(a_key_with_another_request_is_a_conflict),
        LOG_TEST(a_request_that_another_hash_stands_for_is_replayed),
        LOG_TEST(the_same_key_twice_in_one_group_acts_once),
        LOG_TEST(the_key_of_a_command_that_failed_is_free),
        LOG_TEST(what_could_not_be_read_back_is_refused),
        LOG_TEST(the_history_of_a_correlation_is_in_order_over_the_streams),
        LOG_TEST(a_newer_database_is_refused_and_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
