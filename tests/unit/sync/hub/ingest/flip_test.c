/*
 * One bit turned over anywhere in the hub's database: either it is found, at the opening or by
 * verify, or no event and no acknowledgement has changed. A seeded sample of the bytes, or every
 * nth with FLIP_EVERY=n, of which 1 takes a smaller database; TILLBACK_SEED replays a run.
 */
#include "hal/base/cleanup.h"
#include "hal/storage.h"
#include "sync/hub/ingest/rescue.h"
#include "sync/hub/ingest/verify.h"
#include "tests/support/flip.h"
#include "tests/support/hub_day.h"
#include "tests/support/seed.h"
#include "tests/support/small_pages.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { SAMPLE = 300, LIST_PAGES_MAX = 256, FILE_MAX = 8 * 1024 * 1024 };

static int64_t in_wal(const struct hub_day *day);

static size_t flip_every(size_t len)
{
    const char *every = getenv("FLIP_EVERY");
    return every ? (size_t)strtoul(every, NULL, 10) : 1 + len / SAMPLE;
}

static void begin(struct hub_day *day)
{
    char path[SCRATCH_PATH_MAX];
    hub_day_begin(day, NULL);
    if (flip_every(SAMPLE) != 1)
        return;
    hub_day_close(day);
    (void)unlink(scratch_path(&day->scratch, "epoch", path));
    small_pages_make(scratch_path(&day->scratch, "hub.db", path));
    assert_int_equal(hub_day_open(day), ERR_OK);
}

static void print_finding(void *context, const struct verify_finding *finding)
{
    if (*(bool *)context)
        print_message("%s: %s\n", finding->what, finding->text);
}

/* How many findings; -1: it doesn't open, or can't be read. */
static int64_t findings(struct hub_day *day, bool loud)
{
    const struct verify_wish wish = {.report = print_finding, .context = &loud};
    struct verified verified = {0};
    struct fault fault;
    hub_day_close(day);
    int64_t before = in_wal(day);
    if (before)
        return before;
    if (hub_day_open(day))
        return -1;
    enum err err = verify_hub(day->hub, &wish, &verified, &fault);
    return err ? -1 : verified.findings;
}

static int64_t in_wal(const struct hub_day *day)
{
    bool loud = false;
    char path[SCRATCH_PATH_MAX];
    struct fault fault;
    int64_t findings = 0;
    const struct verify_wish wish = {.report = print_finding, .context = &loud};
    assert_int_equal(
        verify_wal(scratch_path(&day->scratch, "hub.db", path), &wish, &findings, &fault), ERR_OK);
    return findings;
}

static void put_back(struct hub_day *day, struct slice image)
{
    char path[SCRATCH_PATH_MAX];
    struct fault fault;
    hub_day_close(day);
    (void)unlink(scratch_path(&day->scratch, "hub.db-wal", path));
    (void)unlink(scratch_path(&day->scratch, "hub.db-shm", path));
    (void)unlink(scratch_path(&day->scratch, "epoch", path)); /* it is no older than its file */
    assert_int_equal(
        storage_replace(scratch_path(&day->scratch, "hub.db", path), image, 0600, &fault), ERR_OK);
}

static void take_image(struct hub_day *day, struct buf *image)
{
    char path[SCRATCH_PATH_MAX];
    struct fault fault;
    hub_day_live(day); /* closed, so that all is in the database */
    assert_int_equal(storage_read(scratch_path(&day->scratch, "hub.db", path), image, &fault),
                     ERR_OK);
}

/* The pages of the list of tables, numbered from 0. */
static size_t list_pages(struct hub_day *day, size_t pages[static LIST_PAGES_MAX])
{
    size_t count = 0;
    sqlite3_stmt *s = NULL;
    assert_int_equal(hub_day_open(day), ERR_OK);
    assert_int_equal(sqlite3_prepare_v2(database_handle(hubdb_database(day->hub)),
                                        "SELECT pageno FROM dbstat WHERE name = 'sqlite_schema'",
                                        -1, &s, NULL),
                     SQLITE_OK);
    while (count < LIST_PAGES_MAX && sqlite3_step(s) == SQLITE_ROW)
        pages[count++] = (size_t)sqlite3_column_int64(s, 0) - 1;
    sqlite3_finalize(s);
    hub_day_close(day);
    return count;
}

