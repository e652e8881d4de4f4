#include "agent/people/local.h"
#include "hal/base/cleanup.h"
#include "hal/base/hex.h"
#include "hal/base/random.h"
#include "hal/storage.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

enum { SECRET_BYTES = LOCAL_TOKEN_TEXT / 2, FILE_MAX = 512 };

static enum err path_of(char *path, const char *folder, struct fault *fault)
{
    return storage_path(path, PATH_MAX, folder, "api")
               ? fault_set(fault, ERR_TOO_LARGE, folder, "the path is too long")
               : ERR_OK;
}

enum err local_open(struct local *local, const char *folder, const char *address,
                    struct fault *fault)
{
    char path[PATH_MAX];
    char token[LOCAL_TOKEN_TEXT + 1];
    uint8_t secret[SECRET_BYTES];
    struct buf text CLEANUP(buf_free);
    buf_init(&text, FILE_MAX);
    random_fill(NULL, secret, sizeof secret);
    hex_encode(secret, sizeof secret, token);
    buf_printf(&text, "%s\n%s\n", address, token);
    enum err err = path_of(path, folder, fault);
    if (!err)
        err = buf_check(&text, fault, "api");
    if (!err)
        err = storage_replace(path, buf_slice(&text), 0600, fault);
    local->hash = sha256_of(slice_of(token));
    local->open = !err;
    return err;
}

void local_close(struct local *local, const char *folder)
{
    char path[PATH_MAX];
    if (local->open && path_of(path, folder, NULL) == ERR_OK && storage_remove(path, NULL))
        return; /* a file without an appliance tells that it can't be reached */
    local->open = false;
}

bool local_is(const struct local *local, struct slice token)
{
    struct sha256 hash = sha256_of(token);
    return local->open && sha256_equal(&hash, &local->hash);
}

enum err local_read(const char *folder, struct local_way *way, struct fault *fault)
{
    char path[PATH_MAX];
    struct buf text CLEANUP(buf_free);
    buf_init(&text, FILE_MAX);
    enum err err = path_of(path, folder, fault);
    if (!err && storage_read(path, &text, fault) != ERR_OK)
        err = fault_set(fault, ERR_UNREACHABLE, folder, "no appliance runs in this directory");
    if (!err && (!text.data || sscanf(text.data, "%127s %64s", way->address, way->token) != 2))
        err = fault_set(fault, ERR_INVALID, path, "is damaged; restart tillbackd");
    return err;
}
