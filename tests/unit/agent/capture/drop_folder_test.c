/* Files dropped by a legacy till: captured once, wherever a stop left them; bad ones say why. */
#include "agent/capture/drop_folder.h"
#include "agent/views/exception_view.h"
#include "hal/storage.h"
#include "tests/support/await.h"
#include "tests/support/counter.h"
#include "tests/support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define SALE(number, paid)                                                                         \
    "<POSLog xmlns=\"http://www.nrf-arts.org/IXRetail/namespace/\"><Transaction><BusinessUnit>"    \
    "<UnitID>0042</UnitID></BusinessUnit><WorkstationID>01</WorkstationID><SequenceNumber>" number \
    "</SequenceNumber><BusinessDayDate>2026-11-22</BusinessDayDate><EndDateTime>"                  \
    "2026-11-22T10:11:12Z</EndDateTime><CurrencyCode>EUR</CurrencyCode><RetailTransaction>"        \
    "<LineItem><SequenceNumber>1</SequenceNumber><Sale><ItemID>4711</ItemID><ExtendedAmount>5.00"  \
    "</ExtendedAmount></Sale></LineItem><LineItem><Tender TenderType=\"Cash\"><Amount>" paid       \
    "</Amount></Tender></LineItem></RetailTransaction></Transaction></POSLog>"

struct bench {
    struct counter *counter;
    struct scratch scratch;
    struct loop *loop;
    struct poslog_desk *desk;
    struct drop_folder *folder;
    const char *awaited;
};

static void start(struct bench *bench)
{
    struct poslog_config desk = {
        .loop = bench->loop,
        .capture = counter_capture(bench->counter),
        .log_config = counter_config(bench->counter),
    };
    assert_int_equal(poslog_open(&bench->desk, &desk, NULL), ERR_OK);
    struct drop_folder_config config = {.loop = bench->loop,
                                        .desk = bench->desk,
                                        .path = bench->scratch.path,
                                        .poll_ms = 10,
                                        .settle_ms = 1};
    assert_int_equal(drop_folder_open(&bench->folder, &config, NULL), ERR_OK);
}

/* As a power cut: whatever was under way is dropped where it is. */
static void stop(struct bench *bench)
{
    drop_folder_close(bench->folder);
    poslog_stop(bench->desk);
    counter_restart(bench->counter);
    loop_run_once(bench->loop, 0);
    poslog_close(bench->desk);
}

static int open_bench(void **state)
{
    struct bench *bench = calloc(1, sizeof *bench);
    assert_non_null(bench);
    bench->counter = counter_open();
    scratch_make(&bench->scratch);
    assert_int_equal(loop_open(&bench->loop, NULL), ERR_OK);
    start(bench);
    *state = bench;
    return 0;
}

static int close_bench(void **state)
{
    struct bench *bench = *state;
    stop(bench);
    counter_close(bench->counter);
    loop_close(bench->loop);
    scratch_remove(&bench->scratch);
    free(bench);
    return 0;
}

static void put(const struct bench *bench, const char *name, const char *text)
{
    char path[SCRATCH_PATH_MAX];
    scratch_write(scratch_path(&bench->scratch, name, path), text, strlen(text));
}

static bool is_there(const struct bench *bench, const char *name)
{
    char path[SCRATCH_PATH_MAX];
    return access(scratch_path(&bench->scratch, name, path), F_OK) == 0;
}

static bool awaited_is_there(void *context)
{
    const struct bench *bench = context;
    return is_there(bench, bench->awaited);
}

static void await_file(struct bench *bench, const char *name)
{
    bench->awaited = name;
    if (!await(bench->loop, awaited_is_there, bench, AWAIT_MS))
        fail_msg("%s never came", name);
}

static int64_t sales(const struct bench *bench)
{
    struct eventlog_status status;
    eventlog_status(counter_log(bench->counter), &status);
    return status.streams[STREAM_SALES].head;
}

