/*
 * Host names and addresses as certificates carry them (RFC 5280, section 4.2.1.6). Pure, any
 * thread.
 */
#ifndef PROVISIONING_HOST_H
#define PROVISIONING_HOST_H

#include "hal/base/buf.h"

enum { HOST_ADDRESS_MAX = 16, HOST_SAN_DNS = 2, HOST_SAN_ADDRESS = 7 };

/* An IPv4 or IPv6 address as its 4 or 16 bytes; returns how many, 0 if it isn't one. */
size_t host_address(const char *host, uint8_t address[static HOST_ADDRESS_MAX]);
/* The other way round; false unless it has 4 or 16 bytes. `text` has room for 46 characters. */
bool host_address_text(struct slice address, char *text);
/* True for an address, or a DNS name of letters, digits, "-" and ".", with perhaps one leading
 * "*.". */
bool host_valid(const char *host);
/* True if the name in a certificate covers the host: case doesn't matter, "*" is one label. */
bool host_covered(struct slice name, const char *host);

#endif
