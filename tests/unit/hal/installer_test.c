#include "hal/installer.h"
#include "tests/support/await.h"
#include "tests/support/fake_installer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct desk {
    struct scratch scratch;
    struct loop *loop;
    struct fake_installer fake;
    struct installer *installer;
    struct installer_answer answer;
    struct fault fault;
    enum err err;
    bool ended;
};

static void on_ended(void *context, const struct installer_answer *answer,
                     const struct fault *fault)
{
    struct desk *d = context;
    d->ended = true;
    if (answer)
        d->answer = *answer;
    else
        d->fault = *fault;
}

static int setup(void **state)
{
    struct desk *d = calloc(1, sizeof *d);
    assert_non_null(d);
    scratch_make(&d->scratch);
    assert_int_equal(loop_open(&d->loop, NULL), ERR_OK);
    fake_installer_open(&d->fake, d->loop, &d->scratch);
    *state = d;
    return 0;
}

static int teardown(void **state)
{
    struct desk *d = *state;
    fake_installer_close(&d->fake);
    loop_close(d->loop);
    scratch_remove(&d->scratch);
    free(d);
    return 0;
}

static enum err ask(struct desk *d, const char *bundle)
{
    return installer_ask(&d->installer, d->loop, d->fake.path, bundle, on_ended, d, &d->fault);
}

static void the_status_is_told(void **state)
{
    struct desk *d = *state;
    d->fake.status = "{\"result\":\"rolled_back\",\"version\":\"0.2.0\",\"slot\":\"A\","
                     "\"running\":\"0.1.0\",\"reason\":\"it was started 3 times\"}";
    assert_int_equal(ask(d, NULL), ERR_OK);
    assert_true(await_flag(d->loop, &d->ended, AWAIT_MS));
    assert_int_equal(d->answer.result, INSTALLER_ROLLED_BACK);
    assert_string_equal(d->answer.version, "0.2.0");
    assert_string_equal(d->answer.running, "0.1.0");
    assert_string_equal(d->answer.slot, "A");
    assert_string_equal(d->answer.reason, "it was started 3 times");
}

static void an_installation_is_answered_when_it_has_ended(void **state)
{
    struct desk *d = *state;
    d->fake.install = "{\"result\":\"restarting\",\"version\":\"0.2.0\"}";
    assert_int_equal(ask(d, "/data/bundle"), ERR_OK);
    assert_true(await_flag(d->loop, &d->ended, AWAIT_MS));
    assert_string_equal(d->fake.bundle, "/data/bundle");
    assert_int_equal(d->answer.result, INSTALLER_RESTARTING);
}

static void one_that_hangs_up_is_told_as_such(void **state)
{
    struct desk *d = *state;
    assert_int_equal(ask(d, "/data/bundle"), ERR_OK);
    assert_true(await_flag(d->loop, &d->ended, AWAIT_MS));
    assert_int_equal(d->fault.code, ERR_CLOSED);
}

static void what_is_no_answer_is_refused(void **state)
{
    static char endless[FAKE_INSTALLER_TEXT];
    static const char *const wrong[] = {"hello", "{}", "{\"result\":\"glorious\"}",
                                        "{\"result\":\"none\",\"slot\":7}", endless};
    struct desk *d = *state;
    memset(endless, ' ', sizeof endless - 1);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        d->ended = false;
        d->fake.status = wrong[i];
        assert_int_equal(ask(d, NULL), ERR_OK);
        assert_true(await_flag(d->loop, &d->ended, AWAIT_MS));
        assert_int_equal(d->fault.code, ERR_INVALID);
    }
}

static void a_machine_without_one_says_so(void **state)
{
    struct desk *d = *state;
    assert_int_equal(unlink(d->fake.path), 0);
    assert_int_equal(ask(d, NULL), ERR_UNSUPPORTED);
    assert_non_null(strstr(d->fault.text, "no installer"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_status_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(an_installation_is_answered_when_it_has_ended, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(one_that_hangs_up_is_told_as_such, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_no_answer_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_machine_without_one_says_so, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
