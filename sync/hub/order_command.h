/* `tillback-hub command DEVICE NAME ...`: asks an appliance, and waits for its answer. Blocks. */
#ifndef SYNC_HUB_ORDER_COMMAND_H
#define SYNC_HUB_ORDER_COMMAND_H

#include "sync/hub/ingest/hubdb.h"

extern const char order_usage[];

/* ERR_INVALID for words that make no sense; ERR_REFUSED when the appliance did not do it. */
enum err order_run(const struct hubdb_config *config, int count, char *const *words,
                   struct fault *fault) MUST_CHECK;

#endif
