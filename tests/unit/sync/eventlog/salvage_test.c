/* Damaged files: put aside, salvaged, told; and the log goes on. */
#include "hal/base/cleanup.h"
#include "tests/support/log_fixture.h"
#include "tests/support/small_disk.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { PAGE = 4096, EVENTS = 60 };

#define LOG_TEST(name)                                                                             \
    cmocka_unit_test_setup_teardown(name, log_fixture_setup, log_fixture_teardown)

/* Returns and sales in turn, one of five too large for a page; all with keys, and messages. */
static void fill(struct log_fixture *f)
{
    for (int i = 0; i < EVENTS; i++) {
        struct log_command c;
        char key[16];
        (void)snprintf(key, sizeof key, "key-%d", i);
        log_command_make(&c, f, i % 3 ? EVENT_RETURN_CREATED : EVENT_SALE_RECORDED, 1);
        log_command_key(&c, key, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
        c.correlation = log_fixture_id((uint8_t)i);
        c.padding = i % 5 == 4 ? 15000 : 600;
        log_command_submit(&c);
        assert_int_equal(log_command_await(&c), ERR_OK);
    }
    struct buf body CLEANUP(buf_free);
    buf_init(&body, 65536);
    log_fixture_message(&body, 200, log_fixture_id(1));
    assert_int_equal(log_fixture_receive(f, 1, 1, buf_slice(&body)), ERR_OK);
}

static int64_t count(struct log_fixture *f, const char *sql)
{
    return log_fixture_number(f, sql);
}

static struct eventlog_status status_of(struct log_fixture *f)
{
    struct eventlog_status status;
    eventlog_status(f->log, &status);
    return status;
}

static int64_t lost_of(struct log_fixture *f)
{
    struct eventlog_status status = status_of(f);
    return status.lost[STREAM_RETURNS] + status.lost[STREAM_SALES];
}

/* How many folders hold what was put aside, each with a database in it. */
static int quarantines(struct log_fixture *f)
{
    int n = 0;
    DIR *dir = opendir(f->scratch.path);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        char path[SCRATCH_PATH_MAX + 300];
        if (strncmp(entry->d_name, "quarantine-", 11) != 0)
            continue;
        (void)snprintf(path, sizeof path, "%s/%s/tillback.db", f->scratch.path, entry->d_name);
        n += access(path, F_OK) == 0;
    }
    (void)closedir(dir);
    return n;
}

/* Every finding but those of kind "lost". */
static void only_losses(void *context, const struct eventlog_finding *finding)
{
    if (strcmp(finding->what, "lost") == 0)
        return;
    print_message("%s: %s\n", finding->what, finding->text);
    ++*(int *)context;
}

/* The log works, is whole apart from what it says it lost, and knows its keys and messages. */
static void works(struct log_fixture *f)
{
    int64_t head = log_fixture_stream(f, STREAM_RETURNS).head;
    assert_int_equal(log_fixture_append(f, EVENT_RETURN_CREATED, 1), head + 1);
    int findings = 0;
    int64_t events;
    assert_int_equal(eventlog_verify(&f->config, only_losses, &findings, &events, &f->fault),
                     ERR_OK);
    assert_int_equal(findings, 0);
    log_fixture_reopen(f);
    assert_int_equal(log_fixture_stream(f, STREAM_RETURNS).head, head + 1);
}

/* Kept and lost together are what was saved. */
static void all_is_accounted_for(struct log_fixture *f, int64_t most_lost)
{
    int64_t kept = count(f, "SELECT count(*) FROM event");
    assert_int_equal(kept + lost_of(f), EVENTS);
    assert_true(lost_of(f) <= most_lost);
}

static void path_of(struct log_fixture *f, const char *name, char path[static SCRATCH_PATH_MAX])
{
    scratch_path(&f->scratch, name, path);
}

static void overwrite(struct log_fixture *f, const char *name, off_t at, int byte, size_t len)
{
    char path[SCRATCH_PATH_MAX];
    path_of(f, name, path);
    int fd = open(path, O_WRONLY);
    assert_true(fd >= 0);
    char *bytes = malloc(len);
    memset(bytes, byte, len);
    assert_int_equal(pwrite(fd, bytes, len, at), len);
    free(bytes);
    assert_int_equal(close(fd), 0);
}

