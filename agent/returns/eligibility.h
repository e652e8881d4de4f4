/*
 * The policy's rules held against a return: a table of checks, each of which a rule gives its
 * numbers and its outcome. Pure, any thread.
 */
#ifndef AGENT_RETURNS_ELIGIBILITY_H
#define AGENT_RETURNS_ELIGIBILITY_H

#include "agent/returns/decide.h"
#include "agent/returns/reasons.h"
#include "agent/returns/when.h"

struct eligibility {
    const struct decide_input *in;
    const struct decided_line *lines;
    const struct when_facts *whens; /* one for each line */
    size_t line_count;
    const struct history *after; /* as it would be with this return; NULL without a sale */
    const char *currency;
    int64_t total_minor;
    int64_t cash_minor; /* of it, handed over in cash */
};

/* Adds a reason for every rule that is broken. */
void eligibility_check(const struct eligibility *e, struct reasons *reasons);

/* Its country is its own code or what stands before a hyphen; a local code names none: true. */
bool jurisdiction_is_of(const char *jurisdiction, const char *country);

#endif
