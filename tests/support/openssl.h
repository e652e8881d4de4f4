/* The openssl command as an independent reader of what we write, where it is installed. */
#ifndef TESTS_SUPPORT_OPENSSL_H
#define TESTS_SUPPORT_OPENSSL_H

#include <stdbool.h>
#include <stddef.h>

bool openssl_present(void);
/*
 * Runs "openssl <arguments>" through the shell; true on exit code 0. What it printed, both streams,
 * goes into `out` (cut to fit, NUL-terminated).
 */
bool openssl_run(char *out, size_t size, const char *arguments, ...)
    __attribute__((format(printf, 3, 4)));

#endif