static void a_file_is_captured_and_put_to_done(void **state)
{
    struct bench *bench = *state;
    int64_t before = sales(bench);
    put(bench, "a.xml", SALE("17", "5.00"));
    await_file(bench, "done/a.xml");
    assert_int_equal(sales(bench), before + 1);
    assert_false(is_there(bench, "a.xml"));
    assert_false(is_there(bench, "work/a.xml"));
}

static void the_same_file_again_changes_nothing_and_overwrites_nothing(void **state)
{
    struct bench *bench = *state;
    put(bench, "a.xml", SALE("17", "5.00"));
    await_file(bench, "done/a.xml");
    int64_t before = sales(bench);
    put(bench, "a.xml", SALE("17", "5.00"));
    await_file(bench, "done/a.1.xml");
    assert_true(is_there(bench, "done/a.xml"));
    assert_int_equal(sales(bench), before);
}

static void a_bad_file_is_put_aside_with_its_reason(void **state)
{
    struct bench *bench = *state;
    char path[SCRATCH_PATH_MAX];
    struct buf reason;
    buf_init(&reason, 64 * 1024);
    put(bench, "a.xml", "<POSLog");
    await_file(bench, "bad/a.xml");
    assert_int_equal(
        storage_read(scratch_path(&bench->scratch, "bad/a.xml.txt", path), &reason, NULL), ERR_OK);
    assert_non_null(strstr(reason.data, "invalid"));
    buf_reset(&reason);
    put(bench, "b.xml", SALE("17", "4.00"));
    await_file(bench, "bad/b.xml");
    assert_int_equal(
        storage_read(scratch_path(&bench->scratch, "bad/b.xml.txt", path), &reason, NULL), ERR_OK);
    assert_non_null(strstr(reason.data, "\"field\":\"tenders\""));
    buf_free(&reason);
}

struct raised {
    struct exception_state last;
    size_t count;
};

static enum err take_raised(void *context, const struct exception_state *state, struct fault *fault)
{
    (void)fault;
    struct raised *raised = context;
    raised->last = *state;
    raised->count++;
    return ERR_OK;
}

static struct raised raised_in(const struct bench *bench)
{
    struct raised raised = {.count = 0};
    struct views views = views_of_reader(counter_reader(bench->counter));
    struct exception_view_query query = {.step = -1, .after_ms = -1, .max = 50};
    assert_int_equal(exception_view_list(&views, &query, take_raised, &raised, NULL), ERR_OK);
    return raised;
}

/* Nobody looks into a folder on the appliance by themselves. */
static void a_file_that_nobody_can_read_is_an_exception_once(void **state)
{
    struct bench *bench = *state;
    put(bench, "a.xml", "<POSLog");
    await_file(bench, "bad/a.xml");
    struct raised raised = raised_in(bench);
    assert_int_equal(raised.count, 1);
    assert_string_equal(raised.last.code, "not_captured");
    assert_string_equal(raised.last.owner, "manager");
    assert_non_null(strstr(raised.last.detail, "POSLog file a.xml: "));
    put(bench, "a.xml", "<POSLog");
    await_file(bench, "bad/a.1.xml");
    assert_int_equal(raised_in(bench).count, 1);
}

static void a_file_whose_name_can_not_be_told_is_put_aside_all_the_same(void **state)
{
    struct bench *bench = *state;
    put(bench, "4111111111111111.xml", "<POSLog");
    await_file(bench, "bad/4111111111111111.xml");
    assert_int_equal(raised_in(bench).count, 0);
}

static void a_stop_after_any_number_of_steps_tells_of_an_unreadable_file_once(void **state)
{
    struct bench *bench = *state;
    for (int steps = 0; steps < 12; steps++) {
        char name[32];
        char bad[64];
        (void)snprintf(name, sizeof name, "f%d.xml", steps);
        (void)snprintf(bad, sizeof bad, "bad/f%d.xml", steps);
        put(bench, name, "<POSLog");
        for (int i = 0; i < steps; i++)
            loop_run_once(bench->loop, 5);
        stop(bench);
        start(bench);
        await_file(bench, bad);
        assert_int_equal(raised_in(bench).count, steps + 1);
    }
}

