/* What is sent to a PostgreSQL server, as rows or asked ahead, without waiting for it. Skipped
 * without one, as database_postgresql_test. */
#include "tests/support/hub_database.h"
#include "tests/support/items.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void what_was_sent_is_there_for_what_comes_after_it(void **state)
{
    struct items *f = *state;
    bool row;
    items_must(f, database_begin(f->db, &f->fault));
    for (int i = 0; i < 1000; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "sent %d", i);
        items_send(f, name, 1);
    }
    assert_int_equal(items_sum(f, f->db), 1000);
    struct statement *s = items_statement(f, f->db, ITEMS_GET);
    bind_text(s, 1, "sent 7");
    items_must(f, database_step(f->db, s, &row, &f->fault));
    assert_true(row);
    items_send(f, "last", 5);
    items_must(f, database_commit(f->db, &f->fault));
    assert_int_equal(items_sum(f, f->other), 1005);
    items_send(f, "outside a transaction", 5);
    assert_int_equal(items_sum(f, f->other), 1010);
}

static void
failure_of_what_was_sent_shows_at_the_release_and_is_undone_with_its_savepoint(void **state)
{
    struct items *f = *state;
    items_must(f, database_begin(f->db, &f->fault));
    items_must(f, database_savepoint(f->db, &f->fault));
    items_send(f, "twice", 1);
    items_must(f, database_release(f->db, &f->fault));
    items_must(f, database_savepoint(f->db, &f->fault));
    items_send(f, "before", 10);
    items_send(f, "twice", 100);
    items_send(f, "behind", 1000);
    assert_int_equal(database_release(f->db, &f->fault), ERR_CONFLICT);
    database_rollback_savepoint(f->db);
    items_send(f, "after", 2);
    items_must(f, database_commit(f->db, &f->fault));
    assert_int_equal(items_sum(f, f->other), 3);
}

static void failure_of_what_was_sent_fails_the_commit(void **state)
{
    struct items *f = *state;
    items_must(f, database_begin(f->db, &f->fault));
    items_send(f, "twice", 1);
    items_send(f, "twice", 1);
    assert_int_equal(database_commit(f->db, &f->fault), ERR_CONFLICT);
    database_rollback(f->db);
    assert_int_equal(items_sum(f, f->db), 0);
}

/* A text, bytes or none, and a number, as one row of many. */
static void send_row(struct items *f, const char *name, struct slice body, int64_t big)
{
    struct statement *s = items_statement(f, f->db, ITEMS_ROW);
    bind_text(s, 1, name);
    if (body.data)
        bind_blob(s, 2, body.data, body.len);
    bind_int(s, 3, big);
    items_must(f, database_send_row(f->db, s, &f->fault));
}

static void rows_that_follow_each_other_arrive_as_they_are(void **state)
{
    static const char bytes[] = {'\0', '\'', (char)0xff, '\\'};
    struct items *f = *state;
    bool row;
    items_must(f, database_begin(f->db, &f->fault));
    for (int i = 0; i < 500; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "row %d, \"ü\\", i);
        send_row(f, name, i % 2 ? (struct slice){NULL, 0} : (struct slice){bytes, sizeof bytes},
                 i ? 1 : -1000000000000);
    }
    items_must(f, database_commit(f->db, &f->fault));
    assert_int_equal(items_sum(f, f->other), 499 - 1000000000000);
    struct statement *s = items_statement(f, f->other, ITEMS_GET);
    bind_text(s, 1, "row 498, \"ü\\");
    items_must(f, database_step(f->other, s, &row, &f->fault));
    assert_true(row);
    assert_int_equal(column_slice(s, 1).len, sizeof bytes);
    assert_memory_equal(column_slice(s, 1).data, bytes, sizeof bytes);
    s = items_statement(f, f->other, ITEMS_GET);
    bind_text(s, 1, "row 499, \"ü\\");
    items_must(f, database_step(f->other, s, &row, &f->fault));
    assert_true(row && column_is_null(s, 1));
}

static void rows_keep_their_place_among_other_statements(void **state)
{
    const struct slice none = {NULL, 0};
    struct items *f = *state;
    items_must(f, database_begin(f->db, &f->fault));
    send_row(f, "kept", none, 1);
    items_send(f, "between", 10);
    items_must(f, database_savepoint(f->db, &f->fault));
    send_row(f, "kept", none, 2); /* takes the place of the first */
    send_row(f, "undone", none, 100);
    database_rollback_savepoint(f->db);
    assert_int_equal(items_sum(f, f->db), 11);
    send_row(f, "kept", none, 5);
    struct statement *s = items_statement(f, f->db, ITEMS_NAMED);
    bind_int(s, 1, 1000);
    items_must(f, database_send_row(f->db, s, &f->fault));
    items_must(f, database_commit(f->db, &f->fault));
    assert_int_equal(items_sum(f, f->other), 1015);
    s = items_statement(f, f->other, ITEMS_GET);
    bind_text(s, 1, "a $1 of the text's");
    bool row;
    items_must(f, database_step(f->other, s, &row, &f->fault));
    assert_true(row);
}

