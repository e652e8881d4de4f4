/*
 * The certificate that the store's door shows: the one that the settings name. A copy of it, with
 * its key, is kept in the state directory (STATE/door) while it can be used; where the settings'
 * files have rotted or are gone the copy serves, so that the counter goes on. Blocks on the disk.
 */
#ifndef AGENT_DOOR_CERTIFICATE_H
#define AGENT_DOOR_CERTIFICATE_H

#include "hal/settings.h"
#include "sync/transport/tls.h"

/*
 * *tls is NULL when the settings name no certificate. *trouble: why the settings' can't be used and
 * the copy was taken; its code is ERR_OK otherwise. An error when there is no copy that can be used
 * either: it says what is wrong with the settings' files.
 */
enum err door_certificate_open(struct tls_context **tls, const struct settings *settings,
                               const char *folder, struct clock *clock, struct fault *trouble,
                               struct fault *fault) MUST_CHECK;

#endif
