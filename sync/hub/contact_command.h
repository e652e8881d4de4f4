/*
 * `tillback-hub contact erase|give-up`: customers' contacts from the command line, as a person
 * of IT: noted in the audit, with a reason. Blocks on the disk.
 */
#ifndef SYNC_HUB_CONTACT_COMMAND_H
#define SYNC_HUB_CONTACT_COMMAND_H

#include "sync/hub/ingest/hubdb.h"

/* `words`: what stands behind "contact". */
enum err contact_run(const struct hubdb_config *config, int count, char *const *words,
                     struct fault *fault) MUST_CHECK;

#endif
