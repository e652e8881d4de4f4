/* Receipts: printed once, after they are on disk, at their lane's printer, whatever happens to it.
 */
#include "agent/print/desk.h"
#include "tests/support/await.h"
#include "tests/support/counter.h"
#include "tests/support/fake_printer.h"
#include "tests/support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define RETURN(receipt)                                                                            \
    "{\"receipt\":\"" receipt "\",\"lines\":[{\"line\":1,\"quantity\":1,\"reason\":\"unwanted\","  \
    "\"condition\":\"open_box\"}]}"
#define LATE                                                                                       \
    "{\"receipt\":\"late\",\"channel\":\"store\",\"store\":\"0042\",\"sold_at\":"                  \
    "\"2026-09-01T10:00:00Z\",\"currency\":\"EUR\",\"prices_include_tax\":true,\"lines\":[{"       \
    "\"line\":1,\"sku\":\"1\",\"description\":\"Kettle\",\"quantity\":1,\"unit\":\"each\","        \
    "\"amount\":2900}],\"tenders\":[{\"tender\":1,\"type\":\"cash\",\"amount\":2900}]}"

struct fixture {
    struct counter *counter;
    struct scratch scratch;
    struct loop *loop;
    struct fake_printer fake;
    struct print_desk *desk;
    struct buf told;    /* "waiting|printing|printed|" */
    const char *wanted; /* on the paper, for await */
};

static void on_print(void *context, const struct print *print, const char *outcome)
{
    (void)print;
    struct fixture *f = context;
    buf_printf(&f->told, "%s|", outcome);
}

static void open_desk(struct fixture *f)
{
    char device[64];
    struct print_desk_config config = {
        .loop = f->loop,
        .log = counter_log(f->counter),
        .log_config = counter_config(f->counter),
        .clock = counter_clock(f->counter),
        .folder = f->scratch.path,
        .store_name = "Tillback Test",
        .store_address = "Street 1|12345 Town",
        .language = "en",
    };
    struct print_desk_listener listener = {.print_changed = on_print, .context = f};
    (void)snprintf(device, sizeof device, "tcp:127.0.0.1:%u", f->fake.port);
    assert_int_equal(print_desk_open(&f->desk, &config, &listener, NULL), ERR_OK);
    assert_int_equal(print_desk_add_printer(f->desk, "counter", device, NULL), ERR_OK);
    print_desk_committed(f->desk);
}

/* The process ends, however it ends, and comes back. */
static void restart(struct fixture *f)
{
    print_desk_close(f->desk);
    open_desk(f);
}

static int setup(void **state)
{
    static struct fixture fixture;
    struct fixture *f = &fixture;
    memset(f, 0, sizeof *f);
    *state = f;
    scratch_make(&f->scratch);
    f->counter = counter_open();
    counter_sell(f->counter, "R-1");
    assert_int_equal(loop_open(&f->loop, NULL), ERR_OK);
    fake_printer_open(&f->fake, f->loop);
    buf_init(&f->told, 4096);
    open_desk(f);
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    print_desk_close(f->desk);
    fake_printer_close(&f->fake);
    loop_close(f->loop);
    counter_close(f->counter);
    buf_free(&f->told);
    scratch_remove(&f->scratch);
    return 0;
}

/* Asks, and tells the desk of the commit; the return's id in `id`. */
static void ask(struct fixture *f, enum capture_kind kind, const char *subject, const char *json,
                char id[static ID_TEXT + 1])
{
    struct counter_answer answer = kind == CAPTURE_APPROVE
                                       ? counter_ask_manager(f->counter, kind, subject, json)
                                       : counter_ask(f->counter, kind, subject, "", json);
    assert_int_equal(answer.err, ERR_OK);
    const char *text = json_member_text(answer.body, "return_id");
    (void)snprintf(id, ID_TEXT + 1, "%s", text ? text : "");
    counter_answer_free(&answer);
    print_desk_committed(f->desk);
}

static bool is_on_paper(void *context)
{
    struct fixture *f = context;
    return f->fake.paper.data &&
           memmem(f->fake.paper.data, f->fake.paper.len, f->wanted, strlen(f->wanted)) != NULL;
}

static bool await_paper(struct fixture *f, const char *text)
{
    f->wanted = text;
    return await(f->loop, is_on_paper, f, AWAIT_MS);
}

static bool was_told(void *context)
{
    struct fixture *f = context;
    return f->told.data && strstr(f->told.data, f->wanted);
}

static bool await_told(struct fixture *f, const char *words)
{
    f->wanted = words;
    return await(f->loop, was_told, f, AWAIT_MS);
}

static size_t times_on_paper(const struct fixture *f, const char *text)
{
    size_t times = 0;
    const char *at = f->fake.paper.data;
    size_t left = f->fake.paper.len;
    while (at && (at = memmem(at, left, text, strlen(text)))) {
        times++;
        at++;
        left = f->fake.paper.len - (size_t)(at - f->fake.paper.data);
    }
    return times;
}

