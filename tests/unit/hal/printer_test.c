#include "hal/printer.h"
#include "hal/storage.h"
#include "tests/support/fake_printer.h"
#include "tests/support/scratch.h"

#include <fcntl.h>
#include <pty.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { AWAIT_MS = 20000, SHORT_PATIENCE_MS = 1500 };

struct fixture {
    struct scratch scratch;
    struct loop *loop;
    struct fake_printer fake;
    struct printer *printer;
    struct buf told; /* "ready|1:ok|" */
    struct fault last;
    char device[SCRATCH_PATH_MAX + 8];
    bool close_when_finished;
    bool mute;
};

static int setup(void **state)
{
    static struct fixture fixture;
    memset(&fixture, 0, sizeof fixture);
    *state = &fixture;
    scratch_make(&fixture.scratch);
    assert_int_equal(loop_open(&fixture.loop, NULL), ERR_OK);
    fake_printer_open(&fixture.fake, fixture.loop);
    buf_init(&fixture.told, 4096);
    (void)snprintf(fixture.device, sizeof fixture.device, "tcp:127.0.0.1:%u", fixture.fake.port);
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    printer_close(f->printer);
    fake_printer_close(&f->fake);
    buf_free(&f->told);
    loop_close(f->loop);
    scratch_remove(&f->scratch);
    return 0;
}

static void on_finished(void *context, const char *name, uint64_t job, enum err err,
                        const struct fault *fault)
{
    struct fixture *f = context;
    assert_string_equal(name, "counter");
    buf_printf(&f->told, "%d:%s|", (int)job, err_name(err));
    f->last = *fault;
    if (f->close_when_finished) {
        printer_close(f->printer);
        f->printer = NULL;
    }
}

static void on_changed(void *context, const char *name, enum printer_state state)
{
    (void)name;
    struct fixture *f = context;
    buf_printf(&f->told, "%s|", printer_state_name(state));
}

static enum err try_open(struct fixture *f, const char *device, int64_t patience_ms)
{
    struct printer_config config = {
        .name = "counter", .device = device, .mute = f->mute, .patience_ms = patience_ms};
    struct printer_listener listener = {on_finished, on_changed, f};
    return printer_open(&f->printer, f->loop, &config, &listener, &f->last);
}

static void open_printer(struct fixture *f, int64_t patience_ms)
{
    assert_int_equal(try_open(f, f->device, patience_ms), ERR_OK);
}

static void submit(struct fixture *f, uint64_t job, const char *text)
{
    assert_int_equal(printer_submit(f->printer, job, slice_of(text), NULL), ERR_OK);
}

/* Runs the loop until that was told, and forgets it. */
static void assert_told(struct fixture *f, const char *expected)
{
    int64_t give_up_ms = loop_now_ms(f->loop) + AWAIT_MS;
    while (f->told.len < strlen(expected) && loop_now_ms(f->loop) < give_up_ms)
        loop_run_once(f->loop, 100);
    assert_string_equal(f->told.data ? f->told.data : "", expected);
    buf_reset(&f->told);
}

static void assert_paper(struct fixture *f, const char *expected)
{
    assert_true(slice_is(buf_slice(&f->fake.paper), expected));
}

static void a_print_is_confirmed_by_the_printer(void **state)
{
    struct fixture *f = *state;
    open_printer(f, 0);
    assert_told(f, "ready|");
    submit(f, 7, "a receipt\n");
    assert_told(f, "7:ok|");
    assert_paper(f, "a receipt\n");
    assert_int_equal(printer_state(f->printer), PRINTER_READY);
}

static void prints_submitted_before_it_is_there_are_printed_in_order(void **state)
{
    struct fixture *f = *state;
    open_printer(f, 0);
    submit(f, 1, "one ");
    submit(f, 2, "two ");
    submit(f, 3, "three");
    assert_told(f, "ready|1:ok|2:ok|3:ok|");
    assert_paper(f, "one two three");
}

static void a_printer_that_is_said_to_be_mute_counts_as_ready(void **state)
{
    struct fixture *f = *state;
    f->fake.mute = true;
    f->mute = true;
    open_printer(f, 0);
    submit(f, 1, "to a mute one");
    assert_told(f, "ready|1:ok|");
    while (f->fake.paper.len < strlen("to a mute one"))
        loop_run_once(f->loop, 1000);
    assert_paper(f, "to a mute one");
}

static void a_print_waits_for_paper(void **state)
{
    struct fixture *f = *state;
    f->fake.paper_answer = FAKE_PRINTER_NO_PAPER;
    open_printer(f, 0);
    submit(f, 1, "later");
    assert_told(f, "paper_out|");
    assert_paper(f, "");
    f->fake.paper_answer = FAKE_PRINTER_FINE;
    assert_told(f, "ready|1:ok|");
    assert_paper(f, "later");
}

