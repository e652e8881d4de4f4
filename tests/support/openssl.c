#include "tests/support/openssl.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

bool openssl_present(void)
{
    return system("openssl version >/dev/null 2>&1") == 0; /* NOLINT(cert-env33-c) */
}

bool openssl_run(char *out, size_t size, const char *arguments, ...)
{
    char rest[2048], command[2200];
    va_list args;
    va_start(args, arguments);
    (void)vsnprintf(rest, sizeof rest, arguments, args);
    va_end(args);
    (void)snprintf(command, sizeof command, "openssl %s 2>&1", rest);
    FILE *pipe = popen(command, "r"); /* NOLINT(cert-env33-c) */
    if (!pipe)
        return false;
    size_t len = fread(out, 1, size - 1, pipe);
    out[len] = '\0';
    char rubbish[1024];
    while (fread(rubbish, 1, sizeof rubbish, pipe) > 0)
        continue;
    return pclose(pipe) == 0;
}