static void failure_of_a_row_fails_the_release(void **state)
{
    struct items *f = *state;
    items_must(f, database_begin(f->db, &f->fault));
    items_must(f, database_savepoint(f->db, &f->fault));
    for (int i = 0; i < 2; i++) {
        struct statement *s = items_statement(f, f->db, ITEMS_NAMED);
        bind_int(s, 1, i);
        items_must(f, database_send_row(f->db, s, &f->fault));
    }
    assert_int_equal(database_release(f->db, &f->fault), ERR_CONFLICT);
    database_rollback_savepoint(f->db);
    items_must(f, database_commit(f->db, &f->fault));
    assert_int_equal(items_sum(f, f->other), 0);
}

/* For a name; as it stands, to be asked ahead or stepped. */
static struct statement *get(struct items *f, const char *name)
{
    struct statement *s = items_statement(f, f->db, ITEMS_GET);
    bind_text(s, 1, name);
    return s;
}

static int64_t big_of(struct items *f, const char *name)
{
    bool row;
    struct statement *s = get(f, name);
    items_must(f, database_step(f->db, s, &row, &f->fault));
    int64_t big = row ? column_int(s, 2) : 0;
    statement_reset(s);
    return big;
}

static void answer_of_what_was_asked_ahead_is_of_then_and_is_taken_once(void **state)
{
    struct items *f = *state;
    char name[32];
    items_must(f, database_begin(f->db, &f->fault));
    items_send(f, "here 1", 1);
    for (int i = 0; i < 600; i++) {
        (void)snprintf(name, sizeof name, "here %d", i);
        items_must(f, database_ask(f->db, get(f, name), &f->fault));
        memset(name, 'x', sizeof name - 1);
    }
    items_send(f, "here 2", 2);
    assert_int_equal(big_of(f, "here 2"), 0);
    assert_int_equal(big_of(f, "here 2"), 2);
    assert_int_equal(big_of(f, "here 1"), 1);
    assert_int_equal(items_sum(f, f->db), 3);
    assert_int_equal(big_of(f, "here 599"), 0);
    items_must(f, database_commit(f->db, &f->fault));
    assert_int_equal(items_sum(f, f->other), 3);
}

static void answer_asked_ahead_is_forgotten_with_its_transaction(void **state)
{
    struct items *f = *state;
    items_must(
        f, database_ask(f->db, get(f, "later"), &f->fault)); /* none is open: nothing is asked */
    items_put(f, f->db, "later", 5);
    assert_int_equal(big_of(f, "later"), 5);
    items_must(f, database_begin(f->db, &f->fault));
    items_must(f, database_ask(f->db, get(f, "new"), &f->fault));
    items_must(f, database_ask(f->db, get(f, "newer"), &f->fault));
    assert_int_equal(big_of(f, "newer"), 0);
    items_must(f, database_commit(f->db, &f->fault));
    items_put(f, f->db, "new", 7);
    items_must(f, database_begin(f->db, &f->fault));
    assert_int_equal(big_of(f, "new"), 7);
    items_must(f, database_commit(f->db, &f->fault));
}

static void what_is_undone_takes_the_answers_asked_ahead_with_it(void **state)
{
    struct items *f = *state;
    items_must(f, database_begin(f->db, &f->fault));
    items_must(f, database_savepoint(f->db, &f->fault));
    items_send(f, "twice", 1);
    items_must(f, database_ask(f->db, get(f, "twice"), &f->fault));
    items_send(f, "twice", 2); /* fails, and all that comes behind it */
    items_must(f, database_ask(f->db, get(f, "behind"), &f->fault));
    assert_int_equal(database_release(f->db, &f->fault), ERR_CONFLICT);
    database_rollback_savepoint(f->db);
    assert_int_equal(big_of(f, "twice"), 0);
    assert_int_equal(big_of(f, "behind"), 0);
    items_must(f, database_ask(f->db, get(f, "twice"), &f->fault));
    items_must(f, database_commit(f->db, &f->fault));
    assert_int_equal(items_sum(f, f->other), 0);
}

int main(void)
{
#define SERVER_TEST(name) cmocka_unit_test_setup_teardown(name, items_setup, items_teardown)
    const struct CMUnitTest tests[] = {
        SERVER_TEST(what_was_sent_is_there_for_what_comes_after_it),
        SERVER_TEST(failure_of_what_was_sent_shows_at_the_release_and_is_undone_with_its_savepoint),
        SERVER_TEST(failure_of_what_was_sent_fails_the_commit),
        SERVER_TEST(rows_that_follow_each_other_arrive_as_they_are),
        SERVER_TEST(rows_keep_their_place_among_other_statements),
        SERVER_TEST(failure_of_a_row_fails_the_release),
        SERVER_TEST(answer_of_what_was_asked_ahead_is_of_then_and_is_taken_once),
        SERVER_TEST(answer_asked_ahead_is_forgotten_with_its_transaction),
        SERVER_TEST(what_is_undone_takes_the_answers_asked_ahead_with_it),
    };
    return hub_database_on_server() ? cmocka_run_group_tests(tests, NULL, NULL) : 0;
}
