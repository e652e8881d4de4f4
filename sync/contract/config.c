#include "sync/contract/config.h"
#include "hal/base/cleanup.h"
#include "hal/base/json_scan.h"
#include "hal/base/jsonw.h"
#include "sync/contract/topic.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

static const char format[] = "tillback-config-1";

enum { ARENA_MAX = 16 * 1024 };

#define NUMBER_MAX (INT64_C(1) << 52)

struct text {
    const char *format;
    const char *device;
    const char *store;
    int64_t version;
    int64_t rollout;
    int64_t issued_ms;
    int64_t confirm_s;
    const struct cJSON *settings;
};

static const struct json_field fields[] = {
    {.name = "format", .kind = JSON_TEXT, .offset = offsetof(struct text, format), .max = 32},
    {.name = "device",
     .kind = JSON_TEXT,
     .offset = offsetof(struct text, device),
     .min = 1,
     .max = DEVICE_ID_MAX},
    {.name = "store",
     .kind = JSON_TEXT,
     .presence = JSON_OPTIONAL,
     .offset = offsetof(struct text, store),
     .min = 1,
     .max = CONFIG_STORE_MAX},
    {.name = "version",
     .kind = JSON_INT,
     .offset = offsetof(struct text, version),
     .min = 1,
     .max = NUMBER_MAX},
    {.name = "rollout",
     .kind = JSON_INT,
     .presence = JSON_OPTIONAL,
     .offset = offsetof(struct text, rollout),
     .min = 1,
     .max = NUMBER_MAX},
    {.name = "issued", .kind = JSON_TIME, .offset = offsetof(struct text, issued_ms)},
    {.name = "confirm_s",
     .kind = JSON_INT,
     .presence = JSON_OPTIONAL,
     .offset = offsetof(struct text, confirm_s),
     .min = CONFIG_CONFIRM_LEAST_S,
     .max = CONFIG_CONFIRM_MOST_S},
    {.name = "settings", .kind = JSON_ANY, .offset = offsetof(struct text, settings)},
};

static const struct json_table table = {
    .fields = fields,
    .count = sizeof fields / sizeof *fields,
    .item_size = sizeof(struct text),
};

void config_write(struct buf *out, const struct config *config)
{
    struct jsonw w = jsonw_to(out);
    jsonw_object(&w, NULL);
    jsonw_text(&w, "format", format);
    jsonw_text(&w, "device", config->device);
    if (config->store[0])
        jsonw_text(&w, "store", config->store);
    jsonw_int(&w, "version", config->version);
    if (config->rollout)
        jsonw_int(&w, "rollout", config->rollout);
    jsonw_time(&w, "issued", config->issued_ms);
    if (config->confirm_s != CONFIG_CONFIRM_S)
        jsonw_int(&w, "confirm_s", config->confirm_s);
    jsonw_raw(&w, "settings", config->settings);
    jsonw_end(&w);
}

static enum err take(const struct text *text, struct config *config, struct fault *fault)
{
    if (strcmp(text->format, format) != 0)
        return fault_set(fault, ERR_UNSUPPORTED, "format", "must be %s", format);
    if (!device_id_valid(slice_of(text->device)))
        return fault_set(fault, ERR_INVALID, "device", "is no device id");
    (void)snprintf(config->device, sizeof config->device, "%s", text->device);
    (void)snprintf(config->store, sizeof config->store, "%s", text->store ? text->store : "");
    config->version = text->version;
    config->rollout = text->rollout;
    config->issued_ms = text->issued_ms;
    config->confirm_s = text->confirm_s;
    return ERR_OK;
}

enum err config_read(struct slice text, struct config *config, struct fault *fault)
{
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    struct arena arena CLEANUP(arena_free);
    struct text read = {.confirm_s = CONFIG_CONFIRM_S};
    struct config made = {.version = 0};
    arena_init(&arena, ARENA_MAX);
    enum err err = json_parse(text, CONFIG_JSON, &doc, fault);
    if (!err)
        err = json_read(doc, &table, &read, &arena, fault);
    if (!err)
        err = take(&read, &made, fault);
    if (!err)
        err = json_scan_member(text, CONFIG_JSON, "settings", &made.settings, fault);
    if (!err && made.settings.data[0] != '{')
        err = fault_set(fault, ERR_INVALID, "settings", "must be an object");
    if (!err)
        *config = made;
    return err;
}

struct sha256 config_hash(struct slice text)
{
    return sha256_of(text);
}