static off_t size_of(struct log_fixture *f, const char *name)
{
    char path[SCRATCH_PATH_MAX];
    struct stat info;
    path_of(f, name, path);
    return stat(path, &info) == 0 ? info.st_size : 0;
}

/* Cuts off all that may be, and tells the name of the checkpoint made of it. */
static void cut_off(struct log_fixture *f, char name[static 64])
{
    const struct eventlog_retention rules = {.max_events = 1};
    int64_t pruned;
    struct ack ack = log_fixture_ack(f, STREAM_RETURNS, 8, 1);
    assert_int_equal(log_fixture_acknowledge(f, STREAM_RETURNS, &ack), ERR_OK);
    assert_int_equal(eventlog_prune(f->log, &rules, &pruned, &f->fault), ERR_OK);
    assert_int_equal(pruned, 8);
    (void)snprintf(name, 64, "checkpoint-%lld.db",
                   (long long)count(f, "SELECT ordinal FROM checkpoint"));
}

/* --- Damage of each kind --------------------------------------------------------------------- */

static void a_database_of_zeros_is_put_aside_and_its_losses_told(void **state)
{
    struct log_fixture *f = *state;
    fill(f);
    struct eventlog_stream_status before = log_fixture_stream(f, STREAM_RETURNS);
    log_fixture_close(f);
    overwrite(f, "tillback.db", 0, 0, (size_t)size_of(f, "tillback.db"));
    assert_int_equal(log_fixture_open(f), ERR_OK);
    assert_int_equal(quarantines(f), 1);
    assert_int_equal(lost_of(f), EVENTS);
    struct eventlog_stream_status after = log_fixture_stream(f, STREAM_RETURNS);
    assert_true(after.forked);
    assert_true(id_equal(&after.parent.log, &before.log));
    works(f);
}

static void a_damaged_first_page_loses_nothing(void **state)
{
    struct log_fixture *f = *state;
    fill(f);
    log_fixture_close(f);
    overwrite(f, "tillback.db", 0, 0x5a, PAGE);
    assert_int_equal(log_fixture_open(f), ERR_OK);
    assert_int_equal(quarantines(f), 1);
    all_is_accounted_for(f, 0);
    assert_int_equal(count(f, "SELECT count(*) FROM inbox"), 1);
    assert_int_equal(count(f, "SELECT through FROM inbox_mark"), 1);
    works(f);
}

static void a_checkpoint_that_is_damaged_too_is_not_relied_on(void **state)
{
    struct log_fixture *f = *state;
    char checkpoint[64];
    fill(f);
    cut_off(f, checkpoint);
    int64_t kept = count(f, "SELECT count(*) FROM event");
    log_fixture_close(f);
    overwrite(f, "tillback.db", 0, 0x5a, PAGE);
    overwrite(f, checkpoint, PAGE, 0x5a, (size_t)size_of(f, checkpoint) - PAGE);
    assert_int_equal(log_fixture_open(f), ERR_OK);
    assert_int_equal(quarantines(f), 1);
    assert_int_equal(count(f, "SELECT count(*) FROM event"), kept);
    works(f);
}

static void what_was_salvaged_is_the_same_bytes_under_a_new_log(void **state)
{
    struct log_fixture *f = *state;
    fill(f);
    struct buf before CLEANUP(buf_free);
    struct buf after CLEANUP(buf_free);
    buf_init(&before, 4 * 1024 * 1024);
    buf_init(&after, 4 * 1024 * 1024);
    struct sha256 hash;
    struct sha256 last;
    struct eventlog_stream_status old = log_fixture_stream(f, STREAM_RETURNS);
    assert_int_equal(log_fixture_range(f, &old.log, 1, 99, &before, &hash, &last), ERR_OK);
    log_fixture_close(f);
    overwrite(f, "tillback.db", 0, 0, PAGE);
    assert_int_equal(log_fixture_open(f), ERR_OK);
    struct eventlog_stream_status new = log_fixture_stream(f, STREAM_RETURNS);
    assert_int_equal(log_fixture_range(f, &new.log, 1, 99, &after, &hash, &last), ERR_OK);
    assert_true(slice_equal(buf_slice(&before), buf_slice(&after)));
    assert_int_equal(new.through, 0); /* it is sent again */
    assert_true(sha256_equal(&last, &new.head_hash));
}

