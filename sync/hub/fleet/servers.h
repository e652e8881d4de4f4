/*
 * The certificates that the hub's authority has given to machines of the centre, below the hub's
 * state directory: the hub's own at the broker (identity), and those of servers (servers/NAME.pem
 * with NAME-key.pem, made by `ca server`). They are renewed in place, with new keys, for the same
 * names. No clock inside; blocks on the disk.
 */
#ifndef SYNC_HUB_FLEET_SERVERS_H
#define SYNC_HUB_FLEET_SERVERS_H

#include "sync/hub/fleet/authorities.h"

/*
 * Renews what has less than a third of its time left or is of an authority that issues no more;
 * leaves alone what another authority has issued. *changed tells whether anything was, also on
 * failure of another: whoever uses these files reads them again.
 */
enum err servers_renew(const struct authorities *authorities, const char *state, int64_t now_ms,
                       bool *changed, struct fault *fault) MUST_CHECK;

#endif
