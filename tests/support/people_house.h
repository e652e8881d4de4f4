/*
 * The people of a store with one of them in it: Ann, number 1042, badge BADGE-7, PIN 2580. What is
 * told of them is written down, and a clock that stands still is theirs. Few rounds make a PIN
 * quick to look at.
 */
#ifndef TESTS_SUPPORT_PEOPLE_HOUSE_H
#define TESTS_SUPPORT_PEOPLE_HOUSE_H

#include "agent/people/people.h"
#include "tests/support/scratch.h"

enum { HOUSE_ROUNDS = 10, HOUSE_IDLE_MS = 60000, HOUSE_AGE_MS = 86400000 };

struct people_house {
    struct scratch scratch;
    struct loop *loop;
    struct clock *wall;
    struct people *people;
    char told[1024]; /* a line each: "act person by" */
    bool log_fails;  /* what is told isn't saved */
};

/* Of cmocka: *state is a house with its people open. */
int people_house_setup(void **state);
int people_house_teardown(void **state);
void people_house_open(struct people_house *house);

struct people_heard {
    bool came;
    int times;
    enum err err;
    int64_t retry_s;
    char number[PERSON_NUMBER_MAX + 1];
};

/* Notes an answer in a struct people_heard. */
void people_house_hear(void *heard, const struct people_answer *answer);
struct people_heard people_house_verify(struct people_house *house, const char *who,
                                        const char *pin);

#endif
