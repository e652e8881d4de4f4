#include "agent/door.h"
#include "agent/door_certificate.h"

#include <stdlib.h>

/* A browser holds six connections, and a store's may all come through one proxy. */
enum { PER_ADDRESS_MAX = 64, LOOK_MS = 5000 };

struct door {
    struct tls_context *tls; /* NULL: plain */
    struct http_server *server;
    struct loop_timer *look; /* NULL: nothing was wrong */
    const struct settings *settings;
    const char *folder;
    struct clock *clock;
    struct diag *diag;
};

/* What can't be used is looked at again, and then taken. */
static void look_again(void *context)
{
    struct door *door = context;
    struct tls_context *tls = NULL;
    struct fault trouble;
    struct fault fault;
    if (door_certificate_open(&tls, door->settings, door->folder, door->clock, &trouble, &fault) !=
        ERR_OK)
        return;
    if (trouble.code) {
        tls_context_close(tls);
        return;
    }
    http_server_use_tls(door->server, tls);
    tls_context_close(door->tls); /* connections that use it keep it */
    door->tls = tls;
    loop_timer_stop(door->look);
    diag_write(door->diag, DIAG_INFO, "door.mended", "http.certificate can be used again");
}

static enum err open_tls(struct door *door, const struct door_config *config, struct fault *fault)
{
    struct fault trouble;
    door->settings = config->settings;
    door->folder = config->folder;
    door->clock = config->clock;
    door->diag = config->diag;
    enum err err = door_certificate_open(&door->tls, config->settings, config->folder,
                                         config->clock, &trouble, fault);
    if (err || !trouble.code)
        return err;
    diag_write(door->diag, DIAG_ERROR, "door.certificate",
               "%s: %s. The copy of the one that was good last serves; mend the file that "
               "http.certificate, http.key or http.ca names, and it is taken within %d s",
               trouble.where, trouble.text, LOOK_MS / 1000);
    door->look = loop_timer_open(config->loop, look_again, door);
    if (!door->look)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    loop_timer_start(door->look, LOOK_MS, LOOK_MS);
    return ERR_OK;
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
    loop_timer_close(door->look);
    door->look = NULL;
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
