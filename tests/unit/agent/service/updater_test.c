/* A real download from a real server; the installer is a fake (tests/support/fake_installer.h). */
#include "agent/service/updater.h"
#include "hal/storage.h"
#include "tests/support/await.h"
#include "tests/support/fake_installer.h"
#include "tests/support/file_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { BUNDLE_BYTES = 400 * 1000, LOOK_MS = 20 };

/* 02:30 UTC of some day. */
#define NIGHT_MS (INT64_C(20000) * 86400000 + 9000000)

static const char trial[] =
    "{\"result\":\"trial\",\"version\":\"0.2.0\",\"running\":\"0.2.0\",\"slot\":\"B\"}";
static const char installed[] =
    "{\"result\":\"installed\",\"version\":\"0.2.0\",\"running\":\"0.2.0\",\"slot\":\"B\"}";
static const char restarting[] =
    "{\"result\":\"restarting\",\"version\":\"0.2.0\",\"running\":\"0.1.0\",\"slot\":\"A\"}";
static const char interrupted[] =
    "{\"result\":\"interrupted\",\"version\":\"0.2.0\",\"running\":\"0.1.0\",\"slot\":\"A\","
    "\"reason\":\"the appliance stopped while it was written\"}";
static const char rolled_back[] =
    "{\"result\":\"rolled_back\",\"version\":\"0.2.0\",\"running\":\"0.1.0\",\"slot\":\"A\","
    "\"reason\":\"it was started 3 times and did not come as far as its health check\"}";
static const char refused[] =
    "{\"result\":\"refused\",\"version\":\"0.2.0\",\"running\":\"0.1.0\",\"slot\":\"A\","
    "\"reason\":\"signature verification failed\"}";

struct store {
    struct scratch scratch;
    struct loop *loop;
    struct clock *clock;
    struct file_server server;
    struct fake_installer fake;
    struct updater *updater;
    struct release release;
    struct buf told;
    const char *wanted; /* what `told` must hold */
    int changes;
    char data[BUNDLE_BYTES];
};

static void on_changed(void *context)
{
    struct store *s = context;
    s->changes++;
}

static void start(struct store *s)
{
    const struct updater_config config = {.loop = s->loop,
                                          .clock = s->clock,
                                          .folder = s->scratch.path,
                                          .installer = s->fake.path,
                                          .running = "0.1.0",
                                          .kept = s->scratch.path,
                                          .retry_ms = LOOK_MS,
                                          .look_ms = LOOK_MS,
                                          .changed = on_changed,
                                          .context = s};
    assert_int_equal(updater_open(&s->updater, &config, NULL), ERR_OK);
}

/* As after kill -9: what isn't on the disk is gone. */
static void restart(struct store *s)
{
    updater_close(s->updater);
    start(s);
}

static int setup(void **state)
{
    struct store *s = calloc(1, sizeof *s);
    assert_non_null(s);
    for (size_t i = 0; i < BUNDLE_BYTES; i++)
        s->data[i] = (char)(i * 11 + i / 253);
    scratch_make(&s->scratch);
    assert_int_equal(loop_open(&s->loop, NULL), ERR_OK);
    assert_int_equal(clock_fake_open(&s->clock, NIGHT_MS, NULL), ERR_OK);
    file_server_open(&s->server, s->data, BUNDLE_BYTES);
    fake_installer_open(&s->fake, s->loop, &s->scratch);
    s->fake.install = restarting;
    s->release = (struct release){.version = "0.2.0",
                                  .hash = sha256_of((struct slice){s->data, BUNDLE_BYTES})};
    file_server_url(&s->server, s->release.url, sizeof s->release.url);
    buf_init(&s->told, 4096);
    start(s);
    *state = s;
    return 0;
}

static int teardown(void **state)
{
    struct store *s = *state;
    s->server.hangs = false;
    updater_close(s->updater);
    fake_installer_close(&s->fake);
    file_server_close(&s->server);
    loop_close(s->loop);
    clock_close(s->clock);
    buf_free(&s->told);
    scratch_remove(&s->scratch);
    free(s);
    return 0;
}

