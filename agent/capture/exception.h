/*
 * What needs a person is raised as an exception, in the transaction of the command that met it, as
 * an event of its return; or, when there is no return (a document that can't be captured), by a
 * command of its own, as an event that correlates with the exception itself. One exception for each
 * code of a command. Owners are roles: the store's manager, finance or it.
 */
#ifndef AGENT_CAPTURE_EXCEPTION_H
#define AGENT_CAPTURE_EXCEPTION_H

#include "agent/capture/release.h"

/* `code` is one of the closed list of exception.raised; `detail` may be NULL. */
enum err exception_raise(struct release *release, const char *code, const char *detail,
                         struct fault *fault) MUST_CHECK;
/* Those of a decision's reasons that mean one. */
enum err exception_raise_reasons(struct release *release, const struct decision *decision,
                                 struct fault *fault) MUST_CHECK;

/* The exception that a reason of a decision means; NULL if none. */
const char *exception_of_reason(const char *reason);

#endif
