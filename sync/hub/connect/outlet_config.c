#include "sync/hub/connect/outlet_config.h"
#include "sync/hub/connect/config_file.h"
#include "sync/hub/connect/http_call.h"
#include "sync/hub/ingest/filing.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum { CONFIG_MAX = 256 * 1024, TEXT_MOST = 1024, FIELD_MAX = 200, TYPE_MAX = 96 };
enum { TIMEOUT_MS = 10000, TIMEOUT_LEAST_MS = 100, TIMEOUT_MOST_MS = 120000 };
enum { PARK_AFTER = 10, PARK_AFTER_MOST = 1000 };

#define COUNT(list) (sizeof(list) / sizeof *(list))
#define TEXT(type, member, how, most)                                                              \
    {                                                                                              \
        .name = #member, .kind = JSON_TEXT, .presence = JSON_##how,                                \
        .offset = offsetof(struct type, member), .min = 1, .max = (most)                           \
    }

static const char *const mode_words[] = {"structured", "binary", NULL};

static const struct json_field field_fields[] = {
    TEXT(outlet_field, to, REQUIRED, FIELD_MAX),
    TEXT(outlet_field, from, OPTIONAL, FIELD_MAX),
};
static const struct json_table field_table = {
    .fields = field_fields, .count = COUNT(field_fields), .item_size = sizeof(struct outlet_field)};

static const struct json_field outlet_fields[] = {
    TEXT(outlet_config, name, REQUIRED, OUTLET_NAME_MAX),
    TEXT(outlet_config, url, REQUIRED, TEXT_MOST),
    TEXT(outlet_config, secret_file, REQUIRED, TEXT_MOST),
    TEXT(outlet_config, ca_file, OPTIONAL, TEXT_MOST),
    {.name = "mode",
     .kind = JSON_CHOICE,
     .presence = JSON_OPTIONAL,
     .offset = offsetof(struct outlet_config, mode),
     .choices = mode_words},
    {.name = "timeout_ms",
     .kind = JSON_INT,
     .presence = JSON_OPTIONAL,
     .offset = offsetof(struct outlet_config, timeout_ms),
     .min = TIMEOUT_LEAST_MS,
     .max = TIMEOUT_MOST_MS},
    {.name = "park_after",
     .kind = JSON_INT,
     .presence = JSON_OPTIONAL,
     .offset = offsetof(struct outlet_config, park_after),
     .min = 1,
     .max = PARK_AFTER_MOST},
    {.name = "events",
     .kind = JSON_TEXTS,
     .offset = offsetof(struct outlet_config, events),
     .count_offset = offsetof(struct outlet_config, event_count),
     .min = 1,
     .max = EVENT_TYPE_COUNT},
    {.name = "fields",
     .kind = JSON_LIST,
     .presence = JSON_OPTIONAL,
     .offset = offsetof(struct outlet_config, fields),
     .count_offset = offsetof(struct outlet_config, field_count),
     .items = &field_table,
     .max = OUTLET_FIELDS_MAX},
};
static const struct json_table outlet_table = {.fields = outlet_fields,
                                               .count = COUNT(outlet_fields),
                                               .item_size = sizeof(struct outlet_config)};

static const struct json_field config_fields[] = {
    {.name = "outlets",
     .kind = JSON_LIST,
     .offset = offsetof(struct outlets_config, outlets),
     .count_offset = offsetof(struct outlets_config, count),
     .items = &outlet_table,
     .max = OUTLETS_MAX},
};
static const struct json_table config_table = {
    .fields = config_fields, .count = 1, .item_size = sizeof(struct outlets_config)};

static enum err find_types(struct outlet_config *outlet, struct fault *fault)
{
    char name[TYPE_MAX];
    enum event_type type;
    for (size_t i = 0; i < outlet->event_count; i++) {
        (void)snprintf(name, sizeof name, "com.tillback.%s.v1", outlet->events[i]);
        if (event_type_find(slice_of(name), &type) != ERR_OK)
            return fault_set(fault, ERR_INVALID, "events", "there are no events \"%.60s\"",
                             outlet->events[i]);
        if (!filing_wants(type))
            return fault_set(fault, ERR_INVALID, "events",
                             "outlets are told what happens to returns: \"%.60s\" is not of one",
                             outlet->events[i]);
        outlet->wanted[type] = true;
    }
    return ERR_OK;
}

static enum err complete(struct outlet_config *outlet, struct fault *fault)
{
    if (!outlet->timeout_ms)
        outlet->timeout_ms = TIMEOUT_MS;
    if (!outlet->park_after)
        outlet->park_after = PARK_AFTER;
    for (size_t i = 0; i < outlet->field_count; i++)
        if (!outlet->fields[i].from)
            outlet->fields[i].from = outlet->fields[i].to;
    enum err err = http_call_check_url(outlet->url, fault);
    if (!err)
        err = find_types(outlet, fault);
    if (!err)
        err = webhook_secret_read(outlet->secret_file, &outlet->secret, fault);
    return err ? fault_wrap(fault, err, outlet->name) : ERR_OK;
}

static enum err read_config(const char *path, struct outlets_config *config, struct fault *fault)
{
    struct arena arena = config->arena;
    enum err err =
        config_file_read(path, CONFIG_MAX, &config_table, &arena, &config->document, config, fault);
    config->arena = arena;
    for (size_t i = 0; !err && i < config->count; i++) {
        err = complete(&config->outlets[i], fault);
        for (size_t k = 0; !err && k < i; k++)
            if (strcmp(config->outlets[k].name, config->outlets[i].name) == 0)
                err = fault_set(fault, ERR_INVALID, "outlets", "\"%s\" occurs twice",
                                config->outlets[i].name);
    }
    return err;
}

enum err outlets_config_read(const char *path, struct outlets_config *out, struct fault *fault)
{
    struct outlets_config config = {0};
    arena_init(&config.arena, 4 * (size_t)CONFIG_MAX);
    enum err err = read_config(path, &config, fault);
    if (err) {
        outlets_config_free(&config);
        return fault_wrap(fault, err, path);
    }
    *out = config;
    return ERR_OK;
}

void outlets_config_free(struct outlets_config *config)
{
    json_free(config->document);
    arena_free(&config->arena);
    *config = (struct outlets_config){0};
}
