#include "sync/contract/config_report.h"
#include "hal/base/cleanup.h"
#include "hal/base/jsonw.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum { DEPTH_MAX = 3, ARENA_MAX = 16 * 1024 };

#define NUMBER_MAX (INT64_C(1) << 52)
#define LIMITS ((struct json_limits){.bytes = CONFIG_REPORT_BYTES_MAX, .depth = DEPTH_MAX})

static const char *const words[] = {
#define WORD(upper, lower) #lower,
    CONFIG_STATES(WORD)
#undef WORD
        NULL,
};

const char *config_state_name(enum config_state state)
{
    return words[state];
}

struct applied_text {
    int64_t version;
    const char *hash;
};

struct text {
    int state;
    int64_t version;
    int64_t seen;
    const char *hash;
    struct applied_text applied;
    const char *path;
    const char *reason;
    const char **drift;
    size_t drift_count;
};

static const struct json_field applied_fields[] = {
    {.name = "version",
     .kind = JSON_INT,
     .offset = offsetof(struct applied_text, version),
     .min = 1,
     .max = NUMBER_MAX},
    {.name = "hash",
     .kind = JSON_TEXT,
     .offset = offsetof(struct applied_text, hash),
     .min = SHA256_TEXT,
     .max = SHA256_TEXT},
};

static const struct json_table applied_table = {
    .fields = applied_fields,
    .count = sizeof applied_fields / sizeof *applied_fields,
    .item_size = sizeof(struct applied_text),
    .allow_unknown = true,
};

static const struct json_field fields[] = {
    {.name = "state",
     .kind = JSON_CHOICE,
     .offset = offsetof(struct text, state),
     .choices = words},
    {.name = "version",
     .kind = JSON_INT,
     .presence = JSON_OPTIONAL,
     .offset = offsetof(struct text, version),
     .min = 1,
     .max = NUMBER_MAX},
    {.name = "seen",
     .kind = JSON_INT,
     .presence = JSON_OPTIONAL,
     .offset = offsetof(struct text, seen),
     .min = 1,
     .max = NUMBER_MAX},
    {.name = "hash",
     .kind = JSON_TEXT,
     .presence = JSON_OPTIONAL,
     .offset = offsetof(struct text, hash),
     .min = SHA256_TEXT,
     .max = SHA256_TEXT},
    {.name = "applied",
     .kind = JSON_OBJECT,
     .presence = JSON_OPTIONAL,
     .offset = offsetof(struct text, applied),
     .items = &applied_table},
    {.name = "path",
     .kind = JSON_TEXT,
     .presence = JSON_OPTIONAL,
     .offset = offsetof(struct text, path),
     .max = FAULT_WHERE_MAX - 1},
    {.name = "reason",
     .kind = JSON_TEXT,
     .presence = JSON_OPTIONAL,
     .offset = offsetof(struct text, reason),
     .max = CONFIG_REASON_MAX},
    {.name = "drift",
     .kind = JSON_TEXTS,
     .presence = JSON_OPTIONAL,
     .offset = offsetof(struct text, drift),
     .max = CONFIG_SECTION_COUNT,
     .count_offset = offsetof(struct text, drift_count)},
};

static const struct json_table table = {
    .fields = fields,
    .count = sizeof fields / sizeof *fields,
    .item_size = sizeof(struct text),
    .allow_unknown = true,
};

static void write_hash(struct jsonw *w, const struct sha256 *hash)
{
    char text[SHA256_TEXT + 1];
    sha256_format(hash, text);
    jsonw_text(w, "hash", text);
}

