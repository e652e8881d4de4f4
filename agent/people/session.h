/*
 * Who is signed in: sessions of the store page, in memory only, so that a restart signs everybody
 * out. A session is known by 32 random bytes that only the browser's cookie has; here is their
 * hash. It ends when nobody used it for a while, when it is too old, and when the person's PIN or
 * role changed. Loop thread only; never blocks.
 */
#ifndef AGENT_PEOPLE_SESSION_H
#define AGENT_PEOPLE_SESSION_H

#include "agent/people/staff.h"

enum { SESSION_TEXT = 43, SESSIONS_MAX = 64 };

struct sessions;

struct session_limits {
    int64_t idle_ms;
    int64_t age_ms;
};

/* NULL on no memory. Times given to the calls below are monotonic. */
struct sessions *sessions_open(const struct session_limits *limits);
void sessions_close(struct sessions *sessions); /* takes NULL */

/* Begins one and tells its secret, this once; when all are taken the one longest unused ends. */
void session_begin(struct sessions *sessions, const struct person *person, int64_t now_ms,
                   char secret[static SESSION_TEXT + 1]);
/*
 * The person's id, borrowed until the next call; NULL if the session has ended. `used`: the person
 * did something, which begins the idle time anew.
 */
const char *session_find(struct sessions *sessions, struct slice secret, int64_t now_ms, bool used);
/* Ends one that has lapsed: its person's id, borrowed as above; NULL if it hasn't, or isn't here.
 */
const char *session_lapse(struct sessions *sessions, struct slice secret, int64_t now_ms);
void session_end(struct sessions *sessions, struct slice secret);
/* Ends the sessions of people who are gone from the staff, or have another PIN or role. */
void sessions_check(struct sessions *sessions, const struct staff *staff);
/* Other limits, for sessions that have begun too. */
void sessions_use(struct sessions *sessions, const struct session_limits *limits);
/* Milliseconds without use after which a session ends. */
int64_t sessions_idle_ms(const struct sessions *sessions);

#endif
