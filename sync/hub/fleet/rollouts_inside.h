/* What rollouts.c and rollouts_start.c share; only for them. */
#ifndef SYNC_HUB_FLEET_ROLLOUTS_INSIDE_H
#define SYNC_HUB_FLEET_ROLLOUTS_INSIDE_H

#include "sync/hub/fleet/rollouts.h"

struct rollouts {
    struct database *db;
    struct database_statements *sql;
    struct desired *desired;
};

enum err rollouts_statement(struct rollouts *rollouts, size_t index, struct statement **s,
                            struct fault *fault) MUST_CHECK;
/* The number that the statement without bindings finds; 0 for none. */
enum err rollouts_one(struct rollouts *rollouts, size_t index, int64_t *rollout_no,
                      struct fault *fault) MUST_CHECK;

#endif