void config_report_write(struct buf *out, const struct config_report *report)
{
    struct jsonw w = jsonw_to(out);
    bool drifted = false;
    jsonw_object(&w, NULL);
    jsonw_text(&w, "state", words[report->state]);
    if (report->version) {
        jsonw_int(&w, "version", report->version);
        write_hash(&w, &report->hash);
    }
    if (report->seen)
        jsonw_int(&w, "seen", report->seen);
    if (report->applied_version) {
        jsonw_object(&w, "applied");
        jsonw_int(&w, "version", report->applied_version);
        write_hash(&w, &report->applied);
        jsonw_end(&w);
    }
    if (report->path[0])
        jsonw_text(&w, "path", report->path);
    if (report->reason[0])
        jsonw_text(&w, "reason", report->reason);
    for (int i = 0; i < CONFIG_SECTION_COUNT; i++)
        drifted |= report->drift[i];
    if (drifted) {
        jsonw_array(&w, "drift");
        for (int i = 0; i < CONFIG_SECTION_COUNT; i++)
            if (report->drift[i])
                jsonw_text(&w, NULL, config_section_name((enum config_section)i));
        jsonw_end(&w);
    }
    jsonw_end(&w);
}

/* A section that a newer appliance knows and we don't is passed over. */
static void take_drift(const struct text *text, struct config_report *report)
{
    for (size_t i = 0; i < text->drift_count; i++)
        for (int s = 0; s < CONFIG_SECTION_COUNT; s++)
            if (strcmp(text->drift[i], config_section_name((enum config_section)s)) == 0)
                report->drift[s] = true;
}

static enum err take(const struct text *text, struct config_report *report, struct fault *fault)
{
    report->state = (enum config_state)text->state;
    report->version = text->version;
    report->seen = text->seen;
    report->applied_version = text->applied.version;
    (void)snprintf(report->path, sizeof report->path, "%s", text->path ? text->path : "");
    (void)snprintf(report->reason, sizeof report->reason, "%s", text->reason ? text->reason : "");
    take_drift(text, report);
    if ((text->version != 0) != (text->hash != NULL))
        return fault_set(fault, ERR_INVALID, "hash", "comes together with version");
    if (text->hash && sha256_parse(slice_of(text->hash), &report->hash) != ERR_OK)
        return fault_set(fault, ERR_INVALID, "hash", "must be 64 hexadecimal digits");
    if (text->applied.hash &&
        sha256_parse(slice_of(text->applied.hash), &report->applied) != ERR_OK)
        return fault_set(fault, ERR_INVALID, "applied.hash", "must be 64 hexadecimal digits");
    return ERR_OK;
}

enum err config_report_read(struct slice text, struct config_report *report, struct fault *fault)
{
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    struct arena arena CLEANUP(arena_free);
    struct text read = {0};
    struct config_report made = {.version = 0};
    arena_init(&arena, ARENA_MAX);
    enum err err = json_parse(text, LIMITS, &doc, fault);
    if (!err)
        err = json_read(doc, &table, &read, &arena, fault);
    if (!err)
        err = take(&read, &made, fault);
    if (!err)
        *report = made;
    return err;
}

/* --- The hub's answer ------------------------------------------------------------------------ */

static const struct json_field ack_fields[] = {
    {.name = "version",
     .kind = JSON_INT,
     .offset = offsetof(struct text, version),
     .max = NUMBER_MAX},
    {.name = "state",
     .kind = JSON_CHOICE,
     .offset = offsetof(struct text, state),
     .choices = words},
};

static const struct json_table ack_table = {
    .fields = ack_fields,
    .count = sizeof ack_fields / sizeof *ack_fields,
    .item_size = sizeof(struct text),
    .allow_unknown = true,
};

void config_ack_write(struct buf *out, const struct config_ack *ack)
{
    struct jsonw w = jsonw_to(out);
    jsonw_object(&w, NULL);
    jsonw_int(&w, "version", ack->version);
    jsonw_text(&w, "state", words[ack->state]);
    jsonw_end(&w);
}

enum err config_ack_read(struct slice text, struct config_ack *ack, struct fault *fault)
{
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    struct arena arena CLEANUP(arena_free);
    struct text read = {0};
    arena_init(&arena, ARENA_MAX);
    enum err err = json_parse(text, LIMITS, &doc, fault);
    if (!err)
        err = json_read(doc, &ack_table, &read, &arena, fault);
    if (!err)
        *ack = (struct config_ack){read.version, (enum config_state)read.state};
    return err;
}
