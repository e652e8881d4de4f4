#include "agent/people/staff.h"
#include "agent/returns/cardnumber.h"
#include "hal/base/cleanup.h"
#include "hal/storage.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

struct staff {
    char folder[PATH_MAX];
    char path[PATH_MAX];
    char told_path[PATH_MAX];
    struct timespec changed; /* of the file as it was read last */
    ino_t inode;
    struct person_list list;
    staff_told *told; /* NULL: nobody asked */
    void *context;
};

/* A missing file changes nothing. */
static enum err load(struct staff *staff, const char *path, struct fault *fault)
{
    struct person_list list = {0};
    enum err err = person_list_read(path, &list, fault);
    if (err)
        return err == ERR_NOT_FOUND ? ERR_OK : err;
    person_list_free(&staff->list);
    staff->list = list;
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
    person_list_free(&staff->list);
    free(staff);
}

size_t staff_count(const struct staff *staff)
{
    return staff->list.count;
}

const struct person *staff_at(const struct staff *staff, size_t index)
{
    return &staff->list.people[index];
}

const struct person *staff_by_id(const struct staff *staff, const char *id)
{
    for (size_t i = 0; i < staff->list.count; i++)
        if (strcmp(staff->list.people[i].id, id) == 0)
            return &staff->list.people[i];
    return NULL;
}

const struct person *staff_find(const struct staff *staff, struct slice wanted)
{
    struct sha256 badge = sha256_of(wanted);
    for (size_t i = 0; i < staff->list.count; i++) {
        const struct person *person = &staff->list.people[i];
        if (slice_is(wanted, person->number) ||
            (person->has_badge && sha256_equal(&person->badge, &badge)))
            return person;
    }
    return NULL;
}

/* --- Changing ----------------------------------------------------------------------------------
 */

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
        err = person_list_save(&staff->list, staff->path, fault);
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
    if (staff->list.count >= STAFF_MAX)
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
        err = person_list_add(&staff->list, &person, fault);
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
    staff->list.count = 0;
    for (size_t i = 0; !err && i < count; i++)
        err = person_list_add(&staff->list, &people[i], fault);
    return finish(staff, lock, err, fault);
}

static struct person *find_mutable(struct staff *staff, const char *number_or_id)
{
    for (size_t i = 0; i < staff->list.count; i++)
        if (strcmp(staff->list.people[i].number, number_or_id) == 0 ||
            strcmp(staff->list.people[i].id, number_or_id) == 0)
            return &staff->list.people[i];
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
        size_t after = staff->list.count - 1 - (size_t)(person - staff->list.people);
        memmove(person, person + 1, after * sizeof *person);
        staff->list.count--;
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

static enum err tell_changes(const struct staff *staff, const struct person_list *before)
{
    struct buf then_text CLEANUP(buf_free);
    struct buf now_text CLEANUP(buf_free);
    const struct person_list *now = &staff->list;
    person_list_write(before, &then_text);
    person_list_write(now, &now_text);
    struct staff_act *acts = calloc(STAFF_ACTS_MAX(before->count, now->count), sizeof *acts);
    if (!acts || then_text.failed || now_text.failed) {
        free(acts);
        return ERR_NO_MEMORY;
    }
    size_t count = staff_acts(before->people, before->count, now->people, now->count, acts);
    const struct access_copy copy = {staff->told_path, buf_slice(&then_text), buf_slice(&now_text)};
    if (count)
        staff->told(staff->context, acts, count, &copy);
    free(acts);
    return ERR_OK;
}

enum err staff_tell(struct staff *staff, bool known, staff_told *told, void *context,
                    struct fault *fault)
{
    staff->told = told;
    staff->context = context;
    staff->inode = 0;
    struct person_list list = {0};
    enum err err = person_list_read(staff->told_path, &list, NULL);
    person_list_free(&staff->list);
    staff->list = list;
    if (!err)
        return ERR_OK;
    err = known ? load(staff, staff->path, fault) : ERR_OK;
    if (!err)
        err = storage_make_folder(staff->folder, fault);
    return err ? err : person_list_save(&staff->list, staff->told_path, fault);
}

/* The file is replaced as a whole at each change, so a new inode or time means new content. */
bool staff_refresh(struct staff *staff)
{
    struct stat now;
    if (stat(staff->path, &now) != 0 ||
        (now.st_ino == staff->inode && now.st_mtim.tv_sec == staff->changed.tv_sec &&
         now.st_mtim.tv_nsec == staff->changed.tv_nsec))
        return false;
    struct person_list before = staff->list;
    if (person_list_read(staff->path, &staff->list, NULL) != ERR_OK)
        return false;
    if (staff->told && tell_changes(staff, &before) != ERR_OK) {
        person_list_free(&staff->list);
        staff->list = before;
        return false;
    }
    person_list_free(&before);
    staff->inode = now.st_ino;
    staff->changed = now.st_mtim;
    return true;
}
