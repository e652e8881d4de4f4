#include "sync/uplink/errand.h"

#include <stdlib.h>

/* The loop thread's, but for what errand_done reads. */
struct errands {
    struct loop *loop;
    void *owner;
    unsigned users; /* its owner, and the errands that are out */
    bool closed;
};

struct errands *errands_open(struct loop *loop, void *owner)
{
    struct errands *errands = calloc(1, sizeof *errands);
    if (!errands)
        return NULL;
    errands->loop = loop;
    errands->owner = owner;
    errands->users = 1;
    return errands;
}

static void release(struct errands *errands)
{
    if (--errands->users == 0)
        free(errands);
}

void errands_close(struct errands *errands)
{
    if (!errands)
        return;
    errands->closed = true;
    release(errands);
}

struct errand *errand_new(struct errands *errands, void (*back)(struct errand *errand))
{
    struct errand *errand = calloc(1, sizeof *errand);
    if (!errand)
        return NULL;
    errand->errands = errands;
    errand->owner = errands->owner;
    errand->back = back;
    errands->users++;
    return errand;
}

static void come_back(void *context)
{
    struct errand *errand = context;
    if (!errand->errands->closed)
        errand->back(errand);
    release(errand->errands);
    free(errand);
}

void errand_done(void *context, enum err err, const struct fault *fault)
{
    struct errand *errand = context;
    errand->err = err;
    if (err)
        errand->fault = *fault;
    enum err posted = loop_post(errand->errands->loop, come_back, errand);
    (void)posted; /* without memory nothing is left to do: the log holds what it took */
}
