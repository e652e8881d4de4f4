#include "agent/people/staff.h"
#include "agent/returns/cardnumber.h"
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
#include <sys/stat.h>
#include <time.h>

enum { FILE_MAX_BYTES = 512 * 1024, ROUNDS_MAX = 10000000 };

const char *const role_words[ROLE_COUNT + 1] = {"associate", "manager", "technician", NULL};

struct staff {
    char folder[PATH_MAX];
    char path[PATH_MAX];
    char told_path[PATH_MAX];
    struct timespec changed; /* of the file as it was read last */
    ino_t inode;
    struct person *people;
    size_t count;
    staff_told *told; /* NULL: nobody asked */
    void *context;
};

/* --- Reading -----------------------------------------------------------------------------------
 */

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

static enum err load(struct staff *staff, const char *path, struct fault *fault)
{
    struct buf text CLEANUP(buf_free);
    buf_init(&text, FILE_MAX_BYTES);
    enum err err = storage_read(path, &text, fault);
    if (err == ERR_NOT_FOUND)
        return ERR_OK;
    if (err)
        return err;
    struct arena arena CLEANUP(arena_free);
    arena_init(&arena, (size_t)4 * FILE_MAX_BYTES);
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    struct rows rows = {0};
    struct json_limits limits = {.bytes = FILE_MAX_BYTES, .depth = 4};
    struct person *people = NULL;
    err = json_parse(buf_slice(&text), limits, &doc, fault);
    if (!err)
        err = json_read(doc, &file_table, &rows, &arena, fault);
    if (!err)
        err = read_people(&rows, &people, path, fault);
    if (err)
        return fault_wrap(fault, err, "reading the staff");
    free(staff->people);
    staff->people = people;
    staff->count = rows.count;
    return ERR_OK;
}

enum err staff_open(struct staff **out, const char *folder, struct fault *fault)
{
    struct staff *staff = calloc(1, sizeof *staff);
    if (!staff)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    enum err err = storage_path(staff->folder, sizeof staff->folder, folder, "people");
    if (!err)
        err = storage_path(staff->path, sizeof staff->path, staff->folder, "staff.json");
    if (!err)
        err = storage_path(staff->told_path, sizeof staff->told_path, staff->folder, "staff.told");
    if (err)
        err = fault_set(fault, err, folder, "the path is too long");
    else
        err = load(staff, staff->path, fault);
    if (err) {
        staff_close(staff);
        return err;
    }
    *out = staff;
    return ERR_OK;
}

void staff_close(struct staff *staff)
{
    if (!staff)
        return;
    free(staff->people);
    free(staff);
}

size_t staff_count(const struct staff *staff)
{
    return staff->count;
}

const struct person *staff_at(const struct staff *staff, size_t index)
{
    return &staff->people[index];
}

const struct person *staff_by_id(const struct staff *staff, const char *id)
{
    for (size_t i = 0; i < staff->count; i++)
        if (strcmp(staff->people[i].id, id) == 0)
            return &staff->people[i];
    return NULL;
}

const struct person *staff_find(const struct staff *staff, struct slice wanted)
{
    struct sha256 badge = sha256_of(wanted);
    for (size_t i = 0; i < staff->count; i++) {
        const struct person *person = &staff->people[i];
        if (slice_is(wanted, person->number) ||
            (person->has_badge && sha256_equal(&person->badge, &badge)))
            return person;
    }
    return NULL;
}

/* --- Changing ----------------------------------------------------------------------------------
 */

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

static void write_people(const struct staff *staff, struct buf *text)
{
    buf_init(text, FILE_MAX_BYTES);
    struct jsonw w = jsonw_to(text);
    jsonw_object(&w, NULL);
    jsonw_array(&w, "people");
    for (size_t i = 0; i < staff->count; i++)
        write_person(&w, &staff->people[i]);
    jsonw_end(&w);
    jsonw_end(&w);
    buf_append_char(text, '\n');
}

static enum err save(const struct staff *staff, const char *path, struct fault *fault)
{
    struct buf text CLEANUP(buf_free);
    write_people(staff, &text);
    enum err err = buf_check(&text, fault, path);
    return err ? err : storage_replace(path, buf_slice(&text), 0600, fault);
}

