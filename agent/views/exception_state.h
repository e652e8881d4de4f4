/*
 * One exception: what needs a person, who has it, and how it ended; folded from its events in their
 * order, so that an earlier step can be told again. Pure.
 */
#ifndef AGENT_VIEWS_EXCEPTION_STATE_H
#define AGENT_VIEWS_EXCEPTION_STATE_H

#include "hal/base/jsonw.h"
#include "sync/eventlog/eventlog.h"

enum { EXCEPTION_CODE_MAX = 64, EXCEPTION_TEXT_MAX = 500, EXCEPTION_OWNER_MAX = 80 };

enum exception_step { EXCEPTION_OPEN, EXCEPTION_ASSIGNED, EXCEPTION_RESOLVED };
extern const char *const exception_step_words[];

struct exception_state {
    struct id id;
    struct id subject; /* the return that it belongs to; its own id when there is none */
    char code[EXCEPTION_CODE_MAX + 1];
    char detail[EXCEPTION_TEXT_MAX + 1];
    char owner[EXCEPTION_OWNER_MAX + 1];
    char how[EXCEPTION_TEXT_MAX + 1]; /* "" until it is resolved */
    enum exception_step step;
    int64_t raised_ms;
    int64_t updated_ms;
};

/* The exception that an event of the two types speaks of; ERR_INVALID if it names none. */
enum err exception_of(const struct eventlog_record *record, struct id *id,
                      struct fault *fault) MUST_CHECK;
/* Applies such an event. ERR_CONFLICT, and nothing changed, after it was resolved. */
enum err exception_state_apply(struct exception_state *state, const struct eventlog_record *record,
                               struct fault *fault) MUST_CHECK;
bool exception_of_no_return(const struct exception_state *state);
/* As the API tells it; `now_ms` for its age, 0: without. */
void exception_state_write(const struct exception_state *state, int64_t now_ms, struct jsonw *w);

#endif
