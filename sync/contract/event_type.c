#include "sync/contract/event_type.h"

#include <assert.h>

struct entry {
    struct slice name;
    enum stream stream;
};

static const struct entry types[] = {
#define EVENT_TYPE_ENTRY(name, type, stream)                                                       \
    [EVENT_##name] = {{(type), sizeof(type) - 1}, STREAM_##stream},
    EVENT_TYPE_TABLE(EVENT_TYPE_ENTRY)
#undef EVENT_TYPE_ENTRY
};

static const char *const streams[] = {
    [STREAM_RETURNS] = "returns",
    [STREAM_SALES] = "sales",
    [STREAM_CENTRE] = "centre",
};

const char *event_type_name(enum event_type type)
{
    assert(type < EVENT_TYPE_COUNT);
    return types[type].name.data;
}

enum err event_type_find(struct slice name, enum event_type *type)
{
    for (size_t i = 0; i < EVENT_TYPE_COUNT; i++) {
        if (slice_equal(name, types[i].name)) {
            *type = (enum event_type)i;
            return ERR_OK;
        }
    }
    return ERR_NOT_FOUND;
}

enum stream event_type_stream(enum event_type type)
{
    assert(type < EVENT_TYPE_COUNT);
    return types[type].stream;
}

const char *stream_name(enum stream stream)
{
    assert(stream <= STREAM_CENTRE);
    return streams[stream];
}

enum err stream_find(struct slice name, enum stream *stream)
{
    for (size_t i = 0; i <= STREAM_CENTRE; i++) {
        if (slice_is(name, streams[i])) {
            *stream = (enum stream)i;
            return ERR_OK;
        }
    }
    return ERR_NOT_FOUND;
}