static size_t waiting(const struct fixture *f)
{
    size_t count;
    (void)print_desk_prints(f->desk, &count);
    return count;
}

static void a_return_is_printed_once(void **state)
{
    struct fixture *f = *state;
    char id[ID_TEXT + 1];
    ask(f, CAPTURE_RETURN, NULL, RETURN("R-1"), id);
    assert_true(await_told(f, "waiting|printing|printed|"));
    assert_true(await_paper(f, "Please keep this receipt."));
    assert_int_equal(times_on_paper(f, "Tillback Test"), 1);
    assert_int_equal(times_on_paper(f, "12345 Town"), 1);
    assert_int_equal(times_on_paper(f, "To receipt R-1"), 1);
    assert_int_equal(times_on_paper(f, "1 x Socks"), 1);
    assert_int_equal(times_on_paper(f, "3.33 EUR"), 2); /* the refund, and its one tender */
    assert_int_equal(times_on_paper(f, "VAT 19 %"), 1);
    assert_int_equal(times_on_paper(f, "COPY"), 0);
    restart(f);
    assert_int_equal(waiting(f), 0);
}

static void what_a_manager_must_allow_is_printed_when_it_is_allowed(void **state)
{
    struct fixture *f = *state;
    char id[ID_TEXT + 1];
    char again[ID_TEXT + 1];
    ask(f, CAPTURE_SALE, NULL, LATE, id);
    ask(f, CAPTURE_RETURN, NULL, RETURN("late"), id);
    assert_int_equal(waiting(f), 0);
    ask(f, CAPTURE_APPROVE, id, "{}", again);
    assert_true(await_told(f, "printed|"));
    assert_int_equal(times_on_paper(f, "Kettle"), 1);
    assert_int_equal(times_on_paper(f, "Received in cash"), 1);
}

static void a_printer_without_paper_makes_it_wait_and_blocks_nothing(void **state)
{
    struct fixture *f = *state;
    char id[ID_TEXT + 1];
    f->fake.paper_answer = FAKE_PRINTER_NO_PAPER;
    ask(f, CAPTURE_RETURN, NULL, RETURN("R-1"), id);
    ask(f, CAPTURE_RETURN, NULL, RETURN("R-1"), id);
    assert_int_equal(waiting(f), 2);
    restart(f);
    assert_int_equal(waiting(f), 2);
    f->fake.paper_answer = FAKE_PRINTER_FINE;
    assert_true(await_told(f, "printed|printing|printed|"));
    assert_int_equal(waiting(f), 0);
    assert_int_equal(times_on_paper(f, "1 x Socks"), 2);
}

static void a_return_of_a_process_that_died_before_it_noted_the_print_is_printed(void **state)
{
    struct fixture *f = *state;
    struct counter_answer answer =
        counter_ask(f->counter, CAPTURE_RETURN, NULL, "", RETURN("R-1")); /* desk is not told */
    assert_int_equal(answer.err, ERR_OK);
    counter_answer_free(&answer);
    restart(f);
    assert_true(await_told(f, "printed|"));
    assert_int_equal(times_on_paper(f, "1 x Socks"), 1);
}

static void a_print_that_was_cut_is_never_repeated_by_itself(void **state)
{
    struct fixture *f = *state;
    char id[ID_TEXT + 1];
    f->fake.holds = true; /* it never confirms */
    ask(f, CAPTURE_RETURN, NULL, RETURN("R-1"), id);
    assert_true(await_told(f, "printing|"));
    assert_true(await_paper(f, "Please keep"));
    restart(f); /* in the middle */
    f->fake.holds = false;
    size_t count;
    const struct print *prints = print_desk_prints(f->desk, &count);
    assert_int_equal(count, 1);
    assert_int_equal(prints[0].state, PRINT_UNSURE);

    struct id return_id;
    struct print again;
    assert_int_equal(id_parse(slice_of(id), &return_id), ERR_OK);
    assert_int_equal(print_desk_reprint(f->desk, &return_id, "", "de", &again, NULL), ERR_OK);
    assert_true(again.copy);
    assert_true(await_told(f, "dropped|waiting|printing|printed|"));
    assert_int_equal(waiting(f), 0);
    assert_int_equal(times_on_paper(f, "KOPIE"), 1);
    assert_int_equal(times_on_paper(f, "To receipt R-1"), 1);
    assert_int_equal(times_on_paper(f, "Zum Beleg R-1"), 1);
    assert_int_equal(times_on_paper(f, "3,33 EUR"), 2);
}

static void a_printer_that_goes_away_in_the_middle_leaves_it_unsure_until_let_go(void **state)
{
    struct fixture *f = *state;
    char id[ID_TEXT + 1];
    f->fake.holds = true;
    ask(f, CAPTURE_RETURN, NULL, RETURN("R-1"), id);
    assert_true(await_paper(f, "Please keep"));
    fake_printer_drop(&f->fake);
    assert_true(await_told(f, "unsure|"));
    size_t count;
    const struct print *prints = print_desk_prints(f->desk, &count);
    assert_int_equal(count, 1);
    struct id print_id = prints[0].id;
    assert_int_equal(print_desk_drop(f->desk, &print_id, NULL), ERR_OK);
    assert_int_equal(waiting(f), 0);
    assert_int_equal(print_desk_drop(f->desk, &print_id, NULL), ERR_NOT_FOUND);
}

