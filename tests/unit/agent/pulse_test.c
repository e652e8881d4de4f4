#include "agent/pulse.h"
#include "tests/support/await.h"
#include "tests/support/log_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

/* A store's log, a loop, and the test in the supervisor's place. */
struct box {
    struct log_fixture f;
    struct loop *loop;
    struct pulse *pulse;
    int supervisor;
};

static int setup(void **state)
{
    struct box *b = calloc(1, sizeof *b);
    *state = b;
    log_fixture_make(&b->f);
    assert_int_equal(loop_open(&b->loop, NULL), ERR_OK);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%.80s/notify", b->f.scratch.path);
    b->supervisor = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(b->supervisor, (struct sockaddr *)&address, sizeof address), 0);
    struct pulse_config config = {
        .loop = b->loop,
        .log = b->f.log,
        .clock = b->f.clock,
        .notify_socket = address.sun_path,
        .watchdog_usec = "20000",
    };
    return pulse_open(&b->pulse, &config, NULL) == ERR_OK ? 0 : -1;
}

static int teardown(void **state)
{
    struct box *b = *state;
    pulse_stop(b->pulse);
    log_fixture_close(&b->f);
    pulse_close(b->pulse);
    loop_close(b->loop);
    (void)close(b->supervisor);
    log_fixture_remove(&b->f);
    free(b);
    return 0;
}

/* How many messages of that kind come while the loop is turned that often. */
static int heard(struct box *b, const char *word, int turns)
{
    int count = 0;
    for (int i = 0; i < turns; i++) {
        char text[256];
        loop_run_once(b->loop, 50);
        for (ssize_t n; (n = recv(b->supervisor, text, sizeof text - 1, 0)) > 0;) {
            text[n] = '\0';
            count += strstr(text, word) != NULL;
        }
    }
    return count;
}

/* The loop is turned until so many came, or for very long. */
static bool hears(struct box *b, const char *word, int wanted)
{
    int count = 0;
    int64_t end_ms = loop_now_ms(b->loop) + AWAIT_MS;
    while (count < wanted && loop_now_ms(b->loop) < end_ms)
        count += heard(b, word, 1);
    return count >= wanted;
}

static void what_is_up_is_told(void **state)
{
    struct box *b = *state;
    pulse_ready(b->pulse);
    assert_int_equal(heard(b, "READY=1", 1), 1);
}

static void a_working_log_feeds_the_watchdog(void **state)
{
    struct box *b = *state;
    assert_true(hears(b, "WATCHDOG=1", 3));
}

/* Holds the writer in its hand until it is told to let go. */
struct hold {
    struct eventlog_command command;
    pthread_mutex_t lock;
};

static enum err held(void *context, struct eventlog_txn *txn, struct fault *fault)
{
    (void)txn;
    (void)fault;
    struct hold *hold = context;
    pthread_mutex_lock(&hold->lock);
    pthread_mutex_unlock(&hold->lock);
    return ERR_OK;
}

static void let_go(void *context, enum err err, const struct fault *fault)
{
    (void)context;
    (void)err;
    (void)fault;
}

static void a_writer_that_hangs_starves_it(void **state)
{
    struct box *b = *state;
    struct hold hold = {.command = {.decide = held, .done = let_go, .context = &hold},
                        .lock = PTHREAD_MUTEX_INITIALIZER};
    pthread_mutex_lock(&hold.lock);
    eventlog_submit(b->f.log, &hold.command);
    assert_true(heard(b, "WATCHDOG=1", 20) <= 2);
    assert_int_equal(heard(b, "WATCHDOG=1", 10), 0);
    pthread_mutex_unlock(&hold.lock);
    assert_true(hears(b, "WATCHDOG=1", 3));
}

#define BOX_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOX_TEST(what_is_up_is_told),
        BOX_TEST(a_working_log_feeds_the_watchdog),
        BOX_TEST(a_writer_that_hangs_starves_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