static void cover_and_cutter_are_told(void **state)
{
    struct fixture *f = *state;
    open_printer(f, 0);
    assert_told(f, "ready|");
    f->fake.offline_answer = FAKE_PRINTER_COVER;
    assert_told(f, "cover_open|");
    f->fake.offline_answer = FAKE_PRINTER_CUTTER;
    assert_told(f, "failed|");
    f->fake.offline_answer = FAKE_PRINTER_FINE;
    assert_told(f, "ready|");
}

static void paper_that_runs_out_in_the_middle_is_confirmed_after_the_refill(void **state)
{
    struct fixture *f = *state;
    open_printer(f, 0);
    assert_told(f, "ready|");
    f->fake.holds = true;
    f->fake.paper_answer = FAKE_PRINTER_NO_PAPER;
    submit(f, 1, "long");
    assert_told(f, "paper_out|");
    f->fake.paper_answer = FAKE_PRINTER_FINE;
    fake_printer_release(&f->fake);
    while (f->told.len < strlen("ready|1:ok|"))
        loop_run_once(f->loop, 1000);
    assert_non_null(strstr(f->told.data, "1:ok|"));
    assert_non_null(strstr(f->told.data, "ready|"));
    assert_paper(f, "long");
}

static void a_print_never_confirmed_ends_unknown_and_is_not_sent_again(void **state)
{
    struct fixture *f = *state;
    open_printer(f, SHORT_PATIENCE_MS);
    assert_told(f, "ready|");
    f->fake.holds = true;
    submit(f, 1, "perhaps");
    assert_told(f, "1:unknown_outcome|offline|");
    fake_printer_release(&f->fake);
    assert_told(f, "ready|");
    submit(f, 2, "next");
    assert_told(f, "2:ok|");
    assert_paper(f, "perhapsnext");
}

static void a_line_lost_in_the_middle_ends_unknown_and_is_opened_again(void **state)
{
    struct fixture *f = *state;
    open_printer(f, 0);
    assert_told(f, "ready|");
    f->fake.holds = true;
    submit(f, 1, "half");
    while (!f->fake.asked_to_confirm)
        loop_run_once(f->loop, 1000);
    fake_printer_drop(&f->fake);
    f->fake.holds = false;
    assert_told(f, "1:unknown_outcome|offline|ready|");
    submit(f, 2, "+whole");
    assert_told(f, "2:ok|");
    assert_paper(f, "half+whole");
    assert_int_equal(f->fake.connections, 2);
}

static void nothing_is_printed_while_a_printer_is_silent(void **state)
{
    struct fixture *f = *state;
    open_printer(f, SHORT_PATIENCE_MS);
    assert_told(f, "ready|");
    f->fake.mute = true;
    assert_told(f, "offline|");
    assert_int_equal(printer_fault(f->printer)->code, ERR_TIMEOUT);
    submit(f, 1, "into the void");
    assert_told(f, "1:timeout|");
    f->fake.mute = false;
    assert_told(f, "ready|");
    assert_string_equal(printer_fault(f->printer)->text, "");
    assert_paper(f, "");
}

static void a_printer_that_is_off_at_the_start_is_offline(void **state)
{
    struct fixture *f = *state;
    f->fake.mute = true;
    open_printer(f, SHORT_PATIENCE_MS);
    submit(f, 1, "into the void");
    assert_told(f, "1:timeout|");
    assert_int_equal(printer_state(f->printer), PRINTER_OFFLINE);
    f->fake.mute = false;
    assert_told(f, "ready|");
    assert_paper(f, "");
}

static void a_print_for_a_printer_that_is_not_there_ends_as_not_printed(void **state)
{
    struct fixture *f = *state;
    loop_poll_close(f->fake.listener_poll);
    f->fake.listener_poll = NULL;
    close(f->fake.listener);
    f->fake.listener = -1;
    open_printer(f, SHORT_PATIENCE_MS);
    submit(f, 1, "nowhere");
    assert_told(f, "1:timeout|");
    assert_string_equal(f->last.text, "not printed: the printer is offline");
    assert_int_equal(printer_fault(f->printer)->code, ERR_UNREACHABLE);
    assert_int_equal(printer_state(f->printer), PRINTER_OFFLINE);
}

static void a_large_print_goes_through_whole(void **state)
{
    struct fixture *f = *state;
    static char large[PRINTER_JOB_BYTES_MAX];
    memset(large, 'x', sizeof large);
    open_printer(f, 0);
    assert_int_equal(printer_submit(f->printer, 1, (struct slice){large, sizeof large}, NULL),
                     ERR_OK);
    assert_told(f, "ready|1:ok|");
    assert_int_equal(f->fake.paper.len, sizeof large);
}