static void a_return_that_is_taken_back_is_printed_as_such(void **state)
{
    struct fixture *f = *state;
    char id[ID_TEXT + 1];
    char again[ID_TEXT + 1];
    ask(f, CAPTURE_RETURN, NULL, RETURN("R-1"), id);
    assert_true(await_told(f, "printed|"));
    ask(f, CAPTURE_VOID, id, "{}", again);
    assert_true(await_told(f, "printed|waiting|printing|printed|"));
    assert_int_equal(times_on_paper(f, "This return no longer"), 1);
}

static void each_lane_has_its_own_printer(void **state)
{
    struct fixture *f = *state;
    struct fake_printer other;
    char device[80];
    fake_printer_open(&other, f->loop);
    (void)snprintf(device, sizeof device, "tcp:127.0.0.1:%u,lane=07", other.port);
    assert_int_equal(print_desk_add_printer(f->desk, "back", device, NULL), ERR_OK);
    char id[ID_TEXT + 1];
    ask(f, CAPTURE_RETURN, NULL, RETURN("R-1"), id);
    assert_true(await_told(f, "printed|"));
    struct id return_id;
    struct print print;
    assert_int_equal(id_parse(slice_of(id), &return_id), ERR_OK);
    assert_int_equal(print_desk_reprint(f->desk, &return_id, "07", "", &print, NULL), ERR_OK);
    assert_true(await_told(f, "printed|waiting|printing|printed|"));
    assert_non_null(memmem(other.paper.data, other.paper.len, "COPY", 4));
    assert_int_equal(times_on_paper(f, "COPY"), 0);
    assert_int_equal(print_desk_printer_count(f->desk), 2);
    assert_string_equal(print_desk_printer(f->desk, 1).lane, "07");
    assert_int_equal(print_desk_printer(f->desk, 1).state, PRINTER_READY);
    fake_printer_close(&other);
}

static void what_was_not_agreed_or_is_unknown_is_not_printed(void **state)
{
    struct fixture *f = *state;
    char id[ID_TEXT + 1];
    struct id return_id;
    struct print print;
    struct fault fault;
    ask(f, CAPTURE_SALE, NULL, LATE, id);
    ask(f, CAPTURE_RETURN, NULL, RETURN("late"), id);
    assert_int_equal(id_parse(slice_of(id), &return_id), ERR_OK);
    assert_int_equal(print_desk_reprint(f->desk, &return_id, "", "", &print, &fault),
                     ERR_NOT_FOUND);
    assert_string_equal(fault.text,
                        "nothing of this return is agreed yet: there is nothing to print");
    return_id.bytes[0] ^= 1;
    assert_int_equal(print_desk_reprint(f->desk, &return_id, "", "", &print, &fault),
                     ERR_NOT_FOUND);
}

static void settings_that_can_t_work_are_refused_by_name(void **state)
{
    struct fixture *f = *state;
    struct fault fault;
    assert_int_equal(print_desk_add_printer(f->desk, "x", "tcp:h:1,page=cp1", &fault), ERR_INVALID);
    assert_string_equal(fault.where, "printer.x.page");
    assert_int_equal(print_desk_add_printer(f->desk, "x", "tcp:h:1,columns=9", &fault),
                     ERR_INVALID);
    assert_string_equal(fault.where, "printer.x.columns");
    assert_int_equal(print_desk_add_printer(f->desk, "x", "parrot:1", &fault), ERR_INVALID);
}

static void a_damaged_queue_is_put_aside(void **state)
{
    struct fixture *f = *state;
    char path[SCRATCH_PATH_MAX];
    print_desk_close(f->desk);
    scratch_write(scratch_path(&f->scratch, "prints.json", path), "{\"log\":", 7);
    open_desk(f);
    assert_int_equal(waiting(f), 0);
    FILE *bad = fopen(scratch_path(&f->scratch, "prints.bad", path), "r");
    assert_non_null(bad);
    fclose(bad);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_return_is_printed_once),
        TEST(what_a_manager_must_allow_is_printed_when_it_is_allowed),
        TEST(a_printer_without_paper_makes_it_wait_and_blocks_nothing),
        TEST(a_return_of_a_process_that_died_before_it_noted_the_print_is_printed),
        TEST(a_print_that_was_cut_is_never_repeated_by_itself),
        TEST(a_printer_that_goes_away_in_the_middle_leaves_it_unsure_until_let_go),
        TEST(a_return_that_is_taken_back_is_printed_as_such),
        TEST(each_lane_has_its_own_printer),
        TEST(what_was_not_agreed_or_is_unknown_is_not_printed),
        TEST(settings_that_can_t_work_are_refused_by_name),
        TEST(a_damaged_queue_is_put_aside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
