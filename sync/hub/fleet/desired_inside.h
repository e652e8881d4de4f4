/* What the files of desired.h share. Threads as in desired.h. */
#ifndef SYNC_HUB_FLEET_DESIRED_INSIDE_H
#define SYNC_HUB_FLEET_DESIRED_INSIDE_H

#include "sync/contract/topic.h"
#include "sync/hub/fleet/desired.h"

struct desired {
    struct database *db;
    struct database_statements *sql;
};

/* `index` is one of config.sql. */
enum err desired_statement(struct desired *desired, size_t index, struct statement **s,
                           struct fault *fault) MUST_CHECK;

/* Appliances that a statement found, kept so that others may run meanwhile. The list is freed by
 * the caller. */
struct desired_device {
    char id[DEVICE_ID_MAX + 1];
    bool online;
};

struct desired_devices {
    struct desired_device *list;
    size_t count;
    size_t capacity;
};

/* Of a row: id, and whether it is online. */
enum err desired_devices_add(struct desired_devices *found, struct statement *s,
                             struct fault *fault) MUST_CHECK;

/* The store as its logs say; "" when it isn't known yet. */
enum err desired_store(struct desired *desired, const char *device,
                       char store[static CONFIG_STORE_MAX + 1], struct fault *fault) MUST_CHECK;

#endif
