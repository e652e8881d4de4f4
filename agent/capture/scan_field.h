/*
 * What a scan says, as a list of named texts, in the order of the code. Values live in an arena.
 * One owner, no threading.
 */
#ifndef AGENT_CAPTURE_SCAN_FIELD_H
#define AGENT_CAPTURE_SCAN_FIELD_H

#include "hal/base/arena.h"

enum { SCAN_FIELDS_MAX = 32 };

struct scan_field {
    const char *name; /* static, or in the arena */
    const char *value;
};

struct scan_fields {
    struct arena *arena;
    struct scan_field list[SCAN_FIELDS_MAX];
    size_t count;
};

/* False when there is no room or the value isn't UTF-8; `name` is borrowed. */
bool scan_field_add(struct scan_fields *fields, const char *name, struct slice value);
/* NULL if it isn't there. */
const char *scan_field_find(const struct scan_fields *fields, const char *name);

#endif
