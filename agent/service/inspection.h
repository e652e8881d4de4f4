/*
 * One look at the whole appliance for the technician's desk: the doctor's findings, alone or within
 * the signed commissioning report or the diagnostics bundle; or the self-test's quote. What the
 * loop knows is copied (the broker is asked first which topics it grants), and the rest, which
 * blocks, done on a worker's thread. Loop thread.
 */
#ifndef AGENT_SERVICE_INSPECTION_H
#define AGENT_SERVICE_INSPECTION_H

#include "agent/service/desk.h"
#include "hal/worker.h"

enum inspection_of { INSPECTION_FINDINGS, INSPECTION_QUOTE, INSPECTION_REPORT, INSPECTION_BUNDLE };

/* The caller's; what stands first is to be set, all else zero. */
struct inspection {
    enum inspection_of of;
    const struct service_config *house;
    struct worker *worker;
    const char *technician;          /* who signs a report */
    const struct findings *selftest; /* for report and bundle; copied */
    struct buf *body;                /* gets the answer */
    /* `quote` is the finding of that step, NULL for the others. Borrowed for the call. */
    void (*done)(void *context, enum err err, const struct fault *fault,
                 const struct finding *quote);
    void *context;

    struct worker_job job;
    struct doctor_running running;
    struct doctor_subject subject;
    struct findings steps;
    struct findings findings;
    struct buf diagnostics;
    enum err err;
    struct fault fault;
};

/* `done` comes by worker_close at the latest (ERR_CLOSED); not while the broker is still asked. */
void inspection_begin(struct inspection *inspection);
void inspection_free(struct inspection *inspection);

#endif
