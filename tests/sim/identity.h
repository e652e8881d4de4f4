/*
 * Identities for simulated appliances, by a hub's own authority: key and certificate in one file of
 * a folder, kept for the next run. Blocks.
 */
#ifndef TESTS_SIM_IDENTITY_H
#define TESTS_SIM_IDENTITY_H

#include "provisioning/authority.h"
#include "sync/transport/tls.h"

/* Made when it isn't there; `ca.pem` of the folder says whom to trust. */
enum err identity_open(const char *folder, const char *device, struct authority *authority,
                       struct clock *clock, struct tls_context **tls,
                       struct fault *fault) MUST_CHECK;

#endif
