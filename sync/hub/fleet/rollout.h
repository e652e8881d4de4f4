/*
 * A rollout's life: which wave gets a configuration when, and when it must stop. Waves are counted
 * from 0; the first is the canary. Pure: counts and the time come in, a verdict goes out.
 */
#ifndef SYNC_HUB_FLEET_ROLLOUT_H
#define SYNC_HUB_FLEET_ROLLOUT_H

#include "hal/base/jsonw.h"

#include <stdint.h>

#define ROLLOUT_STATES(X)                                                                          \
    X(RUNNING, running)                                                                            \
    X(PAUSED, paused)   /* by a person */                                                          \
    X(HALTED, halted)   /* by itself: what it saw is not good */                                   \
    X(DONE, done)       /* every wave has passed */                                                \
    X(ABORTED, aborted) /* by a person: who had it goes back to what was good before */

#define ROLLOUT_EVENTS(X)                                                                          \
    X(WAVE_PASSED, wave_passed) /* and there are more */                                           \
    X(ALL_PASSED, all_passed)                                                                      \
    X(TROUBLE, trouble)                                                                            \
    X(PAUSE, pause)                                                                                \
    X(RESUME, resume)                                                                              \
    X(ABORT, abort)

#define ROLLOUT_ENUM(upper, lower) ROLLOUT_##upper,
enum rollout_state { ROLLOUT_STATES(ROLLOUT_ENUM) ROLLOUT_STATE_COUNT };
enum rollout_event { ROLLOUT_EVENTS(ROLLOUT_ENUM) ROLLOUT_EVENT_COUNT };

const char *rollout_state_name(enum rollout_state state);
enum err rollout_state_find(const char *name, enum rollout_state *state) MUST_CHECK;
enum err rollout_event_find(const char *name, enum rollout_event *event) MUST_CHECK;
/* ERR_REFUSED, with why, for an event that means nothing in that state. */
enum err rollout_next(enum rollout_state state, enum rollout_event event, enum rollout_state *next,
                      struct fault *fault) MUST_CHECK;
/* Neither done nor aborted. */
bool rollout_is_open(enum rollout_state state);

enum { ROLLOUT_WAVES_MAX = 16 };

struct rollout_rules {
    int64_t canary;                      /* appliances in the first wave; 0: no canary */
    int64_t percents[ROLLOUT_WAVES_MAX]; /* of the rest, cumulative; the last is 100 */
    size_t percent_count;
    int64_t failure_percent; /* more than so many of those that got it, and it halts */
    int64_t silence_s;       /* an appliance that was online is silent after so long */
    int64_t soak_s;          /* a wave lasts at least so long */
    int64_t backlog_events;  /* an appliance whose backlog has grown by more has trouble */
};

/* All at once; the defaults of a rollout. */
extern const struct rollout_rules rollout_at_once;
extern const struct rollout_rules rollout_careful;

/* "5,25,100"; ERR_INVALID unless it grows to 100. */
enum err rollout_percents_read(const char *text, struct rollout_rules *rules,
                               struct fault *fault) MUST_CHECK;
void rollout_rules_write(struct jsonw *w, const struct rollout_rules *rules);
enum err rollout_rules_read(struct slice text, struct rollout_rules *rules,
                            struct fault *fault) MUST_CHECK;
size_t rollout_wave_count(const struct rollout_rules *rules);
/* The wave of the appliance at `place` of `total` in the rollout's order. */
size_t rollout_wave_of(const struct rollout_rules *rules, int64_t place, int64_t total);

/* Of all waves up to the present one. */
struct rollout_counts {
    int64_t planned; /* of the present wave: not sent yet */
    int64_t online;  /* were online when it was sent, or have answered since */
    int64_t good;
    int64_t bad;      /* rejected, or rolled back */
    int64_t silent;   /* were online, and say nothing */
    int64_t growing;  /* took it, and their backlog grows */
    int64_t forgiven; /* of the bad, silent and growing: seen by the person who resumed */
    int64_t pending;  /* were online, and may still answer */
};

enum rollout_verdict { ROLLOUT_WAIT, ROLLOUT_GO_ON, ROLLOUT_FINISH, ROLLOUT_HALT };

/* `why` is set for ROLLOUT_HALT: a sentence. `wave_age_ms` since the present wave began. */
enum rollout_verdict rollout_judge(const struct rollout_rules *rules,
                                   const struct rollout_counts *counts, size_t wave,
                                   int64_t wave_age_ms, struct fault *why);

#endif
