/*
 * Messages as released versions sent them (tests/contract/samples): today's code must read them
 * all, and write the same bytes. Samples are added, never changed.
 */
#include "hal/base/cleanup.h"
#include "sync/contract/ack.h"
#include "sync/contract/command.h"
#include "sync/contract/config_report.h"
#include "sync/contract/contact.h"
#include "sync/contract/enrol.h"
#include "sync/contract/inbox.h"
#include "sync/contract/link_state.h"
#include "sync/contract/parked_ask.h"
#include "sync/contract/reservation.h"
#include "sync/contract/restore.h"
#include "sync/contract/sale_query.h"
#include "sync/contract/told_time.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>

#define SAMPLES "tests/contract/samples/v1/"

/* The file's text without its last line feed. */
static void load(struct buf *text, const char *path)
{
    char piece[4096];
    FILE *file = fopen(path, "rb");
    if (!file)
        fail_msg("%s can't be read; run from the project's root", path);
    for (size_t got; (got = fread(piece, 1, sizeof piece, file)) > 0;)
        buf_append(text, piece, got);
    (void)fclose(file);
    assert_true(text->len > 1 && text->data[text->len - 1] == '\n');
    text->data[--text->len] = '\0';
}

static void load_message(struct buf *text, const char *name)
{
    char path[200];
    (void)snprintf(path, sizeof path, SAMPLES "message/%s.json", name);
    buf_init(text, 1024 * 1024);
    load(text, path);
}

static void check_event(const char *path, unsigned seen[EVENT_TYPE_COUNT])
{
    struct buf text CLEANUP(buf_free);
    struct buf again CLEANUP(buf_free);
    buf_init(&text, EVENT_BODY_MAX);
    buf_init(&again, EVENT_BODY_MAX);
    load(&text, path);
    struct arena arena CLEANUP(arena_free);
    arena_init(&arena, 4096);
    struct event event;
    struct fault fault = {0};
    if (event_read(buf_slice(&text), &arena, &event, &fault) != ERR_OK)
        fail_msg("%s: %s: %s", path, fault.where, fault.text);
    event_write(&again, &event);
    assert_string_equal(again.data, text.data);
    seen[event.type]++;
}

