/*
 * What needs a person is raised as an exception, in the transaction of the command that met it.
 * One exception for each code of a command. Owners are roles: the store's manager, or finance.
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

#endif
