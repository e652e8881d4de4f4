/*
 * Posts what the ledger made: a courier (courier.h) whose jobs are the entries of its companies
 * that are ready, and that lets a connector post them. Loop thread only.
 */
#ifndef SYNC_HUB_CONNECT_POSTER_H
#define SYNC_HUB_CONNECT_POSTER_H

#include "sync/hub/connect/courier.h"
#include "sync/hub/connect/posting.h"

struct poster;

struct poster_config {
    struct worker *worker;
    const struct books *books;
    const char *name;           /* of the connector, for people; borrowed */
    struct connector connector; /* the poster's from now on, even if opening fails */
    struct posting_share share;
    struct clock *clock;
    struct diag *diag;
    struct gate_config gate;
    /* After each batch: events of the centre were recorded, and these appliances have news. */
    void (*told)(void *context, const char (*devices)[DEVICE_ID_MAX + 1], size_t count);
    void *context;
};

/* Since the start. */
struct poster_counters {
    int64_t posted;
    int64_t parked;
    int64_t retried;
    bool waiting; /* the other side can't be reached */
};

enum err poster_open(struct poster **poster, struct loop *loop, const struct poster_config *config,
                     struct fault *fault) MUST_CHECK;
/* As courier_close. */
void poster_close(struct poster *poster);
/* There may be something to post. */
void poster_wake(struct poster *poster);
struct poster_counters poster_count(const struct poster *poster);

#endif
