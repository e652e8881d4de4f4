#include "sync/contract/link_state.h"
#include "hal/base/cleanup.h"

#include <stddef.h>

enum { DEPTH_MAX = 8, ARENA_MAX = 4096 };

static const char session_key[] = "session";
static const char online_key[] = "online";

void link_state_write(struct jsonw *w, const struct link_state *state)
{
    char session[ID_TEXT + 1];
    id_format(&state->session, session);
    jsonw_text(w, session_key, session);
    jsonw_bool(w, online_key, state->online);
    if (!state->online)
        return;
    jsonw_time(w, "time", state->time_ms);
    jsonw_object(w, "waiting");
    for (int i = 0; i < STREAMS_OF_APPLIANCE; i++)
        jsonw_int(w, stream_name((enum stream)i), state->waiting[i]);
    jsonw_end(w);
    if (!state->has_logs)
        return;
    jsonw_object(w, "logs");
    for (int i = 0; i < STREAMS_OF_APPLIANCE; i++) {
        char log[ID_TEXT + 1];
        id_format(&state->logs[i], log);
        jsonw_text(w, stream_name((enum stream)i), log);
    }
    jsonw_end(w);
}

struct ends_text {
    int64_t count;
};

struct logs_text {
    const char *ids[STREAMS_OF_APPLIANCE];
};

struct state_text {
    const char *session;
    bool online;
    int64_t time_ms;
    struct link_state waiting;
    struct logs_text logs;
    bool has_logs;
    struct ends_text torn;
    bool confirms;
};

#define WAITING(text, stream)                                                                      \
    {                                                                                              \
        .name = (text), .kind = JSON_INT, .offset = offsetof(struct link_state, waiting[stream]),  \
        .max = INT64_C(9007199254740992)                                                           \
    }

static const struct json_field waiting_fields[] = {
    WAITING("returns", STREAM_RETURNS),
    WAITING("sales", STREAM_SALES),
};

static const struct json_table waiting_table = {
    .fields = waiting_fields,
    .count = sizeof waiting_fields / sizeof *waiting_fields,
    .item_size = sizeof(struct link_state),
    .allow_unknown = true,
};

#define LOG(text, stream)                                                                          \
    {                                                                                              \
        .name = (text), .kind = JSON_TEXT, .offset = offsetof(struct logs_text, ids[stream]),      \
        .max = ID_TEXT                                                                             \
    }

static const struct json_field logs_fields[] = {
    LOG("returns", STREAM_RETURNS),
    LOG("sales", STREAM_SALES),
};

static const struct json_table logs_table = {
    .fields = logs_fields,
    .count = sizeof logs_fields / sizeof *logs_fields,
    .item_size = sizeof(struct logs_text),
    .allow_unknown = true,
};

static const struct json_field ends_fields[] = {
    {.name = "count",
     .kind = JSON_INT,
     .offset = offsetof(struct ends_text, count),
     .max = INT64_C(9007199254740992)},
};

static const struct json_table ends_table = {
    .fields = ends_fields,
    .count = 1,
    .item_size = sizeof(struct ends_text),
    .allow_unknown = true,
};

static const struct json_field will_fields[] = {
    {.name = session_key,
     .kind = JSON_TEXT,
     .offset = offsetof(struct state_text, session),
     .max = ID_TEXT},
    {.name = online_key, .kind = JSON_FLAG, .offset = offsetof(struct state_text, online)},
};

static const struct json_table will_table = {
    .fields = will_fields,
    .count = sizeof will_fields / sizeof *will_fields,
    .item_size = sizeof(struct state_text),
    .allow_unknown = true,
};

static const struct json_field health_fields[] = {
    {.name = "time", .kind = JSON_TIME, .offset = offsetof(struct state_text, time_ms)},
    {.name = "waiting",
     .kind = JSON_OBJECT,
     .offset = offsetof(struct state_text, waiting),
     .items = &waiting_table},
    {.name = "logs",
     .kind = JSON_OBJECT,
     .presence = JSON_OPTIONAL,
     .offset = offsetof(struct state_text, logs),
     .items = &logs_table,
     .present_offset = offsetof(struct state_text, has_logs)},
    {.name = "torn_ends",
     .kind = JSON_OBJECT,
     .presence = JSON_OPTIONAL,
     .offset = offsetof(struct state_text, torn),
     .items = &ends_table},
    {.name = "confirms_reservations",
     .kind = JSON_FLAG,
     .presence = JSON_OPTIONAL,
     .offset = offsetof(struct state_text, confirms)},
};

static const struct json_table health_table = {
    .fields = health_fields,
    .count = sizeof health_fields / sizeof *health_fields,
    .item_size = sizeof(struct state_text),
    .allow_unknown = true,
};

static enum err read_document(const struct cJSON *doc, struct arena *arena,
                              struct link_state *state, struct fault *fault)
{
    struct state_text text = {0};
    enum err err = json_read(doc, &will_table, &text, arena, fault);
    if (!err && text.online)
        err = json_read(doc, &health_table, &text, arena, fault);
    if (err)
        return err;
    *state = text.waiting;
    state->online = text.online;
    state->time_ms = text.time_ms;
    state->has_logs = text.has_logs;
    state->torn_ends = text.torn.count;
    state->confirms = text.confirms;
    for (int i = 0; i < STREAMS_OF_APPLIANCE && text.has_logs; i++)
        if (id_parse(slice_of(text.logs.ids[i]), &state->logs[i]) != ERR_OK)
            return fault_set(fault, ERR_INVALID, "logs", "must be UUIDs");
    if (id_parse(slice_of(text.session), &state->session) != ERR_OK)
        return fault_set(fault, ERR_INVALID, session_key, "must be a UUID");
    return ERR_OK;
}

enum err link_state_read(struct slice text, struct link_state *state, struct fault *fault)
{
    const struct json_limits limits = {.bytes = LINK_STATE_BYTES_MAX, .depth = DEPTH_MAX};
    struct arena arena CLEANUP(arena_free);
    arena_init(&arena, ARENA_MAX);
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    struct link_state read = {0};
    enum err err = json_parse(text, limits, &doc, fault);
    if (!err)
        err = read_document(doc, &arena, &read, fault);
    if (!err)
        *state = read;
    return err;
}
