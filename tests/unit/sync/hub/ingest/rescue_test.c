/*
 * A hub's database is damaged, page by page, and rescued: it opens, works, says what it has lost,
 * and takes from the appliance again what is missing, once. RESCUE_EVERY=n damages every nth page.
 */
#include "hal/base/cleanup.h"
#include "hal/storage.h"
#include "sync/hub/ingest/rescue.h"
#include "tests/support/hub_day.h"
#include "tests/support/seed.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { PAGE = 4096, FILE_MAX = 8 * 1024 * 1024, SAMPLE = 30 };

struct fixture {
    struct hub_day day;
    struct buf image;
    struct buf epoch;
    struct buf schema_pages;
};

static struct hubdb_config config_of(struct fixture *f, char path[static SCRATCH_PATH_MAX])
{
    return (struct hubdb_config){
        .path = scratch_path(&f->day.scratch, "hub.db", path),
        .folder = f->day.scratch.path,
        .now_ms = INT64_C(1795000000000),
    };
}

static void read_file(struct fixture *f, const char *name, struct buf *out)
{
    char path[SCRATCH_PATH_MAX];
    buf_init(out, FILE_MAX);
    assert_int_equal(storage_read(scratch_path(&f->day.scratch, name, path), out, NULL), ERR_OK);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    if (access("/dev/shm", W_OK) == 0)
        (void)setenv("TMPDIR", "/dev/shm", false);
    hub_day_begin(&f->day, NULL);
    hub_day_live(&f->day); /* closed, so that all is in the database */
    read_file(f, "hub.db", &f->image);
    read_file(f, "epoch", &f->epoch);
    read_file(f, "schema-pages", &f->schema_pages);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    buf_free(&f->image);
    buf_free(&f->epoch);
    buf_free(&f->schema_pages);
    hub_day_end(&f->day);
    free(f);
    return 0;
}

static void replace(struct fixture *f, const char *name, struct slice content)
{
    char path[SCRATCH_PATH_MAX];
    assert_int_equal(
        storage_replace(scratch_path(&f->day.scratch, name, path), content, 0600, NULL), ERR_OK);
}

/* The database as it is, in a folder with only what its hub keeps beside it. */
static void put_back(struct fixture *f, struct slice image)
{
    char path[SCRATCH_PATH_MAX];
    hub_day_close(&f->day);
    (void)unlink(scratch_path(&f->day.scratch, "hub.db-wal", path));
    (void)unlink(scratch_path(&f->day.scratch, "hub.db-shm", path));
    replace(f, "hub.db", image);
    replace(f, "epoch", buf_slice(&f->epoch));
    replace(f, "schema-pages", buf_slice(&f->schema_pages));
}

static void print_finding(void *context, const struct verify_finding *finding)
{
    if (context)
        ++*(int *)context;
    print_message("%s: %s\n", finding->what, finding->text);
}

static enum err rescue(struct fixture *f, struct rescued *rescued, struct fault *fault)
{
    char path[SCRATCH_PATH_MAX];
    const struct hubdb_config config = config_of(f, path);
    return rescue_hub(&config, NULL, NULL, rescued, fault);
}

static int quarantines(struct fixture *f)
{
    int count = 0;
    DIR *dir = opendir(f->day.scratch.path);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
        count += strncmp(entry->d_name, "quarantine-", sizeof "quarantine-" - 1) == 0;
    (void)closedir(dir);
    return count;
}

static int64_t findings(struct fixture *f)
{
    const struct verify_wish wish = {.report = print_finding};
    struct verified verified = {0};
    assert_int_equal(verify_hub(f->day.hub, &wish, &verified, NULL), ERR_OK);
    return verified.findings;
}

static void works_and_takes_again_what_is_missing(struct fixture *f, const char *what)
{
    int64_t before = f->day.epoch;
    if (hub_day_open(&f->day) != ERR_OK)
        fail_msg("%s: it doesn't open", what);
    if (hubdb_epoch(f->day.hub) <= before)
        fail_msg("%s: no new epoch", what);
    f->day.acknowledged = 0; /* of the epoch before */
    if (findings(f) != 0 || hub_day_broken(&f->day) != 0)
        fail_msg("%s: something is lost", what);
    if (findings(f) != 0)
        fail_msg("%s: something is damaged still", what);
}

