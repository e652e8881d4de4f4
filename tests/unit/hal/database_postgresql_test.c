/* hal/database.h on a PostgreSQL server: TILLBACK_POSTGRESQL names it; without one all is skipped.
 */
#include "hal/database.h"
#include "hal/postgresql.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

static const struct database_sql migrations[] = {
    {"first", "CREATE TABLE item (no INTEGER PRIMARY KEY, name TEXT UNIQUE, -- 'INTEGER' or BLOB?\n"
              " body BLOB, big INTEGER) ;"
              "INSERT INTO item (name, body) VALUES ('why? INTEGER', x'00ff5c')"},
    {"second", "CREATE TABLE pair (a INTEGER NOT NULL, b INTEGER NOT NULL, PRIMARY KEY (a, b))"
               " WITHOUT ROWID"},
};

enum { PUT, GET, BODY_OF, MAX_OF, SUM, ROW, NAMED };
static const struct database_sql statements[] = {
    {"put", "INSERT INTO item (name, body, big) VALUES (?1, ?2, ?3) RETURNING no"},
    {"get", "SELECT name, body, big, big IS NULL FROM item WHERE name = ?1 ORDER BY no"},
    {"body_of", "SELECT name FROM item WHERE body = ?1 AND (name = ?2 OR ?2 IS NULL)"},
    {"max_of", "SELECT max(0, ?1 - 3600000), instr('abc', 'c')"},
    {"sum", "SELECT sum(big) FROM item"},
    {"row", "INSERT INTO item (name, body, big) VALUES (?1, ?2, ?3)"
            " ON CONFLICT (name) DO UPDATE SET big = excluded.big"},
    {"named", "INSERT INTO item (name, big) VALUES ('a $1 of the text''s', ?1)"},
};

struct fixture {
    struct database *db;
    struct database *other;
    struct fault fault;
};

static struct database *open_one(struct fixture *f)
{
    const struct database_config config = {
        .path = getenv("TILLBACK_POSTGRESQL"),
        .statements = statements,
        .statement_count = sizeof statements / sizeof *statements,
        .backend = &database_postgresql,
    };
    struct database *db;
    if (database_open(&db, &config, &f->fault))
        fail_msg("%s: %s", f->fault.where, f->fault.text);
    return db;
}

static void must(struct fixture *f, enum err err)
{
    if (err)
        fail_msg("%s: %s: %s", err_name(err), f->fault.where, f->fault.text);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    *state = f;
    if (!getenv("TILLBACK_POSTGRESQL"))
        return 0;
    f->db = open_one(f);
    must(f, database_script(f->db,
                            "DROP TABLE IF EXISTS item; DROP TABLE IF EXISTS pair;"
                            "DROP TABLE IF EXISTS schema_version",
                            &f->fault));
    must(f, database_migrate(f->db, migrations, 2, &f->fault));
    f->other = open_one(f);
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    database_close(f->other);
    database_close(f->db);
    free(f);
    return 0;
}

static struct statement *statement(struct fixture *f, struct database *db, size_t index)
{
    struct statement *s;
    must(f, database_statement(db, index, &s, &f->fault));
    return s;
}

static int64_t put(struct fixture *f, struct database *db, const char *name, int64_t big)
{
    struct statement *s = statement(f, db, PUT);
    bool row;
    bind_text(s, 1, name);
    bind_slice(s, 2, (struct slice){"{\"a\":\"\\u00e4\"}\0", 15});
    if (big)
        bind_int(s, 3, big);
    must(f, database_step(db, s, &row, &f->fault));
    assert_true(row);
    int64_t no = column_int(s, 0);
    statement_reset(s);
    return no;
}

static int64_t sum(struct fixture *f, struct database *db)
{
    struct statement *s = statement(f, db, SUM);
    bool row;
    must(f, database_step(db, s, &row, &f->fault));
    int64_t value = column_int(s, 0);
    statement_reset(s);
    return value;
}

