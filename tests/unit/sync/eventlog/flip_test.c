/*
 * One bit turned over anywhere in the files of a log: either nothing that is kept has changed (the
 * byte was not in use), or `tillback verify` finds it; and a start goes on with all that can be
 * proven, and tells the rest as lost. What a torn end of the write-ahead log loses besides events,
 * acknowledgements and messages, the hub sends again, and nothing here can tell. A seeded sample of
 * the bytes, or every nth with FLIP_EVERY=n, of which 1 takes a smaller log; TILLBACK_SEED replays
 * a run.
 */
#include "hal/base/cleanup.h"
#include "hal/storage.h"
#include "tests/support/flip.h"
#include "tests/support/log_fixture.h"
#include "tests/support/seed.h"
#include "tests/support/small_pages.h"

#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    EVENTS = 40,
    EVENTS_FEW = 16,
    NOTED = 9,
    SAMPLE = 15,
    FILE_MAX = 8 * 1024 * 1024,
    RESERVE = 256 * 1024, /* laid out anew for each flip */
    NAMES = 3
};

static const char *const names[NAMES] = {"tillback.db", "tillback.db-wal", "head"};

/* The files of a log that is not closed: part of it is only in the write-ahead log. */
struct image {
    struct buf files[NAMES];
    struct sha256 content;
    struct sha256 events;
    int event_count;
};

static size_t flip_every(void)
{
    const char *every = getenv("FLIP_EVERY");
    return every ? strtoul(every, NULL, 10) : 0;
}

/* Everything that the tables like that hold, in their order. */
static bool content_of(const char *folder, const char *like, struct sha256 *content)
{
    char path[SCRATCH_PATH_MAX];
    sqlite3 *db;
    sqlite3_stmt *tables = NULL;
    struct buf all CLEANUP(buf_free);
    buf_init(&all, FILE_MAX);
    (void)snprintf(path, sizeof path, "%s/tillback.db", folder);
    bool read = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK &&
                sqlite3_prepare_v2(db,
                                   "SELECT 'SELECT * FROM ' || name || ' ORDER BY 1' FROM "
                                   "sqlite_schema WHERE type = 'table' AND name LIKE ?1 "
                                   "ORDER BY name",
                                   -1, &tables, NULL) == SQLITE_OK &&
                sqlite3_bind_text(tables, 1, like, -1, SQLITE_STATIC) == SQLITE_OK;
    int rc = SQLITE_DONE;
    while (read && (rc = sqlite3_step(tables)) == SQLITE_ROW) {
        sqlite3_stmt *rows;
        read = sqlite3_prepare_v2(db, (const char *)sqlite3_column_text(tables, 0), -1, &rows,
                                  NULL) == SQLITE_OK;
        int row = SQLITE_DONE;
        while (read && (row = sqlite3_step(rows)) == SQLITE_ROW)
            for (int i = 0; i < sqlite3_column_count(rows); i++) {
                buf_printf(&all, "%d:", sqlite3_column_type(rows, i));
                buf_append(&all, (const char *)sqlite3_column_blob(rows, i),
                           (size_t)sqlite3_column_bytes(rows, i));
                buf_append_char(&all, '\n');
            }
        read = read && row == SQLITE_DONE;
        sqlite3_finalize(rows);
    }
    sqlite3_finalize(tables);
    sqlite3_close(db);
    *content = sha256_of(buf_slice(&all));
    return read && rc == SQLITE_DONE && !all.failed;
}

static void write_image(const struct image *image, const char *folder, size_t name, size_t at,
                        uint8_t bit)
{
    for (size_t i = 0; i < NAMES; i++) {
        char path[SCRATCH_PATH_MAX];
        (void)snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        if (i == name)
            image->files[i].data[at] = (char)(image->files[i].data[at] ^ bit);
        scratch_write(path, image->files[i].data, image->files[i].len);
        if (i == name)
            image->files[i].data[at] = (char)(image->files[i].data[at] ^ bit);
    }
}

/* `in_wal`: so many are in the write-ahead log only. `large`: so much padding takes several pages.
 */
