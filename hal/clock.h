/*
 * The clock: wall time that may be wrong, monotonic time that never goes back, and whether the
 * wall time is trusted. Order never comes from here; it comes from `seq`.
 *
 * Wall time never reads below a floor (the build's time, the last time persisted), so that a clock
 * at 1970 doesn't break certificates; the floor itself runs on. Trust is gained by clock_trust and
 * lost at the end of the process. A trusted time runs on with the monotonic time, whatever becomes
 * of the system's clock, and overrides a floor that was too late.
 * Any thread may read and trust; a fake (clock_fake_*) stands where tests set the time.
 */
#ifndef HAL_CLOCK_H
#define HAL_CLOCK_H

#include "hal/base/fault.h"

#include <stdint.h>

enum { CLOCK_BOOT_ID_TEXT = 36 };

struct clock_reading {
    int64_t wall_ms;      /* since 1970-01-01T00:00:00Z, at least the floor */
    int64_t monotonic_ms; /* since boot */
    char boot_id[CLOCK_BOOT_ID_TEXT + 1];
    bool trusted;
};

struct clock;

/* The real one. `floor_ms`: wall time never reads below it, unless a trusted source says so. */
enum err clock_open(struct clock **clock, int64_t floor_ms, struct fault *fault) MUST_CHECK;
void clock_close(struct clock *clock); /* takes NULL; also for the fake */
struct clock_reading clock_read(struct clock *clock);
int64_t clock_wall_ms(struct clock *clock);
int64_t clock_monotonic_ms(struct clock *clock);
/*
 * The time that has surely passed: the trusted one, or else the floor as it has run on. A clock
 * that nobody vouches for may show any later time, the year 2099 too. Without a floor it is the
 * wall time.
 */
int64_t clock_floor_ms(struct clock *clock);
/*
 * A trusted source (hub, time server) says what time it is: readings run on from there, and are
 * trusted. Returns the step in milliseconds, for the event that annotates it.
 */
int64_t clock_trust(struct clock *clock, int64_t wall_ms);

/* A fake for tests: stands still until told. */
enum err clock_fake_open(struct clock **clock, int64_t wall_ms, struct fault *fault) MUST_CHECK;
void clock_fake_advance(struct clock *clock, int64_t ms);
/* Jumps the wall time only. */
void clock_fake_set_wall(struct clock *clock, int64_t wall_ms);
void clock_fake_set_floor(struct clock *clock, int64_t floor_ms);

#endif
