/*
 * The one rule by which a line's stored amounts are split over partial returns, such that pieces in
 * any order and grouping sum exactly to the whole, also after voids. Pure, any thread.
 */
#ifndef AGENT_RETURNS_SHARE_H
#define AGENT_RETURNS_SHARE_H

#include <stdint.h>

/*
 * What returning `units` more of a quantity refunds of `stored_minor`, when `live_units` are
 * returned and live and `live_minor` was refunded for them:
 * max(0, R(stored * (live + units) / quantity) - live_minor), R half away from zero.
 */
int64_t share_next(int64_t stored_minor, int64_t quantity, int64_t live_units, int64_t units,
                   int64_t live_minor);

#endif
