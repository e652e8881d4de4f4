/* Real pseudo terminals; a link to them stands for /dev/serial/by-id/... */
#include "hal/scanner.h"
#include "tests/support/scan_log.h"
#include "tests/support/scratch.h"

#include <fcntl.h>
#include <pty.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { DEVICE_PATH_MAX = 64, NOISE_BYTES = 10 * 1024, BURST = 500 };

struct pty {
    int master;
    char path[DEVICE_PATH_MAX];
};

struct fixture {
    struct scratch scratch;
    struct loop *loop;
    struct scan_log log;
    struct scanner *scanner;
    struct pty pty;
    char link[SCRATCH_PATH_MAX];
};

static void pty_plug(struct pty *pty)
{
    int slave;
    assert_int_equal(openpty(&pty->master, &slave, pty->path, NULL, NULL), 0);
    assert_int_equal(fcntl(pty->master, F_SETFL, O_NONBLOCK), 0);
    close(slave);
}

static void pty_unplug(struct pty *pty)
{
    close(pty->master);
    pty->master = -1;
}

static void point_link(struct fixture *f, const struct pty *pty)
{
    (void)unlink(f->link);
    assert_int_equal(symlink(pty->path, f->link), 0);
}

static int setup(void **state)
{
    static struct fixture fixture;
    memset(&fixture, 0, sizeof fixture);
    *state = &fixture;
    scratch_make(&fixture.scratch);
    scratch_path(&fixture.scratch, "usb-scanner-if00", fixture.link);
    assert_int_equal(loop_open(&fixture.loop, NULL), ERR_OK);
    scan_log_open(&fixture.log, fixture.loop);
    pty_plug(&fixture.pty);
    point_link(&fixture, &fixture.pty);
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    scanner_close(f->scanner);
    if (f->pty.master >= 0)
        pty_unplug(&f->pty);
    scan_log_close(&f->log);
    loop_close(f->loop);
    scratch_remove(&f->scratch);
    return 0;
}

static void open_scanner(struct fixture *f)
{
    char device[SCRATCH_PATH_MAX + 8];
    (void)snprintf(device, sizeof device, "serial:%s", f->link);
    struct scanner_config config = {.name = "counter", .device = device};
    struct scanner_listener listener = scan_log_listener(&f->log);
    assert_int_equal(scanner_open(&f->scanner, f->loop, &config, &listener, NULL), ERR_OK);
}

static void send_bytes(struct fixture *f, const char *bytes, size_t len)
{
    while (len) {
        ssize_t sent = write(f->pty.master, bytes, len);
        if (sent < 0)
            loop_run_once(f->loop, 10);
        else {
            bytes += sent;
            len -= (size_t)sent;
        }
    }
}

static void send_text(struct fixture *f, const char *text)
{
    send_bytes(f, text, strlen(text));
}

static void scans_arrive_raw_and_unechoed(void **state)
{
    struct fixture *f = *state;
    open_scanner(f);
    assert_true(scan_log_awaits(&f->log, "ready|"));
    send_text(f, "]d2010401\x1d"
                 "17\r\n\x04plain\x1c\r\n");
    assert_true(scan_log_awaits(&f->log, "d2:010401\x1d"
                                         "17|\x04plain\x1c|"));
    char echoed;
    assert_int_equal(read(f->pty.master, &echoed, 1), -1);
}

static void a_burst_arrives_whole_in_order_and_once(void **state)
{
    struct fixture *f = *state;
    open_scanner(f);
    assert_true(scan_log_awaits(&f->log, "ready|"));
    struct buf expected;
    buf_init(&expected, 64 * 1024);
    for (int i = 0; i < BURST; i++) {
        char scan[32];
        (void)snprintf(scan, sizeof scan, "R-%d\r\n", i);
        send_text(f, scan);
        buf_printf(&expected, "R-%d|", i);
    }
    assert_true(scan_log_awaits(&f->log, expected.data));
    assert_int_equal(f->log.scans, BURST);
    buf_free(&expected);
}

