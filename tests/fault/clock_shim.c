/*
 * To be preloaded (LD_PRELOAD) into one program, for tests: its wall clock is off by as many
 * milliseconds as stand in the file that CLOCK_SHIM names (eight bytes, the machine's order), and
 * jumps when they change. Monotonic clocks are as they are. A wait until a wall time is the
 * kernel's, which doesn't jump along: who waits that way waits too long, or not at all, as when
 * somebody sets the clock while it waits.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const int64_t none = 0;
static const volatile int64_t *offset_ms = &none;

__attribute__((constructor)) static void find_offset(void)
{
    const char *path = getenv("CLOCK_SHIM");
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *shared = fd >= 0 ? mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;
    if (shared == MAP_FAILED)
        abort(); /* a test whose clock can't jump shows nothing */
    offset_ms = shared;
    (void)close(fd);
}

int clock_gettime(clockid_t id, struct timespec *now)
{
    int result = (int)syscall(SYS_clock_gettime, id, now);
    if (result || (id != CLOCK_REALTIME && id != CLOCK_REALTIME_COARSE))
        return result;
    int64_t off_ms = *offset_ms;
    int64_t nsec = now->tv_nsec + off_ms % 1000 * 1000000;
    now->tv_sec += off_ms / 1000 + (nsec < 0 ? -1 : nsec / 1000000000);
    now->tv_nsec = (long)((nsec + 1000000000) % 1000000000);
    return 0;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    (void)zone;
    struct timespec precise;
    int result = clock_gettime(CLOCK_REALTIME, &precise);
    now->tv_sec = precise.tv_sec;
    now->tv_usec = precise.tv_nsec / 1000;
    return result;
}

time_t time(time_t *now)
{
    struct timespec precise;
    (void)clock_gettime(CLOCK_REALTIME, &precise);
    if (now)
        *now = precise.tv_sec;
    return precise.tv_sec;
}
