/*
 * Everything that a decision about a return needs, gathered from the views: the sale, what of it
 * is already returned, the facts. And the decision made from it. Used inside a command, and by a
 * quote with a reader. May block on the disk. Threads as in views.h.
 */
#ifndef AGENT_CAPTURE_QUESTION_H
#define AGENT_CAPTURE_QUESTION_H

#include "agent/capture/capture.h"
#include "agent/returns/decide.h"
#include "agent/views/sale_view.h"

/* A sale that names the price of an item asked for without a receipt. */
struct question_item_sale {
    struct question_item_sale *next;
    struct sale_found found;
};

struct question {
    const struct return_request *request;
    struct sale_found found; /* zeroed when there is no sale */
    bool has_sale;
    struct history history;
    struct question_item_sale *item_sales;
    struct facts facts;
    struct decision decision;
};

/* What is asked: by whom, at which store, when. */
struct question_asked {
    const struct capture_config *store;
    const struct capture_actor *actor;
    const struct return_request *request;
    const struct id *except; /* a return that doesn't count against its own sale; NULL: none */
    int64_t exchange_minor;  /* gross of the new sale of an exchange; 0: none */
    struct clock_reading now;
};

/* How far this machine's local time is ahead of UTC at that moment. */
int32_t utc_offset_minutes(int64_t now_ms);

/* Fills `question`, zeroed by the caller; lists live in the arena. */
enum err question_decide(const struct views *views, const struct question_asked *asked,
                         struct arena *arena, struct question *question,
                         struct fault *fault) MUST_CHECK;
void question_cleanup(struct question *question); /* for CLEANUP; zeroed is fine */

#endif
