#include "hal/base/cleanup.h"
#include "sync/contract/event.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

static const char whole[] =
    "{\"specversion\":\"1.0\",\"id\":\"01920000-0000-7000-8000-000000000001\","
    "\"source\":\"/store/0042/device/box-1\",\"type\":\"com.tillback.return.created.v1\","
    "\"subject\":\"receipt/0042-01-20261122-0017\",\"time\":\"2026-11-22T10:11:12.345Z\","
    "\"datacontenttype\":\"application/json\","
    "\"correlationid\":\"01920000-0000-7000-8000-000000000002\","
    "\"causationid\":\"01920000-0000-7000-8000-000000000003\",\"sequence\":\"0000000001\","
    "\"traceparent\":\"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\","
    "\"bootid\":\"b2c7ad05-6b0f-4b8e-8a52-3f0f6a1d7c11\",\"monotonicms\":\"123456\","
    "\"timetrusted\":true,\"idempotencykey\":\"pos-01-77\","
    "\"requesthash\":\"47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU\","
    "\"data\":{\"text\":\"a \\\"b\\\" \xc3\xbc\",\"deep\":[1,{\"x\":null}]}}";

static struct id id_from(const char *text)
{
    struct id id;
    assert_int_equal(id_parse(slice_of(text), &id), ERR_OK);
    return id;
}

