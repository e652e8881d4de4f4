#include "agent/capture/scan_field.h"
#include "hal/base/utf8.h"

#include <string.h>

bool scan_field_add(struct scan_fields *fields, const char *name, struct slice value)
{
    if (fields->count == SCAN_FIELDS_MAX || !utf8_valid(value))
        return false;
    const char *copy = arena_slice_text(fields->arena, value);
    if (!copy)
        return false;
    fields->list[fields->count++] = (struct scan_field){name, copy};
    return true;
}

const char *scan_field_find(const struct scan_fields *fields, const char *name)
{
    for (size_t i = 0; i < fields->count; i++)
        if (strcmp(fields->list[i].name, name) == 0)
            return fields->list[i].value;
    return NULL;
}
