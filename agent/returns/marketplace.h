/*
 * The marketplace's commission on what is refunded: reversed, less the administration fee that it
 * keeps (a rate with a cap for the line), cumulative over partial returns. Pure, any thread.
 */
#ifndef AGENT_RETURNS_MARKETPLACE_H
#define AGENT_RETURNS_MARKETPLACE_H

#include "agent/returns/decision.h"
#include "agent/returns/history.h"

/*
 * What falls on a refund that brings the line to `units` returned and `adjusted_minor` refunded
 * without goods (its stored basis). All zero for a line without commission.
 */
struct decided_commission marketplace_reverse(const struct sale *sale, size_t sale_index,
                                              const struct history_line *live, int64_t units,
                                              int64_t adjusted_minor);

#endif
