/*
 * Asks an HTTP server on this machine in raw bytes, one request a connection, and waits for the
 * answer; for fuzz targets, which have no loop. Ends the program when there is no server.
 */
#ifndef TESTS_SUPPORT_HTTP_ASKER_H
#define TESTS_SUPPORT_HTTP_ASKER_H

#include "hal/base/buf.h"

/* `line` is the method and the address, with its query: "GET /healthz". */
struct http_asking {
    const char *address; /* "127.0.0.1:8080", or with http:// before it */
    const char *token;
    struct slice line;
    struct slice body;
};

/* The answer's status; 0: the server hung up, or said nothing for some seconds. */
int http_asker_ask(const struct http_asking *asking);

#endif
