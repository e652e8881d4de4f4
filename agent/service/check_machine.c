/* Power, disk, database, clock: the box by itself. */
#include "agent/service/check.h"
#include "hal/base/cleanup.h"
#include "hal/base/rfc3339.h"
#include "hal/base/version.h"
#include "hal/storage.h"
#include "hal/time_floor.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    PATH_BYTES = 512,
    SMALL_FILE_MAX = 256,
    DRIFT_WARN_MS = 5000,
    UPTIME_YOUNG_S = 120,
    MIB = 1024 * 1024,
    FREE_FAIL_MIB = 8,
    FREE_WARN_MIB = 256,
};

/* --- Power ----------------------------------------------------------------------------------- */

static bool first_line_is(const char *path, const char *wanted)
{
    struct buf text CLEANUP(buf_free);
    buf_init(&text, SMALL_FILE_MAX);
    return storage_read(path, &text, NULL) == ERR_OK && text.data &&
           strncmp(text.data, wanted, strlen(wanted)) == 0;
}

/* Whether one of the files that the pattern names, below the root, begins so. */
static bool any_begins(const char *root, const char *pattern, const char *wanted)
{
    char path[PATH_BYTES];
    glob_t found = {.gl_pathc = 0};
    bool any = false;
    (void)snprintf(path, sizeof path, "%s%s", root, pattern);
    if (glob(path, GLOB_NOSORT, NULL, &found) == 0)
        for (size_t i = 0; !any && i < found.gl_pathc; i++)
            any = first_line_is(found.gl_pathv[i], wanted);
    globfree(&found);
    return any;
}

static long uptime_s(const char *root)
{
    char path[PATH_BYTES];
    struct buf text CLEANUP(buf_free);
    buf_init(&text, SMALL_FILE_MAX);
    (void)snprintf(path, sizeof path, "%s/proc/uptime", root);
    return storage_read(path, &text, NULL) == ERR_OK && text.data ? strtol(text.data, NULL, 10)
                                                                  : -1;
}

void check_power(struct examination *x)
{
    const char *root = x->subject->root;
    long up_s = uptime_s(root);
    if (any_begins(root, "/sys/class/hwmon/hwmon*/in*_lcrit_alarm", "1"))
        finding_set(x->at, FINDING_FAIL, "Use the power supply that came with it, and its cable.",
                    "the voltage was too low");
    else if (any_begins(root, "/sys/class/power_supply/*/online", "0") &&
             !any_begins(root, "/sys/class/power_supply/*/online", "1"))
        finding_set(x->at, FINDING_WARN, "Plug it into the mains.", "it runs on a battery");
    else if (up_s < 0)
        finding_set(x->at, FINDING_SKIPPED, "", "this system doesn't tell how long it is up");
    else if (up_s < UPTIME_YOUNG_S)
        finding_set(x->at, FINDING_OK, "", "it was started %ld seconds ago", up_s);
    else
        finding_set(x->at, FINDING_OK, "", "up for %ld h %ld min", up_s / 3600, up_s / 60 % 60);
}

/* --- Disk ------------------------------------------------------------------------------------ */

/* The kernel remounts a file system read-only when the disk fails. */
static enum err try_to_write(const char *folder, struct fault *fault)
{
    char path[PATH_BYTES];
    enum err err = storage_path(path, sizeof path, folder, "doctor");
    if (err)
        return fault_set(fault, err, folder, "the path is too long");
    err = storage_replace(path, SLICE_LITERAL("written by tillback doctor\n"), 0600, fault);
    return err ? err : storage_remove(path, fault);
}

static bool others_may_enter(const char *folder)
{
    struct stat info;
    return stat(folder, &info) == 0 && (info.st_mode & (S_IRWXG | S_IRWXO)) != 0;
}

void check_disk(struct examination *x)
{
    const char *folder = x->subject->folder;
    struct fault fault = {0};
    uint64_t free_bytes = 0;
    if (access(folder, F_OK) != 0)
        finding_set(x->at, FINDING_FAIL, "Give the folder that tillbackd has as --state.",
                    "there is no folder %s", folder);
    else if (try_to_write(folder, &fault) || storage_free_bytes(folder, &free_bytes, &fault))
        finding_set(x->at, FINDING_FAIL,
                    fault.code == ERR_DISK_FULL
                        ? "Make room on the disk; don't delete anything in the state directory."
                        : "Look at the kernel's messages (dmesg); if the disk fails, replace it.",
                    "%s: %s", fault.where, fault.text);
    else if (free_bytes < (uint64_t)FREE_FAIL_MIB * MIB)
        finding_set(x->at, FINDING_FAIL,
                    "Make room on the disk; don't delete anything in the state directory.",
                    "%llu MiB are free", (unsigned long long)(free_bytes / MIB));
    else if (free_bytes < (uint64_t)FREE_WARN_MIB * MIB)
        finding_set(x->at, FINDING_WARN, "Make room on the disk before it is full.",
                    "%llu MiB are free", (unsigned long long)(free_bytes / MIB));
    else if (others_may_enter(folder))
        finding_set(x->at, FINDING_WARN, "chmod 700 the state directory.",
                    "other users of this machine may look into %s", folder);
    else
        finding_set(x->at, FINDING_OK, "", "it can be written to, %llu MiB are free",
                    (unsigned long long)(free_bytes / MIB));
}

