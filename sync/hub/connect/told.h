/*
 * The appliances whose inbox has something new, collected while a transaction runs and told after
 * its commit. What doesn't fit is told when the appliance speaks next.
 */
#ifndef SYNC_HUB_CONNECT_TOLD_H
#define SYNC_HUB_CONNECT_TOLD_H

#include "sync/contract/event.h"

#include <string.h>

enum { TOLD_MAX = 64 };

struct told {
    char devices[TOLD_MAX][DEVICE_ID_MAX + 1];
    size_t count;
};

/* "" is nobody; one that is there already is not added again. */
static inline void told_add(struct told *told, const char *device)
{
    for (size_t i = 0; i < told->count; i++)
        if (strcmp(told->devices[i], device) == 0)
            return;
    if (*device && told->count < TOLD_MAX)
        memcpy(told->devices[told->count++], device, strlen(device) + 1);
}

/* As centre_told. */
static inline void told_hear(void *told, const char *device)
{
    told_add(told, device);
}

#endif
