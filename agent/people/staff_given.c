#include "agent/people/staff_given.h"
#include "hal/base/cleanup.h"
#include "hal/base/hex.h"
#include "hal/base/json.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 256 * 1024, ROUNDS_LEAST = 1000, ROUNDS_MOST = 10000000 };

struct pin_row {
    int64_t rounds;
    const char *salt;
    const char *hash;
};

struct row {
    const char *number;
    const char *name;
    const char *language;
    int role;
    const char *badge;
    struct pin_row pin;
};

struct rows {
    struct row *list;
    size_t count;
};

static const struct json_field pin_fields[] = {
    {.name = "rounds",
     .kind = JSON_INT,
     .offset = offsetof(struct pin_row, rounds),
     .min = ROUNDS_LEAST,
     .max = ROUNDS_MOST},
    {.name = "salt",
     .kind = JSON_TEXT,
     .offset = offsetof(struct pin_row, salt),
     .min = 2 * PIN_SALT_BYTES,
     .max = 2 * PIN_SALT_BYTES},
    {.name = "hash",
     .kind = JSON_TEXT,
     .offset = offsetof(struct pin_row, hash),
     .min = 2 * PIN_HASH_BYTES,
     .max = 2 * PIN_HASH_BYTES},
};
static const struct json_table pin_table = {.fields = pin_fields,
                                            .count = sizeof pin_fields / sizeof *pin_fields,
                                            .item_size = sizeof(struct pin_row)};

static const struct json_field row_fields[] = {
    {.name = "number",
     .kind = JSON_TEXT,
     .offset = offsetof(struct row, number),
     .min = 1,
     .max = PERSON_NUMBER_MAX},
    {.name = "name",
     .kind = JSON_TEXT,
     .offset = offsetof(struct row, name),
     .min = 1,
     .max = PERSON_NAME_MAX},
    {.name = "language",
     .kind = JSON_TEXT,
     .presence = JSON_OPTIONAL,
     .offset = offsetof(struct row, language),
     .min = PERSON_LANGUAGE,
     .max = PERSON_LANGUAGE},
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
    {.name = "pin", .kind = JSON_OBJECT, .offset = offsetof(struct row, pin), .items = &pin_table},
};
static const struct json_table row_table = {.fields = row_fields,
                                            .count = sizeof row_fields / sizeof *row_fields,
                                            .item_size = sizeof(struct row)};

static const struct json_field fields[] = {
    {.name = "people",
     .kind = JSON_LIST,
     .offset = offsetof(struct rows, list),
     .min = 1,
     .max = STAFF_MAX,
     .items = &row_table,
     .count_offset = offsetof(struct rows, count)},
};
static const struct json_table table = {
    .fields = fields, .count = 1, .item_size = sizeof(struct rows)};

static enum err take_row(const struct row *row, struct person *person, struct fault *fault)
{
    *person = (struct person){
        .role = (enum role)row->role,
        .has_badge = row->badge != NULL,
        .one_time = true,
        .pin.rounds = (uint32_t)row->pin.rounds,
    };
    (void)snprintf(person->number, sizeof person->number, "%s", row->number);
    (void)snprintf(person->name, sizeof person->name, "%s", row->name);
    (void)snprintf(person->language, sizeof person->language, "%s",
                   row->language ? row->language : "en");
    if (row->badge && sha256_parse(slice_of(row->badge), &person->badge) != ERR_OK)
        return fault_set(fault, ERR_INVALID, "badge", "must be hexadecimal digits");
    if (hex_decode(slice_of(row->pin.salt), person->pin.salt, PIN_SALT_BYTES) != ERR_OK ||
        hex_decode(slice_of(row->pin.hash), person->pin.hash, PIN_HASH_BYTES) != ERR_OK)
        return fault_set(fault, ERR_INVALID, "pin", "must be hexadecimal digits");
    return ERR_OK;
}

static enum err check_unlike(const struct staff_given *given, size_t index, struct fault *fault)
{
    const struct person *person = &given->people[index];
    for (size_t i = 0; i < index; i++) {
        const struct person *other = &given->people[i];
        if (strcmp(person->number, other->number) == 0)
            return fault_set(fault, ERR_INVALID, "number", "is people[%zu]'s too", i);
        if (person->has_badge && other->has_badge && sha256_equal(&person->badge, &other->badge))
            return fault_set(fault, ERR_INVALID, "badge", "is people[%zu]'s too", i);
    }
    return ERR_OK;
}

static enum err take_rows(const struct rows *rows, struct staff_given *given, struct fault *fault)
{
    given->people = calloc(rows->count, sizeof *given->people);
    if (!given->people)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    for (size_t i = 0; i < rows->count; i++) {
        char where[32];
        enum err err = take_row(&rows->list[i], &given->people[i], fault);
        if (!err)
            err = check_unlike(given, i, fault);
        if (err) {
            (void)snprintf(where, sizeof where, "people[%zu]", i);
            fault_within(fault, where);
            return err;
        }
        given->count++;
    }
    return ERR_OK;
}

enum err staff_given_read(struct slice text, struct staff_given **out, struct fault *fault)
{
    const struct json_limits limits = {.bytes = TEXT_MAX, .depth = 6};
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    struct arena arena CLEANUP(arena_free);
    struct rows rows = {0};
    struct staff_given *given = calloc(1, sizeof *given);
    arena_init(&arena, (size_t)4 * TEXT_MAX);
    enum err err = given ? json_parse(text, limits, &doc, fault)
                         : fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    if (!err)
        err = json_read(doc, &table, &rows, &arena, fault);
    if (!err)
        err = take_rows(&rows, given, fault);
    if (err) {
        staff_given_free(given);
        return err;
    }
    *out = given;
    return ERR_OK;
}

void staff_given_free(struct staff_given *given)
{
    if (!given)
        return;
    free(given->people);
    free(given);
}

static const struct person *find_number(const struct staff *staff, const char *number)
{
    for (size_t i = 0; i < staff_count(staff); i++)
        if (strcmp(staff_at(staff, i)->number, number) == 0)
            return staff_at(staff, i);
    return NULL;
}

bool staff_differs(const struct staff *staff, const struct staff_given *given)
{
    if (staff_count(staff) != given->count)
        return true;
    for (size_t i = 0; i < given->count; i++) {
        const struct person *person = find_number(staff, given->people[i].number);
        if (!person || person->role != given->people[i].role ||
            person->has_badge != given->people[i].has_badge ||
            (person->has_badge && !sha256_equal(&person->badge, &given->people[i].badge)))
            return true;
    }
    return false;
}

/* A person who has the number already keeps id and PIN; a new one gets an id. */
static void settle(struct person *person, const struct staff *staff)
{
    const struct person *known = find_number(staff, person->number);
    if (!known) {
        staff_new_id(person);
        return;
    }
    memcpy(person->id, known->id, sizeof person->id);
    person->pin = known->pin;
    person->one_time = known->one_time;
}

enum err staff_govern(const char *folder, const struct staff_given *given, struct fault *fault)
{
    struct staff *staff;
    struct person *people = calloc(given->count, sizeof *people);
    enum err err = people ? staff_open(&staff, folder, fault)
                          : fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    if (!err) {
        for (size_t i = 0; i < given->count; i++) {
            people[i] = given->people[i];
            settle(&people[i], staff);
        }
        staff_close(staff);
        err = staff_replace(folder, people, given->count, fault);
    }
    free(people);
    return err;
}
