#include "sync/contract/config_section.h"
#include "hal/base/cleanup.h"
#include "hal/base/json_scan.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum { ARENA_MAX = 64 * 1024, URL_PREFIX_MAX = 16 };

static const char *const names[] = {
#define NAME(upper, lower) [CONFIG_##upper] = #lower,
    CONFIG_SECTIONS(NAME)
#undef NAME
};

const char *config_section_name(enum config_section section)
{
    return names[section];
}

/* --- Reading one ----------------------------------------------------------------------------- */

#define NUMBER(type, member, least, most)                                                          \
    {                                                                                              \
        .name = #member, .kind = JSON_INT, .presence = JSON_OPTIONAL,                              \
        .offset = offsetof(struct type, member), .min = (least), .max = (most)                     \
    }
#define FLAG(type, member)                                                                         \
    {                                                                                              \
        .name = #member, .kind = JSON_FLAG, .presence = JSON_OPTIONAL,                             \
        .offset = offsetof(struct type, member)                                                    \
    }
#define COUNT(list) (sizeof(list) / sizeof *(list))

/* For sections without texts. */
static enum err read_plain(struct slice text, const struct json_field *fields, size_t count,
                           void *out, struct fault *fault)
{
    const struct json_table table = {.fields = fields, .count = count};
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    struct arena arena CLEANUP(arena_free);
    arena_init(&arena, ARENA_MAX);
    enum err err = json_parse(text, CONFIG_JSON, &doc, fault);
    return err ? err : json_read(doc, &table, out, &arena, fault);
}

enum err config_retention_read(struct slice text, struct config_retention *out, struct fault *fault)
{
    static const struct json_field fields[] = {
        NUMBER(config_retention, days, 0, 36500),
        NUMBER(config_retention, events, 0, 1000000000),
        NUMBER(config_retention, mib, 0, 1000000),
        NUMBER(config_retention, least_days, 0, 36500),
    };
    struct config_retention read = *out;
    enum err err = read_plain(text, fields, COUNT(fields), &read, fault);
    if (!err && read.days && read.days < read.least_days)
        err = fault_set(fault, ERR_INVALID, "days", "is less than least_days (%lld)",
                        (long long)read.least_days);
    if (!err)
        *out = read;
    return err;
}

enum err config_limits_read(struct slice text, struct config_limits *out, struct fault *fault)
{
    static const struct json_field fields[] = {
        NUMBER(config_limits, ack_timeout_ms, 100, 600000),
        NUMBER(config_limits, state_interval_s, 5, 3600),
        NUMBER(config_limits, session_idle_s, 30, 8 * 3600),
        NUMBER(config_limits, session_age_s, 60, 24 * 3600),
    };
    struct config_limits read = *out;
    enum err err = read_plain(text, fields, COUNT(fields), &read, fault);
    if (!err)
        *out = read;
    return err;
}

static const char *const level_words[] = {"debug", "info", "warn", "error", NULL};

enum err config_diagnostics_read(struct slice text, struct config_diagnostics *out,
                                 struct fault *fault)
{
    static const struct json_field fields[] = {
        {.name = "level",
         .kind = JSON_CHOICE,
         .presence = JSON_OPTIONAL,
         .offset = offsetof(struct config_diagnostics, level),
         .choices = level_words},
    };
    struct config_diagnostics read = *out;
    enum err err = read_plain(text, fields, COUNT(fields), &read, fault);
    if (!err)
        *out = read;
    return err;
}

enum err config_features_read(struct slice text, struct config_features *out, struct fault *fault)
{
    static const struct json_field fields[] = {
        FLAG(config_features, poslog),
        FLAG(config_features, exchanges),
    };
    struct config_features read = *out;
    enum err err = read_plain(text, fields, COUNT(fields), &read, fault);
    if (!err)
        *out = read;
    return err;
}

/* --- With texts ------------------------------------------------------------------------------ */

