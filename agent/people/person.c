#include "agent/people/person.h"
#include "hal/base/cleanup.h"
#include "hal/base/hex.h"
#include "hal/base/json.h"
#include "hal/base/jsonw.h"
#include "hal/storage.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

enum { FILE_MAX_BYTES = 512 * 1024, ROUNDS_MAX = 10000000 };

const char *const role_words[ROLE_COUNT + 1] = {"associate", "manager", "technician", NULL};

struct row {
    const char *id;
    const char *number;
    const char *name;
    const char *language;
    int role;
    const char *badge;
    bool one_time;
    int64_t rounds;
    const char *salt;
    const char *hash;
};

struct rows {
    struct row *list;
    size_t count;
};

#define ROW_TEXT(member, most)                                                                     \
    {                                                                                              \
        .name = #member, .kind = JSON_TEXT, .offset = offsetof(struct row, member), .min = 1,      \
        .max = (most)                                                                              \
    }
static const struct json_field row_fields[] = {
    ROW_TEXT(id, ID_TEXT),
    ROW_TEXT(number, PERSON_NUMBER_MAX),
    ROW_TEXT(name, PERSON_NAME_MAX),
    ROW_TEXT(language, PERSON_LANGUAGE),
    {.name = "role",
     .kind = JSON_CHOICE,
     .offset = offsetof(struct row, role),
     .choices = role_words},
    {.name = "badge",
     .kind = JSON_TEXT,
     .presence = JSON_OPTIONAL,
     .offset = offsetof(struct row, badge),
     .min = SHA256_TEXT,
     .max = SHA256_TEXT},
    {.name = "one_time", .kind = JSON_FLAG, .offset = offsetof(struct row, one_time)},
    {.name = "rounds",
     .kind = JSON_INT,
     .offset = offsetof(struct row, rounds),
     .min = 1,
     .max = ROUNDS_MAX},
    ROW_TEXT(salt, 2 * PIN_SALT_BYTES),
    ROW_TEXT(hash, 2 * PIN_HASH_BYTES),
};
static const struct json_table row_table = {row_fields, sizeof row_fields / sizeof *row_fields,
                                            sizeof(struct row), false};
static const struct json_field file_fields[] = {
    {.name = "people",
     .kind = JSON_LIST,
     .offset = offsetof(struct rows, list),
     .max = STAFF_MAX,
     .items = &row_table,
     .count_offset = offsetof(struct rows, count)},
};
static const struct json_table file_table = {file_fields, 1, sizeof(struct rows), false};

static enum err person_of(const struct row *row, struct person *person)
{
    struct person made = {
        .role = (enum role)row->role,
        .has_badge = row->badge != NULL,
        .one_time = row->one_time,
        .pin.rounds = (uint32_t)row->rounds,
    };
    (void)snprintf(made.id, sizeof made.id, "%s", row->id);
    (void)snprintf(made.number, sizeof made.number, "%s", row->number);
    (void)snprintf(made.name, sizeof made.name, "%s", row->name);
    (void)snprintf(made.language, sizeof made.language, "%s", row->language);
    if (hex_decode(slice_of(row->salt), made.pin.salt, PIN_SALT_BYTES) != ERR_OK ||
        hex_decode(slice_of(row->hash), made.pin.hash, PIN_HASH_BYTES) != ERR_OK ||
        (row->badge && sha256_parse(slice_of(row->badge), &made.badge) != ERR_OK))
        return ERR_CORRUPT;
    *person = made;
    return ERR_OK;
}

static enum err read_people(const struct rows *rows, struct person **out, const char *path,
                            struct fault *fault)
{
    struct person *people = calloc(rows->count ? rows->count : 1, sizeof *people);
    if (!people)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    for (size_t i = 0; i < rows->count; i++)
        if (person_of(&rows->list[i], &people[i]) != ERR_OK) {
            free(people);
            return fault_set(fault, ERR_CORRUPT, path, "people[%zu] is damaged", i);
        }
    *out = people;
    return ERR_OK;
}

enum err person_list_read(const char *path, struct person_list *list, struct fault *fault)
{
    struct buf text CLEANUP(buf_free);
    struct arena arena CLEANUP(arena_free);
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    struct rows rows = {0};
    struct json_limits limits = {.bytes = FILE_MAX_BYTES, .depth = 4};
    struct person *people = NULL;
    buf_init(&text, FILE_MAX_BYTES);
    arena_init(&arena, (size_t)4 * FILE_MAX_BYTES);
    enum err err = storage_read(path, &text, fault);
    if (err)
        return err;
    err = json_parse(buf_slice(&text), limits, &doc, fault);
    if (!err)
        err = json_read(doc, &file_table, &rows, &arena, fault);
    if (!err)
        err = read_people(&rows, &people, path, fault);
    if (err)
        return fault_wrap(fault, err, "reading the staff");
    *list = (struct person_list){people, rows.count};
    return ERR_OK;
}

void person_list_free(struct person_list *list)
{
    free(list->people);
    *list = (struct person_list){0};
}

static void write_person(struct jsonw *w, const struct person *person)
{
    char salt[2 * PIN_SALT_BYTES + 1];
    char hash[2 * PIN_HASH_BYTES + 1];
    hex_encode(person->pin.salt, PIN_SALT_BYTES, salt);
    hex_encode(person->pin.hash, PIN_HASH_BYTES, hash);
    jsonw_object(w, NULL);
    jsonw_text(w, "id", person->id);
    jsonw_text(w, "number", person->number);
    jsonw_text(w, "name", person->name);
    jsonw_text(w, "language", person->language);
    jsonw_text(w, "role", role_words[person->role]);
    if (person->has_badge) {
        char badge[SHA256_TEXT + 1];
        sha256_format(&person->badge, badge);
        jsonw_text(w, "badge", badge);
    }
    jsonw_bool(w, "one_time", person->one_time);
    jsonw_int(w, "rounds", person->pin.rounds);
    jsonw_text(w, "salt", salt);
    jsonw_text(w, "hash", hash);
    jsonw_end(w);
}

void person_list_write(const struct person_list *list, struct buf *text)
{
    buf_init(text, FILE_MAX_BYTES);
    struct jsonw w = jsonw_to(text);
    jsonw_object(&w, NULL);
    jsonw_array(&w, "people");
    for (size_t i = 0; i < list->count; i++)
        write_person(&w, &list->people[i]);
    jsonw_end(&w);
    jsonw_end(&w);
    buf_append_char(text, '\n');
}

enum err person_list_save(const struct person_list *list, const char *path, struct fault *fault)
{
    struct buf text CLEANUP(buf_free);
    person_list_write(list, &text);
    enum err err = buf_check(&text, fault, path);
    return err ? err : storage_replace(path, buf_slice(&text), 0600, fault);
}

enum err person_list_add(struct person_list *list, const struct person *person, struct fault *fault)
{
    struct person *more = realloc(list->people, (list->count + 1) * sizeof *more);
    if (!more)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    list->people = more;
    list->people[list->count++] = *person;
    return ERR_OK;
}