static struct event sample(void)
{
    return (struct event){
        .id = id_from("01920000-0000-7000-8000-000000000001"),
        .type = EVENT_RETURN_CREATED,
        .source = SLICE_LITERAL("/store/0042/device/box-1"),
        .subject = SLICE_LITERAL("receipt/0042-01-20261122-0017"),
        .time_ms = INT64_C(1795342272345),
        .monotonic_ms = 123456,
        .boot_id = SLICE_LITERAL("b2c7ad05-6b0f-4b8e-8a52-3f0f6a1d7c11"),
        .time_trusted = true,
        .correlation = id_from("01920000-0000-7000-8000-000000000002"),
        .has_causation = true,
        .causation = id_from("01920000-0000-7000-8000-000000000003"),
        .sequence = 1,
        .traceparent = SLICE_LITERAL("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        .idempotency_key = SLICE_LITERAL("pos-01-77"),
        .request_hash = SLICE_LITERAL("47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"),
        .data = SLICE_LITERAL("{\"text\":\"a \\\"b\\\" \xc3\xbc\",\"deep\":[1,{\"x\":null}]}"),
    };
}

static void assert_slice(struct slice s, const char *text)
{
    assert_int_equal(s.len, strlen(text));
    assert_memory_equal(s.data, text, s.len);
}

static void write_makes_the_published_bytes(void **state)
{
    (void)state;
    struct buf out CLEANUP(buf_free);
    buf_init(&out, EVENT_BODY_MAX);
    struct event event = sample();
    event_write(&out, &event);
    assert_string_equal(out.data, whole);
}

static void write_leaves_out_what_is_not_there(void **state)
{
    (void)state;
    struct buf out CLEANUP(buf_free);
    buf_init(&out, EVENT_BODY_MAX);
    struct event event = sample();
    event.has_causation = false;
    event.sequence = 0;
    event.subject = event.traceparent = event.boot_id = (struct slice){0};
    event.idempotency_key = event.request_hash = (struct slice){0};
    event_write(&out, &event);
    static const char *const names[] = {"causationid", "sequence", "subject",
                                        "traceparent", "bootid",   "idempotencykey",
                                        "requesthash"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_null(strstr(out.data, names[i]));
}

static void subject_may_hold_spaces_and_umlauts(void **state)
{
    (void)state;
    struct buf out CLEANUP(buf_free);
    buf_init(&out, EVENT_BODY_MAX);
    struct arena arena CLEANUP(arena_free);
    arena_init(&arena, 4096);
    struct event event = sample();
    event.subject = SLICE_LITERAL("receipt/K\xc3\xb6ln 7 \"B\"");
    event_write(&out, &event);
    struct event read;
    assert_int_equal(event_read(buf_slice(&out), &arena, &read, NULL), ERR_OK);
    assert_true(slice_equal(read.subject, event.subject));
}

static void read_of_checked_text_does_not_look_into_data(void **state)
{
    (void)state;
    struct arena arena CLEANUP(arena_free);
    arena_init(&arena, 4096);
    char body[sizeof whole];
    struct event e;
    memcpy(body, whole, sizeof whole);
    assert_int_equal(event_read_checked(slice_of(body), &arena, &e, NULL), ERR_OK);
    assert_true(slice_equal(e.data, sample().data));
    memcpy(strstr(body, "null"), "nil ", 4);
    assert_int_equal(event_read_checked(slice_of(body), &arena, &e, NULL), ERR_OK);
    assert_int_equal(event_read(slice_of(body), &arena, &e, NULL), ERR_INVALID);
    body[strlen(body) - 1] = ' ';
    assert_int_equal(event_read_checked(slice_of(body), &arena, &e, NULL), ERR_INVALID);
}

static void read_gives_back_what_was_written(void **state)
{
    (void)state;
    struct arena arena CLEANUP(arena_free);
    arena_init(&arena, 4096);
    struct event e;
    struct fault fault = {0};
    assert_int_equal(event_read(slice_of(whole), &arena, &e, &fault), ERR_OK);
    struct event expected = sample();
    assert_true(id_equal(&e.id, &expected.id));
    assert_int_equal(e.type, EVENT_RETURN_CREATED);
    assert_slice(e.source, "/store/0042/device/box-1");
    assert_slice(e.subject, "receipt/0042-01-20261122-0017");
    assert_true(e.time_ms == expected.time_ms);
    assert_int_equal(e.monotonic_ms, 123456);
    assert_true(slice_equal(e.boot_id, expected.boot_id));
    assert_true(e.time_trusted);
    assert_true(id_equal(&e.correlation, &expected.correlation));
    assert_true(e.has_causation);
    assert_true(id_equal(&e.causation, &expected.causation));
    assert_int_equal(e.sequence, 1);
    assert_true(slice_equal(e.traceparent, expected.traceparent));
    assert_slice(e.idempotency_key, "pos-01-77");
    assert_true(slice_equal(e.request_hash, expected.request_hash));
    assert_true(slice_equal(e.data, expected.data));
    assert_int_equal(arena.used, 0);
}

static enum err read_back(const struct event *event)
{
    struct buf body CLEANUP(buf_free);
    struct arena arena CLEANUP(arena_free);
    struct event read;
    buf_init(&body, 2 * (size_t)EVENT_BODY_MAX);
    arena_init(&arena, EVENT_BODY_MAX);
    event_write(&body, event);
    return event_read(buf_slice(&body), &arena, &read, NULL);
}

/* `name`: the attribute that is wrong. */
static void assert_refused(const struct event *event, const char *name)
{
    struct fault fault = {0};
    assert_int_not_equal(event_check(event, &fault), ERR_OK);
    assert_memory_equal(fault.where, name, strlen(name));
    assert_int_not_equal(read_back(event), ERR_OK);
}

static void check_refuses_what_could_not_be_read_back(void **state)
{
    (void)state;
    static char long_text[EVENT_BODY_MAX];
    memset(long_text, 'x', sizeof long_text);
    struct event event = sample();
    event.subject = (struct slice){long_text, 201};
    assert_refused(&event, "subject");
    event.subject = SLICE_LITERAL("a\nb");
    assert_refused(&event, "subject");
    event = sample();
    event.source = (struct slice){long_text, 201};
    assert_refused(&event, "source");
    event = sample();
    event.traceparent = SLICE_LITERAL("00-0af7");
    assert_refused(&event, "traceparent");
    event = sample();
    event.boot_id = (struct slice){long_text, 65};
    assert_refused(&event, "bootid");
    event = sample();
    event.idempotency_key = (struct slice){long_text, IDEMPOTENCY_KEY_MAX + 1};
    assert_refused(&event, "idempotencykey");
    event.idempotency_key = SLICE_LITERAL("");
    assert_refused(&event, "idempotencykey");
    event = sample();
    event.request_hash = SLICE_LITERAL("short");
    assert_refused(&event, "requesthash");
    event = sample();
    event.sequence = -1;
    assert_refused(&event, "sequence");
    event = sample();
    event.monotonic_ms = INT64_C(10000000000000000);
    assert_refused(&event, "monotonicms");
}

/* An object with so many lists in one another. */
static void write_nested(struct buf *out, int lists)
{
    buf_append_text(out, "{\"a\":");
    for (int i = 0; i < lists; i++)
        buf_append_char(out, '[');
    for (int i = 0; i < lists; i++)
        buf_append_char(out, ']');
    buf_append_char(out, '}');
}

static void check_refuses_data_that_could_not_be_read_back(void **state)
{
    (void)state;
    static const char *const wrong[] = {"[1]",        "{\"a\":}", "{\"a\":1", "{\"a\":\"\xff\"}",
                                        "{\"a\":1}}", "1"};
    struct event event = sample();
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        event.data = slice_of(wrong[i]);
        assert_refused(&event, "data");
    }
    struct buf deep CLEANUP(buf_free);
    buf_init(&deep, 256);
    write_nested(&deep, EVENT_DEPTH_MAX - 2);
    event.data = buf_slice(&deep);
    assert_int_equal(event_check(&event, NULL), ERR_OK);
    assert_int_equal(read_back(&event), ERR_OK);
    buf_reset(&deep);
    write_nested(&deep, EVENT_DEPTH_MAX - 1);
    event.data = buf_slice(&deep);
    assert_refused(&event, "data");
}

/* Written, such bytes become U+FFFD: a view would see other text now than at a rebuild. */
static void check_refuses_a_text_that_is_not_utf8(void **state)
{
    (void)state;
    struct event event = sample();
    event.subject = SLICE_LITERAL("receipt/\xff");
    struct fault fault = {0};
    assert_int_equal(event_check(&event, &fault), ERR_INVALID);
    assert_string_equal(fault.where, "subject");
}

static void check_takes_what_is_read_back_as_it_was(void **state)
{
    (void)state;
    struct event event = sample();
    assert_int_equal(event_check(&event, NULL), ERR_OK);
    event.subject = SLICE_LITERAL("R\xc3\xbc"
                                  "ckgabe \"7\"");
    event.idempotency_key = event.request_hash = event.traceparent = SLICE_LITERAL("");
    event.sequence = 0;
    assert_int_equal(event_check(&event, NULL), ERR_OK);
    assert_int_equal(read_back(&event), ERR_OK);
}

static void read_points_at_data_byte_for_byte(void **state)
{
    (void)state;
    struct buf text CLEANUP(buf_free);
    buf_init(&text, 4096);
    const char *data = strstr(whole, "{\"text\"");
    buf_append(&text, whole, (size_t)(data - whole));
    buf_append_text(&text, " { \"n\" : 1.50 ,\n\t\"s\":\"\\u00fc\\/\" } \r\n}\n");
    struct arena arena CLEANUP(arena_free);
    arena_init(&arena, 4096);
    struct event e;
    assert_int_equal(event_read(buf_slice(&text), &arena, &e, NULL), ERR_OK);
    assert_slice(e.data, "{ \"n\" : 1.50 ,\n\t\"s\":\"\\u00fc\\/\" }");
    assert_true(e.data.data > text.data && e.data.data < text.data + text.len);
}

/* `whole` with the first occurrence of `from` replaced; a NULL `to` cuts the member out. */
static void replaced(struct buf *out, const char *from, const char *to)
{
    const char *at = strstr(whole, from);
    assert_non_null(at);
    buf_append(out, whole, (size_t)(at - whole));
    buf_append_text(out, to);
    buf_append_text(out, at + strlen(from));
}

struct refusal {
    const char *from;
    const char *to;
    enum err err;
    const char *where;
};

static const struct refusal refusals[] = {
    {"\"1.0\"", "\"0.3\"", ERR_UNSUPPORTED, "specversion"},
    {"\"1.0\"", "1.0", ERR_INVALID, "specversion"},
    {"01920000-0000-7000-8000-000000000001", "17", ERR_INVALID, "id"},
    {"return.created.v1", "return.created.v9", ERR_UNSUPPORTED, "type"},
    {"/store/0042/device/box-1", "", ERR_INVALID, "source"},
    {"/store/0042/device/box-1", "/store/\\u007f", ERR_INVALID, "source"},
    {"receipt/0042", "receipt/\\n42", ERR_INVALID, "subject"},
    {"2026-11-22T10:11:12.345Z", "2026-11-22", ERR_INVALID, "time"},
    {"application/json", "text/xml", ERR_UNSUPPORTED, "datacontenttype"},
    {"\"0000000001\"", "1", ERR_INVALID, "sequence"},
    {"\"0000000001\"", "\"0\"", ERR_INVALID, "sequence"},
    {"\"123456\"", "\"-1\"", ERR_INVALID, "monotonicms"},
    {"\"123456\"", "\"99999999999999999999\"", ERR_INVALID, "monotonicms"},
    {"true", "\"true\"", ERR_INVALID, "timetrusted"},
    {"-01\",\"bootid", "-1\",\"bootid", ERR_INVALID, "traceparent"},
    {"\"idempotencykey\":\"pos-01-77\",", "", ERR_INVALID, "idempotencykey"},
    {"{\"text\"", "[{\"text\"", ERR_INVALID, ""},
    {"\"data\":", "\"data\":17,\"x\":", ERR_INVALID, "data"},
    {"\"data\":", "\"other\":", ERR_INVALID, "data"},
    {"\"data\":", "\"data\":{},\"data\":", ERR_INVALID, "data"},
    {"\"data\":", "\"\\u0064ata\":{},\"data\":", ERR_INVALID, ""},
    {"\"data\":", "\"data_base64\":\"\",\"data\":", ERR_INVALID, ""},
    {"\"source\":", "\"sauce\":", ERR_INVALID, "source"},
    {"[1,", "[01,", ERR_INVALID, ""},
    {"[1,", "[[[[[[[[[[[[[[[[[1,", ERR_TOO_DEEP, ""},
    {"null", "nul", ERR_INVALID, ""},
    {"\xc3\xbc", "\xc3", ERR_INVALID, ""},
    {"\xc3\xbc", "\\u0000", ERR_INVALID, ""},
    {"\xc3\xbc", "\\ud800", ERR_INVALID, ""},
    {"{\"specversion", "[{\"specversion", ERR_INVALID, ""},
};

static void read_refuses_and_names_the_attribute(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        struct buf text CLEANUP(buf_free);
        buf_init(&text, 8192);
        replaced(&text, refusals[i].from, refusals[i].to);
        struct arena arena CLEANUP(arena_free);
        arena_init(&arena, 4096);
        struct event e = {.sequence = 77};
        struct fault fault = {0};
        enum err err = event_read(buf_slice(&text), &arena, &e, &fault);
        if (err != refusals[i].err || strcmp(fault.where, refusals[i].where) != 0)
            fail_msg("%s -> %s: got %s at '%s' (%s)", refusals[i].from, refusals[i].to,
                     err_name(err), fault.where, fault.text);
        assert_int_equal(e.sequence, 77);
    }
}

