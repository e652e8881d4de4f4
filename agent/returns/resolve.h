/*
 * From the lines asked for to the lines decided: which line of the sale is meant, what it refunds.
 * One owner; allocates only from the arena.
 */
#ifndef AGENT_RETURNS_RESOLVE_H
#define AGENT_RETURNS_RESOLVE_H

#include "agent/returns/decide.h"
#include "agent/returns/reasons.h"
#include "agent/returns/when.h"

struct resolve {
    const struct decide_input *in;
    struct arena *arena;
    const char *currency;
    struct reasons *reasons;
    struct history after; /* what is returned with the lines so far; only with a sale */
    struct decided_line *lines;
    struct when_facts *whens; /* one for each line */
    size_t line_count;
    size_t capacity;
};

/*
 * Fills lines, whens and `after`; what can't be is a reason. ERR_INVALID as returns_decide says.
 * in, arena, currency and reasons are the caller's, the rest starts zeroed.
 */
enum err resolve_lines(struct resolve *r, struct fault *fault) MUST_CHECK;

#endif
