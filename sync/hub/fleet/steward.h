/*
 * Brings to the appliances what the centre wants of them: drives the open rollout and the commands
 * that wait, sends once more what wasn't heard, and takes the appliances' answers. Work is done by
 * the worker, a bounded step at a time; what is to be sent goes out after the commit. Loop thread
 * only.
 */
#ifndef SYNC_HUB_FLEET_STEWARD_H
#define SYNC_HUB_FLEET_STEWARD_H

#include "sync/hub/ingest/arrival.h"

struct steward;

struct steward_config {
    struct worker *worker;
    const char *state; /* directory: the signer */
    struct clock *clock;
    struct diag *diag;
    void (*answer)(void *context, const struct arrival_answer *answer);
    /* Whether what is sent now has a way to go. */
    bool (*may_send)(void *context);
    void *context;
};

enum err steward_open(struct steward **steward, struct loop *loop,
                      const struct steward_config *config, struct fault *fault) MUST_CHECK;
/* Takes NULL. A step that runs is finished by worker_close, and answered by loop_close. */
void steward_close(struct steward *steward);
/* There may be something to do. */
void steward_wake(struct steward *steward);
/*
 * Takes a message under up/config or up/reply. ERR_UNSUPPORTED for another topic, ERR_BUSY when the
 * worker's queue is full, ERR_INVALID with the reason.
 */
enum err steward_take(struct steward *steward, const struct mqtt_message *message,
                      struct fault *fault) MUST_CHECK;

#endif
