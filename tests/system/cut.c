/*
 * Preloaded into a program under test.
 *
 *   CUT_AT=N    the program dies, as by a power cut, before its Nth change of the disk (fsync,
 *               fdatasync, rename, unlink) or connection
 *   CUT_CLOCK=S the system's clock stands S seconds after 1970, and runs
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static long number(const char *name)
{
    const char *text = getenv(name);
    return text ? strtol(text, NULL, 10) : -1;
}

static void step(void)
{
    static long done;
    if (__atomic_add_fetch(&done, 1, __ATOMIC_RELAXED) == number("CUT_AT"))
        _exit(137);
}

int fsync(int fd)
{
    step();
    return (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
    step();
    return (int)syscall(SYS_fdatasync, fd);
}

int rename(const char *from, const char *to)
{
    step();
    return (int)syscall(SYS_rename, from, to);
}

int unlink(const char *path)
{
    step();
    return (int)syscall(SYS_unlink, path);
}

int connect(int fd, const struct sockaddr *address, socklen_t len)
{
    step();
    return (int)syscall(SYS_connect, fd, address, len);
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    static long offset_s;
    long start = number("CUT_CLOCK");
    int code = (int)syscall(SYS_clock_gettime, clock, now);
    if (code || clock != CLOCK_REALTIME || start < 0)
        return code;
    if (!offset_s)
        offset_s = now->tv_sec - start;
    now->tv_sec -= offset_s;
    return 0;
}
