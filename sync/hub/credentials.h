/*
 * What the hub shows of itself, and by what it knows others: TLS contexts of the files that its
 * settings name, or that lie in its state directory. Read anew for each. Loop thread; blocks on the
 * disk.
 */
#ifndef SYNC_HUB_CREDENTIALS_H
#define SYNC_HUB_CREDENTIALS_H

#include "sync/hub/hub_config.h"
#include "sync/transport/tls.h"

#include <limits.h>

/* The setting, or else a file below the state directory: ERR_TOO_LARGE. */
enum err credentials_path(const struct hub_config *config, const char *key, const char *fallback,
                          char path[static PATH_MAX], struct fault *fault) MUST_CHECK;
/* Towards the brokers. *ca_file is whose word it goes by. */
enum err credentials_client(const struct hub_config *config, char ca_file[static PATH_MAX],
                            struct tls_context **tls, struct fault *fault) MUST_CHECK;
/*
 * Of a server, by the keys of its certificate and key; `optional`: clients may come without one.
 * *tls stays NULL when no certificate is configured.
 */
enum err credentials_server(const struct hub_config *config, const char *certificate,
                            const char *key, bool optional, struct tls_context **tls,
                            struct fault *fault) MUST_CHECK;

#endif