static void fill(struct log_fixture *f, int count, int in_wal, size_t large)
{
    for (int i = 0; i < count; i++) {
        struct log_command c;
        char key[16];
        (void)snprintf(key, sizeof key, "key-%d", i);
        log_command_make(&c, f, i % 3 ? EVENT_RETURN_CREATED : EVENT_SALE_RECORDED, 1);
        log_command_key(&c, key, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
        c.correlation = log_fixture_id((uint8_t)i);
        c.padding = i % 5 == 4 ? large : large / 30;
        log_command_submit(&c);
        assert_int_equal(log_command_await(&c), ERR_OK);
        if (i != count - in_wal)
            continue;
        struct id another = log_fixture_id(240);
        assert_int_equal(log_fixture_expect(f, &another, STREAM_SALES, NOTED), ERR_OK);
        log_fixture_reopen(f); /* what was before is in the database file now */
    }
    struct ack ack = log_fixture_ack(f, STREAM_RETURNS, 10, 1);
    ack.parked_count = 1;
    ack.parked[0].id = log_fixture_id(250);
    ack.parked[0].seq = 7;
    assert_int_equal(log_fixture_acknowledge(f, STREAM_RETURNS, &ack), ERR_OK);
    struct buf body CLEANUP(buf_free);
    buf_init(&body, 65536);
    log_fixture_message(&body, 200, log_fixture_id(1));
    assert_int_equal(log_fixture_receive(f, 1, 1, buf_slice(&body)), ERR_OK);
}

static void begin_small(struct log_fixture *f)
{
    char path[SCRATCH_PATH_MAX];
    log_fixture_close(f);
    assert_int_equal(unlink(scratch_path(&f->scratch, "head", path)), 0);
    small_pages_make(scratch_path(&f->scratch, "tillback.db", path));
    assert_int_equal(log_fixture_open(f), ERR_OK);
}

static int make_image(void **state)
{
    struct image *image = calloc(1, sizeof *image);
    struct log_fixture f;
    if (access("/dev/shm", W_OK) == 0) /* nothing here needs a disk */
        (void)setenv("TMPDIR", "/dev/shm", false);
    log_fixture_make(&f);
    bool small = flip_every() == 1;
    image->event_count = small ? EVENTS_FEW : EVENTS;
    if (small) {
        begin_small(&f);
        fill(&f, EVENTS_FEW, 3, 1200);
    } else {
        fill(&f, EVENTS, EVENTS / 2, 9000);
    }
    for (size_t i = 0; i < NAMES; i++) {
        char path[SCRATCH_PATH_MAX];
        buf_init(&image->files[i], FILE_MAX);
        assert_int_equal(
            storage_read(scratch_path(&f.scratch, names[i], path), &image->files[i], NULL), ERR_OK);
        assert_true(image->files[i].len > 0);
    }
    log_fixture_remove(&f);
    struct scratch scratch;
    scratch_make(&scratch);
    write_image(image, scratch.path, NAMES, 0, 0);
    assert_true(content_of(scratch.path, "%", &image->content));
    assert_true(content_of(scratch.path, "event", &image->events));
    scratch_remove(&scratch);
    *state = image;
    return 0;
}

static int free_image(void **state)
{
    struct image *image = *state;
    for (size_t i = 0; i < NAMES; i++)
        buf_free(&image->files[i]);
    free(image);
    return 0;
}

static void count_finding(void *context, const struct eventlog_finding *finding)
{
    (void)finding;
    ++*(int *)context;
}

static int findings_of(const struct eventlog_config *config)
{
    int findings = 0;
    int64_t events;
    struct fault fault;
    return eventlog_verify(config, count_finding, &findings, &events, &fault) ? 1 : findings;
}

/* True when a changed content was found by verify, or nothing has changed. */
static bool is_found(const struct image *image, size_t name, const char *folder,
                     const struct eventlog_config *config)
{
    if (findings_of(config))
        return true;
    bool wal = strcmp(names[name], "tillback.db-wal") == 0;
    struct sha256 content;
    return content_of(folder, wal ? "event" : "%", &content) &&
           sha256_equal(&content, wal ? &image->events : &image->content);
}

/* Started twice, as a person told by verify would: the log works, and tells all that it has lost.
 */
static bool goes_on(struct log_fixture *f, int event_count)
{
    if (log_fixture_open(f) != ERR_OK)
        return false;
    log_fixture_close(f);
    if (findings_of(&f->config) && eventlog_suspect(&f->config, &f->fault))
        return false;
    if (log_fixture_open(f) != ERR_OK)
        return false;
    int64_t kept = log_fixture_number(f, "SELECT count(*) FROM event");
    bool all = kept + log_fixture_lost(f) == event_count + NOTED;
    struct log_command c;
    log_command_make(&c, f, EVENT_RETURN_CREATED, 1);
    log_command_submit(&c);
    bool works = log_command_await(&c) == ERR_OK;
    if (!all)
        print_message("%lld kept and %lld lost of %d\n", (long long)kept,
                      (long long)log_fixture_lost(f), event_count + NOTED);
    return all && works;
}

static int flip(const struct image *image, size_t name, size_t at, uint8_t bit)
{
    struct log_fixture f;
    log_fixture_begin(&f);
    f.config.reserve_bytes = RESERVE;
    write_image(image, f.scratch.path, name, at, bit);
    bool found = is_found(image, name, f.scratch.path, &f.config);
    write_image(image, f.scratch.path, name, at, bit); /* as it was, before anybody opened it */
    bool on = goes_on(&f, image->event_count);
    log_fixture_remove(&f);
    if (!found || !on)
        print_message("%s at %zu, bit %02x: %s\n", names[name], at, bit,
                      found ? "the log doesn't go on" : "a change that nobody found");
    return !found || !on;
}

static uint64_t draw(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *seed >> 33;
}

static void a_flipped_bit_anywhere_is_found_or_harmless_and_the_log_goes_on(void **state)
{
    struct image *image = *state;
    uint64_t seed = seed_chosen();
    int bad = 0;
    for (size_t name = 0; name < NAMES; name++) {
        size_t len = image->files[name].len;
        size_t stride = flip_every() ? flip_every() : 1 + len / SAMPLE;
        for (size_t at = draw(&seed) % stride; at < len; at += stride)
            if (flip_tells(&image->files[name], at))
                bad += flip(image, name, at, (uint8_t)(1 << draw(&seed) % 8));
    }
    assert_int_equal(bad, 0);
}

/* How SQLite writes the key of a sale: the stream is its first byte, the seq its last. */
static const char sale_key[] = "\x80\xc0\x80\x80\x80\x80\x80\x80";

/* Of the last of a file's pages that hold sales, since older ones may be out of use. */
static size_t last_key(const struct buf *file)
{
    size_t len = sizeof sale_key - 1;
    size_t at = file->len - len;
    while (at > 0 && memcmp(file->data + at, sale_key, len) != 0)
        at--;
    assert_true(at > 0);
    return at;
}

static void a_position_that_is_damaged_is_not_believed(void **state)
{
    struct image *image = *state;
    int bad = 0;
    for (size_t name = 0; name < NAMES; name++) {
        if (strncmp(names[name], "tillback.db", strlen("tillback.db")) != 0)
            continue;
        size_t key = last_key(&image->files[name]);
        for (size_t at = key; at < key + sizeof sale_key; at++)
            for (unsigned bit = 0; bit < 8; bit++)
                bad += flip(image, name, at, (uint8_t)(1U << bit));
    }
    assert_int_equal(bad, 0);
}

static void a_note_of_a_loss_that_is_damaged_is_not_believed(void **state)
{
    static const char reason[] = "only the hub has them: this log was not here";
    enum { BEFORE = 32, STRIDE = 3 }; /* numbers, and the log's id */
    struct image *image = *state;
    struct buf *file = &image->files[0];
    uint64_t seed = seed_chosen();
    int bad = 0;
    int notes = 0;
    char *end = file->data + file->len;
    for (char *at = file->data; (at = memmem(at, (size_t)(end - at), reason, sizeof reason - 1));
         at += sizeof reason - 1) {
        size_t first = (size_t)(at - file->data) - BEFORE;
        notes++;
        for (size_t i = draw(&seed) % STRIDE; i < BEFORE + sizeof reason; i += STRIDE)
            bad += flip(image, 0, first + i, (uint8_t)(1U << draw(&seed) % 8));
    }
    assert_int_equal(bad, 0);
    assert_true(notes >= 2); /* it and its proof */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            a_flipped_bit_anywhere_is_found_or_harmless_and_the_log_goes_on, make_image,
            free_image),
        cmocka_unit_test_setup_teardown(a_position_that_is_damaged_is_not_believed, make_image,
                                        free_image),
        cmocka_unit_test_setup_teardown(a_note_of_a_loss_that_is_damaged_is_not_believed,
                                        make_image, free_image),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