static bool is_listed(const size_t pages[static LIST_PAGES_MAX], size_t count, size_t page)
{
    for (size_t i = 0; i < count; i++)
        if (pages[i] == page)
            return true;
    return false;
}

static size_t page_bytes(const struct buf *image)
{
    const uint8_t *header = (const uint8_t *)image->data;
    return (size_t)header[16] << 8 | header[17];
}

/* The list of tables has its own test. */
static void a_flipped_bit_anywhere_is_found_or_harmless(void **state)
{
    (void)state;
    struct hub_day day;
    struct buf image CLEANUP(buf_free);
    unsigned seed = (unsigned)seed_chosen();
    if (access("/dev/shm", W_OK) == 0)
        (void)setenv("TMPDIR", "/dev/shm", false);
    buf_init(&image, FILE_MAX);
    begin(&day);
    take_image(&day, &image);
    assert_int_equal(findings(&day, true), 0);
    hub_day_close(&day);
    size_t pages[LIST_PAGES_MAX];
    size_t count = list_pages(&day, pages);
    size_t stride = flip_every(image.len);
    int harmless = 0;
    int seen = 0;
    for (size_t at = seed % stride; at < image.len; at += stride) {
        size_t page = at / page_bytes(&image);
        if (!flip_tells(&image, at) || (page && is_listed(pages, count, page)))
            continue;
        image.data[at] ^= (char)(1 << at % 8);
        put_back(&day, buf_slice(&image));
        image.data[at] ^= (char)(1 << at % 8);
        if (findings(&day, false) != 0) {
            seen++;
            continue;
        }
        harmless++;
        if (hub_day_broken(&day) != 0)
            fail_msg("byte %zu: it was not found, and something is lost", at);
    }
    print_message("%d of %d were found, the rest is harmless\n", seen, seen + harmless);
    assert_true(seen > 0); /* most of so young a file is empty pages */
    hub_day_end(&day);
}

/* --- The list of tables ---------------------------------------------------------------------- */

enum { PAGE = 4096, SCHEMA_SAMPLE = 40 };

/* In the header of the file: what SQLite and the hub refuse by name when they don't know it. */
static bool is_refused(size_t at)
{
    return at == 18 || at == 19 || (at >= 44 && at < 48) || (at >= 60 && at < 64);
}

/* As a start does it. */
static enum err rescue(struct hub_day *day, struct fault *fault)
{
    char path[SCRATCH_PATH_MAX];
    struct rescued result;
    const struct hubdb_config config = {.path = scratch_path(&day->scratch, "hub.db", path),
                                        .folder = day->scratch.path,
                                        .now_ms = INT64_C(1795000000000)};
    hub_day_close(day);
    day->acknowledged = 0; /* another epoch begins */
    return rescue_hub(&config, NULL, NULL, &result, fault);
}

/* Whether it had to be rescued. */
static bool flip_schema(struct hub_day *day, struct buf *image, size_t at)
{
    struct fault fault = {0};
    image->data[at] ^= (char)(1 << at % 8);
    put_back(day, buf_slice(image));
    image->data[at] ^= (char)(1 << at % 8);
    bool found = findings(day, false) != 0;
    if (found && rescue(day, &fault))
        fail_msg("byte %zu: it can't be rescued: %s: %s", at, fault.where, fault.text);
    if (found && findings(day, false) != 0)
        fail_msg("byte %zu: it is damaged still", at);
    if (hub_day_broken(day) != 0)
        fail_msg("byte %zu: it doesn't work", at);
    return found;
}

static void a_flipped_bit_in_the_list_of_tables_keeps_no_hub_from_its_work(void **state)
{
    (void)state;
    struct hub_day day;
    struct buf image CLEANUP(buf_free);
    size_t pages[LIST_PAGES_MAX];
    unsigned seed = (unsigned)seed_chosen();
    int rescues = 0;
    buf_init(&image, FILE_MAX);
    hub_day_begin(&day, NULL);
    take_image(&day, &image);
    size_t len = PAGE * list_pages(&day, pages);
    size_t stride = getenv("FLIP_EVERY") ? flip_every(len) : 1 + len / SCHEMA_SAMPLE;
    for (size_t i = seed % stride; i < len; i += stride) {
        size_t at = pages[i / PAGE] * PAGE + i % PAGE;
        if (!is_refused(at) && flip_tells(&image, at))
            rescues += flip_schema(&day, &image, at);
    }
    print_message("%d of %zu were mended\n", rescues, len / stride);
    assert_true(rescues > 0);
    hub_day_end(&day);
}