/* A member's text; nothing when it isn't there. */
static enum err take_text(const struct cJSON *doc, const char *name, size_t least, char *out,
                          size_t size, struct fault *fault)
{
    const struct cJSON *member = json_member(doc, name);
    const char *text = json_member_text(doc, name);
    if (!member)
        return ERR_OK;
    if (!text || strlen(text) < least || strlen(text) >= size)
        return fault_set(fault, ERR_INVALID, name, "must be a text of %zu to %zu bytes", least,
                         size - 1);
    (void)snprintf(out, size, "%s", text);
    return ERR_OK;
}

static enum err refuse_others(struct slice text, const char *const *known, struct fault *fault)
{
    struct json_scan scan;
    struct json_part part;
    bool found;
    enum err err = json_scan_begin(&scan, text, CONFIG_JSON, '{', fault);
    while (!err && !(err = json_scan_next(&scan, &part, &found, fault)) && found) {
        size_t i = 0;
        while (known[i] && !slice_is(part.key, known[i]))
            i++;
        if (!known[i]) {
            char key[64];
            (void)snprintf(key, sizeof key, "%.*s", (int)(part.key.len < 60 ? part.key.len : 60),
                           part.key.data);
            return fault_set(fault, ERR_INVALID, key, "is not known");
        }
    }
    return err;
}

/* scheme://host[:port], so much as can be told without resolving it. */
static enum err check_url(const char *url, const char *scheme, const char *where,
                          struct fault *fault)
{
    char prefix[URL_PREFIX_MAX];
    (void)snprintf(prefix, sizeof prefix, "%s://", scheme);
    size_t len = strlen(prefix);
    if (strncmp(url, prefix, len) != 0 || !url[len] || strpbrk(url, " \t\r\n\"\\"))
        return fault_set(fault, ERR_INVALID, where, "must be %shost:port", prefix);
    return ERR_OK;
}

enum err config_broker_read(struct slice text, struct config_broker *out, struct fault *fault)
{
    static const char *const known[] = {"url", "proxy", "confirm_s", NULL};
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    struct config_broker read = *out;
    enum err err = json_parse(text, CONFIG_JSON, &doc, fault);
    if (!err)
        err = refuse_others(text, known, fault);
    if (!err)
        err = take_text(doc, "url", 1, read.url, sizeof read.url, fault);
    if (!err)
        err = take_text(doc, "proxy", 0, read.proxy, sizeof read.proxy, fault);
    if (!err && json_member(doc, "confirm_s")) {
        read.confirm_s = json_member_int(doc, "confirm_s", 0);
        if (read.confirm_s < CONFIG_CONFIRM_LEAST_S || read.confirm_s > CONFIG_CONFIRM_MOST_S)
            err = fault_set(fault, ERR_INVALID, "confirm_s", "must be %d to %d",
                            CONFIG_CONFIRM_LEAST_S, CONFIG_CONFIRM_MOST_S);
    }
    if (!err && json_member(doc, "url"))
        err = check_url(read.url, "mqtts", "url", fault);
    if (!err && read.proxy[0])
        err = check_url(read.proxy, "http", "proxy", fault);
    if (!err)
        *out = read;
    return err;
}