static void noise_is_refused_once_and_the_next_scan_is_whole(void **state)
{
    struct fixture *f = *state;
    open_scanner(f);
    assert_true(scan_log_awaits(&f->log, "ready|"));
    static char noise[NOISE_BYTES];
    memset(noise, 0xaa, sizeof noise);
    send_bytes(f, noise, sizeof noise);
    send_text(f, "\rR-1\r");
    assert_true(scan_log_awaits(&f->log, "!it is longer than a scan can be|R-1|"));
}

static void unplugged_then_plugged_again_works_without_restart(void **state)
{
    struct fixture *f = *state;
    open_scanner(f);
    assert_true(scan_log_awaits(&f->log, "ready|"));
    pty_unplug(&f->pty);
    assert_int_equal(unlink(f->link), 0);
    assert_true(scan_log_awaits(&f->log, "absent|"));
    assert_int_equal(scanner_state(f->scanner), SCANNER_ABSENT);
    pty_plug(&f->pty);
    point_link(f, &f->pty);
    assert_true(scan_log_awaits(&f->log, "ready|"));
    send_text(f, "R-1\r");
    assert_true(scan_log_awaits(&f->log, "R-1|"));
}

static void many_unplugs_lose_no_scan_that_was_sent_while_ready(void **state)
{
    struct fixture *f = *state;
    open_scanner(f);
    for (int i = 0; i < 5; i++) {
        assert_true(scan_log_awaits(&f->log, "ready|"));
        send_text(f, "R-1\r");
        assert_true(scan_log_awaits(&f->log, "R-1|"));
        pty_unplug(&f->pty);
        assert_true(scan_log_awaits(&f->log, "absent|"));
        pty_plug(&f->pty);
        point_link(f, &f->pty);
    }
}

static void a_port_renumbered_while_attached_is_followed(void **state)
{
    struct fixture *f = *state;
    open_scanner(f);
    assert_true(scan_log_awaits(&f->log, "ready|"));
    struct pty stale = f->pty;
    pty_plug(&f->pty); /* another number: the stale one is still open */
    assert_string_not_equal(f->pty.path, stale.path);
    point_link(f, &f->pty);
    assert_true(scan_log_awaits(&f->log, "absent|ready|"));
    send_text(f, "R-1\r");
    assert_true(scan_log_awaits(&f->log, "R-1|"));
    pty_unplug(&stale);
}

static void a_scanner_that_is_plugged_in_later_is_found(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(unlink(f->link), 0);
    open_scanner(f);
    while (scanner_fault(f->scanner)->code != ERR_NOT_FOUND)
        loop_run_once(f->loop, 1000);
    point_link(f, &f->pty);
    assert_true(scan_log_awaits(&f->log, "ready|"));
}

static void half_a_scan_before_the_unplug_never_becomes_a_scan(void **state)
{
    struct fixture *f = *state;
    open_scanner(f);
    assert_true(scan_log_awaits(&f->log, "ready|"));
    send_text(f, "R-1\rR-2");
    assert_true(scan_log_awaits(&f->log, "R-1|"));
    pty_unplug(&f->pty);
    assert_true(scan_log_awaits(&f->log, "!it was cut in the middle|absent|"));
}

#define SERIAL_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERIAL_TEST(scans_arrive_raw_and_unechoed),
        SERIAL_TEST(a_burst_arrives_whole_in_order_and_once),
        SERIAL_TEST(noise_is_refused_once_and_the_next_scan_is_whole),
        SERIAL_TEST(unplugged_then_plugged_again_works_without_restart),
        SERIAL_TEST(many_unplugs_lose_no_scan_that_was_sent_while_ready),
        SERIAL_TEST(a_port_renumbered_while_attached_is_followed),
        SERIAL_TEST(a_scanner_that_is_plugged_in_later_is_found),
        SERIAL_TEST(half_a_scan_before_the_unplug_never_becomes_a_scan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