static void every_event_type_is_read_and_written_as_before(void **state)
{
    (void)state;
    unsigned seen[EVENT_TYPE_COUNT] = {0};
    glob_t found;
    assert_int_equal(glob(SAMPLES "event/*.json", 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++)
        check_event(found.gl_pathv[i], seen);
    globfree(&found);
    for (int i = 0; i < EVENT_TYPE_COUNT; i++)
        if (seen[i] != 1)
            fail_msg("%u samples of %s", seen[i], event_type_name((enum event_type)i));
}

/* The members of batch-properties.json stand for the properties of an MQTT message. */
static const char *property(void *context, const char *name)
{
    return json_member_text(context, name);
}

static void batch_is_cut_and_verified_as_before(void **state)
{
    (void)state;
    struct buf properties CLEANUP(buf_free);
    struct buf body CLEANUP(buf_free);
    load_message(&properties, "batch-properties");
    load_message(&body, "batch");
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    assert_int_equal(json_parse(buf_slice(&properties), JSON_LIMITS_DEFAULT, &doc, NULL), ERR_OK);
    struct batch_header header;
    struct fault fault = {0};
    assert_int_equal(batch_header_read(&header, property, doc, &fault), ERR_OK);
    struct slice bodies[2];
    size_t count;
    assert_int_equal(batch_cut(buf_slice(&body), bodies, 2, &count, &fault), ERR_OK);
    assert_int_equal(batch_verify(&header, bodies, count, NULL, &fault), ERR_OK);
}

static void assert_same(const struct buf *again, const struct buf *text)
{
    assert_false(again->failed);
    assert_string_equal(again->data, text->data);
}

static void hubs_messages_are_read_and_written_as_before(void **state)
{
    (void)state;
    struct buf text CLEANUP(buf_free);
    struct buf again CLEANUP(buf_free);
    buf_init(&again, 1024 * 1024);

    load_message(&text, "ack");
    struct ack ack;
    assert_int_equal(ack_read(buf_slice(&text), &ack, NULL), ERR_OK);
    ack_write(&again, &ack);
    assert_same(&again, &text);
    buf_free(&text);
    buf_reset(&again);

    load_message(&text, "reply");
    struct sale_reply reply;
    assert_int_equal(sale_reply_read(buf_slice(&text), &reply, NULL), ERR_OK);
    sale_reply_write(&again, &reply);
    assert_same(&again, &text);
    buf_free(&text);
    buf_reset(&again);

    load_message(&text, "time");
    int64_t wall_ms;
    assert_int_equal(told_time_read(buf_slice(&text), &wall_ms, NULL), ERR_OK);
    told_time_write(&again, wall_ms);
    assert_same(&again, &text);
}

static void appliances_messages_are_read_and_written_as_before(void **state)
{
    (void)state;
    struct buf text CLEANUP(buf_free);
    struct buf again CLEANUP(buf_free);
    buf_init(&again, 1024 * 1024);

    load_message(&text, "state");
    struct link_state health;
    assert_int_equal(link_state_read(buf_slice(&text), &health, NULL), ERR_OK);
    struct jsonw w = jsonw_to(&again);
    jsonw_object(&w, NULL);
    link_state_write(&w, &health);
    jsonw_end(&w);
    assert_same(&again, &text);
    buf_free(&text);
    buf_reset(&again);

    load_message(&text, "inbox-ack");
    struct inbox_ack ack;
    assert_int_equal(inbox_ack_read(buf_slice(&text), &ack, NULL), ERR_OK);
    inbox_ack_write(&again, &ack);
    assert_same(&again, &text);
    buf_free(&text);
    buf_reset(&again);

    load_message(&text, "restore");
    struct restore_ask ask;
    assert_int_equal(restore_ask_read(buf_slice(&text), &ask, NULL), ERR_OK);
    restore_ask_write(&again, &ask);
    assert_same(&again, &text);
    buf_free(&text);
    buf_reset(&again);

    load_message(&text, "parked-ask");
    struct parked_ask parked;
    assert_int_equal(parked_ask_read(buf_slice(&text), &parked, NULL), ERR_OK);
    parked_ask_write(&again, &parked);
    assert_same(&again, &text);
    buf_free(&text);
    buf_reset(&again);

    load_message(&text, "logs");
    struct restore_logs logs;
    assert_int_equal(restore_logs_read(buf_slice(&text), &logs, NULL), ERR_OK);
    restore_logs_write(&again, &logs);
    assert_same(&again, &text);
    buf_free(&text);
    buf_reset(&again);

    load_message(&text, "query");
    struct sale_query query;
    assert_int_equal(sale_query_read(buf_slice(&text), &query, NULL), ERR_OK);
    sale_query_write(&again, &query);
    assert_same(&again, &text);
    buf_free(&text);
    buf_reset(&again);

    load_message(&text, "reservation");
    struct reservation reservation;
    assert_int_equal(reservation_read(buf_slice(&text), &reservation, NULL), ERR_OK);
    reservation_write(&again, &reservation);
    assert_same(&again, &text);
    buf_free(&text);
    buf_reset(&again);

    load_message(&text, "reserved");
    struct reserved reserved;
    assert_int_equal(reserved_read(buf_slice(&text), &reserved, NULL), ERR_OK);
    reserved_write(&again, &reserved);
    assert_same(&again, &text);
    buf_free(&text);
    buf_reset(&again);

    load_message(&text, "contact-key");
    struct contact_key key;
    assert_int_equal(contact_key_read(buf_slice(&text), &key, NULL), ERR_OK);
    contact_key_write(&again, &key);
    assert_same(&again, &text);
    buf_free(&text);
    buf_reset(&again);

    load_message(&text, "contact-key-ack");
    struct contact_key_ack key_ack;
    assert_int_equal(contact_key_ack_read(buf_slice(&text), &key_ack, NULL), ERR_OK);
    contact_key_ack_write(&again, &key_ack);
    assert_same(&again, &text);
}

static void configurations_are_read_and_written_as_before(void **state)
{
    (void)state;
    struct buf text CLEANUP(buf_free);
    struct buf again CLEANUP(buf_free);
    struct fault fault = {0};
    buf_init(&again, CONFIG_BYTES_MAX);

    load_message(&text, "config");
    struct config config;
    if (config_read(buf_slice(&text), &config, &fault) ||
        config_settings_check(config.settings, &fault))
        fail_msg("%s: %s", fault.where, fault.text);
    config_write(&again, &config);
    assert_same(&again, &text);
    buf_free(&text);
    buf_reset(&again);

    load_message(&text, "config-report");
    struct config_report report;
    assert_int_equal(config_report_read(buf_slice(&text), &report, NULL), ERR_OK);
    assert_true(report.drift[CONFIG_STAFF]);
    config_report_write(&again, &report);
    assert_same(&again, &text);
    buf_free(&text);
    buf_reset(&again);

    load_message(&text, "config-ack");
    struct config_ack ack;
    assert_int_equal(config_ack_read(buf_slice(&text), &ack, NULL), ERR_OK);
    config_ack_write(&again, &ack);
    assert_same(&again, &text);
}

static void commands_are_read_and_written_as_before(void **state)
{
    (void)state;
    struct buf text CLEANUP(buf_free);
    struct buf again CLEANUP(buf_free);
    buf_init(&again, COMMAND_REPLY_BYTES_MAX);

    load_message(&text, "command");
    struct command command;
    assert_int_equal(command_read(buf_slice(&text), &command, NULL), ERR_OK);
    assert_int_equal(command.name, COMMAND_REPLAY);
    command_write(&again, &command);
    assert_same(&again, &text);
    buf_free(&text);
    buf_reset(&again);

    load_message(&text, "command-reply");
    struct command_reply reply;
    assert_int_equal(command_reply_read(buf_slice(&text), &reply, NULL), ERR_OK);
    command_reply_write(&again, &reply);
    assert_same(&again, &text);
}

static void enrolments_messages_are_read_and_written_as_before(void **state)
{
    (void)state;
    struct buf text CLEANUP(buf_free);
    struct buf again CLEANUP(buf_free);
    struct arena arena CLEANUP(arena_free);
    arena_init(&arena, 1024 * 1024);
    buf_init(&again, 1024 * 1024);

    load_message(&text, "enrol-ask");
    struct enrol_ask ask;
    assert_int_equal(enrol_ask_read(buf_slice(&text), &arena, &ask, NULL), ERR_OK);
    enrol_ask_write(&again, &ask);
    assert_same(&again, &text);
    buf_free(&text);
    buf_reset(&again);

    load_message(&text, "enrol-answer");
    struct enrol_answer answer;
    assert_int_equal(enrol_answer_read(buf_slice(&text), &arena, &answer, NULL), ERR_OK);
    enrol_answer_write(&again, &answer);
    assert_same(&again, &text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_event_type_is_read_and_written_as_before),
        cmocka_unit_test(batch_is_cut_and_verified_as_before),
        cmocka_unit_test(hubs_messages_are_read_and_written_as_before),
        cmocka_unit_test(appliances_messages_are_read_and_written_as_before),
        cmocka_unit_test(enrolments_messages_are_read_and_written_as_before),
        cmocka_unit_test(configurations_are_read_and_written_as_before),
        cmocka_unit_test(commands_are_read_and_written_as_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
