#include "hal/clock.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct sample {
    int64_t wall_ms;
    int64_t monotonic_ms;
};

/*
 * Both anchors run on with the monotonic time, so that a step of the system's clock moves neither:
 * the floor keeps growing while the system believes it is 1970, and trusted time stays trusted.
 */
struct clock {
    struct sample (*sample)(const struct clock *clock);
    pthread_mutex_t lock;
    struct sample floor;   /* wall time is at least this, as long as it is not trusted */
    struct sample trusted; /* what a trusted source said, and when */
    bool is_trusted;
    struct sample set; /* what the fake shows */
    char boot_id[CLOCK_BOOT_ID_TEXT + 1];
};

static int64_t kernel_ms(clockid_t id)
{
    struct timespec now = {0};
    (void)clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static struct sample sample_kernel(const struct clock *clock)
{
    (void)clock;
    return (struct sample){kernel_ms(CLOCK_REALTIME), kernel_ms(CLOCK_BOOTTIME)};
}

static struct sample sample_fake(const struct clock *clock)
{
    return clock->set;
}

static enum err read_boot_id(char text[static CLOCK_BOOT_ID_TEXT + 1], struct fault *fault)
{
    static const char path[] = "/proc/sys/kernel/random/boot_id";
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd >= 0 ? read(fd, text, CLOCK_BOOT_ID_TEXT) : -1;
    if (fd >= 0)
        (void)close(fd);
    if (got != CLOCK_BOOT_ID_TEXT)
        return fault_set(fault, ERR_IO, path, "the boot id can't be read");
    text[CLOCK_BOOT_ID_TEXT] = '\0';
    return ERR_OK;
}

static struct clock *make(struct sample (*sample)(const struct clock *), struct fault *fault)
{
    struct clock *clock = calloc(1, sizeof *clock);
    if (!clock) {
        (void)fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
        return NULL;
    }
    clock->sample = sample;
    pthread_mutex_init(&clock->lock, NULL);
    return clock;
}

enum err clock_open(struct clock **out, int64_t floor_ms, struct fault *fault)
{
    struct clock *clock = make(sample_kernel, fault);
    if (!clock)
        return ERR_NO_MEMORY;
    enum err err = read_boot_id(clock->boot_id, fault);
    if (err) {
        clock_close(clock);
        return err;
    }
    clock->floor = (struct sample){floor_ms, clock->sample(clock).monotonic_ms};
    *out = clock;
    return ERR_OK;
}

enum err clock_fake_open(struct clock **out, int64_t wall_ms, struct fault *fault)
{
    struct clock *clock = make(sample_fake, fault);
    if (!clock)
        return ERR_NO_MEMORY;
    clock->set.wall_ms = wall_ms;
    memcpy(clock->boot_id, "00000000-0000-4000-8000-00000000face", sizeof clock->boot_id);
    *out = clock;
    return ERR_OK;
}

void clock_close(struct clock *clock)
{
    if (!clock)
        return;
    pthread_mutex_destroy(&clock->lock);
    free(clock);
}

static int64_t run_on(struct sample anchor, int64_t monotonic_ms)
{
    return anchor.wall_ms + (monotonic_ms - anchor.monotonic_ms);
}

/* What the clock says at this moment; the lock is held. */
static struct sample now(const struct clock *clock)
{
    struct sample sample = clock->sample(clock);
    if (clock->is_trusted) {
        sample.wall_ms = run_on(clock->trusted, sample.monotonic_ms);
        return sample;
    }
    int64_t floor_ms = run_on(clock->floor, sample.monotonic_ms);
    if (sample.wall_ms < floor_ms)
        sample.wall_ms = floor_ms;
    return sample;
}

struct clock_reading clock_read(struct clock *clock)
{
    pthread_mutex_lock(&clock->lock);
    struct sample sample = now(clock);
    struct clock_reading reading = {.wall_ms = sample.wall_ms,
                                    .monotonic_ms = sample.monotonic_ms,
                                    .trusted = clock->is_trusted};
    pthread_mutex_unlock(&clock->lock);
    memcpy(reading.boot_id, clock->boot_id, sizeof reading.boot_id);
    return reading;
}

int64_t clock_wall_ms(struct clock *clock)
{
    return clock_read(clock).wall_ms;
}

int64_t clock_floor_ms(struct clock *clock)
{
    pthread_mutex_lock(&clock->lock);
    struct sample sample = now(clock);
    int64_t floor_ms = clock->is_trusted || clock->floor.wall_ms == 0
                           ? sample.wall_ms
                           : run_on(clock->floor, sample.monotonic_ms);
    pthread_mutex_unlock(&clock->lock);
    return floor_ms;
}

int64_t clock_monotonic_ms(struct clock *clock)
{
    return clock_read(clock).monotonic_ms;
}

int64_t clock_trust(struct clock *clock, int64_t wall_ms)
{
    pthread_mutex_lock(&clock->lock);
    struct sample before = now(clock);
    clock->trusted = (struct sample){wall_ms, before.monotonic_ms};
    clock->is_trusted = true;
    pthread_mutex_unlock(&clock->lock);
    return wall_ms - before.wall_ms;
}

void clock_fake_advance(struct clock *clock, int64_t ms)
{
    pthread_mutex_lock(&clock->lock);
    clock->set.wall_ms += ms;
    clock->set.monotonic_ms += ms;
    pthread_mutex_unlock(&clock->lock);
}

void clock_fake_set_wall(struct clock *clock, int64_t wall_ms)
{
    pthread_mutex_lock(&clock->lock);
    clock->set.wall_ms = wall_ms;
    pthread_mutex_unlock(&clock->lock);
}

void clock_fake_set_floor(struct clock *clock, int64_t floor_ms)
{
    pthread_mutex_lock(&clock->lock);
    clock->floor = (struct sample){floor_ms, clock->set.monotonic_ms};
    pthread_mutex_unlock(&clock->lock);
}