static void numbers_are_of_64_bits_and_bytes_come_back_as_they_went(void **state)
{
    struct fixture *f = *state;
    bool row;
    put(f, f->db, "none first", 0); /* so the server must be told the type when it is known */
    assert_int_equal(put(f, f->db, "big", INT64_C(9007199254740993)), 3);
    struct statement *s = statement(f, f->db, GET);
    bind_text(s, 1, "big");
    must(f, database_step(f->db, s, &row, &f->fault));
    assert_true(row);
    assert_int_equal(column_count(s), 4);
    assert_string_equal(column_name(s, 2), "big");
    assert_int_equal(column_int(s, 2), INT64_C(9007199254740993));
    assert_int_equal(column_int(s, 3), 0);
    assert_int_equal(column_slice(s, 1).len, 15);
    assert_memory_equal(column_slice(s, 1).data, "{\"a\":\"\\u00e4\"}\0", 15);
    assert_int_equal(column_kind(s, 1), COLUMN_BLOB);
    must(f, database_step(f->db, s, &row, &f->fault));
    assert_false(row);
    s = statement(f, f->db, GET);
    bind_text(s, 1, "none first");
    must(f, database_step(f->db, s, &row, &f->fault));
    assert_true(column_is_null(s, 2));
    assert_int_equal(column_int(s, 3), 1);
    assert_int_equal(sum(f, f->db), INT64_C(9007199254740993));
}

static void words_of_ours_in_texts_and_comments_stay(void **state)
{
    struct fixture *f = *state;
    bool row;
    struct statement *s = statement(f, f->db, GET);
    bind_text(s, 1, "why? INTEGER");
    must(f, database_step(f->db, s, &row, &f->fault));
    assert_true(row);
    assert_memory_equal(column_slice(s, 1).data, "\x00\xff\x5c", 3);
}

static void every_statement_can_be_prepared_before_anything_is_bound(void **state)
{
    struct fixture *f = *state;
    bool row;
    must(f, database_prepare_all(f->db, &f->fault));
    struct statement *s = statement(f, f->db, MAX_OF);
    bind_int(s, 1, INT64_C(1795000000000));
    must(f, database_step(f->db, s, &row, &f->fault));
    assert_int_equal(column_int(s, 0), INT64_C(1795000000000) - 3600000);
    assert_int_equal(column_int(s, 1), 3);
}

static void conflict_undoes_its_savepoint_and_the_transaction_goes_on(void **state)
{
    struct fixture *f = *state;
    bool row;
    must(f, database_begin(f->db, &f->fault));
    must(f, database_savepoint(f->db, &f->fault));
    put(f, f->db, "twice", 1);
    must(f, database_release(f->db, &f->fault));
    must(f, database_savepoint(f->db, &f->fault));
    struct statement *s = statement(f, f->db, PUT);
    bind_text(s, 1, "twice");
    assert_int_equal(database_step(f->db, s, &row, &f->fault), ERR_CONFLICT);
    database_rollback_savepoint(f->db);
    put(f, f->db, "after", 2);
    must(f, database_commit(f->db, &f->fault));
    assert_int_equal(sum(f, f->db), 3);
}

static void submit(struct fixture *f, const char *name, int64_t big)
{
    struct statement *s = statement(f, f->db, PUT);
    char lent[32];
    (void)snprintf(lent, sizeof lent, "%s", name);
    bind_text(s, 1, lent);
    bind_int(s, 3, big);
    must(f, database_send(f->db, s, &f->fault));
    memset(lent, 'x', sizeof lent - 1);
}

static void what_was_sent_is_there_for_what_comes_after_it(void **state)
{
    struct fixture *f = *state;
    bool row;
    must(f, database_begin(f->db, &f->fault));
    for (int i = 0; i < 1000; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "sent %d", i);
        submit(f, name, 1);
    }
    assert_int_equal(sum(f, f->db), 1000);
    struct statement *s = statement(f, f->db, GET);
    bind_text(s, 1, "sent 7");
    must(f, database_step(f->db, s, &row, &f->fault));
    assert_true(row);
    submit(f, "last", 5);
    must(f, database_commit(f->db, &f->fault));
    assert_int_equal(sum(f, f->other), 1005);
    submit(f, "outside a transaction", 5);
    assert_int_equal(sum(f, f->other), 1010);
}

static void
failure_of_what_was_sent_shows_at_the_release_and_is_undone_with_its_savepoint(void **state)
{
    struct fixture *f = *state;
    must(f, database_begin(f->db, &f->fault));
    must(f, database_savepoint(f->db, &f->fault));
    submit(f, "twice", 1);
    must(f, database_release(f->db, &f->fault));
    must(f, database_savepoint(f->db, &f->fault));
    submit(f, "before", 10);
    submit(f, "twice", 100);
    submit(f, "behind", 1000);
    assert_int_equal(database_release(f->db, &f->fault), ERR_CONFLICT);
    database_rollback_savepoint(f->db);
    submit(f, "after", 2);
    must(f, database_commit(f->db, &f->fault));
    assert_int_equal(sum(f, f->other), 3);
}

