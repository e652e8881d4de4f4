/*
 * Who is asking, and whether they may: a till by its token, a person by the cookie of a session,
 * the command line on this machine by a secret in its folder. Loop thread only.
 */
#ifndef AGENT_API_GATE_H
#define AGENT_API_GATE_H

#include "agent/api/internal.h"

/* Runs the route with call->actor and the like filled in, or answers why it may not. */
void gate_pass(const struct api_route *route, struct api_call *call);

#endif