static bool is_told(void *context)
{
    struct store *s = context;
    buf_reset(&s->told);
    struct jsonw w = jsonw_to(&s->told);
    jsonw_object(&w, NULL);
    updater_describe(s->updater, &w);
    jsonw_end(&w);
    return strstr(s->told.data, s->wanted) != NULL;
}

static void await_told(struct store *s, const char *wanted)
{
    s->wanted = wanted;
    if (!await(s->loop, is_told, s, AWAIT_MS))
        fail_msg("never told %s, but %s", wanted, s->told.data);
}

static bool is_handed_over(void *context)
{
    struct store *s = context;
    return s->fake.installs > 0;
}

static void await_handed_over(struct store *s)
{
    await_told(s, "\"state\":\"installing\"");
    assert_true(await(s->loop, is_handed_over, s, AWAIT_MS));
    assert_int_equal(s->fake.installs, 1);
}

static void want(struct store *s)
{
    assert_int_equal(updater_order(s->updater, &s->release, NULL), ERR_OK);
}

static bool has_file(const struct store *s, const char *name)
{
    char path[SCRATCH_PATH_MAX];
    return access(scratch_path(&s->scratch, name, path), F_OK) == 0;
}

static void a_release_is_fetched_installed_and_told(void **state)
{
    struct store *s = *state;
    s->fake.status = restarting;
    want(s);
    await_handed_over(s);
    assert_non_null(strstr(s->fake.bundle, "/update/bundle.raucb"));
    assert_true(has_file(s, "update/bundle.raucb"));
    s->fake.status = trial;
    restart(s);
    await_told(s, "\"result\":\"trial\"");
    await_told(s, "\"state\":\"installing\"");
    s->fake.status = installed;
    await_told(s, "\"state\":\"installed\"");
    await_told(s, "\"slot\":\"B\"");
    assert_false(has_file(s, "update/bundle.raucb"));
    assert_int_equal(s->fake.installs, 1);
}

static void a_download_that_broke_goes_on_after_a_restart(void **state)
{
    struct store *s = *state;
    s->server.breaks = 1;
    want(s);
    await_told(s, "\"reason\":\"http");
    updater_close(s->updater);
    assert_true(has_file(s, "update/bundle.part"));
    start(s);
    await_told(s, "\"state\":\"installing\"");
    assert_int_equal(s->server.last_from, BUNDLE_BYTES / 2);
    assert_int_equal(s->server.sent, BUNDLE_BYTES);
}

static void a_restart_in_the_middle_of_a_download_goes_on(void **state)
{
    struct store *s = *state;
    s->server.hangs = true;
    want(s);
    await_told(s, "\"bytes\":200000");
    updater_close(s->updater);
    s->server.hangs = false;
    start(s);
    await_told(s, "\"state\":\"installing\"");
    assert_int_equal(s->server.last_from, BUNDLE_BYTES / 2);
}

static void another_files_bytes_are_never_handed_over(void **state)
{
    struct store *s = *state;
    s->data[7] ^= 1;
    want(s);
    await_told(s, "\"state\":\"failed\"");
    await_told(s, "what came has another hash");
    assert_int_equal(s->server.requests, 3); /* it might have been the road */
    assert_int_equal(s->fake.installs, 0);
    assert_false(has_file(s, "update/bundle.part"));
}

static void a_bundle_that_is_larger_than_it_was_said_to_be_fails(void **state)
{
    struct store *s = *state;
    s->release.bytes = BUNDLE_BYTES - 1;
    want(s);
    await_told(s, "\"state\":\"failed\"");
    await_told(s, "is more than 399999 bytes");
    assert_int_equal(s->fake.installs, 0);
    assert_false(has_file(s, "update/bundle.part"));
}

static void a_bundle_that_is_not_there_fails_with_the_reason(void **state)
{
    struct store *s = *state;
    s->server.status = 404;
    want(s);
    await_told(s, "\"state\":\"failed\"");
    await_told(s, "isn't there (status 404)");
}