static void a_key_that_was_salvaged_replays(void **state)
{
    struct log_fixture *f = *state;
    fill(f);
    log_fixture_close(f);
    overwrite(f, "tillback.db", 0, 0, PAGE);
    assert_int_equal(log_fixture_open(f), ERR_OK);
    struct log_command c;
    log_command_make(&c, f, EVENT_RETURN_CREATED, 1);
    log_command_key(&c, "key-7", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    log_command_submit(&c);
    assert_int_equal(log_command_await(&c), ERR_OK);
    assert_true(c.replayed);
}

static void a_truncated_database_keeps_what_is_before_the_cut(void **state)
{
    struct log_fixture *f = *state;
    fill(f);
    log_fixture_close(f);
    char path[SCRATCH_PATH_MAX];
    path_of(f, "tillback.db", path);
    assert_int_equal(truncate(path, size_of(f, "tillback.db") / PAGE / 2 * PAGE), 0);
    assert_int_equal(log_fixture_open(f), ERR_OK);
    assert_int_equal(quarantines(f), 1);
    all_is_accounted_for(f, EVENTS - 5);
    works(f);
}

static void an_emptied_database_is_salvaged_from_its_wal(void **state)
{
    struct log_fixture *f = *state;
    fill(f);
    struct eventlog_reader *reader; /* keeps the log from being folded in */
    assert_int_equal(eventlog_reader_open(&reader, &f->config, NULL), ERR_OK);
    char path[SCRATCH_PATH_MAX];
    char wal[SCRATCH_PATH_MAX];
    path_of(f, "tillback.db-wal", path);
    path_of(f, "wal", wal);
    char *bytes = malloc((size_t)size_of(f, "tillback.db-wal"));
    size_t len = (size_t)size_of(f, "tillback.db-wal");
    FILE *in = fopen(path, "rb");
    assert_int_equal(fread(bytes, 1, len, in), len);
    (void)fclose(in);
    eventlog_reader_close(reader);
    log_fixture_close(f);
    scratch_write(path, bytes, len);
    free(bytes);
    path_of(f, "tillback.db", path);
    assert_int_equal(truncate(path, 0), 0);
    assert_int_equal(log_fixture_open(f), ERR_OK);
    assert_int_equal(quarantines(f), 1);
    all_is_accounted_for(f, EVENTS - 1);
    works(f);
}

/* A changed event is lost alone: its neighbours prove each other. */
static void a_flipped_byte_loses_one_event(void **state)
{
    struct log_fixture *f = *state;
    fill(f);
    log_fixture_close(f);
    log_fixture_tamper(f, "UPDATE event SET body = cast(replace(cast(body AS TEXT), "
                          "'\"pad\"', '\"bad\"') AS BLOB) WHERE pos = 30");
    assert_int_equal(log_fixture_open(f), ERR_OK);
    assert_int_equal(quarantines(f), 1);
    assert_int_equal(lost_of(f), 1);
    assert_int_equal(count(f, "SELECT first FROM lost"), 30);
    assert_int_equal(count(f, "SELECT count(*) FROM event"), EVENTS - 1);
    works(f);
    assert_int_equal(quarantines(f), 1);
}

/* No event behind it tells which is right, its body or its hash: it isn't believed. */
static void a_newest_event_whose_body_was_changed_is_lost_and_not_taken_for_true(void **state)
{
    struct log_fixture *f = *state;
    fill(f);
    log_fixture_close(f);
    log_fixture_tamper(
        f, "UPDATE event SET body = CAST(replace(CAST(body AS TEXT), 'key-59', 'key-99') AS BLOB) "
           "WHERE pos = (SELECT max(pos) FROM event WHERE pos < 1 << 56)");
    assert_int_equal(log_fixture_open(f), ERR_OK);
    assert_int_equal(lost_of(f), 1);
    assert_int_equal(count(f, "SELECT count(*) FROM event"), EVENTS - 1);
    assert_int_equal(
        count(f, "SELECT count(*) FROM event WHERE CAST(body AS TEXT) LIKE '%key-99%'"), 0);
    works(f);
}

static void a_flipped_hash_loses_nothing(void **state)
{
    struct log_fixture *f = *state;
    fill(f);
    log_fixture_close(f);
    log_fixture_tamper(f, "UPDATE event SET hash = zeroblob(32) WHERE pos = 30");
    assert_int_equal(log_fixture_open(f), ERR_OK);
    all_is_accounted_for(f, 0);
    works(f);
}

static void a_missing_event_loses_it_and_what_it_would_have_proven(void **state)
{
    struct log_fixture *f = *state;
    fill(f);
    log_fixture_close(f);
    log_fixture_tamper(f, "PRAGMA secure_delete = ON; DELETE FROM event WHERE pos = 20; VACUUM");
    assert_int_equal(log_fixture_open(f), ERR_OK);
    assert_int_equal(lost_of(f), 2); /* nothing shows that 21 is as it was */
    works(f);
}

/* Asked until it is saved; damage that is met on the way is mended by the log itself. */
static void append_at_last(struct log_fixture *f)
{
    for (int i = 0; i < 4; i++) {
        struct log_command c;
        log_command_make(&c, f, EVENT_RETURN_CREATED, 1);
        log_command_submit(&c);
        if (log_command_await(&c) == ERR_OK)
            return;
        print_message("%s: %s\n", c.fault.where, c.fault.text);
    }
    fail_msg("the log doesn't come back");
}

static int findings_of(struct log_fixture *f)
{
    int findings = 0;
    int64_t events;
    if (eventlog_verify(&f->config, only_losses, &findings, &events, &f->fault))
        findings++;
    return findings;
}

static void garbage_in_one_page(off_t page, int byte)
{
    struct log_fixture f;
    log_fixture_make(&f);
    fill(&f);
    log_fixture_close(&f);
    overwrite(&f, "tillback.db", page * PAGE, byte, PAGE);
    assert_int_equal(log_fixture_open(&f), ERR_OK);
    append_at_last(&f);
    log_fixture_close(&f);
    if (findings_of(&f))
        assert_int_equal(eventlog_suspect(&f.config, &f.fault), ERR_OK);
    assert_int_equal(log_fixture_open(&f), ERR_OK);
    assert_int_equal(findings_of(&f), 0);
    assert_int_equal(count(&f, "SELECT count(*) FROM event") + lost_of(&f), EVENTS + 1);
    assert_true(lost_of(&f) <= 20);
    log_fixture_remove(&f);
}

static void garbage_in_any_page_is_survived(void **state)
{
    struct log_fixture *f = *state;
    fill(f);
    log_fixture_close(f);
    off_t pages = size_of(f, "tillback.db") / PAGE;
    for (off_t page = 0; page < pages; page += page < 12 ? 1 : 11) {
        garbage_in_one_page(page, 0xa5);
        garbage_in_one_page(page, 0);
    }
}

/* --- While it runs --------------------------------------------------------------------------- */

static void damage_met_while_running_is_mended_without_a_restart(void **state)
{
    struct log_fixture *f = *state;
    fill(f);
    log_fixture_reopen(f); /* what was in the write-ahead log is in the database now */
    struct eventlog_reader *reader;
    assert_int_equal(eventlog_reader_open(&reader, &f->config, NULL), ERR_OK);
    off_t pages = size_of(f, "tillback.db") / PAGE;
    overwrite(f, "tillback.db", PAGE, 0x77, (size_t)(pages - 1) * PAGE);
    append_at_last(f);
    assert_int_equal(quarantines(f), 1);
    struct eventlog_status status;
    assert_int_equal(eventlog_reader_status(reader, &status, &f->fault), ERR_OK);
    struct eventlog_status live = status_of(f);
    assert_true(id_equal(&status.streams[0].log, &live.streams[0].log)); /* it reads the new one */
    eventlog_reader_close(reader);
    works(f);
}

/* --- Crashes on the way ---------------------------------------------------------------------- */

/* The moves of a quarantine, undone one by one: each is a moment at which the power may go. */
static void a_quarantine_that_was_cut_short_is_ended(void **state)
{
    static const char *const names[] = {"tillback.db", "tillback.db-wal"};
    for (size_t moved = 0; moved <= 2; moved++) {
        struct log_fixture *f = *state;
        fill(f);
        log_fixture_close(f);
        char folder[SCRATCH_PATH_MAX];
        char from[SCRATCH_PATH_MAX];
        char to[SCRATCH_PATH_MAX + 32];
        path_of(f, "quarantine-20261122T120000Z", folder);
        assert_int_equal(mkdir(folder, 0700), 0);
        path_of(f, "tillback.db", from);
        (void)snprintf(to, sizeof to, "%s/salvaged.db", folder);
        assert_int_equal(rename(from, to), 0); /* the whole log stands for what was salvaged */
        scratch_write(from, "damaged", 7);
        path_of(f, "tillback.db-wal", from);
        scratch_write(from, "damaged too", 11);
        for (size_t i = 0; i < moved; i++) {
            path_of(f, names[1 - i], from);
            (void)snprintf(to, sizeof to, "%s/%s", folder, names[1 - i]);
            assert_int_equal(rename(from, to), 0);
        }
        assert_int_equal(log_fixture_open(f), ERR_OK);
        assert_int_equal(quarantines(f), 1);
        assert_int_equal(lost_of(f), 0);
        works(f);
        log_fixture_teardown(state);
        log_fixture_setup(state);
    }
}

static void a_disk_too_full_to_salvage_leaves_the_damaged_files_alone(void **state)
{
    struct log_fixture *f = *state;
    struct small_disk disk;
    if (!small_disk_make(&disk, 12))
        skip();
    log_fixture_close(f);
    struct scratch own = f->scratch;
    (void)snprintf(f->scratch.path, sizeof f->scratch.path, "%.250s", disk.path);
    f->config.reserve_bytes = 4096; /* too little to salvage with */
    assert_int_equal(log_fixture_open(f), ERR_OK);
    fill(f);
    log_fixture_close(f);
    overwrite(f, "tillback.db", 0, 0, PAGE);
    off_t damaged = size_of(f, "tillback.db");
    small_disk_fill(&disk);
    enum err full = log_fixture_open(f);
    off_t left = size_of(f, "tillback.db");
    small_disk_relieve(&disk);
    enum err relieved = log_fixture_open(f);
    int64_t lost = relieved ? -1 : lost_of(f);
    log_fixture_close(f);
    f->scratch = own;
    f->config.reserve_bytes = 0;
    small_disk_remove(&disk);
    assert_int_equal(full, ERR_DISK_FULL);
    assert_int_equal(left, damaged);
    assert_int_equal(relieved, ERR_OK);
    assert_int_equal(lost, 0);
}

static void a_read_only_file_system_is_refused_by_name(void **state)
{
    struct log_fixture *f = *state;
    fill(f);
    log_fixture_close(f);
    const char *folder = f->scratch.path;
    if (mount(folder, folder, NULL, MS_BIND, NULL) != 0 ||
        mount(folder, folder, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL) != 0) {
        print_message("skipped: needs root, to mount a folder read-only\n");
        skip();
    }
    enum err err = log_fixture_open(f);
    assert_int_equal(umount2(folder, MNT_DETACH), 0);
    assert_int_equal(err, ERR_READ_ONLY);
    assert_non_null(strstr(f->fault.where, folder));
    assert_int_equal(quarantines(f), 0);
    assert_int_equal(log_fixture_open(f), ERR_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOG_TEST(a_database_of_zeros_is_put_aside_and_its_losses_told),
        LOG_TEST(a_damaged_first_page_loses_nothing),
        LOG_TEST(a_checkpoint_that_is_damaged_too_is_not_relied_on),
        LOG_TEST(what_was_salvaged_is_the_same_bytes_under_a_new_log),
        LOG_TEST(a_key_that_was_salvaged_replays),
        LOG_TEST(a_truncated_database_keeps_what_is_before_the_cut),
        LOG_TEST(an_emptied_database_is_salvaged_from_its_wal),
        LOG_TEST(a_flipped_byte_loses_one_event),
        LOG_TEST(a_newest_event_whose_body_was_changed_is_lost_and_not_taken_for_true),
        LOG_TEST(a_flipped_hash_loses_nothing),
        LOG_TEST(a_missing_event_loses_it_and_what_it_would_have_proven),
        LOG_TEST(garbage_in_any_page_is_survived),
        LOG_TEST(damage_met_while_running_is_mended_without_a_restart),
        LOG_TEST(a_quarantine_that_was_cut_short_is_ended),
        LOG_TEST(a_disk_too_full_to_salvage_leaves_the_damaged_files_alone),
        LOG_TEST(a_read_only_file_system_is_refused_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