static void read_refuses_every_text_cut_short(void **state)
{
    (void)state;
    for (size_t len = 0; len < sizeof whole - 1; len++) {
        struct arena arena CLEANUP(arena_free);
        arena_init(&arena, 4096);
        struct event e;
        struct buf text CLEANUP(buf_free);
        buf_init(&text, 8192);
        buf_append(&text, whole, len);
        assert_int_equal(event_read(buf_slice(&text), &arena, &e, NULL), ERR_INVALID);
    }
}

static void read_refuses_more_than_the_limit(void **state)
{
    (void)state;
    struct buf text CLEANUP(buf_free);
    buf_init(&text, 2 * EVENT_BODY_MAX);
    buf_append(&text, whole, sizeof whole - 1);
    while (text.len <= EVENT_BODY_MAX)
        buf_append_char(&text, ' ');
    struct arena arena CLEANUP(arena_free);
    arena_init(&arena, 4096);
    struct event e;
    assert_int_equal(event_read(buf_slice(&text), &arena, &e, NULL), ERR_TOO_LARGE);
}

static void read_takes_what_a_newer_version_adds(void **state)
{
    (void)state;
    struct buf text CLEANUP(buf_free);
    buf_init(&text, 8192);
    replaced(&text, "\"data\":", "\"newattribute\":{\"a\":[true]},\"data\":");
    struct arena arena CLEANUP(arena_free);
    arena_init(&arena, 4096);
    struct event e;
    assert_int_equal(event_read(buf_slice(&text), &arena, &e, NULL), ERR_OK);
}

