/*
 * What the API says of one return: written from its events, as it is now, or as it was after an
 * earlier command, so that a repeated command is answered with the same words. May block on the
 * disk.
 */
#ifndef AGENT_VIEWS_RETURN_ANSWER_H
#define AGENT_VIEWS_RETURN_ANSWER_H

#include "agent/views/return_state.h"
#include "agent/views/views.h"

struct return_answer {
    const struct id *after; /* NULL: as it is now; else the first event of a command */
    bool with_history;      /* all of its events */
    int64_t through;        /* the hub's watermark: what it holds is queued for posting there */
};

/* ERR_NOT_FOUND when no event of the return is kept here. */
enum err return_answer_write(const struct views *views, const struct id *id,
                             const struct return_answer *how, struct buf *out,
                             struct fault *fault) MUST_CHECK;
/*
 * The same words, without reading anything, for the command that has just created it: from what the
 * view had of it then, and the data of return.created. Any thread.
 */
enum err return_answer_created(const struct return_state *state, struct slice created,
                               struct buf *out, struct fault *fault) MUST_CHECK;

#endif
