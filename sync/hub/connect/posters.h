/*
 * Posters as the settings say, side by side: one for all companies, or one for each connector of a
 * file (connectors_config.h), each with its own pauses after failures and its own pace. Loop thread
 * only.
 */
#ifndef SYNC_HUB_CONNECT_POSTERS_H
#define SYNC_HUB_CONNECT_POSTERS_H

#include "sync/hub/connect/connector_list.h"
#include "sync/hub/connect/connectors_config.h"
#include "sync/hub/connect/poster.h"

struct posters;

struct posters_config {
    /* none, ledger-file:PATH, tryton:FILE, or by-company:FILE of several; borrowed */
    const char *connector;
    struct poster_config each; /* what is the same for all: no name, connector or share */
};

/* *posters is to be stopped and closed after a failure too: the worker may be at it already. */
enum err posters_open(struct posters **posters, struct loop *loop,
                      const struct posters_config *config, struct fault *fault) MUST_CHECK;
/* Before worker_close: waits for the calls that run. Takes NULL. */
void posters_stop(struct posters *posters);
/* After worker_close. Takes NULL. */
void posters_close(struct posters *posters);
/* There may be something to post. */
void posters_wake(struct posters *posters);

/* One of them: its connector's name, and what it did since the start. */
struct posters_fact {
    const char *name; /* borrowed */
    struct poster_counters counters;
};
/* How they are listed, under the names above; borrowed as long as the posters are open. */
size_t posters_cards(const struct posters *posters,
                     struct connector_card cards[static CONNECTORS_MAX]);
/* How many there are. */
size_t posters_facts(const struct posters *posters,
                     struct posters_fact facts[static CONNECTORS_MAX]);

#endif
