/* Messages of several appliances: what one of them takes, and what it had long ago, is its own. */
#include "sync/hub/ingest/inbox.h"
#include "tests/support/ingest_house.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define LATER_MS ((int64_t)(INBOX_KEPT_DAYS + 1) * 24 * 3600 * 1000)

static void put(struct ingest_house *f, const char *device, int count)
{
    int64_t number;
    assert_int_equal(database_begin(f->db, NULL), ERR_OK);
    for (int i = 0; i < count; i++)
        assert_int_equal(inbox_put(f->db, device, SLICE_LITERAL("one"), 1, &number, NULL), ERR_OK);
    assert_int_equal(database_commit(f->db, NULL), ERR_OK);
}

static void acknowledge(struct ingest_house *f, const char *device, int64_t through, int64_t now_ms)
{
    assert_int_equal(inbox_acknowledge(f->db, device, through, now_ms, NULL), ERR_OK);
}

static int64_t kept_of_b(struct ingest_house *f)
{
    return ingest_house_number(f, "SELECT count(*) FROM inbox_out WHERE device = 'box-b'");
}

static void know_two(struct ingest_house *f)
{
    assert_int_equal(database_script(f->db,
                                     "INSERT INTO device (id, first_seen_ms, last_seen_ms)"
                                     " VALUES ('box-a', 1, 1), ('box-b', 1, 1)",
                                     NULL),
                     ERR_OK);
}

static void what_one_has_taken_is_forgotten_of_nobody_else(void **state)
{
    struct ingest_house *f = *state;
    know_two(f);
    put(f, "box-a", INBOX_KEPT + 5);
    put(f, "box-b", 3);
    acknowledge(f, "box-a", INBOX_KEPT + 5, 2);
    assert_int_equal(kept_of_b(f), 3);
}

static void what_one_had_long_ago_is_forgotten_of_nobody_else(void **state)
{
    struct ingest_house *f = *state;
    know_two(f);
    put(f, "box-a", 3);
    put(f, "box-b", 3);
    acknowledge(f, "box-a", 3, LATER_MS);
    assert_int_equal(ingest_house_number(f, "SELECT count(*) FROM inbox_out"), 3);
    assert_int_equal(kept_of_b(f), 3);
}

/* The box of another name, whose messages it counts on from, was given the name "box-a". */
static void messages_of_nobody_else_are_numbered_anew(void **state)
{
    struct ingest_house *f = *state;
    know_two(f);
    put(f, "box-a", 1);
    put(f, "box-b", 3);
    assert_int_equal(
        database_script(f->db, "INSERT INTO customer_erasure VALUES ('c', 'box-b', 1, 2)", NULL),
        ERR_OK);
    acknowledge(f, "box-a", 57, 1);
    assert_int_equal(ingest_house_number(f, "SELECT number FROM customer_erasure"), 2);
    assert_int_equal(
        ingest_house_number(f, "SELECT sum(number) FROM inbox_out WHERE device = 'box-b'"),
        1 + 2 + 3);
    assert_int_equal(ingest_house_number(f, "SELECT inbox_next FROM device WHERE id = 'box-b'"), 4);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, ingest_house_setup, ingest_house_teardown)
    const struct CMUnitTest tests[] = {
        TEST(what_one_has_taken_is_forgotten_of_nobody_else),
        TEST(what_one_had_long_ago_is_forgotten_of_nobody_else),
        TEST(messages_of_nobody_else_are_numbered_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
