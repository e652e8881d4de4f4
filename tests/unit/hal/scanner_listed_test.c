/*
 * The way of a real serial port through the real libserialport, on a machine without one: the
 * functions below stand before the C library's and make ptys look like ports that the system lists
 * under /sys/class/tty and that have modem lines. They are fakes; all else is real.
 */
#include "hal/scanner.h"
#include "tests/support/scan_log.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <pty.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const char fake_folder[] = "/sys/class/tty/pts/";

static bool is_fake_entry(const char *path)
{
    return strncmp(path, fake_folder, sizeof fake_folder - 1) == 0;
}

int fake_access(const char *path, int mode) __asm__("access");
int fake_access(const char *path, int mode)
{
    if (is_fake_entry(path))
        return 0;
    return faccessat(AT_FDCWD, path, mode, 0);
}

static int fake_link_info(const char *path, struct stat *info)
{
    if (!is_fake_entry(path))
        return fstatat(AT_FDCWD, path, info, AT_SYMLINK_NOFOLLOW);
    *info = (struct stat){.st_mode = S_IFLNK};
    return 0;
}

/* libserialport calls the one or the other, as its C library was older or newer. */
int fake_lstat(const char *path, struct stat *info) __asm__("lstat");
int fake_lstat(const char *path, struct stat *info)
{
    return fake_link_info(path, info);
}

int fake_lxstat(int version, const char *path, struct stat *info) __asm__("__lxstat");
int fake_lxstat(int version, const char *path, struct stat *info)
{
    (void)version;
    return fake_link_info(path, info);
}

#if __SIZEOF_LONG__ == 4
/* Its struct has shorter times than ours; up to st_mode, which is looked at, they agree. */
int fake_lxstat64(int version, const char *path, struct stat *info) __asm__("__lxstat64");
int fake_lxstat64(int version, const char *path, struct stat *info)
{
    (void)version;
    struct stat ours;
    if (fake_link_info(path, &ours))
        return -1;
    info->st_mode = ours.st_mode;
    return 0;
}
#endif

ssize_t fake_readlink(const char *path, char *out, size_t size) __asm__("readlink");
ssize_t fake_readlink(const char *path, char *out, size_t size)
{
    static const char target[] = "../../devices/platform/fake-uart";
    if (!is_fake_entry(path))
        return readlinkat(AT_FDCWD, path, out, size);
    size_t len = sizeof target - 1 < size ? sizeof target - 1 : size;
    memcpy(out, target, len);
    return (ssize_t)len;
}

int fake_ioctl(int fd, unsigned long request, void *argument) __asm__("ioctl");
int fake_ioctl(int fd, unsigned long request, void *argument)
{
    if (request == TIOCMGET && isatty(fd)) {
        *(int *)argument = TIOCM_RTS | TIOCM_DTR;
        return 0;
    }
    if ((request == TIOCMBIS || request == TIOCMBIC) && isatty(fd))
        return 0;
    int (*real)(int, unsigned long, void *);
    *(void **)&real = dlsym(RTLD_NEXT, "ioctl");
    return real(fd, request, argument);
}

struct fixture {
    struct loop *loop;
    struct scan_log log;
    struct scanner *scanner;
    int master;
    char path[64];
};

static int setup(void **state)
{
    static struct fixture fixture;
    memset(&fixture, 0, sizeof fixture);
    *state = &fixture;
    int slave;
    assert_int_equal(openpty(&fixture.master, &slave, fixture.path, NULL, NULL), 0);
    close(slave);
    assert_int_equal(loop_open(&fixture.loop, NULL), ERR_OK);
    scan_log_open(&fixture.log, fixture.loop);
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    scanner_close(f->scanner);
    if (f->master >= 0)
        close(f->master);
    scan_log_close(&f->log);
    loop_close(f->loop);
    return 0;
}

static void open_scanner(struct fixture *f, int baud)
{
    char device[80];
    (void)snprintf(device, sizeof device, "serial:%s", f->path);
    struct scanner_config config = {.name = "counter", .device = device, .baud = baud};
    struct scanner_listener listener = scan_log_listener(&f->log);
    assert_int_equal(scanner_open(&f->scanner, f->loop, &config, &listener, NULL), ERR_OK);
}

static void libserialport_sets_the_line_and_scans_arrive(void **state)
{
    struct fixture *f = *state;
    open_scanner(f, 115200);
    assert_true(scan_log_awaits(&f->log, "ready|"));
    struct termios line;
    assert_int_equal(tcgetattr(f->master, &line), 0);
    assert_int_equal(cfgetispeed(&line), B115200);
    assert_int_equal(line.c_cflag & CSIZE, CS8);
    assert_int_equal(line.c_cflag & (PARENB | CSTOPB | CRTSCTS), 0);
    assert_int_equal(line.c_lflag & (ECHO | ICANON | ISIG), 0);
    assert_int_equal(line.c_iflag & (IXON | ICRNL | INLCR), 0);
    assert_int_equal(write(f->master, "]d201\x1d\r\n", 8), 8);
    assert_true(scan_log_awaits(&f->log, "d2:01\x1d|"));
}

static void an_unplug_is_seen_through_libserialport(void **state)
{
    struct fixture *f = *state;
    open_scanner(f, 0);
    assert_true(scan_log_awaits(&f->log, "ready|"));
    close(f->master);
    f->master = -1;
    assert_true(scan_log_awaits(&f->log, "absent|"));
    while (!scanner_fault(f->scanner)->text[0])
        loop_run_once(f->loop, 1000);
}

#define LISTED_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LISTED_TEST(libserialport_sets_the_line_and_scans_arrive),
        LISTED_TEST(an_unplug_is_seen_through_libserialport),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
