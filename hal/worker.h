/*
 * One thread for what takes tens of milliseconds of processor time or waits for the disk: jobs run
 * one after the other in their order; each is handed back on the loop's thread. All calls are the
 * loop thread's.
 */
#ifndef HAL_WORKER_H
#define HAL_WORKER_H

#include "hal/loop.h"

struct worker;

struct worker_job {
    void (*run)(struct worker_job *job);  /* worker's thread; not called any more while closing */
    void (*done)(struct worker_job *job); /* loop's thread, once; frees the job */
    bool ran;
    struct worker_job *next;
};

enum err worker_open(struct worker **worker, struct loop *loop, struct fault *fault) MUST_CHECK;
/* Every job not handed back yet is handed back now, `ran` or not. Takes NULL. */
void worker_close(struct worker *worker);
void worker_submit(struct worker *worker, struct worker_job *job);

#endif
