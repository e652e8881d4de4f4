/*
 * Somebody who works here, and a list of them as a file holds it: a number, perhaps a badge, a role
 * and a PIN's verifier, all checked as it is read. No threads; reading and saving block on the
 * disk.
 */
#ifndef AGENT_PEOPLE_PERSON_H
#define AGENT_PEOPLE_PERSON_H

#include "hal/base/buf.h"
#include "hal/base/id.h"
#include "hal/base/sha256.h"
#include "hal/pin.h"

enum {
    PERSON_NUMBER_MAX = 16,
    PERSON_NAME_MAX = 64,
    PERSON_BADGE_MAX = 64,
    PERSON_LANGUAGE = 2,
    STAFF_MAX = 500,
};

/* Managers approve what the rules leave to them; technicians look after the appliance. */
enum role { ROLE_ASSOCIATE, ROLE_MANAGER, ROLE_TECHNICIAN, ROLE_COUNT };
extern const char *const role_words[ROLE_COUNT + 1];

struct person {
    char id[ID_TEXT + 1]; /* what events name; the rest never leaves the appliance */
    char number[PERSON_NUMBER_MAX + 1];
    char name[PERSON_NAME_MAX + 1];
    char language[PERSON_LANGUAGE + 1]; /* "de" */
    enum role role;
    bool has_badge;
    struct sha256 badge; /* of what a scanner reads from it */
    bool one_time;       /* the PIN must be changed at the first sign-in */
    struct pin_verifier pin;
};

struct person_list {
    struct person *people;
    size_t count;
};

/* ERR_NOT_FOUND without a file; ERR_CORRUPT names whom it can't read. Owned by the caller. */
enum err person_list_read(const char *path, struct person_list *list,
                          struct fault *fault) MUST_CHECK;
void person_list_free(struct person_list *list);
/* What its file is to hold; initialises `text`, which may end up failed. */
void person_list_write(const struct person_list *list, struct buf *text);
/* Replaces the file as a whole. */
enum err person_list_save(const struct person_list *list, const char *path,
                          struct fault *fault) MUST_CHECK;
/* One more at the end. */
enum err person_list_add(struct person_list *list, const struct person *person,
                         struct fault *fault) MUST_CHECK;

#endif
