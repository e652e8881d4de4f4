#include "agent/people/lockout.h"
#include "hal/base/cleanup.h"
#include "hal/base/hex.h"
#include "hal/base/json.h"
#include "hal/base/jsonw.h"
#include "hal/storage.h"

#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MAX_BYTES = 256 * 1024 };

struct lockout {
    char person[ID_TEXT + 1];
    char salt[2 * PIN_SALT_BYTES + 1];
    int64_t failures;
    int64_t until_ms;
};

struct lockouts {
    char path[PATH_MAX];
    struct lockout list[STAFF_MAX];
    size_t count;
};

/* How long to wait after so many wrong tries in a row; two slips of a finger cost nothing. */
static int64_t wait_after_ms(int64_t failures)
{
    static const int64_t waits_ms[LOCKOUT_FOR_GOOD] = {
        [3] = 5000,   [4] = 30000,  [5] = 300000, [6] = 900000,
        [7] = 900000, [8] = 900000, [9] = 900000,
    };
    return failures < LOCKOUT_FOR_GOOD ? waits_ms[failures] : 0;
}

struct row {
    const char *person;
    const char *salt;
    int64_t failures;
    int64_t until_ms;
};

struct rows {
    struct row *list;
    size_t count;
};

static const struct json_field row_fields[] = {
    {.name = "person",
     .kind = JSON_TEXT,
     .offset = offsetof(struct row, person),
     .min = 1,
     .max = ID_TEXT},
    {.name = "salt",
     .kind = JSON_TEXT,
     .offset = offsetof(struct row, salt),
     .min = 1,
     .max = 2 * PIN_SALT_BYTES},
    {.name = "failures",
     .kind = JSON_INT,
     .offset = offsetof(struct row, failures),
     .min = 1,
     .max = LOCKOUT_FOR_GOOD},
    {.name = "until", .kind = JSON_TIME, .offset = offsetof(struct row, until_ms)},
};
static const struct json_table row_table = {row_fields, sizeof row_fields / sizeof *row_fields,
                                            sizeof(struct row), false};
static const struct json_field file_fields[] = {
    {.name = "lockouts",
     .kind = JSON_LIST,
     .offset = offsetof(struct rows, list),
     .max = STAFF_MAX,
     .items = &row_table,
     .count_offset = offsetof(struct rows, count)},
};
static const struct json_table file_table = {file_fields, 1, sizeof(struct rows), false};

static void keep(struct lockouts *lockouts, const struct row *row)
{
    struct lockout *lockout = &lockouts->list[lockouts->count++];
    *lockout = (struct lockout){.failures = row->failures, .until_ms = row->until_ms};
    (void)snprintf(lockout->person, sizeof lockout->person, "%s", row->person);
    (void)snprintf(lockout->salt, sizeof lockout->salt, "%s", row->salt);
}

static enum err load(struct lockouts *lockouts, struct fault *fault)
{
    struct buf text CLEANUP(buf_free);
    buf_init(&text, FILE_MAX_BYTES);
    enum err err = storage_read(lockouts->path, &text, fault);
    if (err == ERR_NOT_FOUND)
        return ERR_OK;
    if (err)
        return err;
    struct arena arena CLEANUP(arena_free);
    arena_init(&arena, (size_t)4 * FILE_MAX_BYTES);
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    struct rows rows = {0};
    struct json_limits limits = {.bytes = FILE_MAX_BYTES, .depth = 4};
    err = json_parse(buf_slice(&text), limits, &doc, fault);
    if (!err)
        err = json_read(doc, &file_table, &rows, &arena, fault);
    if (err)
        return fault_wrap(fault, err, "reading the lock-outs");
    for (size_t i = 0; i < rows.count; i++)
        keep(lockouts, &rows.list[i]);
    return ERR_OK;
}

enum err lockouts_open(struct lockouts **out, const char *folder, const char *file,
                       struct fault *fault)
{
    struct lockouts *lockouts = calloc(1, sizeof *lockouts);
    if (!lockouts)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    enum err err = storage_path(lockouts->path, sizeof lockouts->path, folder, file);
    if (err)
        err = fault_set(fault, err, folder, "the path is too long");
    else
        err = load(lockouts, fault);
    if (err) {
        lockouts_close(lockouts);
        return err;
    }
    *out = lockouts;
    return ERR_OK;
}

void lockouts_close(struct lockouts *lockouts)
{
    free(lockouts);
}

const char *lockouts_path(const struct lockouts *lockouts)
{
    return lockouts->path;
}

