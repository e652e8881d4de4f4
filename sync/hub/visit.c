#include "sync/hub/visit.h"
#include "hal/storage.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

enum { DIAL_TIMEOUT_MS = 10 * 1000 };

struct visit {
    struct visit_config config;
    struct mqtt *mqtt;
};

static void on_connected(void *context, enum err err, const struct fault *fault)
{
    struct visit *visit = context;
    visit->config.ended(visit->config.context, err, fault);
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
enum err visit_pass(const struct visit_config *config, struct authority *authority,
                    const char *name, int64_t life_ms, struct tls_context **pass,
                    struct fault *fault)
{
    char certificate[PATH_MAX];
    char key[PATH_MAX];
    const int64_t now_ms = clock_wall_ms(config->clock);
    const struct authority_order order = {
        .purpose = CERTIFICATE_DEVICE,
        .name = name,
        .validity = {now_ms - AUTHORITY_BACKDATE_MS, now_ms + life_ms},
    };
    const char *folder = config->runtime_folder;
    (void)snprintf(certificate, sizeof certificate, "%s/%s.pem", folder, name);
    (void)snprintf(key, sizeof key, "%s/%s-key.pem", folder, name);
    enum err err = authority_issue_files(authority, &order, folder, now_ms, fault);
    const struct tls_config tls = {
        .role = TLS_CLIENT,
        .ca_file = config->ca_file,
        .certificate_file = certificate,
        .key_file = key,
        .clock = config->clock,
    };
    struct tls_context *made = NULL;
    if (!err)
        err = tls_context_open(&made, &tls, fault);
    enum err removed = storage_remove(key, err ? NULL : fault);
    if (!removed)
        removed = storage_remove(certificate, err ? NULL : fault);
    if (!err)
        err = removed;
    if (err)
        tls_context_close(made);
    else
        *pass = made;
    return err;
}

enum err visit_open(struct visit **out, struct loop *loop, const struct visit_config *config,
                    const char *name, struct tls_context *pass, struct fault *fault)
{
    struct visit *visit = calloc(1, sizeof *visit);
    if (!visit)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    visit->config = *config;
    const struct mqtt_listener listener = {on_connected,  on_message,      on_published,
                                           on_subscribed, on_disconnected, visit};
    const struct mqtt_config mqtt = {
        .url = config->url,
        .proxy = config->proxy,
        .tls = pass,
        .client_id = name,
        .runtime_folder = config->runtime_folder,
        .dial_timeout_ms = DIAL_TIMEOUT_MS,
        .diag = config->diag,
    };
    enum err err = mqtt_open(&visit->mqtt, loop, &mqtt, &listener, fault);
    if (err) {
        visit_close(visit);
        return err;
    }
    *out = visit;
    return ERR_OK;
}

void visit_close(struct visit *visit)
{
    if (!visit)
        return;
    mqtt_close(visit->mqtt, true);
    free(visit);
}
