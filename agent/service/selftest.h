/*
 * The part of the self-test that needs nobody: a sale that is built in, saved in an event log of
 * its own in a scratch folder, and a return of it, decided by the policy. Blocks on the disk for a
 * moment; any thread.
 */
#ifndef AGENT_SERVICE_SELFTEST_H
#define AGENT_SERVICE_SELFTEST_H

#include "agent/service/finding.h"
#include "hal/clock.h"

/* `policy_file` NULL: the policy that ships. */
void selftest_quote(const char *policy_file, struct clock *clock, struct finding *finding);

#endif