/* What stands behind the first place where the list says `words`. */
static void expect_mended(const char *words)
{
    struct hub_day day;
    struct buf image CLEANUP(buf_free);
    buf_init(&image, FILE_MAX);
    hub_day_begin(&day, NULL);
    take_image(&day, &image);
    char *at = memmem(image.data, image.len, words, strlen(words));
    assert_non_null(at);
    assert_true(flip_schema(&day, &image, (size_t)(at - image.data) + strlen(words)));
    hub_day_end(&day);
}

/* SQLite opens it for reading, and not for writing. */
static void a_constraint_that_rotted_is_mended(void **state)
{
    (void)state;
    expect_mended("CHECK (");
}

/* Of tables that no statement of this folder knows. */
static void a_name_that_rotted_is_mended(void **state)
{
    (void)state;
    expect_mended("REFERENCES rollout (");
    expect_mended("CREATE TABLE rollout (\n    rollout_no INTEGER PRIMARY KEY,\n    ");
}

/* Which goes on with what it has read of the list at its start. */
static void a_list_of_tables_that_rots_under_a_running_hub_is_found(void **state)
{
    (void)state;
    struct hub_day day;
    char path[SCRATCH_PATH_MAX];
    sqlite3 *beside = NULL;
    bool loud = false;
    struct verified verified = {0};
    struct fault fault;
    const struct verify_wish wish = {.report = print_finding, .context = &loud};
    hub_day_begin(&day, NULL);
    assert_int_equal(verify_hub(day.hub, &wish, &verified, &fault), ERR_OK);
    assert_int_equal(verified.findings, 0);
    assert_int_equal(sqlite3_open(scratch_path(&day.scratch, "hub.db", path), &beside), SQLITE_OK);
    assert_int_equal(sqlite3_exec(beside,
                                  "PRAGMA writable_schema=ON; UPDATE sqlite_schema "
                                  "SET sql = replace(sql, 'first_seen_ms', 'first_seel_ms')",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_close(beside), SQLITE_OK);
    assert_int_equal(verify_hub(day.hub, &wish, &verified, &fault), ERR_OK);
    assert_int_equal(verified.findings, 1);
    hub_day_end(&day);
}

/* --- The write-ahead log --------------------------------------------------------------------- */

enum { DATABASE, WAL, INDEX, FILES };
static const char *const names[FILES] = {"hub.db", "hub.db-wal", "hub.db-shm"};

/* What kill -9 leaves: all that was answered stands in the write-ahead log. */
static void take_images(struct hub_day *day, struct buf images[static FILES])
{
    char path[SCRATCH_PATH_MAX];
    struct hubdb *beside = NULL;
    const struct hubdb_config config = {.path = scratch_path(&day->scratch, names[DATABASE], path),
                                        .folder = day->scratch.path};
    assert_int_equal(hubdb_open_beside(&beside, &config, true, NULL), ERR_OK);
    assert_int_equal(
        database_script(hubdb_database(beside), "BEGIN; SELECT count(*) FROM event;", NULL),
        ERR_OK); /* nothing is moved into the database meanwhile */
    hub_day_live(day);
    for (int i = 0; i < FILES; i++) {
        buf_init(&images[i], FILE_MAX);
        assert_int_equal(
            storage_read(scratch_path(&day->scratch, names[i], path), &images[i], NULL), ERR_OK);
    }
    hubdb_close(beside);
}

static void put_images_back(struct hub_day *day, struct buf images[static FILES], int count)
{
    put_back(day, buf_slice(&images[DATABASE]));
    for (int i = WAL; i < count; i++) {
        char path[SCRATCH_PATH_MAX];
        assert_int_equal(storage_replace(scratch_path(&day->scratch, names[i], path),
                                         buf_slice(&images[i]), 0600, NULL),
                         ERR_OK);
    }
}

static void a_flipped_bit_in_the_write_ahead_log_is_found_or_harmless(void **state)
{
    (void)state;
    struct hub_day day;
    struct buf images[FILES];
    unsigned seed = (unsigned)seed_chosen();
    begin(&day);
    take_images(&day, images);
    put_images_back(&day, images, FILES);
    assert_int_equal(findings(&day, true), 0);
    assert_int_equal(hub_day_broken(&day), 0);
    struct buf *wal = &images[WAL];
    size_t stride = flip_every(wal->len);
    int seen = 0;
    int harmless = 0;
    for (size_t at = seed % stride; at < wal->len; at += stride) {
        wal->data[at] ^= (char)(1 << at % 8);
        put_images_back(&day, images, FILES);
        wal->data[at] ^= (char)(1 << at % 8);
        if (findings(&day, false) != 0) {
            seen++;
            continue;
        }
        harmless++;
        if (hub_day_broken(&day) != 0)
            fail_msg("byte %zu: it was not found, and something is lost", at);
    }
    print_message("%d of %d were found, the rest is harmless\n", seen, seen + harmless);
    assert_true(seen > harmless);
    for (int i = 0; i < FILES; i++)
        buf_free(&images[i]);
    hub_day_end(&day);
}

/* After a restart of the machine, or on a copy. */
static void damage_in_the_middle_of_the_log_is_found_without_its_index(void **state)
{
    (void)state;
    struct hub_day day;
    struct buf images[FILES];
    hub_day_begin(&day, NULL);
    take_images(&day, images);
    put_images_back(&day, images, INDEX);
    assert_int_equal(in_wal(&day), 0);
    images[WAL].data[images[WAL].len / 2] ^= 1;
    put_images_back(&day, images, INDEX);
    assert_int_equal(in_wal(&day), 1);
    images[WAL].data[images[WAL].len / 2] ^= 1;
    images[WAL].data[9] ^= 1; /* in the header */
    put_images_back(&day, images, INDEX);
    assert_int_equal(in_wal(&day), 1);
    images[WAL].data[9] ^= 1;
    images[WAL].len -= 100; /* torn, as a power cut does it: no damage */
    put_images_back(&day, images, INDEX);
    assert_int_equal(in_wal(&day), 0);
    for (int i = 0; i < FILES; i++)
        buf_free(&images[i]);
    hub_day_end(&day);
}

static void what_was_exchanged_or_taken_away_is_found(void **state)
{
    (void)state;
    static const char *const wrongs[] = {
        "UPDATE event SET body = CAST(replace(CAST(body AS TEXT), 'R1', 'R2') AS BLOB)",
        "DELETE FROM entry WHERE seq = 20",
        "UPDATE entry SET event_no = 3 WHERE seq = 4",
        "UPDATE stream_log SET through = through - 1",
        "UPDATE stream_log SET hash = zeroblob(32)",
        "UPDATE stream_log SET device = 'nobody'",
    };
    struct hub_day day;
    struct buf image CLEANUP(buf_free);
    buf_init(&image, FILE_MAX);
    hub_day_begin(&day, NULL);
    take_image(&day, &image);
    for (size_t i = 0; i < sizeof wrongs / sizeof *wrongs; i++) {
        struct fault fault = {0};
        put_back(&day, buf_slice(&image));
        assert_int_equal(hub_day_open(&day), ERR_OK);
        struct database *db = hubdb_database(day.hub);
        assert_int_equal(database_script(db, "PRAGMA foreign_keys=OFF", &fault), ERR_OK);
        if (database_script(db, wrongs[i], &fault) != ERR_OK)
            fail_msg("%s: %s", wrongs[i], fault.text);
        hub_day_close(&day);
        if (findings(&day, false) <= 0)
            fail_msg("it was not found: %s", wrongs[i]);
    }
    hub_day_end(&day);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flipped_bit_anywhere_is_found_or_harmless),
        cmocka_unit_test(a_flipped_bit_in_the_list_of_tables_keeps_no_hub_from_its_work),
        cmocka_unit_test(a_constraint_that_rotted_is_mended),
        cmocka_unit_test(a_name_that_rotted_is_mended),
        cmocka_unit_test(a_list_of_tables_that_rots_under_a_running_hub_is_found),
        cmocka_unit_test(a_flipped_bit_in_the_write_ahead_log_is_found_or_harmless),
        cmocka_unit_test(damage_in_the_middle_of_the_log_is_found_without_its_index),
        cmocka_unit_test(what_was_exchanged_or_taken_away_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
