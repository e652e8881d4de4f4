/* The notes of what was lost: a damaged one invents nothing and hides nothing. */
#include "tests/support/log_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { EVENTS = 20, LOST = 7 };

/* What rots asks no trigger. */
#define ROT "DROP TRIGGER lost_changed; DROP TRIGGER lost_gone;"

static const char *const damages[] = {
    ROT "UPDATE lost SET first = 1, last = 900000",
    ROT "UPDATE lost SET last = 6",
    ROT "UPDATE lost SET log = randomblob(16)",
    ROT "UPDATE lost SET stream = 1",
    ROT "UPDATE lost SET stream = 77",
    ROT "UPDATE lost SET no = 99",
    ROT "UPDATE lost SET at_ms = 0",
    ROT "UPDATE lost SET reason = 'pruned'",
    ROT "DELETE FROM lost",
    "UPDATE lost_proof SET first = 1",
    "UPDATE lost_proof SET no = 99",
    "UPDATE lost_proof SET hash = zeroblob(32)",
};

/* A log that has lost event 7, and closed. */
static void lose(struct log_fixture *f)
{
    log_fixture_append(f, EVENT_RETURN_CREATED, EVENTS);
    log_fixture_close(f);
    log_fixture_tamper(f, "UPDATE event SET body = cast(replace(cast(body AS TEXT), '\"pad\"', "
                          "'\"bad\"') AS BLOB) WHERE pos = 7");
    assert_int_equal(log_fixture_open(f), ERR_OK);
    log_fixture_close(f);
}

static void only_event_7_is_told(struct log_fixture *f, const char *damage)
{
    struct eventlog_status status;
    struct eventlog_finding finding;
    eventlog_status(f->log, &status);
    if (status.lost[STREAM_RETURNS] != 1 || status.lost[STREAM_SALES] != 0 ||
        log_fixture_number(f, "SELECT sum(first) FROM lost WHERE first = last") != LOST)
        fail_msg("%s", damage);
    assert_int_equal(log_fixture_verify(f, &finding), 1);
    assert_string_equal(finding.what, "lost");
}

static void a_damaged_note_is_found_and_mended(void **state)
{
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        struct log_fixture *f = *state;
        lose(f);
        log_fixture_tamper(f, damages[i]);
        struct eventlog_finding finding;
        if (log_fixture_verify(f, &finding) < 1 || strcmp(finding.what, "note") != 0)
            fail_msg("verify doesn't find: %s", damages[i]);
        if (log_fixture_open(f) != ERR_OK)
            fail_msg("%s: %s", damages[i], f->fault.text);
        only_event_7_is_told(f, damages[i]);
        assert_int_equal(log_fixture_append(f, EVENT_RETURN_CREATED, 1), EVENTS);
        (void)log_fixture_teardown(state);
        (void)log_fixture_setup(state);
    }
}

/* An older program wrote it, or changed it while an update was taken back. */
static void a_note_without_proof_is_proven_at_the_next_start(void **state)
{
    struct log_fixture *f = *state;
    lose(f);
    log_fixture_tamper(f, "UPDATE lost SET last = 7");
    assert_int_equal(log_fixture_number(f, "SELECT count(*) FROM lost_proof"), 0);
    assert_int_equal(log_fixture_open(f), ERR_OK);
    assert_int_equal(log_fixture_number(f, "SELECT count(*) FROM lost_proof"), 1);
    only_event_7_is_told(f, "an older program's note");
}

static void what_was_forgotten_stays_so(void **state)
{
    struct log_fixture *f = *state;
    lose(f);
    log_fixture_tamper(f, "DELETE FROM lost");
    assert_int_equal(log_fixture_open(f), ERR_OK);
    assert_int_equal(log_fixture_findings(f), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOG_TEST(a_damaged_note_is_found_and_mended),
        LOG_TEST(a_note_without_proof_is_proven_at_the_next_start),
        LOG_TEST(what_was_forgotten_stays_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