static void any_page_may_be_lost(void **state)
{
    struct fixture *f = *state;
    const char *every = getenv("RESCUE_EVERY");
    size_t seed = (size_t)seed_chosen();
    size_t pages = f->image.len / PAGE;
    size_t stride = every ? strtoul(every, NULL, 10) : 1 + pages / SAMPLE;
    int aside = 0;
    print_message("%zu pages\n", pages);
    for (size_t page = 1 + seed % stride; page < pages; page += stride) {
        static char kept[PAGE];
        char what[64];
        struct rescued rescued = {0};
        struct fault fault = {0};
        (void)snprintf(what, sizeof what, "page %zu", page + 1);
        memcpy(kept, f->image.data + page * PAGE, PAGE);
        memset(f->image.data + page * PAGE, page % 2 ? 0 : 0x5a, PAGE);
        put_back(f, buf_slice(&f->image));
        memcpy(f->image.data + page * PAGE, kept, PAGE);
        if (rescue(f, &rescued, &fault))
            fail_msg("%s: %s: %s", what, fault.where, fault.text);
        if (!*rescued.aside) /* free, or of a table that is never looked at */
            continue;
        aside++;
        works_and_takes_again_what_is_missing(f, what);
    }
    assert_int_equal(quarantines(f), aside);
    assert_true(aside > 0);
}

static void a_sound_database_is_left_as_it_is(void **state)
{
    struct fixture *f = *state;
    struct rescued rescued = {0};
    put_back(f, buf_slice(&f->image));
    assert_int_equal(rescue(f, &rescued, NULL), ERR_OK);
    assert_string_equal(rescued.aside, "");
    assert_int_equal(rescued.tables, 0);
    assert_int_equal(rescued.recalled.logs, 0);
    assert_int_equal(quarantines(f), 0);
    assert_int_equal(hub_day_open(&f->day), ERR_OK);
    assert_int_equal(hubdb_epoch(f->day.hub), f->day.epoch);
    assert_int_equal(hub_day_broken(&f->day), 0);
}

static void what_rots_in_a_sound_page_comes_again(void **state)
{
    struct fixture *f = *state;
    struct rescued rescued = {0};
    char *at = memmem(f->image.data, f->image.len, "\"R17\"", 5);
    assert_non_null(at);
    at[1] = 'S';
    put_back(f, buf_slice(&f->image));
    assert_int_equal(rescue(f, &rescued, NULL), ERR_OK);
    assert_string_equal(rescued.aside, "");
    assert_int_equal(rescued.recalled.places, 1);
    works_and_takes_again_what_is_missing(f, "a body");
}

