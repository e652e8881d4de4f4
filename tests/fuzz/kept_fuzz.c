/*
 * The small files that an appliance keeps of itself, and its boot loader's, whatever a disk has
 * made of them: the first byte says which. What is taken is written so that it reads the same
 * again.
 */
#include "agent/people/person.h"
#include "agent/service/not_started.h"
#include "agent/service/update_record.h"
#include "firmware/grubenv.h"
#include "hal/time_floor.h"
#include "sync/config/record.h"
#include "sync/eventlog/head.h"
#include "tests/support/fuzz_ground.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void try_staff(const char *path)
{
    struct person_list staff;
    struct person_list again;
    if (person_list_read(path, &staff, NULL) != ERR_OK)
        return;
    require(staff.count <= STAFF_MAX);
    require(person_list_save(&staff, path, NULL) == ERR_OK);
    require(person_list_read(path, &again, NULL) == ERR_OK);
    require(again.count == staff.count);
    for (size_t i = 0; i < staff.count; i++)
        require(strcmp(staff.people[i].id, again.people[i].id) == 0 &&
                staff.people[i].role == again.people[i].role);
    person_list_free(&staff);
    person_list_free(&again);
}

static void try_update(const char *path)
{
    struct update_record update;
    struct update_record again;
    if (update_record_read(path, &update, NULL) != ERR_OK)
        return;
    require(update.state >= 0 && update.state < UPDATE_STATE_COUNT);
    require(update_record_write(path, &update, NULL) == ERR_OK);
    require(update_record_read(path, &again, NULL) == ERR_OK);
    require(again.state == update.state && strcmp(again.reason, update.reason) == 0);
}

static void try_config(const char *path)
{
    struct record record;
    struct record again;
    const struct slice none = {"", 0};
    (void)path;
    if (record_load(fuzz_folder()->path, &record, NULL) != ERR_OK)
        return;
    require(record_save(fuzz_folder()->path, &record, none, NULL) == ERR_OK);
    require(record_load(fuzz_folder()->path, &again, NULL) == ERR_OK);
    require(again.report.version == record.report.version &&
            again.report.state == record.report.state);
}

static void try_reason(const char *path)
{
    char why[NOT_STARTED_MAX];
    (void)path;
    if (not_started_read(fuzz_folder()->path, why))
        require(memchr(why, '\0', sizeof why) != NULL);
}

static void try_clock(const char *path)
{
    (void)path;
    require(time_floor_read(fuzz_folder()->path, 1000) >= 1000);
}

static void try_head(const char *path)
{
    struct head_file *file;
    struct head head;
    bool found;
    (void)path;
    if (head_open(&file, fuzz_folder()->path, NULL, false, NULL) != ERR_OK)
        return;
    if (head_read(file, &head, &found, NULL) == ERR_OK && found)
        require(head.streams[0].seq >= 0);
    head_close(file);
}

static void try_boot(const char *path)
{
    struct grubenv env;
    struct grubenv again;
    if (grubenv_read(&env, path, NULL) != ERR_OK)
        return;
    require(grubenv_write(&env, path, NULL) == ERR_OK);
    require(grubenv_read(&again, path, NULL) == ERR_OK);
    require(memcmp(&env, &again, sizeof env) == 0);
}

static const struct {
    const char *name;
    void (*try)(const char *path);
} kept[] = {
    {"staff.json", try_staff},       {"update.json", try_update}, {"record.json", try_config},
    {"not-started.txt", try_reason}, {"clock", try_clock},        {"head", try_head},
    {"grubenv", try_boot},
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[SCRATCH_PATH_MAX];
    if (!size)
        return 0;
    size_t which = data[0] % (sizeof kept / sizeof *kept);
    scratch_write(scratch_path(fuzz_folder(), kept[which].name, path), data + 1, size - 1);
    kept[which].try(path);
    return 0;
}
