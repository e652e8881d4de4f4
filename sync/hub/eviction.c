#include "sync/hub/eviction.h"
#include "hal/storage.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

enum { LIFE_MS = 5 * 60 * 1000, DIAL_TIMEOUT_MS = 10 * 1000 };

struct eviction {
    struct eviction_config config;
    struct tls_context *tls;
    struct mqtt *mqtt;
};

static void on_connected(void *context, enum err err, const struct fault *fault)
{
    struct eviction *eviction = context;
    eviction->config.ended(eviction->config.context, err, fault);
}

static void on_message(void *context, const struct mqtt_message *message)
{
    (void)context;
    (void)message;
}

static void on_published(void *context, int token, int reason)
{
    (void)context;
    (void)token;
    (void)reason;
}

static void on_subscribed(void *context, int token, enum err err)
{
    (void)context;
    (void)token;
    (void)err;
}

static void on_disconnected(void *context, enum err err, const struct fault *fault)
{
    (void)context;
    (void)err;
    (void)fault;
}

/* Key and certificate live in files for as long as it takes to read them. */
static enum err open_tls(struct eviction *eviction, struct authority *authority,
                         struct fault *fault)
{
    char certificate[PATH_MAX];
    char key[PATH_MAX];
    const int64_t now_ms = clock_wall_ms(eviction->config.clock);
    const struct authority_order order = {
        .purpose = CERTIFICATE_DEVICE,
        .name = eviction->config.device,
        .validity = {now_ms - AUTHORITY_BACKDATE_MS, now_ms + LIFE_MS},
    };
    const char *folder = eviction->config.runtime_folder;
    (void)snprintf(certificate, sizeof certificate, "%s/%s.pem", folder, order.name);
    (void)snprintf(key, sizeof key, "%s/%s-key.pem", folder, order.name);
    enum err err = authority_issue_files(authority, &order, folder, now_ms, fault);
    const struct tls_config tls = {
        .role = TLS_CLIENT,
        .ca_file = eviction->config.ca_file,
        .certificate_file = certificate,
        .key_file = key,
        .clock = eviction->config.clock,
    };
    if (!err)
        err = tls_context_open(&eviction->tls, &tls, fault);
    enum err removed = storage_remove(key, err ? NULL : fault);
    if (!removed)
        removed = storage_remove(certificate, err ? NULL : fault);
    return err ? err : removed;
}

enum err eviction_open(struct eviction **out, struct loop *loop,
                       const struct eviction_config *config, struct authority *authority,
                       struct fault *fault)
{
    struct eviction *eviction = calloc(1, sizeof *eviction);
    if (!eviction)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    eviction->config = *config;
    const struct mqtt_listener listener = {on_connected,  on_message,      on_published,
                                           on_subscribed, on_disconnected, eviction};
    enum err err = open_tls(eviction, authority, fault);
    const struct mqtt_config mqtt = {
        .url = config->url,
        .proxy = config->proxy,
        .tls = eviction->tls,
        .client_id = config->device,
        .runtime_folder = config->runtime_folder,
        .dial_timeout_ms = DIAL_TIMEOUT_MS,
        .diag = config->diag,
    };
    if (!err)
        err = mqtt_open(&eviction->mqtt, loop, &mqtt, &listener, fault);
    if (err) {
        eviction_close(eviction);
        return err;
    }
    *out = eviction;
    return ERR_OK;
}

void eviction_close(struct eviction *eviction)
{
    if (!eviction)
        return;
    mqtt_close(eviction->mqtt, true);
    tls_context_close(eviction->tls);
    free(eviction);
}
