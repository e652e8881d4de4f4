#include "hal/storage.h"
#include "sync/transport/download.h"
#include "tests/support/file_server.h"
#include "tests/support/scratch.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <cmocka.h>

enum { FILE_BYTES = 1000 * 1000 };

struct desk {
    struct scratch scratch;
    struct file_server server;
    char data[FILE_BYTES];
    char url[64];
    char path[SCRATCH_PATH_MAX];
    struct download download;
    struct fault fault;
    bool stop;
    int64_t told;
    int64_t total;
};

static void on_progress(void *context, int64_t bytes, int64_t total)
{
    struct desk *d = context;
    d->told = bytes;
    d->total = total;
}

static int setup(void **state)
{
    struct desk *d = calloc(1, sizeof *d);
    assert_non_null(d);
    for (size_t i = 0; i < FILE_BYTES; i++)
        d->data[i] = (char)(i * 7 + i / 251);
    scratch_make(&d->scratch);
    scratch_path(&d->scratch, "part", d->path);
    file_server_open(&d->server, d->data, FILE_BYTES);
    file_server_url(&d->server, d->url, sizeof d->url);
    d->download = (struct download){.url = d->url,
                                    .path = d->path,
                                    .bytes_max = FILE_BYTES,
                                    .stop = &d->stop,
                                    .progress = on_progress,
                                    .context = d};
    *state = d;
    return 0;
}

static int teardown(void **state)
{
    struct desk *d = *state;
    d->server.hangs = false;
    file_server_close(&d->server);
    scratch_remove(&d->scratch);
    free(d);
    return 0;
}

static enum err run(struct desk *d)
{
    return download_run(&d->download, &d->fault);
}

static int64_t there(const struct desk *d)
{
    struct stat info;
    return stat(d->path, &info) == 0 ? info.st_size : -1;
}

static void assert_whole(const struct desk *d)
{
    struct sha256 found;
    const struct sha256 wanted = sha256_of((struct slice){d->data, FILE_BYTES});
    assert_int_equal(storage_hash(d->path, &found, NULL), ERR_OK);
    assert_true(sha256_equal(&found, &wanted));
}

static void a_file_comes_whole(void **state)
{
    struct desk *d = *state;
    assert_int_equal(run(d), ERR_OK);
    assert_int_equal(d->server.last_from, -1);
    assert_int_equal(d->told, FILE_BYTES);
    assert_int_equal(d->total, FILE_BYTES);
    assert_whole(d);
}

static void one_that_broke_off_goes_on_where_it_was(void **state)
{
    struct desk *d = *state;
    d->server.breaks = 1;
    assert_int_equal(run(d), ERR_UNREACHABLE);
    assert_int_equal(there(d), FILE_BYTES / 2);
    assert_int_equal(run(d), ERR_OK);
    assert_int_equal(d->server.last_from, FILE_BYTES / 2);
    assert_int_equal(d->server.sent, FILE_BYTES);
    assert_whole(d);
}

static void a_server_without_ranges_sends_it_anew(void **state)
{
    struct desk *d = *state;
    d->server.breaks = 1;
    d->server.knows_none = true;
    assert_int_equal(run(d), ERR_UNREACHABLE);
    assert_int_equal(run(d), ERR_OK);
    assert_whole(d);
}

static void one_that_is_whole_already_is_not_fetched_again(void **state)
{
    struct desk *d = *state;
    assert_int_equal(run(d), ERR_OK);
    assert_int_equal(run(d), ERR_OK);
    assert_int_equal(d->server.sent, FILE_BYTES);
    assert_whole(d);
}

static void more_than_is_allowed_is_not_written(void **state)
{
    struct desk *d = *state;
    d->download.bytes_max = FILE_BYTES - 1;
    assert_int_equal(run(d), ERR_TOO_LARGE);
    assert_true(there(d) < FILE_BYTES);
}

static void statuses_say_whether_another_try_helps(void **state)
{
    struct desk *d = *state;
    static const struct {
        int status;
        enum err err;
    } known[] = {{404, ERR_NOT_FOUND}, {410, ERR_NOT_FOUND},   {403, ERR_REFUSED},
                 {302, ERR_REFUSED},   {500, ERR_UNREACHABLE}, {503, ERR_UNREACHABLE}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        d->server.status = known[i].status;
        assert_int_equal(run(d), known[i].err);
        assert_int_equal(there(d), 0);
    }
}

static void nobody_there_is_worth_another_try(void **state)
{
    struct desk *d = *state;
    d->download.url = "http://127.0.0.1:1/bundle";
    assert_int_equal(run(d), ERR_UNREACHABLE);
    assert_int_equal(err_class(ERR_UNREACHABLE), ERR_CLASS_RETRY);
}

static void one_that_stalls_ends(void **state)
{
    struct desk *d = *state;
    d->download.stall_s = 1;
    d->server.hangs = true;
    assert_int_equal(run(d), ERR_TIMEOUT);
    assert_int_equal(there(d), FILE_BYTES / 2);
}

static void it_stops_when_told(void **state)
{
    struct desk *d = *state;
    d->server.hangs = true;
    d->stop = true;
    assert_int_equal(run(d), ERR_CLOSED);
}

static void it_keeps_to_its_rate(void **state)
{
    struct desk *d = *state;
    struct timespec began;
    struct timespec ended;
    d->download.bytes_per_s = FILE_BYTES / 2;
    clock_gettime(CLOCK_MONOTONIC, &began);
    assert_int_equal(run(d), ERR_OK);
    clock_gettime(CLOCK_MONOTONIC, &ended);
    int64_t took_ms =
        (ended.tv_sec - began.tv_sec) * 1000 + (ended.tv_nsec - began.tv_nsec) / 1000000;
    assert_true(took_ms >= 500); /* unbounded, it is done in a few */
    assert_whole(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_file_comes_whole, setup, teardown),
        cmocka_unit_test_setup_teardown(one_that_broke_off_goes_on_where_it_was, setup, teardown),
        cmocka_unit_test_setup_teardown(a_server_without_ranges_sends_it_anew, setup, teardown),
        cmocka_unit_test_setup_teardown(one_that_is_whole_already_is_not_fetched_again, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(more_than_is_allowed_is_not_written, setup, teardown),
        cmocka_unit_test_setup_teardown(statuses_say_whether_another_try_helps, setup, teardown),
        cmocka_unit_test_setup_teardown(nobody_there_is_worth_another_try, setup, teardown),
        cmocka_unit_test_setup_teardown(one_that_stalls_ends, setup, teardown),
        cmocka_unit_test_setup_teardown(it_stops_when_told, setup, teardown),
        cmocka_unit_test_setup_teardown(it_keeps_to_its_rate, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