static void it_waits_for_its_window(void **state)
{
    struct store *s = *state;
    s->release.window = (struct release_window){3 * 60, 4 * 60};
    clock_trust(s->clock, NIGHT_MS);
    want(s);
    await_told(s, "its maintenance window isn't open");
    assert_int_equal(s->fake.installs, 0);
    clock_trust(s->clock, NIGHT_MS + INT64_C(30) * 60000);
    await_handed_over(s);
}

static void a_clock_that_is_not_trusted_opens_no_window(void **state)
{
    struct store *s = *state;
    s->release.window = (struct release_window){2 * 60, 4 * 60};
    want(s);
    await_told(s, "what time it is isn't known for certain yet");
    assert_int_equal(s->fake.installs, 0);
    clock_trust(s->clock, NIGHT_MS);
    await_told(s, "\"state\":\"installing\"");
}

static void what_the_installer_refuses_is_told_and_not_tried_again(void **state)
{
    struct store *s = *state;
    s->fake.install = s->fake.status = refused;
    want(s);
    await_told(s, "\"state\":\"refused\"");
    await_told(s, "signature verification failed");
    restart(s);
    await_told(s, "\"slot\":\"A\"");
    await_told(s, "\"state\":\"refused\"");
    assert_int_equal(s->fake.installs, 1);
}

static void a_version_that_was_rolled_back_is_told_with_the_reason(void **state)
{
    struct store *s = *state;
    s->fake.status = restarting;
    want(s);
    await_handed_over(s);
    s->fake.status = rolled_back;
    restart(s);
    await_told(s, "\"state\":\"rolled_back\"");
    await_told(s, "did not come as far as its health check");
    assert_int_equal(s->fake.installs, 1);
}

static void the_last_words_of_a_rollback_are_told_and_forgotten_with_the_next_update(void **state)
{
    static const char kept[] = "2026-01-01T00:00:00+0000 box kernel: Oops: 0002\n"
                               "2026-01-01T00:00:01+0000 box login[7]: what somebody typed\n"
                               "2026-01-01T00:00:02+0000 box health[8]: slot B is given up\n";
    struct store *s = *state;
    char path[SCRATCH_PATH_MAX];
    scratch_write(scratch_path(&s->scratch, "diagnostics-unhealthy", path), kept, strlen(kept));
    s->fake.status = rolled_back;
    await_told(s, "box kernel: Oops: 0002\\u000a2026-01-01T00:00:02");
    await_told(s, "slot B is given up\\u000a\"}");
    assert_null(strstr(s->told.data, "typed"));
    s->fake.install = s->fake.status = refused;
    want(s);
    await_told(s, "\"state\":\"refused\"");
    assert_null(strstr(s->told.data, "last_words"));
}

static void an_installation_that_was_cut_is_begun_again_and_not_for_ever(void **state)
{
    struct store *s = *state;
    s->fake.install = NULL;
    s->fake.status = interrupted;
    want(s);
    await_told(s, "\"state\":\"failed\"");
    await_told(s, "stopped while it was written");
    assert_int_equal(s->fake.installs, 3);
    assert_int_equal(s->server.requests, 1);
}

static void the_same_wish_again_changes_nothing_unless_a_person_asks(void **state)
{
    struct store *s = *state;
    s->fake.install = s->fake.status = refused;
    want(s);
    await_told(s, "\"state\":\"refused\"");
    updater_want(s->updater, &s->release);
    await_told(s, "\"state\":\"refused\"");
    want(s);
    await_told(s, "\"state\":\"downloading\"");
    await_told(s, "\"state\":\"refused\"");
    assert_int_equal(s->fake.installs, 2);
}

static void another_release_takes_the_place_of_one_that_is_fetched(void **state)
{
    struct store *s = *state;
    s->server.hangs = true;
    want(s);
    await_told(s, "\"bytes\":200000");
    (void)snprintf(s->release.version, sizeof s->release.version, "0.3.0");
    want(s);
    s->server.hangs = false;
    await_told(s, "\"update\":{\"version\":\"0.3.0\",\"state\":\"installing\"");
    assert_int_equal(s->server.last_from, -1);
    struct fault fault;
    (void)snprintf(s->release.version, sizeof s->release.version, "0.4.0");
    assert_int_equal(updater_order(s->updater, &s->release, &fault), ERR_BUSY);
}

