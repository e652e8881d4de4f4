/* The words of a `device` command, as they were given; for device_command.c and its likes. */
#ifndef SYNC_HUB_DEVICE_WORDS_H
#define SYNC_HUB_DEVICE_WORDS_H

#include "hal/base/fault.h"

#include <stdbool.h>
#include <stdint.h>

struct device_words {
    const char *subject; /* an id or a file; NULL: none was given */
    const char *store;
    const char *name;
    const char *id;
    const char *out;
    const char *reason;
    const char *action;
    int64_t hours; /* 0: as is usual */
    int64_t days;  /* 0: as the settings say */
    bool force;
    bool json;
};

/* `takes` lists the options of the command, "store name days"; ERR_INVALID for others. */
enum err device_words_read(int count, char *const *words, const char *takes,
                           struct device_words *out, struct fault *fault) MUST_CHECK;

#endif
