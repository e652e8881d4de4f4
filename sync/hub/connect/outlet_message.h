/*
 * An event as an HTTP request to a system outside: CloudEvents' HTTP protocol binding 1.0
 * (structured or binary), cut to the fields that the outlet asks for, signed as Standard Webhooks
 * says, with a key by which the receiver knows one that comes again. Pure, any thread.
 */
#ifndef SYNC_HUB_CONNECT_OUTLET_MESSAGE_H
#define SYNC_HUB_CONNECT_OUTLET_MESSAGE_H

#include "sync/contract/event.h"
#include "sync/hub/connect/http_call.h"
#include "sync/hub/connect/outlet_config.h"

struct outlet_message {
    struct http_request request; /* borrows from what follows */
    struct arena arena;
    struct buf body;
};

void outlet_message_init(struct outlet_message *message);
void outlet_message_free(struct outlet_message *message);

/* `event` is a stored body. ERR_INVALID when it can't be read, ERR_TOO_LARGE. */
enum err outlet_message_write(struct outlet_message *message, const struct outlet_config *outlet,
                              struct slice event, int64_t now_ms, struct fault *fault) MUST_CHECK;

#endif
