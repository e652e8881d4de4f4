/*
 * One entry on its way into Tryton: the steps look up, create, look up, post, read back, and again
 * when somebody came in between. Inside of the Tryton connector only; blocks, one thread.
 */
#ifndef SYNC_HUB_CONNECT_TRYTON_WAY_H
#define SYNC_HUB_CONNECT_TRYTON_WAY_H

#include "sync/hub/connect/connector.h"
#include "sync/hub/connect/tryton_company.h"

/* Of records under one reference, as many as are looked at. */
enum { TRYTON_SAME_MAX = 20 };

struct tryton_way {
    struct tryton_company *company;
    struct tryton_rpc *rpc;
    const struct post_order *order;
    int64_t day;
    int64_t period;
    int64_t mine; /* the record that we made last; 0: none */
    bool others;  /* somebody else is at the same reference */
    bool late;    /* Tryton refused an earlier day */
    struct fault *fault;
};

/*
 * Takes rounds until one says that it is done. What failed may have been done by somebody else
 * meanwhile: another round says whether it was. A second failure is told; but where others are at
 * the same reference it may be their doing, and is no reason to park the entry.
 */
enum err tryton_way_go(struct tryton_way *way,
                       enum err (*round)(struct tryton_way *way, struct posted *posted, bool *done),
                       struct posted *posted) MUST_CHECK;

/* The one account of the entry's lines with this role; NULL: none, or several. */
const char *tryton_way_account(const struct entry *entry, const char *role);

/* The sums of an entry or of what Tryton made of it, by Tryton's account. */
enum { TRYTON_SUMS_MAX = 100 };

/* The lines of a move, of account, debit and credit; the rows are the document's. */
enum err tryton_lines_of_move(struct tryton_way *way, int64_t move, struct cJSON **document,
                              const struct cJSON **rows) MUST_CHECK;

struct tryton_sums {
    struct {
        int64_t account;
        int64_t amount_minor; /* debits less credits */
    } items[TRYTON_SUMS_MAX];
    size_t count;
};

/* ERR_TOO_LARGE beyond TRYTON_SUMS_MAX accounts. */
enum err tryton_sums_add(struct tryton_sums *sums, int64_t account, int64_t amount_minor,
                         struct fault *fault) MUST_CHECK;
bool tryton_sums_equal(const struct tryton_sums *a, const struct tryton_sums *b);
/* What the entry says. */
enum err tryton_sums_of_entry(struct tryton_way *way, struct tryton_sums *sums) MUST_CHECK;
/* What the lines of a move say. */
enum err tryton_sums_of_move(struct tryton_way *way, int64_t move,
                             struct tryton_sums *sums) MUST_CHECK;

#endif
