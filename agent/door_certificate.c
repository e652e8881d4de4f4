#include "agent/door_certificate.h"
#include "hal/base/cleanup.h"
#include "hal/storage.h"
#include "provisioning/key.h"

#include <limits.h>
#include <string.h>

enum { PEM_MAX = 256 * 1024, FILES = 3 };

/* What the settings name, and where its copy is. */
struct files {
    const char *paths[FILES]; /* chain, key, authorities; NULL: none */
    char copies[FILES][PATH_MAX];
};

static const char *const names[FILES] = {"http.certificate", "http.key", "http.ca"};

static enum err locate(struct files *files, const struct settings *settings, const char *folder,
                       char door[static PATH_MAX], struct fault *fault)
{
    static const char *const kept[FILES] = {"certificate.pem", "key.pem", "ca.pem"};
    enum err err = storage_path(door, PATH_MAX, folder, "door");
    for (size_t i = 0; i < FILES && !err; i++) {
        files->paths[i] = settings_text(settings, names[i]);
        err = storage_path(files->copies[i], PATH_MAX, door, kept[i]);
    }
    return err ? fault_set(fault, ERR_TOO_LARGE, folder, "the path is too long") : ERR_OK;
}

static enum err open_files(struct tls_context **tls, const struct files *files, bool copies,
                           struct clock *clock, struct fault *fault)
{
    const char *paths[FILES];
    for (size_t i = 0; i < FILES; i++)
        paths[i] = files->paths[i] && copies ? files->copies[i] : files->paths[i];
    const struct tls_config config = {
        .role = TLS_SERVER,
        .ca_file = paths[2],
        .certificate_file = paths[0],
        .key_file = paths[1],
        .peer_certificate_optional = true,
        .clock = clock,
    };
    return tls_context_open(tls, &config, fault);
}

/* Copies a file, unless the copy is the same already. */
static enum err keep_file(const char *path, const char *copy, struct fault *fault)
{
    struct buf now CLEANUP(key_wipe);
    struct buf before CLEANUP(key_wipe);
    buf_init(&now, PEM_MAX);
    buf_init(&before, PEM_MAX);
    enum err err = storage_read(path, &now, fault);
    if (err)
        return err;
    if (storage_read(copy, &before, NULL) == ERR_OK && before.len == now.len &&
        memcmp(before.data, now.data, now.len) == 0)
        return ERR_OK;
    return storage_replace(copy, buf_slice(&now), 0600, fault);
}

/*
 * Copies the files for a later start without them. Where that fails an older copy stays, or none;
 * the files named serve now all the same.
 */
static void keep(const struct files *files, const char *door)
{
    struct fault unkept;
    enum err err = storage_make_folder(door, &unkept);
    for (size_t i = 0; i < FILES && !err; i++)
        if (files->paths[i])
            err = keep_file(files->paths[i], files->copies[i], &unkept);
}

enum err door_certificate_open(struct tls_context **tls, const struct settings *settings,
                               const char *folder, struct clock *clock, struct fault *trouble,
                               struct fault *fault)
{
    struct files files;
    struct fault why = {0};
    char door[PATH_MAX];
    *tls = NULL;
    *trouble = (struct fault){0};
    if (!settings_text(settings, names[0]))
        return ERR_OK;
    enum err err = locate(&files, settings, folder, door, fault);
    if (err)
        return err;
    err = open_files(tls, &files, false, clock, &why);
    if (!err) {
        keep(&files, door);
        return ERR_OK;
    }
    *trouble = why;
    if (open_files(tls, &files, true, clock, NULL) == ERR_OK)
        return ERR_OK;
    *fault = why;
    return err;
}
