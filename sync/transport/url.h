/*
 * Addresses as people write them (the authority part of RFC 3986): "mqtts://host:8883",
 * "http://user:password@proxy:3128", "[::1]:8080". Pure.
 */
#ifndef SYNC_TRANSPORT_URL_H
#define SYNC_TRANSPORT_URL_H

#include "hal/base/fault.h"

#include <stdint.h>

enum { URL_SCHEME_MAX = 15, URL_HOST_MAX = 253, URL_USER_MAX = 255 };

struct url {
    char scheme[URL_SCHEME_MAX + 1]; /* lower case; "" when there was none */
    char user[URL_USER_MAX + 1];     /* "name:password", not decoded; "" when there was none */
    char host[URL_HOST_MAX + 1];     /* without the brackets of an IPv6 address */
    uint16_t port;                   /* `default_port` when it isn't written */
};

/*
 * A path may be "/" alone; query and fragment are refused. ERR_INVALID with `where` (a setting's
 * name, for the fault) and the rule.
 */
enum err url_parse(const char *text, const char *where, uint16_t default_port, struct url *url,
                   struct fault *fault) MUST_CHECK;

#endif
