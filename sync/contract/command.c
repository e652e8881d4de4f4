#include "sync/contract/command.h"
#include "hal/base/cleanup.h"
#include "hal/base/json_scan.h"
#include "sync/contract/topic.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum { DEPTH_MAX = 8, ARENA_MAX = 8 * 1024 };

#define LIMITS(most) ((struct json_limits){.bytes = (most), .depth = DEPTH_MAX})

/* Words, in the order of their enums; NULL ends a list of choices. */
static const char *const name_words[] = {
#define WORD(upper, word) word,
    COMMANDS(WORD)
#undef WORD
        NULL,
};
static const char *const outcome_words[] = {
#define WORD(upper, lower) #lower,
    COMMAND_OUTCOMES(WORD)
#undef WORD
        NULL,
};

const char *command_word(enum command_name name)
{
    return name_words[name];
}

const char *command_outcome_word(enum command_outcome outcome)
{
    return outcome_words[outcome];
}

enum err command_find(const char *word, enum command_name *name)
{
    for (int i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(word, name_words[i]) == 0) {
            *name = (enum command_name)i;
            return ERR_OK;
        }
    return ERR_NOT_FOUND;
}

/* --- The command ----------------------------------------------------------------------------- */

struct text {
    const char *id;
    const char *device;
    const char *name;
    const char *by;
    int64_t issued_ms;
    int64_t expires_ms;
    const struct cJSON *arguments;
    int outcome;
    const char *detail;
    const struct cJSON *result;
};

static const struct json_field fields[] = {
    {.name = "id", .kind = JSON_TEXT, .offset = offsetof(struct text, id), .max = ID_TEXT},
    {.name = "device",
     .kind = JSON_TEXT,
     .offset = offsetof(struct text, device),
     .min = 1,
     .max = DEVICE_ID_MAX},
    {.name = "name", .kind = JSON_TEXT, .offset = offsetof(struct text, name), .min = 1, .max = 32},
    {.name = "by",
     .kind = JSON_TEXT,
     .offset = offsetof(struct text, by),
     .min = 1,
     .max = COMMAND_BY_MAX},
    {.name = "issued", .kind = JSON_TIME, .offset = offsetof(struct text, issued_ms)},
    {.name = "expires", .kind = JSON_TIME, .offset = offsetof(struct text, expires_ms)},
    {.name = "arguments", .kind = JSON_ANY, .offset = offsetof(struct text, arguments)},
};

static const struct json_table table = {
    .fields = fields,
    .count = sizeof fields / sizeof *fields,
    .item_size = sizeof(struct text),
};

void command_write(struct buf *out, const struct command *command)
{
    char id[ID_TEXT + 1];
    struct jsonw w = jsonw_to(out);
    id_format(&command->id, id);
    jsonw_object(&w, NULL);
    jsonw_text(&w, "id", id);
    jsonw_text(&w, "device", command->device);
    jsonw_text(&w, "name", name_words[command->name]);
    jsonw_text(&w, "by", command->by);
    jsonw_time(&w, "issued", command->issued_ms);
    jsonw_time(&w, "expires", command->expires_ms);
    jsonw_raw(&w, "arguments", command->arguments);
    jsonw_end(&w);
}

static enum err take(const struct text *text, struct command *command, struct fault *fault)
{
    if (id_parse(slice_of(text->id), &command->id) != ERR_OK)
        return fault_set(fault, ERR_INVALID, "id", "must be a UUID");
    if (!device_id_valid(slice_of(text->device)))
        return fault_set(fault, ERR_INVALID, "device", "is no device id");
    if (command_find(text->name, &command->name) != ERR_OK)
        return fault_set(fault, ERR_UNSUPPORTED, "name", "\"%s\" is not known here", text->name);
    (void)snprintf(command->device, sizeof command->device, "%s", text->device);
    (void)snprintf(command->by, sizeof command->by, "%s", text->by);
    command->issued_ms = text->issued_ms;
    command->expires_ms = text->expires_ms;
    return ERR_OK;
}

enum err command_read(struct slice text, struct command *command, struct fault *fault)
{
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    struct arena arena CLEANUP(arena_free);
    struct text read = {0};
    struct command made = {.issued_ms = 0};
    arena_init(&arena, ARENA_MAX);
    enum err err = json_parse(text, LIMITS(COMMAND_BYTES_MAX), &doc, fault);
    if (!err)
        err = json_read(doc, &table, &read, &arena, fault);
    if (!err)
        err = take(&read, &made, fault);
    if (!err)
        err =
            json_scan_member(text, LIMITS(COMMAND_BYTES_MAX), "arguments", &made.arguments, fault);
    if (!err && made.arguments.data[0] != '{')
        err = fault_set(fault, ERR_INVALID, "arguments", "must be an object");
    if (!err)
        *command = made;
    return err;
}

/* --- The reply ------------------------------------------------------------------------------- */

static const struct json_field reply_fields[] = {
    {.name = "id", .kind = JSON_TEXT, .offset = offsetof(struct text, id), .max = ID_TEXT},
    {.name = "outcome",
     .kind = JSON_CHOICE,
     .offset = offsetof(struct text, outcome),
     .choices = outcome_words},
    {.name = "detail",
     .kind = JSON_TEXT,
     .presence = JSON_OPTIONAL,
     .offset = offsetof(struct text, detail),
     .max = COMMAND_DETAIL_MAX},
    {.name = "result",
     .kind = JSON_ANY,
     .presence = JSON_OPTIONAL,
     .offset = offsetof(struct text, result)},
};

static const struct json_table reply_table = {
    .fields = reply_fields,
    .count = sizeof reply_fields / sizeof *reply_fields,
    .item_size = sizeof(struct text),
    .allow_unknown = true,
};

void command_reply_write(struct buf *out, const struct command_reply *reply)
{
    char id[ID_TEXT + 1];
    struct jsonw w = jsonw_to(out);
    id_format(&reply->id, id);
    jsonw_object(&w, NULL);
    jsonw_text(&w, "id", id);
    jsonw_text(&w, "outcome", outcome_words[reply->outcome]);
    if (reply->detail[0])
        jsonw_text(&w, "detail", reply->detail);
    if (reply->result.len)
        jsonw_raw(&w, "result", reply->result);
    jsonw_end(&w);
}

enum err command_reply_read(struct slice text, struct command_reply *reply, struct fault *fault)
{
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    struct arena arena CLEANUP(arena_free);
    struct text read = {0};
    struct command_reply made = {.outcome = 0};
    arena_init(&arena, ARENA_MAX);
    enum err err = json_parse(text, LIMITS(COMMAND_REPLY_BYTES_MAX), &doc, fault);
    if (!err)
        err = json_read(doc, &reply_table, &read, &arena, fault);
    if (!err && id_parse(slice_of(read.id), &made.id) != ERR_OK)
        err = fault_set(fault, ERR_INVALID, "id", "must be a UUID");
    if (!err && read.result)
        err =
            json_scan_member(text, LIMITS(COMMAND_REPLY_BYTES_MAX), "result", &made.result, fault);
    if (err)
        return err;
    made.outcome = (enum command_outcome)read.outcome;
    (void)snprintf(made.detail, sizeof made.detail, "%s", read.detail ? read.detail : "");
    *reply = made;
    return ERR_OK;
}
