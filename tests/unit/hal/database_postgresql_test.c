/* hal/database.h on a PostgreSQL server: TILLBACK_POSTGRESQL names it; without one all is skipped.
 */
#include "hal/database.h"
#include "hal/postgresql.h"
#include "tests/support/hub_database.h"
#include "tests/support/items.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

static void numbers_are_of_64_bits_and_bytes_come_back_as_they_went(void **state)
{
    struct items *f = *state;
    bool row;
    items_put(f, f->db, "none first", 0); /* so the server must be told the type when it is known */
    assert_int_equal(items_put(f, f->db, "big", INT64_C(9007199254740993)), 3);
    struct statement *s = items_statement(f, f->db, ITEMS_GET);
    bind_text(s, 1, "big");
    items_must(f, database_step(f->db, s, &row, &f->fault));
    assert_true(row);
    assert_int_equal(column_count(s), 4);
    assert_string_equal(column_name(s, 2), "big");
    assert_int_equal(column_int(s, 2), INT64_C(9007199254740993));
    assert_int_equal(column_int(s, 3), 0);
    assert_int_equal(column_slice(s, 1).len, 15);
    assert_memory_equal(column_slice(s, 1).data, "{\"a\":\"\\u00e4\"}\0", 15);
    assert_int_equal(column_kind(s, 1), COLUMN_BLOB);
    items_must(f, database_step(f->db, s, &row, &f->fault));
    assert_false(row);
    s = items_statement(f, f->db, ITEMS_GET);
    bind_text(s, 1, "none first");
    items_must(f, database_step(f->db, s, &row, &f->fault));
    assert_true(column_is_null(s, 2));
    assert_int_equal(column_int(s, 3), 1);
    assert_int_equal(items_sum(f, f->db), INT64_C(9007199254740993));
}

static void words_of_ours_in_texts_and_comments_stay(void **state)
{
    struct items *f = *state;
    bool row;
    struct statement *s = items_statement(f, f->db, ITEMS_GET);
    bind_text(s, 1, "why? INTEGER");
    items_must(f, database_step(f->db, s, &row, &f->fault));
    assert_true(row);
    assert_memory_equal(column_slice(s, 1).data, "\x00\xff\x5c", 3);
}

static void every_statement_can_be_prepared_before_anything_is_bound(void **state)
{
    struct items *f = *state;
    bool row;
    items_must(f, database_prepare_all(f->db, &f->fault));
    struct statement *s = items_statement(f, f->db, ITEMS_MAX_OF);
    bind_int(s, 1, INT64_C(1795000000000));
    items_must(f, database_step(f->db, s, &row, &f->fault));
    assert_int_equal(column_int(s, 0), INT64_C(1795000000000) - 3600000);
    assert_int_equal(column_int(s, 1), 3);
}

static void conflict_undoes_its_savepoint_and_the_transaction_goes_on(void **state)
{
    struct items *f = *state;
    bool row;
    items_must(f, database_begin(f->db, &f->fault));
    items_must(f, database_savepoint(f->db, &f->fault));
    items_put(f, f->db, "twice", 1);
    items_must(f, database_release(f->db, &f->fault));
    items_must(f, database_savepoint(f->db, &f->fault));
    struct statement *s = items_statement(f, f->db, ITEMS_PUT);
    bind_text(s, 1, "twice");
    assert_int_equal(database_step(f->db, s, &row, &f->fault), ERR_CONFLICT);
    database_rollback_savepoint(f->db);
    items_put(f, f->db, "after", 2);
    items_must(f, database_commit(f->db, &f->fault));
    assert_int_equal(items_sum(f, f->db), 3);
}

static void commit_of_a_transaction_that_failed_is_no_success(void **state)
{
    struct items *f = *state;
    items_must(f, database_begin(f->db, &f->fault));
    items_put(f, f->db, "lost", 7);
    assert_int_not_equal(database_script(f->db, "SELECT nothing", &f->fault), ERR_OK);
    assert_int_equal(database_commit(f->db, &f->fault), ERR_IO);
    database_rollback(f->db);
    assert_int_equal(items_sum(f, f->db), 0);
}

/* The other's transaction begins only when this one has ended, so it sees all that this one did. */
static void only_one_writes_at_a_time(void **state)
{
    struct items *f = *state;
    items_must(f, database_begin(f->db, &f->fault));
    items_put(f, f->db, "mine", 5);
    items_must(f, database_script(f->other, "SET lock_timeout = '200ms'", &f->fault));
    assert_int_equal(database_begin(f->other, &f->fault), ERR_BUSY);
    database_rollback(f->other);
    items_must(f, database_commit(f->db, &f->fault));
    items_must(f, database_begin(f->other, &f->fault));
    assert_int_equal(items_sum(f, f->other), 5);
    database_rollback(f->other);
}

static void cut(struct items *f)
{
    struct statement *s;
    bool row;
    char sql[64];
    items_must(f, database_prepare(f->db, "SELECT pg_backend_pid()", &s, &f->fault));
    items_must(f, statement_step(s, &row, &f->fault));
    (void)snprintf(sql, sizeof sql, "SELECT pg_terminate_backend(%d)", (int)column_int(s, 0));
    statement_close(s);
    items_must(f, database_script(f->other, sql, &f->fault));
}