enum err config_time_read(struct slice text, struct config_time *out, struct fault *fault)
{
    struct servers {
        const char **list;
        size_t count;
    };
    static const struct json_field fields[] = {
        {.name = "servers",
         .kind = JSON_TEXTS,
         .offset = offsetof(struct servers, list),
         .max = CONFIG_TIME_SERVERS_MAX,
         .count_offset = offsetof(struct servers, count)},
    };
    const struct json_table table = {.fields = fields, .count = COUNT(fields)};
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    struct arena arena CLEANUP(arena_free);
    struct servers servers = {0};
    struct config_time read = {.count = 0};
    arena_init(&arena, ARENA_MAX);
    enum err err = json_parse(text, CONFIG_JSON, &doc, fault);
    if (!err)
        err = json_read(doc, &table, &servers, &arena, fault);
    for (size_t i = 0; !err && i < servers.count; i++) {
        if (strspn(servers.list[i], "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                    "0123456789.:-") != strlen(servers.list[i]))
            err = fault_set(fault, ERR_INVALID, "servers", "\"%s\" is no host", servers.list[i]);
        (void)snprintf(read.servers[read.count++], sizeof read.servers[0], "%s", servers.list[i]);
    }
    if (!err)
        *out = read;
    return err;
}

enum err config_updates_read(struct slice text, struct config_updates *out, struct fault *fault)
{
    static const char *const known[] = {"channel", "release", NULL};
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    struct slice release = {"", 0};
    struct config_updates read = *out;
    enum err err = json_parse(text, CONFIG_JSON, &doc, fault);
    if (!err)
        err = refuse_others(text, known, fault);
    if (!err)
        err = take_text(doc, "channel", 1, read.channel, sizeof read.channel, fault);
    if (!err &&
        strspn(read.channel, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(read.channel))
        err = fault_set(fault, ERR_INVALID, "channel", "has letters, digits and - only");
    read.has_release = json_member(doc, "release") != NULL;
    if (!err && read.has_release) {
        err = json_scan_member(text, CONFIG_JSON, "release", &release, fault);
        if (!err && (err = release_read(release, &read.release, fault)) != ERR_OK)
            fault_within(fault, "release");
    }
    if (!err)
        *out = read;
    return err;
}

/* --- All of them ----------------------------------------------------------------------------- */

static enum err check_section(enum config_section section, struct slice text, struct fault *fault)
{
    union {
        struct config_retention retention;
        struct config_limits limits;
        struct config_broker broker;
        struct config_time time;
        struct config_diagnostics diagnostics;
        struct config_features features;
        struct config_updates updates;
    } unused = {0};
    switch (section) {
    case CONFIG_RETENTION:
        return config_retention_read(text, &unused.retention, fault);
    case CONFIG_LIMITS:
        return config_limits_read(text, &unused.limits, fault);
    case CONFIG_BROKER:
        return config_broker_read(text, &unused.broker, fault);
    case CONFIG_TIME:
        return config_time_read(text, &unused.time, fault);
    case CONFIG_DIAGNOSTICS:
        return config_diagnostics_read(text, &unused.diagnostics, fault);
    case CONFIG_FEATURES:
        return config_features_read(text, &unused.features, fault);
    case CONFIG_UPDATES:
        return config_updates_read(text, &unused.updates, fault);
    default:
        return text.data[0] == '{' ? ERR_OK
                                   : fault_set(fault, ERR_INVALID, "", "must be an object");
    }
}

static bool find_section(struct slice key, enum config_section *section)
{
    for (int i = 0; i < CONFIG_SECTION_COUNT; i++)
        if (slice_is(key, names[i])) {
            *section = (enum config_section)i;
            return true;
        }
    return false;
}

/* "settings.<key>" before the path of a fault inside it. */
static void name_path(struct fault *fault, struct slice key)
{
    char path[FAULT_WHERE_MAX];
    (void)snprintf(path, sizeof path, "settings.%.*s", (int)(key.len < 64 ? key.len : 64),
                   key.data);
    fault_within(fault, path);
}

enum err config_settings_check(struct slice settings, struct fault *fault)
{
    struct json_scan scan;
    struct json_part part;
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    bool found;
    enum config_section section;
    enum err err = json_parse(settings, CONFIG_JSON, &doc, fault); /* no key twice */
    if (!err)
        err = json_scan_begin(&scan, settings, CONFIG_JSON, '{', fault);
    if (err) {
        fault_within(fault, "settings");
        return err;
    }
    while (!(err = json_scan_next(&scan, &part, &found, fault)) && found) {
        err = find_section(part.key, &section)
                  ? check_section(section, part.value, fault)
                  : fault_set(fault, ERR_INVALID, "", "is not a section that is known");
        if (err) {
            name_path(fault, part.key);
            return err;
        }
    }
    return err;
}

struct slice config_section_of(struct slice settings, enum config_section section)
{
    struct slice value = {"", 0};
    enum err err = json_scan_member(settings, CONFIG_JSON, names[section], &value, NULL);
    return err ? (struct slice){"", 0} : value;
}
