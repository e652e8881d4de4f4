/*
 * The hub's certificate authority on the command line, for one machine that plays all parts and
 * for a first start:
 *
 *     ca init               makes the authority and the hub's own identity
 *     ca server NAME HOST...  a server's certificate, in servers/ of the state directory
 *     ca device ID [FOLDER] an appliance's identity directory, devices/ID unless given
 *     ca revoke ID          revokes all that was issued to the name
 *     ca crl                makes the revocation lists anew
 *     ca next, switch, retire   replace the authority, a step at a time (fleet/authorities.h)
 */
#ifndef SYNC_HUB_CA_H
#define SYNC_HUB_CA_H

#include "hal/base/fault.h"

#include <stdint.h>

/* Runs one of them; `count` words after "ca". ERR_INVALID for words that make no sense. */
enum err ca_run(const char *state, int count, char *const *words, int64_t now_ms,
                struct fault *fault) MUST_CHECK;

#endif