static void salt_text(const struct person *person, char text[static 2 * PIN_SALT_BYTES + 1])
{
    hex_encode(person->pin.salt, PIN_SALT_BYTES, text);
}

/* The person's row, whatever PIN it belongs to; NULL if there is none. */
static struct lockout *row_of(struct lockouts *lockouts, const struct person *person)
{
    for (size_t i = 0; i < lockouts->count; i++)
        if (strcmp(lockouts->list[i].person, person->id) == 0)
            return &lockouts->list[i];
    return NULL;
}

/* The same, if it belongs to the PIN of now. */
static const struct lockout *current(const struct lockouts *lockouts, const struct person *person)
{
    char salt[2 * PIN_SALT_BYTES + 1];
    salt_text(person, salt);
    for (size_t i = 0; i < lockouts->count; i++)
        if (strcmp(lockouts->list[i].person, person->id) == 0 &&
            strcmp(lockouts->list[i].salt, salt) == 0)
            return &lockouts->list[i];
    return NULL;
}

int64_t lockouts_failures(const struct lockouts *lockouts, const struct person *person)
{
    const struct lockout *lockout = current(lockouts, person);
    return lockout ? lockout->failures : 0;
}

int64_t lockouts_wait_ms(const struct lockouts *lockouts, const struct person *person,
                         int64_t now_ms)
{
    const struct lockout *lockout = current(lockouts, person);
    if (!lockout)
        return 0;
    if (lockout->failures >= LOCKOUT_FOR_GOOD)
        return LOCKOUT_FOREVER_MS;
    int64_t left_ms = lockout->until_ms - now_ms;
    /* A clock that was set back must not lengthen the wait. */
    int64_t most_ms = wait_after_ms(lockout->failures);
    if (left_ms > most_ms)
        left_ms = most_ms;
    return left_ms > 0 ? left_ms : 0;
}

/* The row with the fewest failures, whose loss helps a guesser least; of several the oldest. */
static struct lockout *least(struct lockouts *lockouts)
{
    struct lockout *found = &lockouts->list[0];
    for (size_t i = 1; i < lockouts->count; i++)
        if (lockouts->list[i].failures < found->failures)
            found = &lockouts->list[i];
    return found;
}

/*
 * The person's row, or a new one at the end. A list can be full only of people who left, or of
 * strangers: then the least row goes.
 */
static struct lockout *make_room(struct lockouts *lockouts, const struct person *person)
{
    struct lockout *lockout = row_of(lockouts, person);
    if (lockout)
        return lockout;
    if (lockouts->count == STAFF_MAX) {
        struct lockout *gone = least(lockouts);
        size_t behind = (size_t)(&lockouts->list[STAFF_MAX] - gone) - 1;
        memmove(gone, gone + 1, behind * sizeof *gone);
        lockouts->count--;
    }
    return &lockouts->list[lockouts->count++];
}

void lockouts_count(struct lockouts *lockouts, const struct person *person, int64_t now_ms)
{
    int64_t failures = lockouts_failures(lockouts, person) + 1;
    struct lockout *lockout = make_room(lockouts, person);
    lockout->failures = failures < LOCKOUT_FOR_GOOD ? failures : LOCKOUT_FOR_GOOD;
    lockout->until_ms = now_ms + wait_after_ms(lockout->failures);
    (void)snprintf(lockout->person, sizeof lockout->person, "%s", person->id);
    salt_text(person, lockout->salt);
}

void lockouts_clear(struct lockouts *lockouts, const struct person *person)
{
    struct lockout *lockout = row_of(lockouts, person);
    if (lockout)
        *lockout = lockouts->list[--lockouts->count];
}

void lockouts_write_without(const struct lockouts *lockouts, const struct person *without,
                            struct buf *out)
{
    struct jsonw w = jsonw_to(out);
    jsonw_object(&w, NULL);
    jsonw_array(&w, "lockouts");
    for (size_t i = 0; i < lockouts->count; i++) {
        const struct lockout *lockout = &lockouts->list[i];
        if (without && strcmp(lockout->person, without->id) == 0)
            continue;
        jsonw_object(&w, NULL);
        jsonw_text(&w, "person", lockout->person);
        jsonw_text(&w, "salt", lockout->salt);
        jsonw_int(&w, "failures", lockout->failures);
        jsonw_time(&w, "until", lockout->until_ms);
        jsonw_end(&w);
    }
    jsonw_end(&w);
    jsonw_end(&w);
    buf_append_char(out, '\n');
}
