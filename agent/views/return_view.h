/*
 * The returns of this appliance: one row each with its state, so that they are found by id, number,
 * sale and time. The row follows from the return's events (return_state). May block on the disk.
 * Threads as in views.h.
 */
#ifndef AGENT_VIEWS_RETURN_VIEW_H
#define AGENT_VIEWS_RETURN_VIEW_H

#include "agent/views/return_state.h"
#include "agent/views/views.h"

#define RETURN_VIEW_NAME "returns"

enum { RETURN_VIEW_PAGE_MAX = 100 };

void return_view_define(struct eventlog_view *view);

/* ERR_NOT_FOUND when there is none. */
enum err return_view_find(const struct views *views, const struct id *id,
                          struct return_state *state, struct fault *fault) MUST_CHECK;
enum err return_view_by_number(const struct views *views, const char *number,
                               struct return_state *state, struct fault *fault) MUST_CHECK;
/* Whether a return has the number. */
enum err return_view_numbered(const struct views *views, const char *number, bool *taken,
                              struct fault *fault) MUST_CHECK;
/* How many returns were ever created here: the next one's number is one more. */
enum err return_view_counted(const struct views *views, int64_t *last,
                             struct fault *fault) MUST_CHECK;

typedef enum err return_view_visit(void *context, const struct return_state *state,
                                   struct fault *fault);
/* Every return of a sale, oldest first, the declined and voided ones too. */
enum err return_view_of_sale(const struct views *views, const struct id *sale,
                             return_view_visit *visit, void *context,
                             struct fault *fault) MUST_CHECK;

/* A return that counts against its sale now. */
struct return_given_back {
    struct id id;
    int64_t total_minor;
    struct slice
        body; /* an object of its "lines", "refund" and "authorisation", as they were decided */
};
typedef enum err return_view_visit_given_back(void *context, const struct return_given_back *given,
                                              struct fault *fault);
/* None is left out, since money is decided by them; their events may be pruned. */
enum err return_view_live_of_sale(const struct views *views, const struct id *sale,
                                  return_view_visit_given_back *visit, void *context,
                                  struct fault *fault) MUST_CHECK;

/* Returns of the store that closed and are not told to be complete yet, oldest first. */
enum err return_view_due(const struct views *views, const char *store, size_t max,
                         return_view_visit *visit, void *context, struct fault *fault) MUST_CHECK;

/*
 * Live returns of a receipt that were allowed while its sale was not known here: they name no lines
 * of it, and still count against it.
 */
enum err return_view_unsold(const struct views *views, const char *receipt, int64_t *count,
                            struct fault *fault) MUST_CHECK;

/* The live returns of a person or a customer since then, and what they refunded. */
enum err return_view_velocity(const struct views *views, bool of_customer, const char *party,
                              int64_t since_ms, int64_t *returns, int64_t *amount_minor,
                              struct fault *fault) MUST_CHECK;

enum return_view_state { RETURN_VIEW_OPEN, RETURN_VIEW_COMPLETE, RETURN_VIEW_ANY };

struct return_view_query {
    enum return_view_state state;
    const char *receipt; /* "" for all */
    const char *store;   /* captured there; NULL: anywhere */
    int64_t from_ms;     /* created at or after */
    int64_t before_ms;   /* created before (before_ms, before_id): where the last page ended */
    struct id before_id;
    size_t max; /* at most RETURN_VIEW_PAGE_MAX */
};
/* Newest first. */
enum err return_view_list(const struct views *views, const struct return_view_query *query,
                          return_view_visit *visit, void *context, struct fault *fault) MUST_CHECK;

#endif
