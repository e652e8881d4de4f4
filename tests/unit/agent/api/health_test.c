#include "agent/api/health.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const struct eventlog_status sound = {.can_save = true};
enum { HOUR_MS = 3600 * 1000 };

static struct uplink_status online_with(int64_t waiting)
{
    return (struct uplink_status){
        .state = UPLINK_ONLINE, .waiting = {waiting}, .progress_ms = HOUR_MS};
}

static void offline_with_a_backlog_is_healthy(void **state)
{
    (void)state;
    struct uplink_status link = online_with(100000);
    link.state = UPLINK_OFFLINE;
    assert_true(health_judge(&sound, NULL, &link, 100 * HOUR_MS).healthy);
    assert_true(health_judge(&sound, NULL, NULL, 100 * HOUR_MS).healthy);
}

static void online_without_progress_is_not_health(void **state)
{
    (void)state;
    struct uplink_status link = online_with(1);
    assert_true(health_judge(&sound, NULL, &link, HOUR_MS + 1000).healthy);
    struct health health = health_judge(&sound, NULL, &link, 2 * HOUR_MS);
    assert_false(health.healthy);
    assert_true(health.restart_helps);
    assert_string_equal(health.code, "stalled");
    link.waiting[0] = 0;
    assert_true(health_judge(&sound, NULL, &link, 2 * HOUR_MS).healthy);
}

static void a_full_disk_is_told_and_no_reason_to_restart(void **state)
{
    (void)state;
    struct eventlog_status log = sound;
    log.can_save = false;
    struct health health = health_judge(&log, NULL, NULL, 0);
    assert_false(health.healthy);
    assert_false(health.restart_helps);
    assert_string_equal(health.code, "disk_full");
}

static void a_damaged_log_wants_a_restart(void **state)
{
    (void)state;
    struct eventlog_status log = sound;
    log.damaged = true;
    assert_true(health_judge(&log, NULL, NULL, 0).restart_helps);
}

static void identity_that_cannot_be_used_degrades_and_says_what_to_do(void **state)
{
    (void)state;
    struct fault trouble = {.code = ERR_UNREACHABLE, .where = "token", .text = "there is none"};
    struct health health = health_judge(&sound, &trouble, NULL, 0);
    assert_false(health.healthy);
    assert_false(health.restart_helps);
    assert_string_equal(health.code, "degraded");
    assert_non_null(strstr(health.reason, "token: there is none"));
    assert_non_null(strstr(health.reason, "tillback doctor"));
    trouble.code = ERR_OK;
    assert_true(health_judge(&sound, &trouble, NULL, 0).healthy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(offline_with_a_backlog_is_healthy),
        cmocka_unit_test(online_without_progress_is_not_health),
        cmocka_unit_test(a_full_disk_is_told_and_no_reason_to_restart),
        cmocka_unit_test(a_damaged_log_wants_a_restart),
        cmocka_unit_test(identity_that_cannot_be_used_degrades_and_says_what_to_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
