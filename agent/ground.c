#include "agent/ground.h"
#include "hal/base/version.h"
#include "hal/storage.h"
#include "hal/time_floor.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static void on_signal(void *context)
{
    struct ground *ground = context;
    loop_stop(ground->loop);
}

/* So that a clock that has lost its battery doesn't fall behind what was once told. What a clock
 * that nobody vouches for shows is not kept: it may be far ahead, and would be for good. */
static void write_time(void *context)
{
    struct ground *ground = context;
    struct fault fault;
    int64_t now_ms = clock_floor_ms(ground->clock);
    if (now_ms > time_floor_read(ground->folder, 0) &&
        time_floor_write(ground->folder, now_ms, &fault))
        diag_fault(ground->diag, DIAG_WARN, "appliance.time_not_written", &fault);
}

static enum err begin_to_keep_time(struct ground *ground, struct fault *fault)
{
    ground->floor_timer = loop_timer_open(ground->loop, write_time, ground);
    if (!ground->floor_timer)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    loop_timer_start(ground->floor_timer, TIME_FLOOR_INTERVAL_MS, TIME_FLOOR_INTERVAL_MS);
    return ERR_OK;
}

enum err ground_open(struct ground *ground, const char *folder, const struct settings *settings,
                     struct fault *fault)
{
    *ground = (struct ground){.lock = -1};
    (void)snprintf(ground->folder, sizeof ground->folder, "%s", folder);
    ground->diag = diag_open(STDERR_FILENO, "tillbackd",
                             diag_level_of(settings_text(settings, "diagnostics.level")));
    enum err err = storage_make_folder(ground->folder, fault);
    if (!err)
        err = storage_lock(ground->folder, &ground->lock, fault);
    if (!err)
        err = clock_open(&ground->clock, time_floor_read(ground->folder, TILLBACK_BUILD_MS), fault);
    if (!err)
        err = loop_open(&ground->loop, fault);
    if (!err)
        err =
            loop_signal_open(ground->loop, SIGTERM, on_signal, ground, &ground->signals[0], fault);
    if (!err)
        err = loop_signal_open(ground->loop, SIGINT, on_signal, ground, &ground->signals[1], fault);
    return err ? err : begin_to_keep_time(ground, fault);
}

void ground_stop(struct ground *ground)
{
    loop_timer_close(ground->floor_timer);
    for (size_t i = 0; i < 2; i++)
        loop_signal_close(ground->signals[i]);
    loop_close(ground->loop);
}

void ground_close(struct ground *ground)
{
    if (ground->clock)
        write_time(ground);
    clock_close(ground->clock);
    storage_unlock(ground->lock);
    diag_close(ground->diag);
}
