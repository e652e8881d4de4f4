/*
 * A manager's decision about one return: by the person who is signed in, or by a manager who gives
 * badge (or number) and PIN with this very request, in the headers Tillback-Approver and
 * Tillback-Approver-Pin, while the associate stays signed in. It counts for this return, once. Loop
 * thread only.
 */
#ifndef AGENT_API_APPROVAL_H
#define AGENT_API_APPROVAL_H

#include "agent/api/internal.h"

/* CAPTURE_APPROVE or CAPTURE_DECLINE of the return that the path names. */
void api_decide(struct api_call *call, enum capture_kind kind);

#endif
