/* The self-test of an appliance that doesn't run. */
#ifndef AGENT_CLI_SELFTEST_H
#define AGENT_CLI_SELFTEST_H

#include "agent/cli/visit.h"

/* What can be tried from here; the other steps are skipped. */
void selftest_here(const struct visit *visit, struct findings *findings);

#endif