static void failure_of_what_was_sent_fails_the_commit(void **state)
{
    struct fixture *f = *state;
    must(f, database_begin(f->db, &f->fault));
    submit(f, "twice", 1);
    submit(f, "twice", 1);
    assert_int_equal(database_commit(f->db, &f->fault), ERR_CONFLICT);
    database_rollback(f->db);
    assert_int_equal(sum(f, f->db), 0);
}

/* A text, bytes or none, and a number, as one row of many. */
static void send_row(struct fixture *f, const char *name, struct slice body, int64_t big)
{
    struct statement *s = statement(f, f->db, ROW);
    bind_text(s, 1, name);
    if (body.data)
        bind_blob(s, 2, body.data, body.len);
    bind_int(s, 3, big);
    must(f, database_send_row(f->db, s, &f->fault));
}

static void rows_that_follow_each_other_arrive_as_they_are(void **state)
{
    static const char bytes[] = {'\0', '\'', (char)0xff, '\\'};
    struct fixture *f = *state;
    bool row;
    must(f, database_begin(f->db, &f->fault));
    for (int i = 0; i < 500; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "row %d, \"ü\\", i);
        send_row(f, name, i % 2 ? (struct slice){NULL, 0} : (struct slice){bytes, sizeof bytes},
                 i ? 1 : -1000000000000);
    }
    must(f, database_commit(f->db, &f->fault));
    assert_int_equal(sum(f, f->other), 499 - 1000000000000);
    struct statement *s = statement(f, f->other, GET);
    bind_text(s, 1, "row 498, \"ü\\");
    must(f, database_step(f->other, s, &row, &f->fault));
    assert_true(row);
    assert_int_equal(column_slice(s, 1).len, sizeof bytes);
    assert_memory_equal(column_slice(s, 1).data, bytes, sizeof bytes);
    s = statement(f, f->other, GET);
    bind_text(s, 1, "row 499, \"ü\\");
    must(f, database_step(f->other, s, &row, &f->fault));
    assert_true(row && column_is_null(s, 1));
}

static void rows_keep_their_place_among_other_statements(void **state)
{
    const struct slice none = {NULL, 0};
    struct fixture *f = *state;
    must(f, database_begin(f->db, &f->fault));
    send_row(f, "kept", none, 1);
    submit(f, "between", 10);
    must(f, database_savepoint(f->db, &f->fault));
    send_row(f, "kept", none, 2); /* takes the place of the first */
    send_row(f, "undone", none, 100);
    database_rollback_savepoint(f->db);
    assert_int_equal(sum(f, f->db), 11);
    send_row(f, "kept", none, 5);
    struct statement *s = statement(f, f->db, NAMED);
    bind_int(s, 1, 1000);
    must(f, database_send_row(f->db, s, &f->fault));
    must(f, database_commit(f->db, &f->fault));
    assert_int_equal(sum(f, f->other), 1015);
    s = statement(f, f->other, GET);
    bind_text(s, 1, "a $1 of the text's");
    bool row;
    must(f, database_step(f->other, s, &row, &f->fault));
    assert_true(row);
}

static void failure_of_a_row_fails_the_release(void **state)
{
    struct fixture *f = *state;
    must(f, database_begin(f->db, &f->fault));
    must(f, database_savepoint(f->db, &f->fault));
    for (int i = 0; i < 2; i++) {
        struct statement *s = statement(f, f->db, NAMED);
        bind_int(s, 1, i);
        must(f, database_send_row(f->db, s, &f->fault));
    }
    assert_int_equal(database_release(f->db, &f->fault), ERR_CONFLICT);
    database_rollback_savepoint(f->db);
    must(f, database_commit(f->db, &f->fault));
    assert_int_equal(sum(f, f->other), 0);
}

/* For a name; as it stands, to be asked ahead or stepped. */
static struct statement *get(struct fixture *f, const char *name)
{
    struct statement *s = statement(f, f->db, GET);
    bind_text(s, 1, name);
    return s;
}

static int64_t big_of(struct fixture *f, const char *name)
{
    bool row;
    struct statement *s = get(f, name);
    must(f, database_step(f->db, s, &row, &f->fault));
    int64_t big = row ? column_int(s, 2) : 0;
    statement_reset(s);
    return big;
}

