/*
 * A keyboard-like scanner, made with the kernel's uinput: grabbed, read, unplugged, plugged again.
 * Where there is no /dev/uinput (in most containers) there is nothing to make one with, and the
 * tests are skipped.
 */
#include "hal/scanner.h"
#include "tests/support/await.h"
#include "tests/support/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <libevdev/libevdev-uinput.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
    struct scratch scratch;
    struct loop *loop;
    struct libevdev_uinput *keyboard;
    struct scanner *scanner;
    char link[SCRATCH_PATH_MAX];
    struct buf told; /* "ready|scan|absent|" */
    const char *wanted;
};

static bool plug(struct fixture *f)
{
    struct libevdev *device = libevdev_new();
    libevdev_set_name(device, "tillback test scanner");
    libevdev_enable_event_type(device, EV_KEY);
    for (unsigned code = KEY_ESC; code <= KEY_RIGHTALT; code++)
        libevdev_enable_event_code(device, EV_KEY, code, NULL);
    int status =
        libevdev_uinput_create_from_device(device, LIBEVDEV_UINPUT_OPEN_MANAGED, &f->keyboard);
    libevdev_free(device);
    if (status < 0)
        return false;
    (void)unlink(f->link);
    assert_int_equal(symlink(libevdev_uinput_get_devnode(f->keyboard), f->link), 0);
    return true;
}

static void unplug(struct fixture *f)
{
    libevdev_uinput_destroy(f->keyboard);
    f->keyboard = NULL;
}

static void key(struct fixture *f, unsigned code, int value)
{
    (void)libevdev_uinput_write_event(f->keyboard, EV_KEY, code, value);
    (void)libevdev_uinput_write_event(f->keyboard, EV_SYN, SYN_REPORT, 0);
}

static void type(struct fixture *f, const unsigned *codes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        key(f, codes[i], 1);
        key(f, codes[i], 0);
    }
}

static void on_scan(void *context, const struct scan *scan)
{
    struct fixture *f = context;
    buf_printf(&f->told, "%.*s|", (int)scan->data.len, scan->data.data);
}

static void on_changed(void *context, const char *name, enum scanner_state state)
{
    (void)name;
    struct fixture *f = context;
    buf_append_text(&f->told, state == SCANNER_READY ? "ready|" : "absent|");
}

static bool was_told(void *context)
{
    struct fixture *f = context;
    return f->told.data && strcmp(f->told.data, f->wanted) == 0;
}

static void assert_told(struct fixture *f, const char *wanted)
{
    f->wanted = wanted;
    if (!await(f->loop, was_told, f, AWAIT_MS))
        assert_string_equal(f->told.data ? f->told.data : "", wanted);
}

static int setup(void **state)
{
    static struct fixture fixture;
    struct fixture *f = &fixture;
    memset(f, 0, sizeof *f);
    *state = f;
    scratch_make(&f->scratch);
    (void)scratch_path(&f->scratch, "scanner", f->link);
    buf_init(&f->told, 4096);
    return loop_open(&f->loop, NULL);
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    scanner_close(f->scanner);
    loop_close(f->loop);
    if (f->keyboard)
        unplug(f);
    buf_free(&f->told);
    scratch_remove(&f->scratch);
    return 0;
}

static void open_scanner(struct fixture *f, enum hid_layout layout)
{
    char device[SCRATCH_PATH_MAX + 8];
    (void)snprintf(device, sizeof device, "hid:%s", f->link);
    struct scanner_config config = {.name = "hand", .device = device, .layout = layout};
    struct scanner_listener listener = {.scanned = on_scan, .changed = on_changed, .context = f};
    assert_int_equal(scanner_open(&f->scanner, f->loop, &config, &listener, NULL), ERR_OK);
}

static const unsigned zeal[] = {KEY_Y, KEY_6, KEY_4, KEY_SLASH, KEY_7, KEY_ENTER};

static void a_scan_is_read_in_its_layout_and_reaches_nobody_else(void **state)
{
    struct fixture *f = *state;
    if (!plug(f))
        skip();
    int console = open(libevdev_uinput_get_devnode(f->keyboard), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    assert_true(console >= 0);
    open_scanner(f, HID_LAYOUT_DE);
    assert_told(f, "ready|");
    type(f, zeal, sizeof zeal / sizeof *zeal);
    assert_told(f, "ready|z64-7|");
    struct input_event event;
    assert_int_equal(read(console, &event, sizeof event), -1);
    assert_int_equal(errno, EAGAIN);
    assert_int_equal(close(console), 0);
}

static void a_scanner_that_is_unplugged_comes_back(void **state)
{
    struct fixture *f = *state;
    if (!plug(f))
        skip();
    open_scanner(f, HID_LAYOUT_US);
    assert_told(f, "ready|");
    unplug(f);
    assert_told(f, "ready|absent|");
    assert_true(plug(f));
    assert_told(f, "ready|absent|ready|");
    type(f, zeal, sizeof zeal / sizeof *zeal);
    assert_told(f, "ready|absent|ready|y64/7|");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_scan_is_read_in_its_layout_and_reaches_nobody_else),
        TEST(a_scanner_that_is_unplugged_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
