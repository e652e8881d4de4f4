/*
 * A connector posts journal entries into an accounting system: the one face of them all. Used by
 * one thread of its own (the poster's), where it may block.
 */
#ifndef SYNC_HUB_CONNECT_CONNECTOR_H
#define SYNC_HUB_CONNECT_CONNECTOR_H

#include "sync/hub/connect/document.h"
#include "sync/hub/ledger/entry.h"

enum { CONNECTOR_NUMBER_MAX = 64 };

/* What the other side calls it. */
struct posted {
    char number[CONNECTOR_NUMBER_MAX + 1];
    int64_t day;
};

struct post_order {
    const struct entry *entry;
    int64_t day;                     /* to post on */
    bool may_move;                   /* to a later day, where the other side has closed that one */
    const struct document *document; /* behind the entry; NULL: none, or not asked for */
};

struct connector_ops {
    const char *name;
    /*
     * Posts the entry unless it is there already, and proves it by reading it back. The
     * same entry any number of times is there once: it is looked up by its reference first, so
     * the answer of a try whose outcome nobody knows is found by the next. An error of class
     * RETRY: try again later, and after many times ERR_IO it is parked all the same; of class PARK:
     * a person must decide (ERR_REFUSED: the other side refuses it, at the place "period_closed"
     * for that reason; ERR_CONFLICT: another entry is there under its reference).
     */
    enum err (*post)(void *self, const struct post_order *order, struct posted *posted,
                     struct fault *fault);
    void (*close)(void *self); /* takes NULL */
};

struct connector {
    const struct connector_ops *ops; /* NULL: none */
    void *self;
    bool documents; /* it asks for them */
};

#endif