static void connection_that_was_lost_is_made_anew_for_the_next_transaction(void **state)
{
    struct items *f = *state;
    items_must(f, database_begin(f->db, &f->fault));
    items_put(f, f->db, "gone", 5);
    cut(f);
    items_send(f, "gone too", 5);
    assert_int_equal(database_commit(f->db, &f->fault), ERR_UNREACHABLE);
    database_rollback(f->db);
    items_must(f, database_begin(f->db, &f->fault));
    items_put(f, f->db, "back", 2);
    items_must(f, database_commit(f->db, &f->fault));
    assert_int_equal(items_sum(f, f->db), 2);
}

static void who_hurries_has_another_connection_in_a_moment(void **state)
{
    struct items *f = *state;
    struct statement *s;
    bool row;
    unsigned before = database_connected(f->db);
    items_must(f, database_hurry(f->db, &f->fault));
    for (int64_t big = 1; big <= 2; big++) {
        cut(f);
        items_must(f, database_statement(f->db, ITEMS_SUM, &s, &f->fault));
        assert_int_equal(database_step(f->db, s, &row, &f->fault), ERR_UNREACHABLE);
        statement_reset(s);
        items_put(f, f->db, big == 1 ? "once" : "again", big);
    }
    assert_int_equal(items_sum(f, f->db), 3);
    assert_int_equal(database_connected(f->db), before + 2);
}

/* As when a server that crashes has said so: there is something to read, and nothing to write to.
 */
static void line_that_takes_nothing_is_left_though_it_still_counts_as_good(void **state)
{
    struct items *f = *state;
    const struct server *server = f->db->native;
    struct pollfd news = {.fd = PQsocket(server->connection), .events = POLLIN};
    struct statement *s;
    bool row;
    items_sum(f, f->db);
    items_must(f, database_script(f->db, "LISTEN news", &f->fault));
    items_must(f, database_script(f->other, "NOTIFY news", &f->fault));
    assert_int_equal(poll(&news, 1, 10 * 1000), 1);
    assert_int_equal(shutdown(news.fd, SHUT_WR), 0);
    items_must(f, database_statement(f->db, ITEMS_SUM, &s, &f->fault));
    assert_int_equal(database_step(f->db, s, &row, &f->fault), ERR_UNREACHABLE);
    statement_reset(s);
    items_must(f, database_begin(f->db, &f->fault));
    items_put(f, f->db, "taken", 2);
    items_must(f, database_commit(f->db, &f->fault));
}

/* As one that was the first, and is a standby now: the name may lead to another meanwhile. */
static void server_that_takes_nothing_any_more_is_asked_for_anew(void **state)
{
    struct items *f = *state;
    unsigned before = database_connected(f->db);
    items_must(f, database_script(f->db, "SET default_transaction_read_only = on", &f->fault));
    items_must(f, database_begin(f->db, &f->fault));
    items_send(f, "refused", 5);
    assert_int_equal(database_commit(f->db, &f->fault), ERR_READ_ONLY);
    database_rollback(f->db);
    items_must(f, database_begin(f->db, &f->fault));
    items_put(f, f->db, "taken", 2);
    items_must(f, database_commit(f->db, &f->fault));
    assert_int_equal(items_sum(f, f->db), 2);
    assert_int_equal(database_connected(f->db), before + 1);
}

static void newer_schema_is_refused(void **state)
{
    struct items *f = *state;
    assert_int_equal(database_migrate(f->db, items_schema, 1, &f->fault), ERR_NEWER_SCHEMA);
}

static void password_is_not_told(void **state)
{
    struct items *f = *state;
    const struct database_config config = {
        .path = "postgresql://user:secret@127.0.0.1:1/x?connect_timeout=2",
        .backend = &database_postgresql,
    };
    struct database *db;
    assert_int_equal(database_open(&db, &config, &f->fault), ERR_UNREACHABLE);
    assert_null(strstr(f->fault.where, "secret"));
    assert_null(strstr(f->fault.text, "secret"));
}

int main(void)
{
#define SERVER_TEST(name) cmocka_unit_test_setup_teardown(name, items_setup, items_teardown)
    const struct CMUnitTest tests[] = {
        SERVER_TEST(numbers_are_of_64_bits_and_bytes_come_back_as_they_went),
        SERVER_TEST(words_of_ours_in_texts_and_comments_stay),
        SERVER_TEST(every_statement_can_be_prepared_before_anything_is_bound),
        SERVER_TEST(conflict_undoes_its_savepoint_and_the_transaction_goes_on),
        SERVER_TEST(commit_of_a_transaction_that_failed_is_no_success),
        SERVER_TEST(only_one_writes_at_a_time),
        SERVER_TEST(connection_that_was_lost_is_made_anew_for_the_next_transaction),
        SERVER_TEST(who_hurries_has_another_connection_in_a_moment),
        SERVER_TEST(line_that_takes_nothing_is_left_though_it_still_counts_as_good),
        SERVER_TEST(server_that_takes_nothing_any_more_is_asked_for_anew),
        SERVER_TEST(newer_schema_is_refused),
    };
    const struct CMUnitTest without[] = {SERVER_TEST(password_is_not_told)};
    int failed = cmocka_run_group_tests(without, NULL, NULL);
    return hub_database_on_server() ? failed + cmocka_run_group_tests(tests, NULL, NULL) : failed;
}
