/*
 * A past return decided again from what its return.created holds: the request, the sale, the facts;
 * and from the returns of the same sale that were live before it. Under the policy of that day the
 * decision comes out the same; under another one it shows what would change.
 *
 * Reads only; may block on the disk.
 */
#ifndef AGENT_CAPTURE_REPLAY_H
#define AGENT_CAPTURE_REPLAY_H

#include "agent/capture/question.h"
#include "agent/views/return_state.h"

struct replay {
    struct cJSON *created; /* the data of return.created */
    struct return_request request;
    struct question question; /* with the decision */
};

/* Fills `replay`, zeroed by the caller; lists live in the arena. */
enum err replay_decide(const struct views *views, const struct return_state *state,
                       const struct policy *policy, struct arena *arena, struct replay *replay,
                       struct fault *fault) MUST_CHECK;
void replay_cleanup(struct replay *replay); /* for CLEANUP; zeroed is fine */

#endif
