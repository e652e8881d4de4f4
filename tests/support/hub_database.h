/*
 * A hub's database for a test: a file in the scratch folder, or, where TILLBACK_POSTGRESQL names a
 * server (toolchain/postgresql), a schema of its own there.
 */
#ifndef TESTS_SUPPORT_HUB_DATABASE_H
#define TESTS_SUPPORT_HUB_DATABASE_H

#include "tests/support/scratch.h"

#include <stdbool.h>

/* The path for hubdb_config; the same for the same scratch folder. Ends the test on failure. */
const char *hub_database_path(const struct scratch *scratch, char path[static SCRATCH_PATH_MAX]);
/* For tests of what only a file can do: whether they are to be skipped. */
bool hub_database_on_server(void);

#endif
