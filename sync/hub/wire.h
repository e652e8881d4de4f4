/*
 * The hub's connection to the broker: made, and made again for ever; subscribed to what the
 * appliances send as one of a group of hub workers (MQTT 5 shared subscription, clean session).
 * What comes in is handed on; what goes out while there is no connection is dropped, since every
 * answer of the hub is given again when it is asked for again. Loop thread only.
 */
#ifndef SYNC_HUB_WIRE_H
#define SYNC_HUB_WIRE_H

#include "sync/hub/ingest/arrival.h"
#include "sync/transport/mqtt.h"

struct wire;

struct wire_config {
    const char *url;
    const char *group; /* of the hub workers; not to be guessed: see sync/transport/broker */
    /* NULL, or one more filter: for what not every hub worker can answer. */
    const char *filter;
    const char *proxy;     /* NULL: none */
    const char *client_id; /* the certificate's name at the broker; NULL: random each time */
    const char *runtime_folder;
    struct tls_context *tls;
    struct diag *diag;
    void (*subscribed)(void *context); /* after each connection */
    void (*message)(void *context, const struct mqtt_message *message);
    void *context;
};

enum err wire_open(struct wire **wire, struct loop *loop, const struct wire_config *config,
                   struct fault *fault) MUST_CHECK;
void wire_close(struct wire *wire); /* takes NULL */
/* False while it is better to wait before sending much. */
bool wire_has_room(const struct wire *wire);
/* For the next connection. */
void wire_use_tls(struct wire *wire, struct tls_context *tls);
bool wire_online(const struct wire *wire);
void wire_answer(struct wire *wire, const struct arrival_answer *answer);
/* Answers that found no connection, or too many before them that the broker had not taken. */
int64_t wire_dropped(const struct wire *wire);

#endif
