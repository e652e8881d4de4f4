/* The openssl command: an independent reader of what we write, and a TLS peer of another make. */
#ifndef TESTS_SUPPORT_OPENSSL_H
#define TESTS_SUPPORT_OPENSSL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

bool openssl_present(void);
/*
 * Runs "openssl <arguments>" through the shell; true on exit code 0. What it printed, both streams,
 * goes into `out` (cut to fit, NUL-terminated).
 */
bool openssl_run(char *out, size_t size, const char *arguments, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * Starts "openssl s_server" on a port of 127.0.0.1 with further arguments, and returns when it
 * takes connections; ends the test program when it doesn't. It dies with us.
 */
pid_t openssl_serve(uint16_t port, const char *arguments, ...)
    __attribute__((format(printf, 2, 3)));
/* kill -9. */
void openssl_kill(pid_t server);

#endif
