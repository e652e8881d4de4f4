/*
 * What of a sale is already returned here: its live returns, summed.
 * What the counter shows beside a receipt, and what the next decision starts from. May block on the
 * disk. Threads as in views.h.
 */
#ifndef AGENT_VIEWS_SALE_RETURNED_H
#define AGENT_VIEWS_SALE_RETURNED_H

#include "agent/returns/history.h"
#include "agent/views/sale_view.h"

struct sale_returned {
    struct history history;
    int64_t returns; /* how many live ones */
    int64_t amount_minor;
};

/* `except`: a return that doesn't count; NULL: none. Lists live in the arena. */
enum err sale_returned_read(const struct views *views, const struct sale_found *found,
                            const struct id *except, struct arena *arena,
                            struct sale_returned *returned, struct fault *fault) MUST_CHECK;

#endif
