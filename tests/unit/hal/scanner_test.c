#include "hal/scanner.h"
#include "hal/scanner_fake.h"
#include "tests/support/scan_log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

struct fixture {
    struct loop *loop;
    struct scan_log log;
    struct scanner_fake *fake;
    struct scanner *scanner;
};

static const struct scanner_config fake_config = {
    .name = "counter", .lane = "1", .device = "fake:", .prefix = "", .suffix = ""};

static int setup(void **state)
{
    static struct fixture fixture;
    memset(&fixture, 0, sizeof fixture);
    *state = &fixture;
    assert_int_equal(loop_open(&fixture.loop, NULL), ERR_OK);
    scan_log_open(&fixture.log, fixture.loop);
    fixture.fake = scanner_fake_open();
    assert_non_null(fixture.fake);
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    scanner_close(f->scanner);
    scanner_fake_close(f->fake);
    scan_log_close(&f->log);
    loop_close(f->loop);
    return 0;
}

static void attach_fake(struct fixture *f, const struct scanner_config *config)
{
    struct scanner_listener listener = scan_log_listener(&f->log);
    struct fault fault;
    assert_int_equal(scanner_fake_attach(f->fake, &f->scanner, f->loop, config, &listener, &fault),
                     ERR_OK);
}

static void a_fake_scan_goes_the_whole_way(void **state)
{
    struct fixture *f = *state;
    attach_fake(f, &fake_config);
    assert_int_equal(scanner_state(f->scanner), SCANNER_ABSENT);
    assert_true(scan_log_awaits(&f->log, "ready|"));
    assert_int_equal(scanner_state(f->scanner), SCANNER_READY);
    scanner_fake_feed(f->fake, SLICE_LITERAL("]d2R-1\r\nR-2\r\n"));
    assert_true(scan_log_awaits(&f->log, "d2:R-1|R-2|"));
}

static void a_fake_unplugged_is_absent_until_plugged_again(void **state)
{
    struct fixture *f = *state;
    attach_fake(f, &fake_config);
    assert_true(scan_log_awaits(&f->log, "ready|"));
    scanner_fake_unplug(f->fake);
    assert_true(scan_log_awaits(&f->log, "absent|"));
    scanner_fake_feed(f->fake, SLICE_LITERAL("lost\r"));
    while (!strstr(scanner_fault(f->scanner)->text, "unplugged"))
        loop_run_once(f->loop, 1000);
    scanner_fake_plug(f->fake);
    assert_true(scan_log_awaits(&f->log, "ready|"));
    assert_string_equal(scanner_fault(f->scanner)->text, "");
    scanner_fake_feed(f->fake, SLICE_LITERAL("R-3\r"));
    assert_true(scan_log_awaits(&f->log, "R-3|"));
}

static void half_a_scan_is_refused_after_silence_and_the_next_is_whole(void **state)
{
    struct fixture *f = *state;
    attach_fake(f, &fake_config);
    assert_true(scan_log_awaits(&f->log, "ready|"));
    scanner_fake_feed(f->fake, SLICE_LITERAL("R-10"));
    assert_true(scan_log_awaits(&f->log, "!it was cut in the middle|"));
    scanner_fake_feed(f->fake, SLICE_LITERAL("R-2\r"));
    assert_true(scan_log_awaits(&f->log, "R-2|"));
}

static void half_a_scan_before_an_unplug_is_not_joined_to_what_comes_after(void **state)
{
    struct fixture *f = *state;
    attach_fake(f, &fake_config);
    assert_true(scan_log_awaits(&f->log, "ready|"));
    scanner_fake_feed(f->fake, SLICE_LITERAL("R-10"));
    scanner_fake_unplug(f->fake);
    assert_true(scan_log_awaits(&f->log, "!it was cut in the middle|absent|"));
    scanner_fake_plug(f->fake);
    assert_true(scan_log_awaits(&f->log, "ready|"));
    scanner_fake_feed(f->fake, SLICE_LITERAL("01\r"));
    assert_true(scan_log_awaits(&f->log, "01|"));
}

struct closer {
    struct scanner *scanner;
    int calls;
};

