/* What the doctor says of things that a test can't break on the machine it runs on: the power, the
 * network, a hub that takes nothing, a clock that drifts. */
#include "agent/service/doctor.h"
#include "agent/service/setup.h"
#include "hal/storage.h"
#include "tests/support/scratch.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

struct patient {
    struct scratch folder;
    struct settings *settings;
    struct clock *clock;
    struct membership member;
    struct doctor_running running;
    struct doctor_subject subject;
    struct findings findings;
};

static int setup(void **state)
{
    struct patient *p = calloc(1, sizeof *p);
    assert_non_null(p);
    scratch_make(&p->folder);
    assert_int_equal(settings_open(&p->settings, appliance_settings, appliance_setting_count, NULL),
                     ERR_OK);
    assert_int_equal(clock_fake_open(&p->clock, (int64_t)time(NULL) * 1000, NULL), ERR_OK);
    p->running.now = clock_read(p->clock);
    p->running.log.can_save = true;
    p->running.has_uplink = true;
    p->running.link.state = UPLINK_ONLINE;
    p->subject = (struct doctor_subject){.folder = p->folder.path,
                                         .settings = p->settings,
                                         .member = &p->member,
                                         .running = &p->running,
                                         .clock = p->clock,
                                         .root = p->folder.path};
    *state = p;
    return 0;
}

static int teardown(void **state)
{
    struct patient *p = *state;
    settings_close(p->settings);
    clock_close(p->clock);
    scratch_remove(&p->folder);
    free(p);
    return 0;
}

static void write_file(struct patient *p, const char *name, const char *text)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s", p->folder.path);
    for (const char *at = name; at; at = strchr(at + 1, '/')) {
        (void)snprintf(path, sizeof path, "%s%.*s", p->folder.path, (int)(at - name), name);
        assert_int_equal(storage_make_folder(path, NULL), ERR_OK);
    }
    (void)snprintf(path, sizeof path, "%s%s", p->folder.path, name);
    assert_int_equal(storage_replace(path, slice_of(text), 0600, NULL), ERR_OK);
}

static const struct finding *look(struct patient *p, const char *id)
{
    p->findings.count = 0;
    doctor_run(&p->subject, &p->findings);
    for (size_t i = 0; i < p->findings.count; i++)
        if (strcmp(p->findings.list[i].id, id) == 0)
            return &p->findings.list[i];
    fail_msg("no finding %s", id);
    return NULL;
}

static void expect(struct patient *p, const char *id, enum finding_result result, const char *word)
{
    const struct finding *finding = look(p, id);
    assert_string_equal(finding_word(finding->result), finding_word(result));
    assert_non_null(strstr(finding->cause, word));
}

static void power_that_sags_is_named(void **state)
{
    write_file(*state, "/sys/class/hwmon/hwmon0/in0_lcrit_alarm", "1\n");
    expect(*state, "power", FINDING_FAIL, "voltage");
}

static void power_from_a_battery_is_named(void **state)
{
    write_file(*state, "/sys/class/power_supply/AC/online", "0\n");
    expect(*state, "power", FINDING_WARN, "battery");
    write_file(*state, "/sys/class/power_supply/AC/online", "1\n");
    write_file(*state, "/proc/uptime", "7260.5 100.0\n");
    expect(*state, "power", FINDING_OK, "up for 2 h 1 min");
}

static void network_without_a_carrier_is_named(void **state)
{
    write_file(*state, "/sys/class/net/lo/operstate", "unknown\n");
    write_file(*state, "/sys/class/net/eth0/operstate", "down\n");
    expect(*state, "link", FINDING_FAIL, "no network interface is up");
    write_file(*state, "/sys/class/net/eth0/operstate", "up\n");
    expect(*state, "link", FINDING_OK, "eth0");
}

static void hub_that_takes_nothing_is_named(void **state)
{
    struct patient *p = *state;
    p->running.link.waiting[STREAM_RETURNS] = 3;
    p->running.link.progress_ms = p->running.now.monotonic_ms - 61000;
    expect(p, "watermark", FINDING_FAIL, "3 events wait, and for 61 s");
    p->running.link.progress_ms = p->running.now.monotonic_ms - 1000;
    expect(p, "watermark", FINDING_OK, "it moves");
    p->running.link.state = UPLINK_OFFLINE;
    expect(p, "watermark", FINDING_WARN, "wait for the link");
}

static void clock_that_drifts_from_the_hubs_is_named(void **state)
{
    struct patient *p = *state;
    (void)clock_trust(p->clock, clock_wall_ms(p->clock) - 60000);
    p->running.now = clock_read(p->clock);
    expect(p, "clock", FINDING_WARN, "ahead of the hub's");
}

static void damage_and_loss_that_the_writer_knows_are_named(void **state)
{
    struct patient *p = *state;
    p->running.log.lost[STREAM_RETURNS] = 2;
    expect(p, "database", FINDING_WARN, "2 events");
    p->running.log.can_save = false;
    expect(p, "database", FINDING_FAIL, "nothing new can be saved");
    p->running.log.damaged = true;
    expect(p, "database", FINDING_FAIL, "damaged");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(power_that_sags_is_named, setup, teardown),
        cmocka_unit_test_setup_teardown(power_from_a_battery_is_named, setup, teardown),
        cmocka_unit_test_setup_teardown(network_without_a_carrier_is_named, setup, teardown),
        cmocka_unit_test_setup_teardown(hub_that_takes_nothing_is_named, setup, teardown),
        cmocka_unit_test_setup_teardown(clock_that_drifts_from_the_hubs_is_named, setup, teardown),
        cmocka_unit_test_setup_teardown(damage_and_loss_that_the_writer_knows_are_named, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