static void answer_of_what_was_asked_ahead_is_of_then_and_is_taken_once(void **state)
{
    struct fixture *f = *state;
    char name[32];
    must(f, database_begin(f->db, &f->fault));
    submit(f, "here 1", 1);
    for (int i = 0; i < 600; i++) {
        (void)snprintf(name, sizeof name, "here %d", i);
        must(f, database_ask(f->db, get(f, name), &f->fault));
        memset(name, 'x', sizeof name - 1);
    }
    submit(f, "here 2", 2);
    assert_int_equal(big_of(f, "here 2"), 0);
    assert_int_equal(big_of(f, "here 2"), 2);
    assert_int_equal(big_of(f, "here 1"), 1);
    assert_int_equal(sum(f, f->db), 3);
    assert_int_equal(big_of(f, "here 599"), 0);
    must(f, database_commit(f->db, &f->fault));
    assert_int_equal(sum(f, f->other), 3);
}

static void answer_asked_ahead_is_forgotten_with_its_transaction(void **state)
{
    struct fixture *f = *state;
    must(f, database_ask(f->db, get(f, "later"), &f->fault)); /* none is open: nothing is asked */
    put(f, f->db, "later", 5);
    assert_int_equal(big_of(f, "later"), 5);
    must(f, database_begin(f->db, &f->fault));
    must(f, database_ask(f->db, get(f, "new"), &f->fault));
    must(f, database_ask(f->db, get(f, "newer"), &f->fault));
    assert_int_equal(big_of(f, "newer"), 0);
    must(f, database_commit(f->db, &f->fault));
    put(f, f->db, "new", 7);
    must(f, database_begin(f->db, &f->fault));
    assert_int_equal(big_of(f, "new"), 7);
    must(f, database_commit(f->db, &f->fault));
}

static void what_is_undone_takes_the_answers_asked_ahead_with_it(void **state)
{
    struct fixture *f = *state;
    must(f, database_begin(f->db, &f->fault));
    must(f, database_savepoint(f->db, &f->fault));
    submit(f, "twice", 1);
    must(f, database_ask(f->db, get(f, "twice"), &f->fault));
    submit(f, "twice", 2); /* fails, and all that comes behind it */
    must(f, database_ask(f->db, get(f, "behind"), &f->fault));
    assert_int_equal(database_release(f->db, &f->fault), ERR_CONFLICT);
    database_rollback_savepoint(f->db);
    assert_int_equal(big_of(f, "twice"), 0);
    assert_int_equal(big_of(f, "behind"), 0);
    must(f, database_ask(f->db, get(f, "twice"), &f->fault));
    must(f, database_commit(f->db, &f->fault));
    assert_int_equal(sum(f, f->other), 0);
}

static void commit_of_a_transaction_that_failed_is_no_success(void **state)
{
    struct fixture *f = *state;
    must(f, database_begin(f->db, &f->fault));
    put(f, f->db, "lost", 7);
    assert_int_not_equal(database_script(f->db, "SELECT nothing", &f->fault), ERR_OK);
    assert_int_equal(database_commit(f->db, &f->fault), ERR_IO);
    database_rollback(f->db);
    assert_int_equal(sum(f, f->db), 0);
}

/* The other's transaction begins only when this one has ended, so it sees all that this one did. */
static void only_one_writes_at_a_time(void **state)
{
    struct fixture *f = *state;
    must(f, database_begin(f->db, &f->fault));
    put(f, f->db, "mine", 5);
    must(f, database_script(f->other, "SET lock_timeout = '200ms'", &f->fault));
    assert_int_equal(database_begin(f->other, &f->fault), ERR_BUSY);
    database_rollback(f->other);
    must(f, database_commit(f->db, &f->fault));
    must(f, database_begin(f->other, &f->fault));
    assert_int_equal(sum(f, f->other), 5);
    database_rollback(f->other);
}

static void cut(struct fixture *f)
{
    struct statement *s;
    bool row;
    char sql[64];
    must(f, database_prepare(f->db, "SELECT pg_backend_pid()", &s, &f->fault));
    must(f, statement_step(s, &row, &f->fault));
    (void)snprintf(sql, sizeof sql, "SELECT pg_terminate_backend(%d)", (int)column_int(s, 0));
    statement_close(s);
    must(f, database_script(f->other, sql, &f->fault));
}

