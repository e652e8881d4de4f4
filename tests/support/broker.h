/*
 * A real mosquitto for tests, with mutual TLS on a free port of 127.0.0.1. The certificate's CN is
 * the user name and the client id. Ends the test program when it doesn't start.
 */
#ifndef TESTS_SUPPORT_BROKER_H
#define TESTS_SUPPORT_BROKER_H

#include "tests/support/tls_pki.h"

#include <stdint.h>
#include <sys/types.h>

struct broker {
    pid_t process;
    uint16_t port;
    char url[64]; /* "mqtts://localhost:PORT" */
};

/*
 * `server` names the certificate; `extra` are further configuration lines, or NULL. Clients may
 * write and read tb/v1/<their name>/#, and "all/#"; the one named "hub" all of tb/v1/#.
 */
void broker_start(struct broker *broker, const struct tls_pki *pki, const char *server,
                  const char *extra);
/* kill -9. */
void broker_kill(struct broker *broker);
/* A port of 127.0.0.1 that nobody has right now. */
uint16_t broker_free_port(void);

#endif
