/*
 * The exceptions of this appliance, one row each as exception_state folds them. May block on the
 * disk. Threads as in views.h.
 */
#ifndef AGENT_VIEWS_EXCEPTION_VIEW_H
#define AGENT_VIEWS_EXCEPTION_VIEW_H

#include "agent/views/exception_state.h"
#include "agent/views/views.h"

#define EXCEPTION_VIEW_NAME "exceptions"

enum { EXCEPTION_VIEW_PAGE_MAX = 100 };

void exception_view_define(struct eventlog_view *view);

/* ERR_NOT_FOUND when there is none. */
enum err exception_view_find(const struct views *views, const struct id *id,
                             struct exception_state *state, struct fault *fault) MUST_CHECK;
/* As it was after the command that began with the event `first`. */
enum err exception_view_after(const struct views *views, const struct id *id,
                              const struct id *subject, const struct id *first,
                              struct exception_state *state, struct fault *fault) MUST_CHECK;

struct exception_view_query {
    int step;         /* enum exception_step; -1: all that are not resolved */
    int64_t after_ms; /* raised after (after_ms, after_id): where the last page ended */
    struct id after_id;
    size_t max; /* at most EXCEPTION_VIEW_PAGE_MAX */
};
typedef enum err exception_view_visit(void *context, const struct exception_state *state,
                                      struct fault *fault);
/* Oldest first: age is what matters. */
enum err exception_view_list(const struct views *views, const struct exception_view_query *query,
                             exception_view_visit *visit, void *context,
                             struct fault *fault) MUST_CHECK;

#endif
