/*
 * A fake for what lies between two ends: forwards TCP connections to a port of 127.0.0.1 from a
 * thread of its own, as a plain wire or as an HTTP CONNECT proxy, until it becomes a black hole
 * that neither answers nor resets.
 */
#ifndef TESTS_SUPPORT_FORWARDER_H
#define TESTS_SUPPORT_FORWARDER_H

#include <stdbool.h>
#include <stdint.h>

struct forwarder;

enum forwarder_kind {
    FORWARDER_WIRE,
    FORWARDER_PROXY,         /* takes CONNECT, whatever the host, and goes to `to_port` */
    FORWARDER_PROXY_REFUSES, /* answers 407 */
    FORWARDER_PROXY_BABBLES, /* answers in no HTTP */
};

/* Ends the test program when it can't be made. */
struct forwarder *forwarder_open(enum forwarder_kind kind, uint16_t to_port);
void forwarder_close(struct forwarder *forwarder);
uint16_t forwarder_port(const struct forwarder *forwarder);
/* From now on bytes are neither read nor written. */
void forwarder_set_hole(struct forwarder *forwarder, bool hole);
/* The first request that a proxy got; after something was connected through it. */
const char *forwarder_request(const struct forwarder *forwarder);

#endif
