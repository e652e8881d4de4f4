/*
 * A box whose configuration is kept, for tests: a keeper with two parts that hold a text each, of
 * which the broker's goes on trial; and a hub's signed documents for it.
 */
#ifndef TESTS_SUPPORT_KEEPER_HOUSE_H
#define TESTS_SUPPORT_KEEPER_HOUSE_H

#include "sync/config/keeper.h"
#include "tests/support/scratch.h"

#define KEEPER_HOUSE_DEVICE "store-0042-a"

/* What a part has in force, as text; "bad" in it is refused. */
struct keeper_thing {
    char value[128];
    unsigned applied;
    bool drifted;
};

struct keeper_house {
    struct scratch scratch;
    char folder[SCRATCH_PATH_MAX];
    char identity[SCRATCH_PATH_MAX];
    struct loop *loop;
    struct clock *clock;
    struct keeper_thing policy;
    struct keeper_thing broker;
    struct config_part parts[2];
    struct keeper *keeper;
    struct config_report told;
    unsigned times_told;
    struct config_report settled;
    enum config_state settled_before; /* the last time but one */
};

/* The hub's keys, for all tests of a program. */
int keeper_house_setup(void **state);
int keeper_house_teardown(void **state);

/* A box that nothing was sent to yet, connected. */
void keeper_house_open(struct keeper_house *box);
void keeper_house_close(struct keeper_house *box);
/* Its keeper, after it was closed. */
void keeper_house_start(struct keeper_house *box);
/* The plug pulled, and the box started again. */
void keeper_house_start_again(struct keeper_house *box);

#define KEEPER_FIRST "{\"policy\":{\"version\":\"first\"}}"
#define KEEPER_SECOND "{\"policy\":{\"version\":\"second\"}}"

/* Open, with KEEPER_FIRST in force as version 3. */
void keeper_house_open_with_first(struct keeper_house *box);

/* A document for the box, and an envelope of it, which the caller frees. */
struct config keeper_document(int64_t version, const char *settings);
struct buf keeper_sign(const struct config *config, const char *kind);
void keeper_house_give(struct keeper_house *box, const struct config *config);
void keeper_house_send(struct keeper_house *box, int64_t version, const char *settings);
/* The hub says that it knows how that version ended. */
void keeper_house_acknowledge(struct keeper_house *box, int64_t version, enum config_state state);

#endif
