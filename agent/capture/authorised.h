/*
 * What is left of a return that the centre authorised (portal, call centre), as far as this
 * appliance knows: what was pushed down, less what live returns here used of it. May block on the
 * disk. Threads as in views.h.
 */
#ifndef AGENT_CAPTURE_AUTHORISED_H
#define AGENT_CAPTURE_AUTHORISED_H

#include "agent/capture/question.h"

/*
 * Fills the question's fact of the request's authorisation; `known` stays false when the number is
 * not known here, or is of another receipt. Lists live in the arena.
 */
enum err authorised_gather(const struct views *views, const struct question_asked *asked,
                           struct arena *arena, struct question *question,
                           struct fault *fault) MUST_CHECK;

#endif
