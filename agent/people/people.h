/*
 * The people at one appliance: staff, lock-outs and sessions together, and the thread on which PINs
 * are hashed, so that the loop never waits for one. Everything is called on the loop's thread;
 * answers come there too. A try is counted on disk before the PIN is looked at.
 *
 * At the first start, when there is no staff at all, one technician with a one-time PIN is made;
 * the diagnostics tell it, this once.
 */
#ifndef AGENT_PEOPLE_PEOPLE_H
#define AGENT_PEOPLE_PEOPLE_H

#include "agent/people/access.h"
#include "agent/people/session.h"
#include "hal/base/diag.h"
#include "hal/clock.h"
#include "hal/loop.h"

struct people;

struct people_config {
    struct loop *loop;
    struct clock *clock;
    struct diag *diag;
    const char *folder;           /* state directory */
    struct session_limits limits; /* 0: PEOPLE_IDLE_MS, PEOPLE_AGE_MS */
    uint32_t rounds;              /* of new PINs; 0: PIN_ROUNDS */
    access_told *told;            /* what the log is to tell; may be NULL */
    void *told_context;
};

enum { PEOPLE_IDLE_MS = 10 * 60 * 1000, PEOPLE_AGE_MS = 12 * 60 * 60 * 1000 };

enum err people_open(struct people **people, const struct people_config *config,
                     struct fault *fault) MUST_CHECK;
/* Answers what is under way with ERR_CLOSED. Takes NULL. */
void people_close(struct people *people);

/*
 * Who it was; `person` is NULL when `err` isn't ERR_OK: ERR_FORBIDDEN a wrong number, badge or PIN,
 * ERR_BUSY locked for now or too many at once (retry_s says how long), ERR_CLOSED. Borrowed.
 */
struct people_answer {
    enum err err;
    const struct fault *fault;
    const struct person *person;
    int64_t retry_s;
};
typedef void people_done(void *context, const struct people_answer *answer);

/* Who has this number or badge, and this PIN? `done` comes once, later. */
void people_verify(struct people *people, struct slice number_or_badge, struct slice pin,
                   people_done *done, void *context);
/* The same, and on success the PIN becomes another, chosen by the person. */
void people_change_pin(struct people *people, const struct person *person, struct slice pin,
                       struct slice new_pin, people_done *done, void *context);

/*
 * Looks whether the staff was changed, as every other call does, and tells what was: `by` one of
 * access.h's words. Who changes the staff and isn't the command line asks for it right after.
 */
void people_look(struct people *people, const char *by);

void people_begin_session(struct people *people, const struct person *person,
                          char secret[static SESSION_TEXT + 1]);
/* NULL if there is none; see session_find. */
const struct person *people_of_session(struct people *people, struct slice secret, bool used);
void people_end_session(struct people *people, struct slice secret);
void people_use_limits(struct people *people, const struct session_limits *limits);
int64_t people_idle_ms(const struct people *people);

#endif
