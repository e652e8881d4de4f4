/*
 * The people that the centre wants at an appliance, as the configuration's section "staff" names
 * them:
 *
 *     {"people":[{"number":"17","name":"Ada","role":"manager","language":"en",
 *                 "badge":"<SHA-256>","pin":{"rounds":200000,"salt":"<hex>","hash":"<hex>"}}]}
 *
 * They are all there are: others go, with their sessions. A person who is there already keeps id
 * and PIN; a new one's PIN must be changed at the first sign-in. Pure but for staff_govern.
 */
#ifndef AGENT_PEOPLE_STAFF_GIVEN_H
#define AGENT_PEOPLE_STAFF_GIVEN_H

#include "agent/people/staff.h"

struct staff_given {
    struct person *people; /* their ids are empty */
    size_t count;
};

/* ERR_INVALID names the path: "people[3].role". */
enum err staff_given_read(struct slice text, struct staff_given **given,
                          struct fault *fault) MUST_CHECK;
void staff_given_free(struct staff_given *given); /* takes NULL */

/* Makes the staff in `folder` so. Blocks on the disk. */
enum err staff_govern(const char *folder, const struct staff_given *given,
                      struct fault *fault) MUST_CHECK;
/* Whether the staff is other people than these, or the same in another role. */
bool staff_differs(const struct staff *staff, const struct staff_given *given);

#endif