static void the_queue_is_limited(void **state)
{
    struct fixture *f = *state;
    open_printer(f, 0);
    static char larger[PRINTER_JOB_BYTES_MAX + 1];
    struct fault fault;
    assert_int_equal(printer_submit(f->printer, 1, (struct slice){larger, sizeof larger}, &fault),
                     ERR_TOO_LARGE);
    assert_int_equal(printer_submit(f->printer, 1, SLICE_LITERAL(""), &fault), ERR_INVALID);
    for (uint64_t job = 0; job < PRINTER_JOBS_MAX; job++)
        submit(f, job, "x");
    assert_int_equal(printer_submit(f->printer, 99, SLICE_LITERAL("x"), &fault), ERR_BUSY);
    assert_string_equal(fault.where, "counter");
}

static void a_listener_may_close_the_printer(void **state)
{
    struct fixture *f = *state;
    f->close_when_finished = true;
    open_printer(f, 0);
    submit(f, 1, "one");
    submit(f, 2, "two");
    assert_told(f, "ready|1:ok|");
    loop_run_once(f->loop, 10);
    assert_null(f->printer);
    assert_paper(f, "one");
}

static void a_file_takes_every_print(void **state)
{
    struct fixture *f = *state;
    char path[SCRATCH_PATH_MAX];
    scratch_path(&f->scratch, "receipts", path);
    (void)snprintf(f->device, sizeof f->device, "file:%s", path);
    open_printer(f, 0);
    submit(f, 1, "one ");
    assert_told(f, "ready|1:ok|");
    submit(f, 2, "two");
    assert_told(f, "2:ok|");
    struct buf content;
    buf_init(&content, 100);
    assert_int_equal(storage_read(path, &content, NULL), ERR_OK);
    assert_true(slice_is(buf_slice(&content), "one two"));
    buf_free(&content);
}

/* Both ends of a terminal: what a serial or a line printer is to us. */
static void exercise_terminal(struct fixture *f, const char *scheme)
{
    int master;
    int slave;
    char name[64];
    assert_int_equal(openpty(&master, &slave, name, NULL, NULL), 0);
    close(slave);
    (void)snprintf(f->device, sizeof f->device, "%s%s", scheme, name);
    open_printer(f, 0);
    char request[9];
    size_t got = 0;
    assert_int_equal(fcntl(master, F_SETFL, O_NONBLOCK), 0);
    while (got < sizeof request) {
        ssize_t more = read(master, request + got, sizeof request - got);
        if (more > 0)
            got += (size_t)more;
        else
            loop_run_once(f->loop, 10);
    }
    assert_memory_equal(request,
                        "\x1d"
                        "a\0\x10\x04\x02\x10\x04\x04",
                        sizeof request);
    assert_int_equal(write(master, "\x12\x12", 2), 2);
    assert_told(f, "ready|");
    close(master);
    assert_told(f, "offline|");
}

static void a_serial_line_is_asked_and_its_end_seen(void **state)
{
    exercise_terminal(*state, "serial:");
}

static void settings_that_can_not_work_are_refused(void **state)
{
    struct fixture *f = *state;
    static const char *const bad[] = {
        "",         "lpt1",      "/dev/usb/lp0", "serial:",    "file:relative", "tcp:",
        "tcp:host", "tcp::9100", "tcp:host:",    "tcp:host:0", "tcp:h:99999",   "tcp:h:91x",
        "usb:",     "tcp:h:-1",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(try_open(f, bad[i], 0), ERR_INVALID);
        assert_string_equal(f->last.where, "device");
        assert_null(f->printer);
    }
}

#define PRINTER_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PRINTER_TEST(a_print_is_confirmed_by_the_printer),
        PRINTER_TEST(prints_submitted_before_it_is_there_are_printed_in_order),
        PRINTER_TEST(a_printer_that_is_said_to_be_mute_counts_as_ready),
        PRINTER_TEST(a_print_waits_for_paper),
        PRINTER_TEST(cover_and_cutter_are_told),
        PRINTER_TEST(paper_that_runs_out_in_the_middle_is_confirmed_after_the_refill),
        PRINTER_TEST(a_print_never_confirmed_ends_unknown_and_is_not_sent_again),
        PRINTER_TEST(a_line_lost_in_the_middle_ends_unknown_and_is_opened_again),
        PRINTER_TEST(nothing_is_printed_while_a_printer_is_silent),
        PRINTER_TEST(a_printer_that_is_off_at_the_start_is_offline),
        PRINTER_TEST(a_print_for_a_printer_that_is_not_there_ends_as_not_printed),
        PRINTER_TEST(a_large_print_goes_through_whole),
        PRINTER_TEST(the_queue_is_limited),
        PRINTER_TEST(a_listener_may_close_the_printer),
        PRINTER_TEST(a_file_takes_every_print),
        PRINTER_TEST(a_serial_line_is_asked_and_its_end_seen),
        PRINTER_TEST(settings_that_can_not_work_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
