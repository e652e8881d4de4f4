/* What the files of rollouts.h share. Threads as in rollouts.h. */
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

enum { ROLLOUTS_WHY_MAX = 512 };

/* A rollout, as its row has it. */
struct rollouts_row {
    int64_t no;
    char scope[SCOPE_MAX];
    int64_t change_no;
    struct rollout_rules rules;
    enum rollout_state state;
    int64_t wave;
    int64_t forgiven;
    char why[ROLLOUTS_WHY_MAX];
    int64_t wave_ms;
    int64_t ended_ms; /* 0: not yet */
};

/* ERR_NOT_FOUND */
enum err rollouts_find(struct rollouts *rollouts, int64_t no, struct rollouts_row *row,
                       struct fault *fault) MUST_CHECK;
/* What changes while it goes on. */
enum err rollouts_save(struct rollouts *rollouts, const struct rollouts_row *row,
                       struct fault *fault) MUST_CHECK;

/* Of all waves; beyond what the verdict needs, for people. */
struct rollouts_tally {
    struct rollout_counts counts;
    int64_t total;
    int64_t all_planned;
    int64_t offline;
    int64_t returned;
};

enum err rollouts_count(struct rollouts *rollouts, const struct rollouts_row *row, int64_t now_ms,
                        struct rollouts_tally *tally, struct fault *fault) MUST_CHECK;

#endif
