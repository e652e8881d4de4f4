#include "agent/timekeeper.h"
#include "hal/base/cleanup.h"
#include "hal/base/jsonw.h"
#include "hal/base/version.h"
#include "hal/time_floor.h"

#include <stdio.h>
#include <stdlib.h>

enum { DATA_MAX = 256 };

struct timekeeper {
    struct timekeeper_config config;
    struct id_source ids;
    struct eventlog_command note;
    int64_t step_ms;    /* that no note tells yet */
    bool owed;          /* there is one to be made */
    int64_t writing_ms; /* the step that the note on its way tells */
    bool writing;       /* written on both threads, as is... */
    bool failed;        /* ... the last one's end */
};

/* Writer thread. */
static enum err decide(void *context, struct eventlog_txn *txn, struct fault *fault)
{
    struct timekeeper *t = context;
    char subject[128];
    (void)snprintf(subject, sizeof subject, "device/%s", t->config.device);
    struct buf data CLEANUP(buf_free);
    buf_init(&data, DATA_MAX);
    struct jsonw w = jsonw_to(&data);
    jsonw_object(&w, NULL);
    jsonw_int(&w, "step_ms", t->writing_ms);
    jsonw_text(&w, "source", "hub");
    jsonw_end(&w);
    enum err err = buf_check(&data, fault, "clock");
    if (err)
        return err;
    int64_t seq;
    struct event draft = {
        .type = EVENT_CLOCK_SYNCHRONISED,
        .subject = slice_of(subject),
        .correlation = id_next(&t->ids, eventlog_txn_now(txn).wall_ms),
        .data = buf_slice(&data),
    };
    return eventlog_append(txn, &draft, &seq, fault);
}

static void done(void *context, enum err err, const struct fault *fault)
{
    struct timekeeper *t = context;
    if (err)
        diag_fault(t->config.diag, DIAG_WARN, "clock.step_not_noted", fault);
    t->failed = err != ERR_OK;
    __atomic_store_n(&t->writing, false, __ATOMIC_RELEASE);
}

static void make_note(struct timekeeper *t)
{
    if (__atomic_load_n(&t->writing, __ATOMIC_ACQUIRE))
        return; /* made up for at the next telling */
    if (t->failed) {
        t->step_ms += t->writing_ms;
        t->owed = true;
    }
    t->failed = false;
    if (!t->owed)
        return;
    t->writing_ms = t->step_ms;
    t->step_ms = 0;
    t->owed = false;
    t->writing = true;
    eventlog_submit(t->config.log, &t->note);
}

void timekeeper_told(struct timekeeper *t, int64_t wall_ms)
{
    struct fault fault;
    if (wall_ms < TILLBACK_BUILD_MS) {
        diag_write(t->config.diag, DIAG_ERROR, "clock.not_believed",
                   "the hub's clock is before this program was built");
        return;
    }
    bool known = clock_read(t->config.clock).trusted;
    int64_t step_ms = clock_trust(t->config.clock, wall_ms);
    t->step_ms += step_ms;
    if (!known || llabs(t->step_ms) >= TIMEKEEPER_STEP_MS) {
        diag_write(t->config.diag, DIAG_INFO, "clock.synchronised", "a step of %lld ms",
                   (long long)t->step_ms);
        t->owed = true;
    }
    make_note(t);
    if (time_floor_write(t->config.folder, wall_ms, &fault))
        diag_fault(t->config.diag, DIAG_WARN, "appliance.time_not_written", &fault);
}

enum err timekeeper_open(struct timekeeper **out, const struct timekeeper_config *config,
                         struct fault *fault)
{
    struct timekeeper *t = calloc(1, sizeof *t);
    if (!t)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    t->config = *config;
    t->note = (struct eventlog_command){.decide = decide, .done = done, .context = t};
    id_source_init(&t->ids, NULL, NULL);
    *out = t;
    return ERR_OK;
}

void timekeeper_close(struct timekeeper *t)
{
    free(t);
}
