/*
 * The fleet's appliances on the command line, beside a running hub or without one:
 *
 *     device add --store S --name N [--id ID] [--days D] [--out FILE]
 *     device invite ID [...]       a new code for one that was added
 *     device replace ID --reason R [...]  another in its place; the old one is closed
 *     device revoke ID --reason R  it is refused from now on
 *     device retire ID [--reason R --force]  given up in order
 *     device list [--store S], device show ID
 *     device sign FILE [--out FILE]  answers a request that was carried here
 *
 * Each change is in the audit. A running hub notices within seconds, reloads its brokers, and ends
 * the connection of who was closed.
 */
#ifndef SYNC_HUB_DEVICE_COMMAND_H
#define SYNC_HUB_DEVICE_COMMAND_H

#include "hal/settings.h"
#include "sync/hub/ingest/hubdb.h"

/* Runs one of them; `count` words after "device". ERR_INVALID for words that make no sense. */
enum err device_run(const struct hubdb_config *config, const struct settings *settings, int count,
                    char *const *words, struct fault *fault) MUST_CHECK;

#endif