static void read_unescapes_an_attribute_into_the_arena(void **state)
{
    (void)state;
    struct buf text CLEANUP(buf_free);
    buf_init(&text, 8192);
    replaced(&text, "receipt/0042", "receipt\\/\\u0030042");
    struct arena arena CLEANUP(arena_free);
    arena_init(&arena, 4096);
    struct event e;
    assert_int_equal(event_read(buf_slice(&text), &arena, &e, NULL), ERR_OK);
    assert_slice(e.subject, "receipt/0042-01-20261122-0017");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(write_makes_the_published_bytes),
        cmocka_unit_test(write_leaves_out_what_is_not_there),
        cmocka_unit_test(subject_may_hold_spaces_and_umlauts),
        cmocka_unit_test(read_gives_back_what_was_written),
        cmocka_unit_test(read_of_checked_text_does_not_look_into_data),
        cmocka_unit_test(check_refuses_what_could_not_be_read_back),
        cmocka_unit_test(check_refuses_data_that_could_not_be_read_back),
        cmocka_unit_test(check_refuses_a_text_that_is_not_utf8),
        cmocka_unit_test(check_takes_what_is_read_back_as_it_was),
        cmocka_unit_test(read_points_at_data_byte_for_byte),
        cmocka_unit_test(read_refuses_and_names_the_attribute),
        cmocka_unit_test(read_refuses_every_text_cut_short),
        cmocka_unit_test(read_refuses_more_than_the_limit),
        cmocka_unit_test(read_takes_what_a_newer_version_adds),
        cmocka_unit_test(read_unescapes_an_attribute_into_the_arena),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
