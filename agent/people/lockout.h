/*
 * How often somebody's PIN was wrong in a row, and how long the next try must wait. Kept in the
 * state directory's people/lockouts.json, so that a restart gives no further guesses. A count
 * belongs to a PIN: a new PIN (another salt) starts at none, which is how a lock-out is ended.
 * Numbers that nobody has are counted alike in people/strangers.json, so that how a sign-in is
 * refused doesn't tell which numbers exist; a list of their own, so that they push nobody out.
 * An object belongs to one thread; only opening reads the disk, writing is the caller's.
 */
#ifndef AGENT_PEOPLE_LOCKOUT_H
#define AGENT_PEOPLE_LOCKOUT_H

#include "agent/people/staff.h"

struct lockouts;

/* Wrong tries after which a PIN is of no use any more, until a new one is set. */
enum { LOCKOUT_FOR_GOOD = 10 };
#define LOCKOUT_FOREVER_MS INT64_MAX

#define LOCKOUTS_OF_STAFF "people/lockouts.json"
#define LOCKOUTS_OF_STRANGERS "people/strangers.json"

/* `file` is one of the two above. A missing file is an empty list. */
enum err lockouts_open(struct lockouts **lockouts, const char *folder, const char *file,
                       struct fault *fault) MUST_CHECK;
void lockouts_close(struct lockouts *lockouts); /* takes NULL */
const char *lockouts_path(const struct lockouts *lockouts);

/* Milliseconds until the person may try again: 0 is now, LOCKOUT_FOREVER_MS never. */
int64_t lockouts_wait_ms(const struct lockouts *lockouts, const struct person *person,
                         int64_t now_ms);
/* One more try, counted as wrong before it is looked at. */
void lockouts_count(struct lockouts *lockouts, const struct person *person, int64_t now_ms);
/* It was right. */
void lockouts_clear(struct lockouts *lockouts, const struct person *person);
/* Wrong tries in a row so far. */
int64_t lockouts_failures(const struct lockouts *lockouts, const struct person *person);
/* What the file is to hold now; without the row of a person, if one is given. */
void lockouts_write_without(const struct lockouts *lockouts, const struct person *without,
                            struct buf *out);

#endif