static void what_the_configuration_does_not_want_any_more_is_left_off(void **state)
{
    struct store *s = *state;
    s->server.hangs = true;
    updater_want(s->updater, &s->release);
    await_told(s, "\"bytes\":200000");
    updater_want(s->updater, NULL);
    await_told(s, "the hub doesn't want it any more");
    assert_false(has_file(s, "update/bundle.part"));
}

static void what_a_person_asked_for_no_configuration_takes_back(void **state)
{
    struct store *s = *state;
    s->server.hangs = true;
    want(s);
    await_told(s, "\"bytes\":200000");
    updater_want(s->updater, NULL);
    s->server.hangs = false;
    await_handed_over(s);
}

static void what_the_configuration_wants_next_waits_for_what_is_installed(void **state)
{
    struct store *s = *state;
    struct release next = s->release;
    s->fake.status = restarting;
    want(s);
    await_handed_over(s);
    (void)snprintf(next.version, sizeof next.version, "0.3.0");
    updater_want(s->updater, &next);
    await_told(s, "\"update\":{\"version\":\"0.2.0\",\"state\":\"installing\"");
    s->fake.status = rolled_back;
    await_told(s, "\"update\":{\"version\":\"0.3.0\"");
}

static void what_runs_already_is_refused(void **state)
{
    struct store *s = *state;
    struct fault fault;
    (void)snprintf(s->release.version, sizeof s->release.version, "0.1.0");
    assert_int_equal(updater_order(s->updater, &s->release, &fault), ERR_CONFLICT);
    assert_string_equal(fault.text, "0.1.0 runs already");
}

static void a_machine_without_an_installer_says_so(void **state)
{
    struct store *s = *state;
    struct fault fault;
    assert_int_equal(unlink(s->fake.path), 0);
    assert_int_equal(updater_order(s->updater, &s->release, &fault), ERR_UNSUPPORTED);
    assert_non_null(strstr(fault.text, "no installer"));
    assert_int_equal(s->server.requests, 0);
    updater_want(s->updater, &s->release); /* a configuration: the hub reads it from the state */
    await_told(s, "\"state\":\"failed\",\"reason\":\"this machine has no installer");
}

static void a_record_that_cant_be_read_stops_nothing(void **state)
{
    struct store *s = *state;
    char path[SCRATCH_PATH_MAX];
    updater_close(s->updater);
    scratch_write(scratch_path(&s->scratch, "update/update.json", path), "{\"rele", 6);
    start(s);
    want(s);
    await_told(s, "\"state\":\"installing\"");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_release_is_fetched_installed_and_told),
        TEST(a_download_that_broke_goes_on_after_a_restart),
        TEST(a_restart_in_the_middle_of_a_download_goes_on),
        TEST(another_files_bytes_are_never_handed_over),
        TEST(a_bundle_that_is_larger_than_it_was_said_to_be_fails),
        TEST(a_bundle_that_is_not_there_fails_with_the_reason),
        TEST(it_waits_for_its_window),
        TEST(a_clock_that_is_not_trusted_opens_no_window),
        TEST(what_the_installer_refuses_is_told_and_not_tried_again),
        TEST(a_version_that_was_rolled_back_is_told_with_the_reason),
        TEST(the_last_words_of_a_rollback_are_told_and_forgotten_with_the_next_update),
        TEST(an_installation_that_was_cut_is_begun_again_and_not_for_ever),
        TEST(the_same_wish_again_changes_nothing_unless_a_person_asks),
        TEST(another_release_takes_the_place_of_one_that_is_fetched),
        TEST(what_the_configuration_does_not_want_any_more_is_left_off),
        TEST(what_a_person_asked_for_no_configuration_takes_back),
        TEST(what_the_configuration_wants_next_waits_for_what_is_installed),
        TEST(what_runs_already_is_refused),
        TEST(a_machine_without_an_installer_says_so),
        TEST(a_record_that_cant_be_read_stops_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
