#include "hal/watchdog.h"
#include "tests/support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

/* What stands for systemd: a datagram socket of that name; "@..." is abstract. */
static int supervise(const char *name)
{
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t len = strlen(name);
    memcpy(address.sun_path, name, len);
    if (name[0] == '@')
        address.sun_path[0] = '\0';
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + (name[0] == '/'));
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    return fd;
}

static void assert_told(int fd, const char *message)
{
    char got[1024];
    ssize_t len = recv(fd, got, sizeof got - 1, 0);
    assert_true(len > 0);
    got[len] = '\0';
    assert_string_equal(got, message);
}

static void exercise(const char *name)
{
    int fd = supervise(name);
    struct watchdog *w;
    struct fault fault;
    assert_int_equal(watchdog_open(&w, name, "30000000", &fault), ERR_OK);
    assert_int_equal(watchdog_interval_ms(w), 15000);
    watchdog_ready(w);
    assert_told(fd, "READY=1");
    watchdog_feed(w);
    assert_told(fd, "WATCHDOG=1");
    watchdog_status(w, "3 returns wait\nfor the link");
    assert_told(fd, "STATUS=3 returns wait for the link");
    watchdog_stopping(w);
    assert_told(fd, "STOPPING=1");
    watchdog_close(w);
    close(fd);
}

static void tells_the_supervisor_over_a_path(void **state)
{
    (void)state;
    struct scratch scratch;
    char path[SCRATCH_PATH_MAX];
    scratch_make(&scratch);
    exercise(scratch_path(&scratch, "notify", path));
    scratch_remove(&scratch);
}

static void tells_the_supervisor_over_an_abstract_socket(void **state)
{
    (void)state;
    char name[64];
    (void)snprintf(name, sizeof name, "@tillback-watchdog-test-%d", (int)getpid());
    exercise(name);
}

static void without_a_supervisor_nothing_happens(void **state)
{
    (void)state;
    struct watchdog *w;
    assert_int_equal(watchdog_open(&w, NULL, "30000000", NULL), ERR_OK);
    assert_int_equal(watchdog_interval_ms(w), 0);
    watchdog_ready(w);
    watchdog_feed(w);
    watchdog_status(w, "fine");
    watchdog_close(w);
    assert_int_equal(watchdog_open(&w, "", NULL, NULL), ERR_OK);
    watchdog_stopping(w);
    watchdog_close(w);
    watchdog_close(NULL);
}

static void a_supervisor_that_is_gone_or_deaf_does_no_harm(void **state)
{
    (void)state;
    char name[64];
    (void)snprintf(name, sizeof name, "@tillback-watchdog-deaf-%d", (int)getpid());
    struct watchdog *w;
    assert_int_equal(watchdog_open(&w, name, NULL, NULL), ERR_OK);
    watchdog_ready(w);
    int fd = supervise(name);
    for (int i = 0; i < 5000; i++) /* far more than the socket's queue holds: must not block */
        watchdog_feed(w);
    assert_told(fd, "WATCHDOG=1");
    watchdog_close(w);
    close(fd);
}

static void a_long_status_is_cut(void **state)
{
    (void)state;
    char name[64];
    (void)snprintf(name, sizeof name, "@tillback-watchdog-long-%d", (int)getpid());
    int fd = supervise(name);
    struct watchdog *w;
    assert_int_equal(watchdog_open(&w, name, NULL, NULL), ERR_OK);
    char status[2000];
    memset(status, 'x', sizeof status);
    status[sizeof status - 1] = '\0';
    watchdog_status(w, status);
    char got[2048];
    ssize_t len = recv(fd, got, sizeof got, 0);
    assert_true(len > 100 && len < 1000);
    watchdog_close(w);
    close(fd);
}

static void settings_that_can_not_be_meant_are_refused(void **state)
{
    (void)state;
    struct watchdog *w = NULL;
    struct fault fault;
    char too_long[200];
    memset(too_long, 'a', sizeof too_long);
    too_long[0] = '/';
    too_long[sizeof too_long - 1] = '\0';
    assert_int_equal(watchdog_open(&w, "relative", NULL, &fault), ERR_INVALID);
    assert_int_equal(watchdog_open(&w, too_long, NULL, &fault), ERR_INVALID);
    assert_int_equal(watchdog_open(&w, "@", NULL, &fault), ERR_INVALID);
    assert_string_equal(fault.where, "NOTIFY_SOCKET");
    assert_int_equal(watchdog_open(&w, "/run/x", "soon", &fault), ERR_INVALID);
    assert_int_equal(watchdog_open(&w, "/run/x", "-5", &fault), ERR_INVALID);
    assert_string_equal(fault.where, "WATCHDOG_USEC");
    assert_null(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_the_supervisor_over_a_path),
        cmocka_unit_test(tells_the_supervisor_over_an_abstract_socket),
        cmocka_unit_test(without_a_supervisor_nothing_happens),
        cmocka_unit_test(a_supervisor_that_is_gone_or_deaf_does_no_harm),
        cmocka_unit_test(a_long_status_is_cut),
        cmocka_unit_test(settings_that_can_not_be_meant_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