static void other_files_are_let_be(void **state)
{
    struct bench *bench = *state;
    put(bench, "a.xml.part", SALE("16", "5.00"));
    put(bench, ".hidden.xml", SALE("16", "5.00"));
    put(bench, "b.xml", SALE("17", "5.00"));
    await_file(bench, "done/b.xml");
    assert_true(is_there(bench, "a.xml.part"));
    assert_true(is_there(bench, ".hidden.xml"));
}

/* Every place that a stop can leave a file in: picked up, captured, its reason written. */
static void what_a_stop_left_in_work_is_finished_once(void **state)
{
    struct bench *bench = *state;
    int64_t before = sales(bench);
    stop(bench);
    put(bench, "work/a.xml", SALE("17", "5.00"));
    start(bench);
    await_file(bench, "done/a.xml");
    assert_int_equal(sales(bench), before + 1);
    stop(bench);
    put(bench, "work/b.xml", SALE("17", "5.00"));
    start(bench);
    await_file(bench, "done/b.xml");
    assert_int_equal(sales(bench), before + 1);
    stop(bench);
    put(bench, "work/c.xml", SALE("18", "1.00"));
    put(bench, "bad/c.xml.txt", "half a rea");
    start(bench);
    await_file(bench, "bad/c.xml");
    assert_int_equal(sales(bench), before + 1);
}

static void a_file_that_cannot_be_saved_now_waits(void **state)
{
    enum { ROUNDS = 20, EACH_MS = 5 };
    struct bench *bench = *state;
    int64_t before = sales(bench);
    stop(bench);
    counter_fill_disk(bench->counter, true);
    start(bench);
    put(bench, "a.xml", SALE("17", "5.00"));
    await_file(bench, "work/a.xml");
    for (int i = 0; i < ROUNDS; i++)
        loop_run_once(bench->loop, EACH_MS);
    assert_true(is_there(bench, "work/a.xml"));
    stop(bench);
    counter_fill_disk(bench->counter, false);
    start(bench);
    await_file(bench, "done/a.xml");
    assert_int_equal(sales(bench), before + 1);
}

static void a_stop_after_any_number_of_steps_loses_and_doubles_nothing(void **state)
{
    struct bench *bench = *state;
    int64_t before = sales(bench);
    for (int steps = 0; steps < 12; steps++) {
        char name[32];
        char done[64];
        char xml[2048];
        char number[16];
        (void)snprintf(name, sizeof name, "f%d.xml", steps);
        (void)snprintf(done, sizeof done, "done/f%d.xml", steps);
        (void)snprintf(number, sizeof number, "%d", 100 + steps);
        (void)snprintf(xml, sizeof xml, "%s", SALE("NNN", "5.00"));
        memcpy(strstr(xml, "NNN"), number, 3);
        put(bench, name, xml);
        for (int i = 0; i < steps; i++)
            loop_run_once(bench->loop, 5);
        stop(bench);
        start(bench);
        await_file(bench, done);
        assert_int_equal(sales(bench), before + steps + 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, open_bench, close_bench)
        T(a_file_is_captured_and_put_to_done),
        T(the_same_file_again_changes_nothing_and_overwrites_nothing),
        T(a_bad_file_is_put_aside_with_its_reason),
        T(a_file_that_nobody_can_read_is_an_exception_once),
        T(a_file_whose_name_can_not_be_told_is_put_aside_all_the_same),
        T(other_files_are_let_be),
        T(what_a_stop_left_in_work_is_finished_once),
        T(a_file_that_cannot_be_saved_now_waits),
        T(a_stop_after_any_number_of_steps_loses_and_doubles_nothing),
        T(a_stop_after_any_number_of_steps_tells_of_an_unreadable_file_once),
#undef T
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
