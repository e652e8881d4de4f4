/*
 * Who works here: people with a number, perhaps a badge, a role and a PIN's verifier, in the state
 * directory's people/staff.json, replaced as a whole at each change. The command line changes it
 * beside the running appliance, which notices; a lock keeps the writers apart.
 * An object belongs to one thread; the functions that take a folder are for any thread and block on
 * the disk.
 */
#ifndef AGENT_PEOPLE_STAFF_H
#define AGENT_PEOPLE_STAFF_H

#include "agent/people/access.h"
#include "agent/people/person.h"

struct staff;

/* A missing file is an empty list. */
enum err staff_open(struct staff **staff, const char *folder, struct fault *fault) MUST_CHECK;
void staff_close(struct staff *staff); /* takes NULL */
/* Reads the file again if it was replaced; true if it was. A file that can't be read changes
 * nothing. */
bool staff_refresh(struct staff *staff);
struct staff_act {
    enum access_act act;
    const struct person *person;
};
/* What leads from one list of people to another; `acts` has room for STAFF_ACTS_MAX. Pure. */
#define STAFF_ACTS_MAX(before, now) ((before) + 3 * (now) + 1)
size_t staff_acts(const struct person *before, size_t before_count, const struct person *now,
                  size_t now_count, struct staff_act *acts);

typedef void staff_told(void *context, const struct staff_act *acts, size_t count,
                        const struct access_copy *copy);
/*
 * From now on a refresh tells who was added, removed or changed. The first one compares with what
 * was told before, kept in people/staff.told: a file that is missing or damaged counts as nobody
 * told, or with `known` as all who are there now. Call staff_refresh next.
 */
enum err staff_tell(struct staff *staff, bool known, staff_told *told, void *context,
                    struct fault *fault) MUST_CHECK;
size_t staff_count(const struct staff *staff);
/* In the order they were added; borrowed until the next refresh. */
const struct person *staff_at(const struct staff *staff, size_t index);
/* NULL if there is none. */
const struct person *staff_by_id(const struct staff *staff, const char *id);
/* By number, or by what was read from a badge. */
const struct person *staff_find(const struct staff *staff, struct slice number_or_badge);

/* What is known of a new person. Texts are borrowed. */
struct person_draft {
    const char *number;
    const char *name;
    const char *badge;    /* NULL: none */
    const char *language; /* NULL: "en" */
    enum role role;
    uint32_t rounds; /* of the PIN's hash; 0: PIN_ROUNDS */
};

/*
 * Adds a person with a PIN; `one_time` ones must be changed at the first sign-in. ERR_CONFLICT if
 * the number or the badge is taken, ERR_LOCKED while another program writes the file.
 */
enum err staff_add(const char *folder, const struct person_draft *draft, struct slice pin,
                   bool one_time, struct fault *fault) MUST_CHECK;
/* ERR_NOT_FOUND if nobody has the number. */
enum err staff_remove(const char *folder, const char *number, struct fault *fault) MUST_CHECK;
/* A new PIN, which also ends a lock-out. `number_or_id` is either. */
enum err staff_set_pin(const char *folder, const char *number_or_id,
                       const struct pin_verifier *verifier, bool one_time,
                       struct fault *fault) MUST_CHECK;
/* All of them become these, who have ids and PINs. */
enum err staff_replace(const char *folder, const struct person *people, size_t count,
                       struct fault *fault) MUST_CHECK;
/* Gives a person who is new an id. */
void staff_new_id(struct person *person);

#endif