static void lost_tables_are_named_and_kept_as_an_exception(void **state)
{
    struct fixture *f = *state;
    char path[SCRATCH_PATH_MAX];
    struct rescued rescued = {0};
    sqlite3_stmt *s = NULL;
    int told = 0;
    put_back(f, buf_slice(&f->image));
    assert_int_equal(hub_day_open(&f->day), ERR_OK);
    assert_int_equal(sqlite3_prepare_v2(database_handle(hubdb_database(f->day.hub)),
                                        "SELECT rootpage FROM sqlite_schema WHERE name = 'roster'",
                                        -1, &s, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(s), SQLITE_ROW);
    size_t page = (size_t)sqlite3_column_int64(s, 0) - 1;
    sqlite3_finalize(s);
    memset(f->image.data + page * PAGE, 0xee, PAGE);
    put_back(f, buf_slice(&f->image));
    const struct hubdb_config config = config_of(f, path);
    assert_int_equal(rescue_hub(&config, print_finding, &told, &rescued, NULL), ERR_OK);
    assert_int_equal(rescued.tables, 1);
    assert_int_equal(told, 1);
    works_and_takes_again_what_is_missing(f, "roster");
    struct statement *found;
    bool row = false;
    assert_int_equal(database_prepare(hubdb_database(f->day.hub),
                                      "SELECT 1 FROM hub_exception WHERE code = "
                                      "'database_rescued' AND detail LIKE 'roster: %'",
                                      &found, NULL),
                     ERR_OK);
    assert_int_equal(statement_step(found, &row, NULL), ERR_OK);
    assert_true(row);
    statement_close(found);
}

/* What stands only in the write-ahead log is read, too. */
static void the_write_ahead_log_is_rescued_with_it(void **state)
{
    struct fixture *f = *state;
    struct buf wal CLEANUP(buf_free);
    struct rescued rescued = {0};
    put_back(f, buf_slice(&f->image));
    assert_int_equal(hub_day_open(&f->day), ERR_OK);
    struct database *db = hubdb_database(f->day.hub);
    assert_int_equal(database_script(db, "UPDATE device SET state = 'only in the log'", NULL),
                     ERR_OK);
    read_file(f, "hub.db-wal", &wal);
    assert_true(wal.len > 0);
    put_back(f, buf_slice(&f->image));
    replace(f, "hub.db-wal", buf_slice(&wal));
    char path[SCRATCH_PATH_MAX];
    size_t page = f->image.len / PAGE - 1;
    f->image.data[page * PAGE] ^= 0x55; /* some page of the file */
    replace(f, "hub.db", buf_slice(&f->image));
    assert_int_equal(rescue(f, &rescued, NULL), ERR_OK);
    assert_string_not_equal(rescued.aside, "");
    assert_int_equal(hub_day_open(&f->day), ERR_OK);
    struct statement *found;
    bool row = false;
    assert_int_equal(database_prepare(hubdb_database(f->day.hub),
                                      "SELECT 1 FROM device WHERE state = 'only in the log'",
                                      &found, NULL),
                     ERR_OK);
    assert_int_equal(statement_step(found, &row, NULL), ERR_OK);
    assert_true(row);
    statement_close(found);
    (void)path;
}

static size_t schema_pages(struct fixture *f, size_t pages[static 64])
{
    size_t count = 0;
    sqlite3_stmt *s = NULL;
    put_back(f, buf_slice(&f->image));
    assert_int_equal(hub_day_open(&f->day), ERR_OK);
    assert_int_equal(sqlite3_prepare_v2(database_handle(hubdb_database(f->day.hub)),
                                        "SELECT pageno FROM dbstat WHERE name = 'sqlite_schema'",
                                        -1, &s, NULL),
                     SQLITE_OK);
    while (count < 64 && sqlite3_step(s) == SQLITE_ROW)
        pages[count++] = (size_t)sqlite3_column_int64(s, 0) - 1;
    sqlite3_finalize(s);
    return count;
}

/* The hub keeps a copy of them, as they were at its last start. */
static void a_lost_page_of_the_schema_loses_nothing(void **state)
{
    struct fixture *f = *state;
    size_t pages[64];
    size_t count = schema_pages(f, pages);
    assert_true(count > 4);
    assert_int_equal(pages[0], 0);
    for (size_t i = 0; i < count; i += i ? 3 : 1) {
        struct rescued rescued = {0};
        struct fault fault = {0};
        char kept[PAGE];
        char *page = f->image.data + pages[i] * PAGE;
        memcpy(kept, page, PAGE);
        memset(page, 0x5a, PAGE);
        put_back(f, buf_slice(&f->image));
        memcpy(page, kept, PAGE);
        if (rescue(f, &rescued, &fault))
            fail_msg("page %zu: %s: %s", pages[i] + 1, fault.where, fault.text);
        if (rescued.tables || rescued.recalled.logs || !*rescued.aside)
            fail_msg("page %zu: something is lost", pages[i] + 1);
        works_and_takes_again_what_is_missing(f, "the schema");
    }
}

/* Of another database, or of this one before its schema was changed. */
static void a_copy_that_is_not_the_files_own_is_not_used(void **state)
{
    struct fixture *f = *state;
    size_t pages[64];
    size_t count = schema_pages(f, pages);
    struct rescued rescued = {0};
    struct fault fault = {0};
    for (size_t i = 0; i < count; i++)
        f->image.data[pages[i] * PAGE + PAGE / 2] ^= 0x20;
    memset(f->image.data, 0, PAGE);
    put_back(f, buf_slice(&f->image));
    assert_int_equal(rescue(f, &rescued, &fault), ERR_CORRUPT);
    struct buf now CLEANUP(buf_free);
    read_file(f, "hub.db", &now);
    assert_true(slice_equal(buf_slice(&now), buf_slice(&f->image)));
}

/* What a killed hub leaves: the file, its write-ahead log and the index of that. */
struct killed {
    struct buf file;
    struct buf wal;
    struct buf index;
};

static void leave_killed(struct fixture *f, struct killed *killed)
{
    put_back(f, buf_slice(&f->image));
    assert_int_equal(hub_day_open(&f->day), ERR_OK);
    for (int i = 0; i < 4; i++)
        assert_int_equal(database_script(hubdb_database(f->day.hub),
                                         "UPDATE device SET state = state || 'x'", NULL),
                         ERR_OK);
    read_file(f, "hub.db", &killed->file);
    read_file(f, "hub.db-wal", &killed->wal);
    read_file(f, "hub.db-shm", &killed->index);
    read_file(f, "epoch", &f->epoch);
    f->day.epoch = hubdb_epoch(f->day.hub);
}

static int64_t epoch_after(struct fixture *f, struct killed *killed, struct slice wal,
                           bool by_command)
{
    put_back(f, buf_slice(&killed->file));
    replace(f, "hub.db-shm", buf_slice(&killed->index));
    if (wal.len)
        replace(f, "hub.db-wal", wal);
    if (by_command) { /* which leaves no log behind */
        char path[SCRATCH_PATH_MAX];
        const struct hubdb_config config = config_of(f, path);
        struct hubdb *command = NULL;
        assert_int_equal(hubdb_open_beside(&command, &config, false, NULL), ERR_OK);
        hubdb_close(command);
    }
    assert_int_equal(hub_day_open(&f->day), ERR_OK);
    return hubdb_epoch(f->day.hub);
}

/* What the lost end had acknowledged nobody else would send again. */
static void a_write_ahead_log_that_lost_its_end_begins_a_new_epoch(void **state)
{
    struct fixture *f = *state;
    struct killed killed;
    buf_free(&f->epoch);
    leave_killed(f, &killed);
    struct slice wal = buf_slice(&killed.wal);
    assert_int_equal(epoch_after(f, &killed, wal, false), f->day.epoch);
    assert_int_equal(epoch_after(f, &killed, wal, true), f->day.epoch);
    struct slice half = {wal.data, wal.len / 2};
    assert_true(epoch_after(f, &killed, half, false) > f->day.epoch);
    assert_true(epoch_after(f, &killed, half, true) > f->day.epoch);
    assert_true(epoch_after(f, &killed, (struct slice){0}, false) > f->day.epoch);
    killed.wal.data[wal.len / 2] ^= 4;
    assert_true(epoch_after(f, &killed, wal, false) > f->day.epoch);
    killed.wal.data[9] ^= 4;
    assert_true(epoch_after(f, &killed, wal, true) > f->day.epoch);
    buf_free(&killed.file);
    buf_free(&killed.wal);
    buf_free(&killed.index);
}

static void a_file_of_which_nothing_can_be_read_is_left_where_it_is(void **state)
{
    struct fixture *f = *state;
    struct rescued rescued = {0};
    struct fault fault = {0};
    memset(f->image.data, 0, f->image.len);
    put_back(f, buf_slice(&f->image));
    assert_int_equal(rescue(f, &rescued, &fault), ERR_CORRUPT);
    assert_non_null(strstr(fault.text, "restore the newest backup"));
    assert_int_equal(quarantines(f), 0);
    struct buf now CLEANUP(buf_free);
    read_file(f, "hub.db", &now);
    assert_int_equal(now.len, f->image.len);
}

static void the_note_is_kept_until_it_was_followed(void **state)
{
    struct fixture *f = *state;
    char path[SCRATCH_PATH_MAX];
    const struct hubdb_config config = config_of(f, path);
    struct rescued rescued = {0};
    assert_false(rescue_noted(&config));
    assert_int_equal(rescue_note(&config, NULL), ERR_OK);
    assert_true(rescue_noted(&config));
    assert_int_equal(rescue(f, &rescued, NULL), ERR_OK);
    assert_false(rescue_noted(&config));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(any_page_may_be_lost),
        TEST(a_sound_database_is_left_as_it_is),
        TEST(what_rots_in_a_sound_page_comes_again),
        TEST(lost_tables_are_named_and_kept_as_an_exception),
        TEST(the_write_ahead_log_is_rescued_with_it),
        TEST(a_lost_page_of_the_schema_loses_nothing),
        TEST(a_copy_that_is_not_the_files_own_is_not_used),
        TEST(a_write_ahead_log_that_lost_its_end_begins_a_new_epoch),
        TEST(a_file_of_which_nothing_can_be_read_is_left_where_it_is),
        TEST(the_note_is_kept_until_it_was_followed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