/* Opened under the lock, to be changed and saved. */
static enum err begin(struct staff **staff, const char *folder, int *lock, struct fault *fault)
{
    enum err err = staff_open(staff, folder, fault);
    if (err)
        return err;
    err = storage_make_folder((*staff)->folder, fault);
    if (!err)
        err = storage_lock((*staff)->folder, lock, fault);
    if (!err) {
        err = load(*staff, (*staff)->path, fault); /* as it is now that nobody else writes */
        if (err)
            storage_unlock(*lock);
    }
    if (err)
        staff_close(*staff);
    return err;
}

static enum err finish(struct staff *staff, int lock, enum err err, struct fault *fault)
{
    if (!err)
        err = save(staff, staff->path, fault);
    storage_unlock(lock);
    staff_close(staff);
    return err;
}

static enum err check_word(const char *text, const char *name, size_t max, struct fault *fault)
{
    size_t len = text ? strlen(text) : 0;
    if (len == 0 || len > max)
        return fault_set(fault, ERR_INVALID, name, "must have 1 to %zu characters", max);
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] < 0x20)
            return fault_set(fault, ERR_INVALID, name, "must be one line");
    return cardnumber_refuse(text, name, NULL, fault);
}

static enum err check_draft(const struct staff *staff, const struct person_draft *draft,
                            struct fault *fault)
{
    enum err err = check_word(draft->number, "number", PERSON_NUMBER_MAX, fault);
    if (!err)
        err = check_word(draft->name, "name", PERSON_NAME_MAX, fault);
    if (!err && draft->badge)
        err = check_word(draft->badge, "badge", PERSON_BADGE_MAX, fault);
    if (!err && draft->language && strlen(draft->language) != PERSON_LANGUAGE)
        err = fault_set(fault, ERR_INVALID, "language", "must be two letters, like de");
    if (err)
        return err;
    if (staff_find(staff, slice_of(draft->number)) ||
        (draft->badge && staff_find(staff, slice_of(draft->badge))))
        return fault_set(fault, ERR_CONFLICT, "number", "this number or badge is taken");
    if (staff->count >= STAFF_MAX)
        return fault_set(fault, ERR_TOO_LARGE, "staff", "there are %d people already", STAFF_MAX);
    return ERR_OK;
}

void staff_new_id(struct person *person)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    struct id_source ids;
    id_source_init(&ids, NULL, NULL);
    struct id id = id_next(&ids, (int64_t)now.tv_sec * 1000);
    id_format(&id, person->id);
}

static struct person person_made(const struct person_draft *draft, bool one_time)
{
    struct person person = {.role = draft->role, .one_time = one_time};
    staff_new_id(&person);
    (void)snprintf(person.number, sizeof person.number, "%s", draft->number);
    (void)snprintf(person.name, sizeof person.name, "%s", draft->name);
    (void)snprintf(person.language, sizeof person.language, "%s",
                   draft->language ? draft->language : "en");
    if (draft->badge) {
        person.has_badge = true;
        person.badge = sha256_of(slice_of(draft->badge));
    }
    return person;
}

static enum err append(struct staff *staff, const struct person *person, struct fault *fault)
{
    struct person *more = realloc(staff->people, (staff->count + 1) * sizeof *more);
    if (!more)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    staff->people = more;
    staff->people[staff->count++] = *person;
    return ERR_OK;
}

enum err staff_add(const char *folder, const struct person_draft *draft, struct slice pin,
                   bool one_time, struct fault *fault)
{
    struct pin_verifier verifier;
    enum err err = pin_check(pin, fault);
    if (!err)
        err = pin_verifier_make(pin, draft->rounds, &verifier, fault);
    if (err)
        return err;
    struct staff *staff;
    int lock = -1;
    err = begin(&staff, folder, &lock, fault);
    if (err)
        return err;
    err = check_draft(staff, draft, fault);
    if (!err) {
        struct person person = person_made(draft, one_time);
        person.pin = verifier;
        err = append(staff, &person, fault);
    }
    return finish(staff, lock, err, fault);
}

