/*
 * `tillback-hub config ...`: layers of configuration put, looked at, and rolled out, beside a hub
 * that runs: it carries on with what is written here within seconds.
 */
#ifndef SYNC_HUB_CONFIG_COMMAND_H
#define SYNC_HUB_CONFIG_COMMAND_H

#include "sync/hub/ingest/hubdb.h"

extern const char config_usage[];

/* Runs what stands behind "config". ERR_INVALID for words that make no sense. */
enum err config_run(const struct hubdb_config *config, int count, char *const *words,
                    struct fault *fault) MUST_CHECK;

#endif
