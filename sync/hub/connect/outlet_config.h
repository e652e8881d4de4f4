/*
 * Which systems outside are told what: a JSON file, named by outlets.file.
 *
 *   {"outlets": [{"name": "warehouse", "url": "https://wms.example.com/returns",
 *                 "secret_file": "/etc/tillback/warehouse.secret", "mode": "structured",
 *                 "events": ["return.authorised", "item.received"],
 *                 "fields": [{"to": "order", "from": "receipt"}, {"to": "lines"}]}]}
 *
 * `events` are event types without their prefix and version, of those that have a place in the life
 * of a return: not sale.*, whose tills and shops are where the hub has them from. `fields` choose
 * what of an event's data goes out, each under a name of its own; without them all of it does.
 * `from` may be a path
 * ("refund.total"), and is `to` unless given. `mode` is CloudEvents' (HTTP protocol binding 1.0):
 * structured, or binary.
 */
#ifndef SYNC_HUB_CONNECT_OUTLET_CONFIG_H
#define SYNC_HUB_CONNECT_OUTLET_CONFIG_H

#include "hal/base/json.h"
#include "sync/contract/event_type.h"
#include "sync/hub/connect/webhook.h"

enum { OUTLETS_MAX = 32, OUTLET_NAME_MAX = 40, OUTLET_FIELDS_MAX = 64 };

enum outlet_mode { OUTLET_STRUCTURED, OUTLET_BINARY };

struct outlet_field {
    const char *to;
    const char *from;
};

struct outlet_config {
    const char *name;
    const char *url;
    const char *secret_file;
    const char *ca_file;
    int mode; /* enum outlet_mode */
    int64_t timeout_ms;
    int64_t park_after; /* tries that were answered, and refused or failed */
    const char **events;
    size_t event_count;
    struct outlet_field *fields;
    size_t field_count;

    bool wanted[EVENT_TYPE_COUNT]; /* of the events */
    struct webhook_secret secret;
};

struct outlets_config {
    struct outlet_config *outlets;
    size_t count;
    struct arena arena;
    struct cJSON *document;
};

/* ERR_INVALID names the field and the rule. */
enum err outlets_config_read(const char *path, struct outlets_config *config,
                             struct fault *fault) MUST_CHECK;
void outlets_config_free(struct outlets_config *config); /* also zeroed */

#endif
