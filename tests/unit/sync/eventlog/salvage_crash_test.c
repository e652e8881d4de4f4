/* A salvage that is cut short, or that the disk doesn't let begin. */
#include "tests/support/damaged.h"
#include "tests/support/small_disk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <cmocka.h>

/* The moves of a quarantine, undone one by one: each is a moment at which the power may go. */
static void a_quarantine_that_was_cut_short_is_ended(void **state)
{
    static const char *const names[] = {"tillback.db", "tillback.db-wal"};
    for (size_t moved = 0; moved <= 2; moved++) {
        struct log_fixture *f = *state;
        damaged_fill(f);
        log_fixture_close(f);
        char folder[SCRATCH_PATH_MAX];
        char from[SCRATCH_PATH_MAX];
        char to[SCRATCH_PATH_MAX + 32];
        scratch_path(&f->scratch, "quarantine-20261122T120000Z", folder);
        assert_int_equal(mkdir(folder, 0700), 0);
        scratch_path(&f->scratch, "tillback.db", from);
        (void)snprintf(to, sizeof to, "%s/salvaged.db", folder);
        assert_int_equal(rename(from, to), 0); /* the whole log stands for what was salvaged */
        scratch_write(from, "damaged", 7);
        scratch_path(&f->scratch, "tillback.db-wal", from);
        scratch_write(from, "damaged too", 11);
        for (size_t i = 0; i < moved; i++) {
            scratch_path(&f->scratch, names[1 - i], from);
            (void)snprintf(to, sizeof to, "%s/%s", folder, names[1 - i]);
            assert_int_equal(rename(from, to), 0);
        }
        assert_int_equal(log_fixture_open(f), ERR_OK);
        assert_int_equal(damaged_quarantines(f), 1);
        assert_int_equal(log_fixture_lost(f), 0);
        damaged_works(f);
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
    damaged_fill(f);
    log_fixture_close(f);
    damaged_overwrite(f, "tillback.db", 0, 0, 4096);
    off_t damaged = damaged_size(f, "tillback.db");
    small_disk_fill(&disk);
    enum err full = log_fixture_open(f);
    off_t left = damaged_size(f, "tillback.db");
    small_disk_relieve(&disk);
    enum err relieved = log_fixture_open(f);
    int64_t lost = relieved ? -1 : log_fixture_lost(f);
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
    damaged_fill(f);
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
    assert_int_equal(damaged_quarantines(f), 0);
    assert_int_equal(log_fixture_open(f), ERR_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOG_TEST(a_quarantine_that_was_cut_short_is_ended),
        LOG_TEST(a_disk_too_full_to_salvage_leaves_the_damaged_files_alone),
        LOG_TEST(a_read_only_file_system_is_refused_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