static void close_at_first_scan(void *context, const struct scan *scan)
{
    struct closer *closer = context;
    closer->calls++;
    scanner_close(closer->scanner);
    assert_true(slice_is(scan->data, "R-1"));
    assert_string_equal(scan->scanner, "counter");
    assert_string_equal(scan->lane, "1");
}

static void a_listener_may_close_the_scanner(void **state)
{
    struct fixture *f = *state;
    struct closer closer = {0};
    struct scanner_listener listener = {.scanned = close_at_first_scan, .context = &closer};
    assert_int_equal(
        scanner_fake_attach(f->fake, &closer.scanner, f->loop, &fake_config, &listener, NULL),
        ERR_OK);
    while (scanner_state(closer.scanner) != SCANNER_READY)
        loop_run_once(f->loop, 1000);
    scanner_fake_feed(f->fake, SLICE_LITERAL("R-1\rR-2\r"));
    while (!closer.calls)
        loop_run_once(f->loop, 1000);
    loop_run_once(f->loop, 5);
    assert_int_equal(closer.calls, 1);
}

static void assert_refused(struct fixture *f, struct scanner_config config, const char *field)
{
    struct scanner_listener listener = scan_log_listener(&f->log);
    struct fault fault;
    assert_int_equal(scanner_open(&f->scanner, f->loop, &config, &listener, &fault), ERR_INVALID);
    assert_string_equal(fault.where, field);
    assert_null(f->scanner);
}

static void settings_that_can_not_work_are_refused_by_field(void **state)
{
    struct fixture *f = *state;
    struct scanner_config good = {.name = "a", .device = "serial:/nowhere"};
    struct scanner_config bad = good;
    bad.device = "fake:"; /* a fake is never reached from a configuration */
    assert_refused(f, bad, "device");
    bad.device = "/dev/ttyS0";
    assert_refused(f, bad, "device");
    bad = good;
    bad.name = "a name that is longer than names of scanners are";
    assert_refused(f, bad, "name");
    bad = good;
    bad.lane = "lane number one";
    assert_refused(f, bad, "lane");
    bad = good;
    bad.baud = -9600;
    assert_refused(f, bad, "baud");
    bad = good;
    bad.suffix = "\n";
    assert_refused(f, bad, "suffix");
}

static void a_device_that_is_no_scanner_stays_absent_and_says_why(void **state)
{
    struct fixture *f = *state;
    static const char *const devices[] = {"serial:/dev/null", "serial:/nowhere", "hid:/dev/null",
                                          "hid:/nowhere"};
    for (size_t i = 0; i < sizeof devices / sizeof *devices; i++) {
        struct scanner_config config = {.name = "a", .device = devices[i]};
        struct scanner_listener listener = scan_log_listener(&f->log);
        assert_int_equal(scanner_open(&f->scanner, f->loop, &config, &listener, NULL), ERR_OK);
        while (!scanner_fault(f->scanner)->text[0])
            loop_run_once(f->loop, 1000);
        assert_int_equal(scanner_state(f->scanner), SCANNER_ABSENT);
        assert_string_equal(scanner_fault(f->scanner)->where, strchr(devices[i], ':') + 1);
        assert_int_equal(scanner_fault(f->scanner)->code,
                         strstr(devices[i], "null") ? ERR_UNSUPPORTED : ERR_NOT_FOUND);
        scanner_close(f->scanner);
        f->scanner = NULL;
    }
    assert_int_equal(f->log.text.len, 0);
}

#define SCANNER_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCANNER_TEST(a_fake_scan_goes_the_whole_way),
        SCANNER_TEST(a_fake_unplugged_is_absent_until_plugged_again),
        SCANNER_TEST(half_a_scan_is_refused_after_silence_and_the_next_is_whole),
        SCANNER_TEST(half_a_scan_before_an_unplug_is_not_joined_to_what_comes_after),
        SCANNER_TEST(a_listener_may_close_the_scanner),
        SCANNER_TEST(settings_that_can_not_work_are_refused_by_field),
        SCANNER_TEST(a_device_that_is_no_scanner_stays_absent_and_says_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
