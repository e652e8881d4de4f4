/* The reasons of a decision as they are found; each once. One owner. */
#ifndef AGENT_RETURNS_REASONS_H
#define AGENT_RETURNS_REASONS_H

#include "agent/returns/decision.h"

struct reasons {
    struct arena *arena;
    struct decided_reason *list;
    size_t count;
    size_t capacity;
    bool failed; /* the arena was exhausted */
};

/* `rule` is "" for what no policy can allow. Texts are borrowed. */
void reasons_add(struct reasons *reasons, const char *code, const char *rule, int outcome,
                 size_t request_index);

#endif