static void connection_that_was_lost_is_made_anew_for_the_next_transaction(void **state)
{
    struct fixture *f = *state;
    must(f, database_begin(f->db, &f->fault));
    put(f, f->db, "gone", 5);
    cut(f);
    submit(f, "gone too", 5);
    assert_int_equal(database_commit(f->db, &f->fault), ERR_UNREACHABLE);
    database_rollback(f->db);
    must(f, database_begin(f->db, &f->fault));
    put(f, f->db, "back", 2);
    must(f, database_commit(f->db, &f->fault));
    assert_int_equal(sum(f, f->db), 2);
}

static void who_hurries_has_another_connection_in_a_moment(void **state)
{
    struct fixture *f = *state;
    struct statement *s;
    bool row;
    unsigned before = database_connected(f->db);
    must(f, database_hurry(f->db, &f->fault));
    for (int64_t big = 1; big <= 2; big++) {
        cut(f);
        must(f, database_statement(f->db, SUM, &s, &f->fault));
        assert_int_equal(database_step(f->db, s, &row, &f->fault), ERR_UNREACHABLE);
        statement_reset(s);
        put(f, f->db, big == 1 ? "once" : "again", big);
    }
    assert_int_equal(sum(f, f->db), 3);
    assert_int_equal(database_connected(f->db), before + 2);
}

/* As when a server that crashes has said so: there is something to read, and nothing to write to.
 */
static void line_that_takes_nothing_is_left_though_it_still_counts_as_good(void **state)
{
    struct fixture *f = *state;
    const struct server *server = f->db->native;
    struct pollfd news = {.fd = PQsocket(server->connection), .events = POLLIN};
    struct statement *s;
    bool row;
    sum(f, f->db);
    must(f, database_script(f->db, "LISTEN news", &f->fault));
    must(f, database_script(f->other, "NOTIFY news", &f->fault));
    assert_int_equal(poll(&news, 1, 10 * 1000), 1);
    assert_int_equal(shutdown(news.fd, SHUT_WR), 0);
    must(f, database_statement(f->db, SUM, &s, &f->fault));
    assert_int_equal(database_step(f->db, s, &row, &f->fault), ERR_UNREACHABLE);
    statement_reset(s);
    must(f, database_begin(f->db, &f->fault));
    put(f, f->db, "taken", 2);
    must(f, database_commit(f->db, &f->fault));
}

/* As one that was the first, and is a standby now: the name may lead to another meanwhile. */
static void server_that_takes_nothing_any_more_is_asked_for_anew(void **state)
{
    struct fixture *f = *state;
    unsigned before = database_connected(f->db);
    must(f, database_script(f->db, "SET default_transaction_read_only = on", &f->fault));
    must(f, database_begin(f->db, &f->fault));
    submit(f, "refused", 5);
    assert_int_equal(database_commit(f->db, &f->fault), ERR_READ_ONLY);
    database_rollback(f->db);
    must(f, database_begin(f->db, &f->fault));
    put(f, f->db, "taken", 2);
    must(f, database_commit(f->db, &f->fault));
    assert_int_equal(sum(f, f->db), 2);
    assert_int_equal(database_connected(f->db), before + 1);
}

static void newer_schema_is_refused(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(database_migrate(f->db, migrations, 1, &f->fault), ERR_NEWER_SCHEMA);
}

static void password_is_not_told(void **state)
{
    struct fixture *f = *state;
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
#define SERVER_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        SERVER_TEST(numbers_are_of_64_bits_and_bytes_come_back_as_they_went),
        SERVER_TEST(words_of_ours_in_texts_and_comments_stay),
        SERVER_TEST(every_statement_can_be_prepared_before_anything_is_bound),
        SERVER_TEST(conflict_undoes_its_savepoint_and_the_transaction_goes_on),
        SERVER_TEST(what_was_sent_is_there_for_what_comes_after_it),
        SERVER_TEST(failure_of_what_was_sent_shows_at_the_release_and_is_undone_with_its_savepoint),
        SERVER_TEST(failure_of_what_was_sent_fails_the_commit),
        SERVER_TEST(rows_that_follow_each_other_arrive_as_they_are),
        SERVER_TEST(rows_keep_their_place_among_other_statements),
        SERVER_TEST(failure_of_a_row_fails_the_release),
        SERVER_TEST(answer_of_what_was_asked_ahead_is_of_then_and_is_taken_once),
        SERVER_TEST(answer_asked_ahead_is_forgotten_with_its_transaction),
        SERVER_TEST(what_is_undone_takes_the_answers_asked_ahead_with_it),
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
    return getenv("TILLBACK_POSTGRESQL") ? failed + cmocka_run_group_tests(tests, NULL, NULL)
                                         : failed;
}
