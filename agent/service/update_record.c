#include "agent/service/update_record.h"
#include "hal/base/cleanup.h"
#include "hal/base/json.h"
#include "hal/storage.h"

#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

enum { RECORD_BYTES_MAX = 8 * 1024, ARENA_MAX = 4096, TRIES_MAX = 1000 };

static const char *const state_words[] = {
#define WORD(upper, lower) #lower,
    UPDATE_STATES(WORD)
#undef WORD
        NULL,
};

const char *update_state_name(enum update_state state)
{
    return state_words[state];
}

bool update_state_ended(enum update_state state)
{
    return state != UPDATE_DOWNLOADING && state != UPDATE_WAITING && state != UPDATE_INSTALLING;
}

struct text {
    const struct cJSON *release;
    int state;
    bool pushed;
    int64_t tries;
    const char *reason;
};

static const struct json_field fields[] = {
    {.name = "release", .kind = JSON_ANY, .offset = offsetof(struct text, release)},
    {.name = "state",
     .kind = JSON_CHOICE,
     .offset = offsetof(struct text, state),
     .choices = state_words},
    {.name = "pushed", .kind = JSON_FLAG, .offset = offsetof(struct text, pushed)},
    {.name = "tries", .kind = JSON_INT, .offset = offsetof(struct text, tries), .max = TRIES_MAX},
    {.name = "reason",
     .kind = JSON_TEXT,
     .offset = offsetof(struct text, reason),
     .max = UPDATE_REASON_MAX},
};

static const struct json_table table = {.fields = fields,
                                        .count = sizeof fields / sizeof *fields,
                                        .item_size = sizeof(struct text),
                                        .allow_unknown = true};

static enum err read_text(struct slice text, struct update_record *record, struct fault *fault)
{
    const struct json_limits limits = {.bytes = RECORD_BYTES_MAX, .depth = 4};
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    struct arena arena CLEANUP(arena_free);
    struct buf release CLEANUP(buf_free);
    struct text read = {.state = UPDATE_NONE};
    struct update_record made = {.state = UPDATE_NONE};
    arena_init(&arena, ARENA_MAX);
    buf_init(&release, RELEASE_TEXT_MAX);
    enum err err = json_parse(text, limits, &doc, fault);
    if (!err)
        err = json_read(doc, &table, &read, &arena, fault);
    if (err)
        return err;
    json_print(read.release, &release);
    err = release_read(buf_slice(&release), &made.release, fault);
    if (err)
        return err;
    made.state = (enum update_state)read.state;
    made.pushed = read.pushed;
    made.tries = read.tries;
    (void)snprintf(made.reason, sizeof made.reason, "%s", read.reason);
    *record = made;
    return ERR_OK;
}

enum err update_record_read(const char *path, struct update_record *record, struct fault *fault)
{
    struct buf text CLEANUP(buf_free);
    buf_init(&text, RECORD_BYTES_MAX);
    if (access(path, F_OK) != 0) {
        *record = (struct update_record){.state = UPDATE_NONE};
        return ERR_OK;
    }
    enum err err = storage_read(path, &text, fault);
    return err ? err : read_text(buf_slice(&text), record, fault);
}

enum err update_record_write(const char *path, const struct update_record *record,
                             struct fault *fault)
{
    struct buf text CLEANUP(buf_free);
    buf_init(&text, RECORD_BYTES_MAX);
    struct jsonw w = jsonw_to(&text);
    jsonw_object(&w, NULL);
    jsonw_object(&w, "release");
    release_write(&w, &record->release);
    jsonw_end(&w);
    jsonw_text(&w, "state", update_state_name(record->state));
    jsonw_bool(&w, "pushed", record->pushed);
    jsonw_int(&w, "tries", record->tries);
    jsonw_text(&w, "reason", record->reason);
    jsonw_end(&w);
    enum err err = buf_check(&text, fault, path);
    return err ? err : storage_replace(path, buf_slice(&text), 0600, fault);
}
