#include "hal/panel_device.h"
#include "hal/panel_fake.h"
#include "hal/storage.h"
#include "tests/support/await.h"
#include "tests/support/scratch.h"

#include <linux/input.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

struct fixture {
    struct loop *loop;
    struct buf written;
    struct panel *panel;
    const char *wanted;
};

static int setup(void **state)
{
    static struct fixture fixture;
    memset(&fixture, 0, sizeof fixture);
    *state = &fixture;
    buf_init(&fixture.written, 4096);
    assert_int_equal(loop_open(&fixture.loop, NULL), ERR_OK);
    return panel_fake_open(&fixture.panel, fixture.loop, &fixture.written, NULL);
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    panel_close(f->panel);
    loop_close(f->loop);
    buf_free(&f->written);
    return 0;
}

static bool was_written(void *context)
{
    const struct fixture *f = context;
    return f->written.data && strcmp(f->written.data, f->wanted) == 0;
}

static void assert_written(struct fixture *f, const char *wanted)
{
    f->wanted = wanted;
    if (!await(f->loop, was_written, f, AWAIT_MS))
        assert_string_equal(f->written.data, wanted);
}

static void saved_is_one_high_beep_and_green_for_a_while(void **state)
{
    panel_show(((struct fixture *)*state)->panel, PANEL_SAVED);
    assert_written(*state, "dark|green|1800|0|dark|");
}

static void refused_is_two_low_beeps_and_red_for_a_while(void **state)
{
    panel_show(((struct fixture *)*state)->panel, PANEL_REFUSED);
    assert_written(*state, "dark|red|440|0|440|0|dark|");
}

static void can_t_save_stays_red_until_it_is_taken_back(void **state)
{
    struct fixture *f = *state;
    panel_show(f->panel, PANEL_CANT_SAVE);
    assert_written(f, "dark|red|880|0|880|0|880|0|");
    panel_calm(f->panel);
    assert_written(f, "dark|red|880|0|880|0|880|0|0|dark|");
    panel_calm(f->panel);
    assert_written(f, "dark|red|880|0|880|0|880|0|0|dark|");
}

static void a_new_sign_takes_the_place_of_the_last(void **state)
{
    struct fixture *f = *state;
    panel_show(f->panel, PANEL_REFUSED);
    panel_show(f->panel, PANEL_SAVED);
    assert_written(f, "dark|red|440|dark|green|1800|0|dark|");
    panel_calm(f->panel); /* only what can't save is taken back */
    assert_written(f, "dark|red|440|dark|green|1800|0|dark|");
}

static void a_device_is_written_as_the_kernel_wants_it(void **state)
{
    struct fixture *f = *state;
    struct scratch scratch;
    char green[SCRATCH_PATH_MAX];
    char brightness[SCRATCH_PATH_MAX];
    char beeper[SCRATCH_PATH_MAX];
    struct panel *panel;
    scratch_make(&scratch);
    assert_int_equal(mkdir(scratch_path(&scratch, "green", green), 0700), 0);
    scratch_write(scratch_path(&scratch, "green/brightness", brightness), "", 0);
    scratch_write(scratch_path(&scratch, "beeper", beeper), "", 0);
    struct panel_device_config config = {.lamps = {green, ""}, .beeper = beeper};
    assert_int_equal(panel_device_open(&panel, f->loop, &config, NULL), ERR_OK);
    panel_show(panel, PANEL_SAVED);
    struct buf file;
    buf_init(&file, 4096);
    assert_int_equal(storage_read(brightness, &file, NULL), ERR_OK);
    assert_memory_equal(file.data, "255\n", 4);
    buf_reset(&file);
    assert_int_equal(storage_read(beeper, &file, NULL), ERR_OK);
    struct input_event event;
    assert_true(file.len >= sizeof event);
    memcpy(&event, file.data, sizeof event);
    assert_int_equal(event.type, EV_SND);
    assert_int_equal(event.code, SND_TONE);
    assert_int_equal(event.value, 1800);
    panel_close(panel);
    buf_reset(&file);
    assert_int_equal(storage_read(brightness, &file, NULL), ERR_OK);
    assert_memory_equal(file.data, "0\n", 2);
    buf_free(&file);
    scratch_remove(&scratch);
}

static void a_device_that_names_nothing_is_refused(void **state)
{
    struct fixture *f = *state;
    struct panel *panel;
    struct panel_device_config config = {.lamps = {"", ""}, .beeper = ""};
    assert_int_equal(panel_device_open(&panel, f->loop, &config, NULL), ERR_INVALID);
    config.beeper = "/nowhere"; /* it may come later */
    assert_int_equal(panel_device_open(&panel, f->loop, &config, NULL), ERR_OK);
    panel_show(panel, PANEL_REFUSED);
    panel_close(panel);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(saved_is_one_high_beep_and_green_for_a_while),
        TEST(refused_is_two_low_beeps_and_red_for_a_while),
        TEST(can_t_save_stays_red_until_it_is_taken_back),
        TEST(a_new_sign_takes_the_place_of_the_last),
        TEST(a_device_is_written_as_the_kernel_wants_it),
        TEST(a_device_that_names_nothing_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
