/*
 * The HTTP API's tokens on the command line, beside a running hub or without one:
 *
 *     token add --role ROLE [--name NAME]   prints the token, which is kept nowhere
 *     token list
 *     token revoke NUMBER
 *
 * Each change is in the audit.
 */
#ifndef SYNC_HUB_TOKEN_H
#define SYNC_HUB_TOKEN_H

#include "sync/hub/ingest/hubdb.h"

/* Runs one of them; `count` words after "token". ERR_INVALID for words that make no sense. */
enum err token_run(const struct hubdb_config *config, int count, char *const *words,
                   struct fault *fault) MUST_CHECK;

#endif
