#include "hal/storage.h"
#include "sync/hub/connect/ledger_file.h"
#include "tests/support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { DAY = 20779, TEXT_MAX = 64 * 1024 };

struct fixture {
    struct scratch scratch;
    char path[SCRATCH_PATH_MAX];
    struct connector connector;
    struct posted posted;
    struct fault fault;
};

static void open_file(struct fixture *f)
{
    if (ledger_file_open(f->path, &f->connector, &f->fault))
        fail_msg("%s: %s", f->fault.where, f->fault.text);
}

static void close_file(struct fixture *f)
{
    f->connector.ops->close(f->connector.self);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    scratch_make(&f->scratch);
    scratch_path(&f->scratch, "books.journal", f->path);
    open_file(f);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    close_file(f);
    scratch_remove(&f->scratch);
    free(f);
    return 0;
}

static enum err post_amount(struct fixture *f, const char *reference, int64_t amount_minor)
{
    struct journal_line lines[] = {
        {.account = "4100", .key = {"returns", "", "", "", ""}, .debit_minor = amount_minor},
        {.account = "21;00  x",
         .key = {"refunds_payable", "", "", "", ""},
         .credit_minor = amount_minor},
    };
    const struct entry entry = {.reference = reference,
                                .return_id = "r",
                                .number = "R-1",
                                .event_id = "e",
                                .rule = "accepted",
                                .company = "main",
                                .store = "0042",
                                .currency = "EUR",
                                .document_day = DAY,
                                .text = "",
                                .lines = lines,
                                .line_count = 2};
    const struct post_order order = {.entry = &entry, .day = DAY};
    return f->connector.ops->post(f->connector.self, &order, &f->posted, &f->fault);
}

static int64_t size_of(const struct fixture *f)
{
    struct stat now;
    assert_int_equal(stat(f->path, &now), 0);
    return now.st_size;
}

static void entry_posted_again_is_there_once_and_has_its_number(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(post_amount(f, "a/accepted", 333), ERR_OK);
    assert_int_equal(post_amount(f, "b/accepted", 334), ERR_OK);
    int64_t size = size_of(f);
    assert_int_equal(post_amount(f, "a/accepted", 333), ERR_OK);
    assert_string_equal(f->posted.number, "L-1");
    assert_int_equal(size_of(f), size);
}

static void reopened_file_knows_its_entries(void **state)
{
    struct fixture *f = *state;
    char reference[32];
    for (int i = 0; i < 600; i++) {
        (void)snprintf(reference, sizeof reference, "%d/accepted", i);
        assert_int_equal(post_amount(f, reference, 100 + i), ERR_OK);
    }
    int64_t size = size_of(f);
    close_file(f);
    open_file(f);
    assert_int_equal(post_amount(f, "577/accepted", 677), ERR_OK);
    assert_string_equal(f->posted.number, "L-578");
    assert_int_equal(size_of(f), size);
}

static void other_entry_under_a_known_reference_is_a_conflict(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(post_amount(f, "a/accepted", 333), ERR_OK);
    int64_t size = size_of(f);
    assert_int_equal(post_amount(f, "a/accepted", 334), ERR_CONFLICT);
    assert_int_equal(size_of(f), size);
}

/* Wherever a power cut ends the file: what was whole before stays, the rest is posted anew. */
static void file_cut_off_anywhere_keeps_what_is_whole(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(post_amount(f, "a/accepted", 333), ERR_OK);
    int64_t first = size_of(f);
    assert_int_equal(post_amount(f, "b/accepted", 334), ERR_OK);
    int64_t second = size_of(f);
    for (int64_t cut = first; cut < second; cut++) {
        close_file(f);
        assert_int_equal(truncate(f->path, cut), 0);
        open_file(f);
        assert_int_equal(post_amount(f, "a/accepted", 333), ERR_OK);
        assert_string_equal(f->posted.number, "L-1");
        assert_int_equal(post_amount(f, "b/accepted", 334), ERR_OK);
        assert_string_equal(f->posted.number, "L-2");
        assert_int_equal(size_of(f), second);
    }
}

static void file_of_another_process_is_refused(void **state)
{
    struct fixture *f = *state;
    struct connector other;
    assert_int_equal(ledger_file_open(f->path, &other, &f->fault), ERR_LOCKED);
}

static void characters_that_mean_something_are_replaced(void **state)
{
    struct fixture *f = *state;
    struct buf text;
    buf_init(&text, TEXT_MAX);
    assert_int_equal(post_amount(f, "a/accepted", 333), ERR_OK);
    assert_int_equal(storage_read(f->path, &text, &f->fault), ERR_OK);
    assert_non_null(strstr(text.data, "    21_00 _x    EUR -3.33"));
    buf_free(&text);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(entry_posted_again_is_there_once_and_has_its_number),
        TEST(reopened_file_knows_its_entries),
        TEST(other_entry_under_a_known_reference_is_a_conflict),
        TEST(file_cut_off_anywhere_keeps_what_is_whole),
        TEST(file_of_another_process_is_refused),
        TEST(characters_that_mean_something_are_replaced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
