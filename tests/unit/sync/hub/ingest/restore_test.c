/* What an appliance may have back: its own, and that of whom it replaced; nobody else's. */
#include "hal/base/cleanup.h"
#include "sync/hub/ingest/restore.h"
#include "tests/support/ingest_house.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Five events of "box-a", and two that are held above a gap. */
static void give(struct ingest_house *f, struct sent_log *log)
{
    sent_log_init(log, 1, NULL);
    sent_log_fill(log, 1, 10);
    assert_int_equal(ingest_house_give(f, log, "box-a", 1, 5), INGEST_TAKEN);
    assert_int_equal(ingest_house_give(f, log, "box-a", 9, 10), INGEST_TAKEN);
}

static enum err ask(struct ingest_house *f, const struct sent_log *log, const char *device,
                    int64_t first, struct batch_header *header)
{
    struct buf body CLEANUP(buf_free);
    struct fault fault;
    const struct restore_ask wanted = {.has_log = true, .log = log->log, .first = first};
    buf_init(&body, BATCH_BYTES_MAX);
    return restore_batch(f->db, device, &wanted, BATCH_BYTES_MAX, header, &body, &fault);
}

static size_t listed(struct ingest_house *f, const char *device)
{
    struct restore_logs logs;
    assert_int_equal(restore_list(f->db, device, &logs, NULL), ERR_OK);
    return logs.count;
}

static void what_the_chain_leads_to_is_given_and_nothing_above_it(void **state)
{
    struct ingest_house *f = *state;
    struct sent_log log;
    struct batch_header header;
    give(f, &log);
    assert_int_equal(ask(f, &log, "box-a", 3, &header), ERR_OK);
    assert_int_equal(header.first, 3);
    assert_int_equal(header.last, 5);
    assert_true(sha256_equal(&header.prev, &log.hashes[2]));
    assert_true(sha256_equal(&header.hash, &log.hashes[5]));
    for (int64_t first = 6; first <= 11; first++)
        assert_int_equal(ask(f, &log, "box-a", first, &header), ERR_NOT_FOUND);
    sent_log_free(&log);
}

static void nobody_is_given_the_events_of_another(void **state)
{
    struct ingest_house *f = *state;
    struct sent_log log;
    struct batch_header header;
    give(f, &log);
    assert_int_equal(listed(f, "box-a"), 1);
    assert_int_equal(listed(f, "box-b"), 0);
    assert_int_equal(ask(f, &log, "box-b", 1, &header), ERR_FORBIDDEN);
    assert_int_equal(restore_allow(f->db, "box-c", "box-a", NULL), ERR_OK);
    assert_int_equal(ask(f, &log, "box-b", 1, &header), ERR_FORBIDDEN);
    assert_int_equal(ask(f, &log, "box-c", 1, &header), ERR_OK);
    assert_int_equal(listed(f, "box-b"), 0);
    assert_int_equal(listed(f, "box-c"), 1);
    sent_log_free(&log);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, ingest_house_setup, ingest_house_teardown)
    const struct CMUnitTest tests[] = {
        TEST(what_the_chain_leads_to_is_given_and_nothing_above_it),
        TEST(nobody_is_given_the_events_of_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
