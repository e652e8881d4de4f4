#include "agent/door.h"

#include <stdlib.h>

/* A browser holds six connections, and a store's may all come through one proxy. */
enum { PER_ADDRESS_MAX = 64 };

struct door {
    struct tls_context *tls; /* NULL: plain */
    struct http_server *server;
};

static enum err open_tls(struct door *door, const struct door_config *config, struct fault *fault)
{
    const char *certificate = settings_text(config->settings, "http.certificate");
    if (!certificate)
        return ERR_OK;
    const struct tls_config tls = {
        .role = TLS_SERVER,
        .ca_file = settings_text(config->settings, "http.ca"),
        .certificate_file = certificate,
        .key_file = settings_text(config->settings, "http.key"),
        .peer_certificate_optional = true,
        .clock = config->clock,
    };
    return tls_context_open(&door->tls, &tls, fault);
}

enum err door_open(struct door **out, const struct door_config *config, struct fault *fault)
{
    struct door *door = calloc(1, sizeof *door);
    if (!door)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    enum err err = open_tls(door, config, fault);
    const struct http_config http = {
        .address = settings_text(config->settings, "http.listen"),
        .tls = door->tls,
        .limits = {.per_address = PER_ADDRESS_MAX},
        .handle = config->handle,
        .context = config->context,
        .diag = config->diag,
    };
    if (!err)
        err = http_server_open(&door->server, config->loop, &http, fault);
    if (err) {
        door_close(door);
        return err;
    }
    *out = door;
    return ERR_OK;
}

void door_url(const struct door *door, struct buf *url)
{
    buf_append_text(url, door->tls ? "https://" : "http://");
    buf_append_text(url, door_address(door));
}

const char *door_address(const struct door *door)
{
    return http_server_address(door->server);
}

void door_stop(struct door *door)
{
    if (!door)
        return;
    http_server_close(door->server);
    door->server = NULL;
}

void door_close(struct door *door)
{
    if (!door)
        return;
    tls_context_close(door->tls);
    free(door);
}
