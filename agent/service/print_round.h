/*
 * A test receipt at each printer, one after the other, up to the first that fails. Loop thread
 * only.
 */
#ifndef AGENT_SERVICE_PRINT_ROUND_H
#define AGENT_SERVICE_PRINT_ROUND_H

#include "agent/print/desk.h"
#include "agent/service/finding.h"

struct print_round {
    struct print_desk *prints; /* NULL: there is no printer */
    struct finding finding;    /* with its id; the rest is filled */
    /* Once, perhaps from print_round_begin. NULL: nobody waits any more. */
    void (*done)(void *context, const struct finding *finding);
    void *context;
    size_t printer; /* whose test print is awaited */
};

/* The round must stay where it is until the print desk is closed. */
void print_round_begin(struct print_round *round);

#endif
