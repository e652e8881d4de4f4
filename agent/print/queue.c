#include "agent/print/queue.h"
#include "hal/base/cleanup.h"
#include "hal/base/json.h"
#include "hal/base/jsonw.h"
#include "hal/storage.h"

#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum { FILE_BYTES_MAX = 64 * 1024, ARENA_MAX_BYTES = 256 * 1024 };

static const char *const state_words[] = {"waiting", "printing", "unsure", NULL};

const char *print_state_name(enum print_state state)
{
    return state_words[state];
}

/* --- The file ----------------------------------------------------------------------------------
 */

struct kept_print {
    const char *id;
    const char *return_id;
    const char *number;
    const char *lane;
    const char *language;
    bool copy;
    int state;
    int64_t asked_ms;
};

struct kept {
    const char *log;
    int64_t through;
    struct kept_print *prints;
    size_t count;
};

#define TEXT_OF(field, least, most)                                                                \
    {                                                                                              \
        .name = #field, .kind = JSON_TEXT, .offset = offsetof(struct kept_print, field),           \
        .min = (least), .max = (most)                                                              \
    }
static const struct json_field print_fields[] = {
    TEXT_OF(id, ID_TEXT, ID_TEXT),
    TEXT_OF(return_id, ID_TEXT, ID_TEXT),
    TEXT_OF(number, 1, PRINT_NUMBER_MAX),
    TEXT_OF(lane, 0, PRINT_LANE_MAX),
    TEXT_OF(language, 0, 2),
    {.name = "copy", .kind = JSON_FLAG, .offset = offsetof(struct kept_print, copy)},
    {.name = "state",
     .kind = JSON_CHOICE,
     .offset = offsetof(struct kept_print, state),
     .choices = state_words},
    {.name = "asked", .kind = JSON_TIME, .offset = offsetof(struct kept_print, asked_ms)},
};
static const struct json_table print_table = {
    print_fields, sizeof print_fields / sizeof *print_fields, sizeof(struct kept_print), true};
static const struct json_field kept_fields[] = {
    {.name = "log",
     .kind = JSON_TEXT,
     .offset = offsetof(struct kept, log),
     .min = ID_TEXT,
     .max = ID_TEXT},
    {.name = "through",
     .kind = JSON_INT,
     .offset = offsetof(struct kept, through),
     .max = INT64_MAX},
    {.name = "prints",
     .kind = JSON_LIST,
     .offset = offsetof(struct kept, prints),
     .max = PRINTS_MAX,
     .items = &print_table,
     .count_offset = offsetof(struct kept, count)},
};
static const struct json_table kept_table = {kept_fields, sizeof kept_fields / sizeof *kept_fields,
                                             sizeof(struct kept), true};

static enum err path_of(const struct print_queue *queue, const char *name,
                        char path[static PATH_MAX], struct fault *fault)
{
    enum err err = storage_path(path, PATH_MAX, queue->folder, name);
    return err ? fault_set(fault, err, queue->folder, "the path is too long") : ERR_OK;
}

/* What was at the printer when the process ended may be on paper. */
static enum err take_print(struct print_queue *queue, const struct kept_print *kept,
                           struct fault *fault)
{
    struct print print = {.copy = kept->copy, .asked_ms = kept->asked_ms};
    print.state = kept->state == PRINT_BEGUN ? PRINT_UNSURE : (enum print_state)kept->state;
    (void)snprintf(print.number, sizeof print.number, "%s", kept->number);
    (void)snprintf(print.lane, sizeof print.lane, "%s", kept->lane);
    (void)snprintf(print.language, sizeof print.language, "%s", kept->language);
    if (id_parse(slice_of(kept->id), &print.id) != ERR_OK ||
        id_parse(slice_of(kept->return_id), &print.return_id) != ERR_OK)
        return fault_set(fault, ERR_CORRUPT, "prints", "an id is none");
    return print_queue_add(queue, &print, fault);
}