/* --- Database -------------------------------------------------------------------------------- */

static const char restart_next[] =
    "Restart tillbackd: it puts damaged files aside and goes on with what can be proven. Delete "
    "nothing.";
static const char lost_next[] =
    "tillback verify names them. What the hub holds comes back when there is a link.";

struct verdict {
    int64_t damaged;
    int64_t lost;
    char first[160];
};

static void on_finding(void *context, const struct eventlog_finding *finding)
{
    struct verdict *verdict = context;
    if (strcmp(finding->what, "lost") == 0) {
        verdict->lost++;
        return;
    }
    if (!verdict->damaged++)
        (void)snprintf(verdict->first, sizeof verdict->first, "%s at seq %lld: %.100s",
                       finding->what, (long long)finding->seq, finding->text);
}

/* All of it: nobody is waiting for this log. */
static void verify_files(struct examination *x)
{
    const char *folder = x->subject->folder;
    struct verdict verdict = {.damaged = 0};
    struct fault fault = {0};
    char path[PATH_BYTES];
    int64_t events = 0;
    if (storage_path(path, sizeof path, folder, "tillback.db") || access(path, F_OK) != 0)
        finding_set(x->at, FINDING_SKIPPED, "Start tillbackd: it makes one.",
                    "there is no event log yet");
    else if (eventlog_verify(x->subject->log_config, on_finding, &verdict, &events, &fault))
        finding_set(x->at, FINDING_FAIL, restart_next, "%s: %s", fault.where, fault.text);
    else if (verdict.damaged)
        finding_set(x->at, FINDING_FAIL, restart_next, "%s", verdict.first);
    else if (verdict.lost)
        finding_set(x->at, FINDING_WARN, lost_next, "ranges of events were lost: %lld",
                    (long long)verdict.lost);
    else
        finding_set(x->at, FINDING_OK, "", "%lld events, the chain is whole", (long long)events);
}

void check_database(struct examination *x)
{
    if (!x->subject->running) {
        verify_files(x);
        return;
    }
    const struct eventlog_status *log = &x->subject->running->log;
    int64_t lost = log->lost[STREAM_RETURNS] + log->lost[STREAM_SALES];
    int64_t events = log->streams[STREAM_RETURNS].head + log->streams[STREAM_SALES].head;
    if (log->damaged)
        finding_set(x->at, FINDING_FAIL, restart_next, "the event log is damaged");
    else if (!log->can_save)
        finding_set(x->at, FINDING_FAIL,
                    "Make room on the disk; don't delete anything in the state directory.",
                    "nothing new can be saved: %lld bytes are left", (long long)log->free_bytes);
    else if (lost)
        finding_set(x->at, FINDING_WARN, lost_next, "%lld events that were saved once are missing",
                    (long long)lost);
    else if (log->forked_at_start)
        finding_set(x->at, FINDING_WARN, lost_next, "the log's tail was lost at the last start");
    else if (log->verified)
        finding_set(x->at, FINDING_OK, "", "%lld events, the chain is whole", (long long)events);
    else
        finding_set(x->at, FINDING_OK, "", "%lld events; they are being verified",
                    (long long)events);
}

/* --- Clock ----------------------------------------------------------------------------------- */

static int64_t system_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void check_clock(struct examination *x)
{
    static const char next[] = "Set the clock, or let a time server (NTP) do it; look at its "
                               "battery if this comes again.";
    const struct doctor_running *running = x->subject->running;
    int64_t floor_ms = time_floor_read(x->subject->folder, TILLBACK_BUILD_MS);
    int64_t clock_ms = system_ms();
    char floor[RFC3339_TEXT + 1];
    rfc3339_format(floor_ms, floor);
    int64_t drift_ms =
        running && running->now.trusted ? clock_ms - clock_wall_ms(x->subject->clock) : 0;
    if (clock_ms < floor_ms - DRIFT_WARN_MS)
        finding_set(x->at, FINDING_FAIL, next, "it stands before %.10s, when it was later already",
                    floor);
    else if (drift_ms > DRIFT_WARN_MS)
        finding_set(x->at, FINDING_WARN, next,
                    "the system's clock is %lld s ahead of the hub's; the hub's time is used",
                    (long long)drift_ms / 1000);
    else if (drift_ms < -DRIFT_WARN_MS)
        finding_set(x->at, FINDING_WARN, next,
                    "the system's clock is %lld s behind the hub's; the hub's time is used",
                    (long long)-drift_ms / 1000);
    else if (running && running->now.trusted)
        finding_set(x->at, FINDING_OK, "", "it agrees with the hub's to within %d s",
                    DRIFT_WARN_MS / 1000);
    else if (running && running->has_uplink && running->link.state == UPLINK_ONLINE)
        finding_set(x->at, FINDING_WARN, "Ask again in a minute; then look whether the hub runs.",
                    "the hub has not told the time yet");
    else
        finding_set(x->at, FINDING_OK, "",
                    "it is past %.10s; whether it is right only the hub can tell", floor);
}
