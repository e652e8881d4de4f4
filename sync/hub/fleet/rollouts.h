/*
 * Rollouts as the database keeps them: which appliances in which wave, what each had before, and
 * how it went. One is open at a time. Driven a bounded step at a time, inside the caller's
 * transaction; blocks on the database.
 */
#ifndef SYNC_HUB_FLEET_ROLLOUTS_H
#define SYNC_HUB_FLEET_ROLLOUTS_H

#include "sync/hub/fleet/desired.h"
#include "sync/hub/fleet/rollout.h"

struct rollouts;

/* On the handle that `desired` is on, and as long as both. */
enum err rollouts_open(struct rollouts **rollouts, struct database *db, struct desired *desired,
                       struct fault *fault) MUST_CHECK;
void rollouts_close(struct rollouts *rollouts); /* takes NULL */

struct rollout_order {
    const char *scope;
    struct rollout_rules rules;
    const char *holder;
    const char *reason;
    int64_t now_ms;
};
/*
 * Begins to bring the layers as they are now to the appliances of the scope for which they make a
 * difference. ERR_CONFLICT while another is open, ERR_NOT_FOUND when nothing would change,
 * ERR_INVALID with device and path when what comes out for one isn't valid.
 */
enum err rollouts_start(struct rollouts *rollouts, const struct rollout_order *order,
                        int64_t *rollout_no, struct fault *fault) MUST_CHECK;

struct rollout_act {
    int64_t rollout_no;
    enum rollout_event event; /* PAUSE, RESUME or ABORT */
    const char *reason;
    int64_t now_ms;
};
enum err rollouts_act(struct rollouts *rollouts, const struct rollout_act *act,
                      struct fault *fault) MUST_CHECK;

/* What a step works with. */
struct rollouts_turn {
    const struct signer *signer;
    int64_t now_ms;
    int64_t max;        /* appliances that get a document */
    desired_send *send; /* gets the documents */
    void *context;
};
/*
 * Does what is due now: signs documents, or judges the wave. `more`: there is more to do at once;
 * `open`: there is a rollout to come back to.
 */
enum err rollouts_step(struct rollouts *rollouts, const struct rollouts_turn *turn, bool *more,
                       bool *open, struct fault *fault) MUST_CHECK;

/* Writes one rollout as an object, with at most `max` of the appliances that gave trouble. */
enum err rollouts_write(struct rollouts *rollouts, int64_t rollout_no, int64_t now_ms, int64_t max,
                        struct jsonw *w, struct fault *fault) MUST_CHECK;
/* Those below `before`, newest first, as items. */
enum err rollouts_list(struct rollouts *rollouts, int64_t before, int64_t now_ms, int64_t max,
                       struct jsonw *w, struct fault *fault) MUST_CHECK;
/* ERR_NOT_FOUND when there never was one. */
enum err rollouts_newest(struct rollouts *rollouts, int64_t *rollout_no,
                         struct fault *fault) MUST_CHECK;

#endif