enum err print_queue_read(struct print_queue *queue, struct slice text, struct fault *fault)
{
    struct arena arena CLEANUP(arena_free);
    arena_init(&arena, ARENA_MAX_BYTES);
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    struct kept kept = {0};
    struct json_limits limits = {.bytes = FILE_BYTES_MAX, .depth = 4};
    enum err err = json_parse(text, limits, &doc, fault);
    if (!err)
        err = json_read(doc, &kept_table, &kept, &arena, fault);
    if (!err)
        err = id_parse(slice_of(kept.log), &queue->log);
    for (size_t i = 0; i < kept.count && !err; i++)
        err = take_print(queue, &kept.prints[i], fault);
    queue->has_log = !err;
    queue->through = kept.through;
    return err;
}

static enum err put_aside(struct print_queue *queue, const char *path, struct fault *fault)
{
    char bad[PATH_MAX];
    queue->has_log = false;
    queue->count = 0;
    if (path_of(queue, "prints.bad", bad, NULL) == ERR_OK)
        (void)rename(path, bad);
    return fault_wrap(fault, ERR_CORRUPT, "prints.json");
}

enum err print_queue_load(struct print_queue *queue, const char *folder, struct fault *fault)
{
    char path[PATH_MAX];
    struct buf text CLEANUP(buf_free);
    buf_init(&text, FILE_BYTES_MAX);
    *queue = (struct print_queue){0};
    (void)snprintf(queue->folder, sizeof queue->folder, "%s", folder);
    enum err err = path_of(queue, "prints.json", path, fault);
    if (!err)
        err = storage_read(path, &text, fault);
    if (err == ERR_NOT_FOUND)
        return ERR_OK;
    if (err && err != ERR_TOO_LARGE)
        return err;
    if (!err)
        err = print_queue_read(queue, buf_slice(&text), fault);
    return err ? put_aside(queue, path, fault) : ERR_OK;
}

static void write_print(struct jsonw *w, const struct print *print)
{
    char text[ID_TEXT + 1];
    jsonw_object(w, NULL);
    id_format(&print->id, text);
    jsonw_text(w, "id", text);
    id_format(&print->return_id, text);
    jsonw_text(w, "return_id", text);
    jsonw_text(w, "number", print->number);
    jsonw_text(w, "lane", print->lane);
    jsonw_text(w, "language", print->language);
    jsonw_bool(w, "copy", print->copy);
    jsonw_text(w, "state", print_state_name(print->state));
    jsonw_time(w, "asked", print->asked_ms);
    jsonw_end(w);
}

void print_queue_write(const struct print_queue *queue, struct buf *out)
{
    char log[ID_TEXT + 1];
    struct jsonw w = jsonw_to(out);
    id_format(&queue->log, log);
    jsonw_object(&w, NULL);
    jsonw_text(&w, "log", log);
    jsonw_int(&w, "through", queue->through);
    jsonw_array(&w, "prints");
    for (size_t i = 0; i < queue->count; i++)
        write_print(&w, &queue->prints[i]);
    jsonw_end(&w);
    jsonw_end(&w);
}

enum err print_queue_save(const struct print_queue *queue, struct fault *fault)
{
    char path[PATH_MAX];
    struct buf text CLEANUP(buf_free);
    buf_init(&text, FILE_BYTES_MAX);
    print_queue_write(queue, &text);
    enum err err = buf_check(&text, fault, "prints.json");
    if (!err)
        err = path_of(queue, "prints.json", path, fault);
    return err ? err : storage_replace(path, buf_slice(&text), 0600, fault);
}

/* --- In memory ---------------------------------------------------------------------------------
 */

enum err print_queue_add(struct print_queue *queue, const struct print *print, struct fault *fault)
{
    if (queue->count == PRINTS_MAX)
        return fault_set(fault, ERR_BUSY, "prints", "%d prints wait already", PRINTS_MAX);
    queue->prints[queue->count++] = *print;
    return ERR_OK;
}

struct print *print_queue_find(struct print_queue *queue, const struct id *id)
{
    for (size_t i = 0; i < queue->count; i++)
        if (id_equal(&queue->prints[i].id, id))
            return &queue->prints[i];
    return NULL;
}

void print_queue_remove(struct print_queue *queue, const struct id *id)
{
    struct print *print = print_queue_find(queue, id);
    if (!print)
        return;
    size_t behind = queue->count - (size_t)(print - queue->prints) - 1;
    memmove(print, print + 1, behind * sizeof *print);
    queue->count--;
}
