#include "tests/sim/identity.h"
#include "hal/base/cleanup.h"
#include "hal/storage.h"
#include "sync/contract/topic.h"

#include <limits.h>
#include <stdio.h>

enum { DAYS = 397 };

static enum err path_of(const char *folder, const char *name, char path[static PATH_MAX],
                        struct fault *fault)
{
    return storage_path(path, PATH_MAX, folder, name)
               ? fault_set(fault, ERR_TOO_LARGE, folder, "the path is too long")
               : ERR_OK;
}

/* Key and certificate in one file, as an appliance keeps them; kept for the next run. */
static enum err make(struct authority *authority, const char *device, struct clock *clock,
                     const char *path, struct fault *fault)
{
    struct key *key CLEANUP(key_cleanup) = NULL;
    struct buf pem CLEANUP(key_wipe);
    const int64_t now = clock_wall_ms(clock);
    const struct authority_order order = {
        .purpose = CERTIFICATE_DEVICE, .name = device, .validity = authority_days(now, DAYS)};
    buf_init(&pem, CERTIFICATE_PEM_MAX);
    enum err err = key_make(&key, fault);
    if (!err)
        err = key_print(key, &pem, fault);
    if (!err)
        err = authority_issue(authority, &order, key_pk(key), now, &pem, fault);
    return err ? err : storage_replace(path, buf_slice(&pem), 0600, fault);
}

enum err identity_open(const char *folder, const char *device, struct authority *authority,
                       struct clock *clock, struct tls_context **tls, struct fault *fault)
{
    char path[PATH_MAX];
    char ca[PATH_MAX];
    char name[DEVICE_ID_MAX + 8];
    struct buf there CLEANUP(buf_free);
    buf_init(&there, CERTIFICATE_PEM_MAX);
    (void)snprintf(name, sizeof name, "%s.pem", device);
    enum err err = path_of(folder, name, path, fault);
    if (!err)
        err = path_of(folder, "ca.pem", ca, fault);
    if (!err && storage_read(path, &there, NULL) != ERR_OK)
        err = make(authority, device, clock, path, fault);
    const struct tls_config config = {.role = TLS_CLIENT,
                                      .ca_file = ca,
                                      .certificate_file = path,
                                      .key_file = path,
                                      .clock = clock};
    return err ? err : tls_context_open(tls, &config, fault);
}
