#include "tests/support/soft_token.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char module_path[] = "/usr/lib/softhsm/libsofthsm2.so";
static const char pin[] = "1234";

static void end(const char *doing)
{
    (void)fprintf(stderr, "test token: %s failed\n", doing);
    exit(1);
}

void soft_token_make(struct soft_token *token)
{
    char path[SCRATCH_PATH_MAX];
    char text[2 * SCRATCH_PATH_MAX];
    scratch_make(&token->scratch);
    if (mkdir(scratch_path(&token->scratch, "tokens", path), 0700) != 0)
        end("making a folder");
    (void)snprintf(text, sizeof text, "directories.tokendir = %s\n", path);
    scratch_write(scratch_path(&token->scratch, "softhsm2.conf", path), text, strlen(text));
    if (setenv("SOFTHSM2_CONF", path, 1) != 0 ||
        system("softhsm2-util --init-token --free --label 'a store' --so-pin 12345678 --pin 1234 "
               ">/dev/null") != 0)
        end("softhsm2-util");
    scratch_write(scratch_path(&token->scratch, "pin", path), pin, strlen(pin));
    (void)snprintf(token->uri, sizeof token->uri,
                   "pkcs11:token=a%%20store?module-path=%s&pin-source=%s", module_path, path);
}

void soft_token_remove(struct soft_token *token)
{
    scratch_remove(&token->scratch);
}

static size_t objects;

static int count_object(const char *path, const struct stat *info, int kind, struct FTW *place)
{
    (void)info;
    (void)place;
    const char *dot = strrchr(path, '.');
    if (kind == FTW_F && dot && strcmp(dot, ".object") == 0 && !strstr(path, "token.object"))
        objects++;
    return 0;
}

/* A file for each object: of a pair, two. */
size_t soft_token_count(const struct soft_token *token)
{
    objects = 0;
    (void)nftw(token->scratch.path, count_object, 16, FTW_PHYS);
    return objects / 2;
}