enum err staff_replace(const char *folder, const struct person *people, size_t count,
                       struct fault *fault)
{
    struct staff *staff;
    int lock = -1;
    enum err err = begin(&staff, folder, &lock, fault);
    if (err)
        return err;
    staff->count = 0;
    for (size_t i = 0; !err && i < count; i++)
        err = append(staff, &people[i], fault);
    return finish(staff, lock, err, fault);
}

static struct person *find_mutable(struct staff *staff, const char *number_or_id)
{
    for (size_t i = 0; i < staff->count; i++)
        if (strcmp(staff->people[i].number, number_or_id) == 0 ||
            strcmp(staff->people[i].id, number_or_id) == 0)
            return &staff->people[i];
    return NULL;
}

enum err staff_remove(const char *folder, const char *number, struct fault *fault)
{
    struct staff *staff;
    int lock = -1;
    enum err err = begin(&staff, folder, &lock, fault);
    if (err)
        return err;
    struct person *person = find_mutable(staff, number);
    if (!person) {
        err = fault_set(fault, ERR_NOT_FOUND, number, "nobody has this number");
    } else {
        size_t after = staff->count - 1 - (size_t)(person - staff->people);
        memmove(person, person + 1, after * sizeof *person);
        staff->count--;
    }
    return finish(staff, lock, err, fault);
}

enum err staff_set_pin(const char *folder, const char *number_or_id,
                       const struct pin_verifier *verifier, bool one_time, struct fault *fault)
{
    struct staff *staff;
    int lock = -1;
    enum err err = begin(&staff, folder, &lock, fault);
    if (err)
        return err;
    struct person *person = find_mutable(staff, number_or_id);
    if (person) {
        person->pin = *verifier;
        person->one_time = one_time;
    } else {
        err = fault_set(fault, ERR_NOT_FOUND, number_or_id, "nobody has this number");
    }
    return finish(staff, lock, err, fault);
}

/* --- Telling what has changed ------------------------------------------------------------------
 */

static enum err tell_changes(const struct staff *before, const struct staff *now)
{
    struct buf then_text CLEANUP(buf_free);
    struct buf now_text CLEANUP(buf_free);
    write_people(before, &then_text);
    write_people(now, &now_text);
    struct staff_act *acts = calloc(STAFF_ACTS_MAX(before->count, now->count), sizeof *acts);
    if (!acts || then_text.failed || now_text.failed) {
        free(acts);
        return ERR_NO_MEMORY;
    }
    size_t count = staff_acts(before->people, before->count, now->people, now->count, acts);
    const struct access_copy copy = {now->told_path, buf_slice(&then_text), buf_slice(&now_text)};
    if (count)
        now->told(now->context, acts, count, &copy);
    free(acts);
    return ERR_OK;
}

enum err staff_tell(struct staff *staff, bool known, staff_told *told, void *context,
                    struct fault *fault)
{
    struct stat there;
    staff->told = told;
    staff->context = context;
    staff->inode = 0;
    if (stat(staff->told_path, &there) == 0 && load(staff, staff->told_path, NULL) == ERR_OK)
        return ERR_OK;
    staff->count = 0;
    enum err err = known ? load(staff, staff->path, fault) : ERR_OK;
    if (!err)
        err = storage_make_folder(staff->folder, fault);
    return err ? err : save(staff, staff->told_path, fault);
}

/* The file is replaced as a whole at each change, so a new inode or time means new content. */
bool staff_refresh(struct staff *staff)
{
    struct stat now;
    if (stat(staff->path, &now) != 0 ||
        (now.st_ino == staff->inode && now.st_mtim.tv_sec == staff->changed.tv_sec &&
         now.st_mtim.tv_nsec == staff->changed.tv_nsec))
        return false;
    const struct staff before = *staff;
    staff->people = NULL;
    if (load(staff, staff->path, NULL) != ERR_OK || !staff->people ||
        (staff->told && tell_changes(&before, staff) != ERR_OK)) {
        free(staff->people);
        *staff = before;
        return false;
    }
    free(before.people);
    staff->inode = now.st_ino;
    staff->changed = now.st_mtim;
    return true;
}
