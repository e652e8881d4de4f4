#include "hal/base/cleanup.h"
#include "sync/contract/batch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

/* Stands for the user properties of an MQTT message. */
struct properties {
    char name[12][32];
    char value[12][80];
    size_t count;
};

static void put(void *context, const char *name, const char *value)
{
    struct properties *p = context;
    (void)snprintf(p->name[p->count], sizeof *p->name, "%s", name);
    (void)snprintf(p->value[p->count++], sizeof *p->value, "%s", value);
}

static const char *get(void *context, const char *name)
{
    struct properties *p = context;
    for (size_t i = 0; i < p->count; i++)
        if (strcmp(p->name[i], name) == 0)
            return p->value[i];
    return NULL;
}

static char *value_of(struct properties *p, const char *name)
{
    for (size_t i = 0; i < p->count; i++)
        if (strcmp(p->name[i], name) == 0)
            return p->value[i];
    fail();
    return NULL;
}

static struct batch_header fork_header(void)
{
    return (struct batch_header){.log = {{1, 2, 3}},
                                 .stream = STREAM_SALES,
                                 .first = 11,
                                 .last = 13,
                                 .prev = {{4}},
                                 .hash = {{5}},
                                 .has_parent = true,
                                 .parent = {.log = {{6}}, .seq = 99, .hash = {{7}}}};
}

static void header_comes_back_as_it_was_written(void **state)
{
    (void)state;
    struct properties p = {.count = 0};
    struct batch_header h = fork_header();
    struct batch_header read;
    batch_header_write(&h, put, &p);
    assert_int_equal(p.count, 9);
    assert_int_equal(batch_header_read(&read, get, &p, NULL), ERR_OK);
    assert_true(id_equal(&read.log, &h.log));
    assert_int_equal(read.stream, STREAM_SALES);
    assert_int_equal(read.first, 11);
    assert_int_equal(read.last, 13);
    assert_true(sha256_equal(&read.prev, &h.prev));
    assert_true(sha256_equal(&read.hash, &h.hash));
    assert_true(read.has_parent);
    assert_true(id_equal(&read.parent.log, &h.parent.log));
    assert_int_equal(read.parent.seq, 99);
    assert_true(sha256_equal(&read.parent.hash, &h.parent.hash));
}

static void header_without_parent_has_six_properties(void **state)
{
    (void)state;
    struct properties p = {.count = 0};
    struct batch_header h = fork_header();
    h.has_parent = false;
    batch_header_write(&h, put, &p);
    assert_int_equal(p.count, 6);
    struct batch_header read;
    assert_int_equal(batch_header_read(&read, get, &p, NULL), ERR_OK);
    assert_false(read.has_parent);
}

static void header_read_names_the_property_that_is_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *value;
    } wrong[] = {
        {"log_id", "x"},      {"stream", "centre"},    {"stream", "refunds"}, {"first", "0"},
        {"first", "-1"},      {"first", "1x"},         {"last", "10"},        {"last", "511"},
        {"prev", "00"},       {"hash", "zz"},          {"parent_log", ""},    {"parent_seq", ""},
        {"parent_seq", "-3"}, {"parent_hash", "beef"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct properties p = {.count = 0};
        struct batch_header h = fork_header();
        batch_header_write(&h, put, &p);
        (void)snprintf(value_of(&p, wrong[i].name), sizeof *p.value, "%s", wrong[i].value);
        struct batch_header read = {.first = 42};
        struct fault fault = {0};
        assert_int_equal(batch_header_read(&read, get, &p, &fault), ERR_INVALID);
        assert_string_equal(fault.where, wrong[i].name);
        assert_int_equal(read.first, 42);
    }
}

static void header_read_names_the_property_that_is_missing(void **state)
{
    (void)state;
    struct batch_header h = fork_header();
    struct properties p = {.count = 0};
    batch_header_write(&h, put, &p);
    for (size_t i = 0; i < p.count; i++) {
        if (strcmp(p.name[i], "parent_log") == 0)
            continue; /* without it there is no parent */
        struct properties less = p;
        less.name[i][0] = '?';
        struct batch_header read;
        struct fault fault = {0};
        assert_int_equal(batch_header_read(&read, get, &less, &fault), ERR_INVALID);
        assert_string_equal(fault.where, p.name[i]);
    }
}

static const char *const bodies[] = {"{\"a\":1}", "{ \"b\" : \"],[\\\"\" }", "{}"};

static void body_is_cut_into_the_very_bytes_that_went_in(void **state)
{
    (void)state;
    struct buf out CLEANUP(buf_free);
    buf_init(&out, BATCH_BYTES_MAX);
    batch_begin(&out);
    for (size_t i = 0; i < 3; i++)
        batch_add(&out, slice_of(bodies[i]));
    batch_end(&out);
    assert_string_equal(out.data, "[{\"a\":1},{ \"b\" : \"],[\\\"\" },{}]");
    struct slice cut[3];
    size_t count = 0;
    assert_int_equal(batch_cut(buf_slice(&out), cut, 3, &count, NULL), ERR_OK);
    assert_int_equal(count, 3);
    for (size_t i = 0; i < 3; i++)
        assert_true(slice_is(cut[i], bodies[i]));
}

static void empty_batch_has_no_events(void **state)
{
    (void)state;
    struct slice cut[1];
    size_t count = 7;
    assert_int_equal(batch_cut(SLICE_LITERAL("[ ]\n"), cut, 1, &count, NULL), ERR_OK);
    assert_int_equal(count, 0);
}

static void cut_refuses_what_is_no_list_of_objects(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "{}",
        "[",
        "[{}",
        "[{},]",
        "[,{}]",
        "[{} {}]",
        "[{}]x",
        "[1]",
        "[[{}]]",
        "[\"a\"]",
        "[null]",
        "[{]}",
        "[{}}]",
        "[{\"a\"}]",
        "[{\"a\":}]",
        "[{a:1}]",
        "[{\"a\":1,}]",
        "[{\"a\":+1}]",
        "[{\"a\":1.}]",
        "[{\"a\":.5}]",
        "[{\"a\":\"\x01\"}]",
        "\x01[{}]",
        "[{\"a\":tru}]",
        "[{\"a\":\"\\x\"}]",
        "[{\"a\":\"\\ud800\\u0041\"}]",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct slice cut[8];
        size_t count = 7;
        if (batch_cut(slice_of(wrong[i]), cut, 8, &count, NULL) != ERR_INVALID)
            fail_msg("taken: %s", wrong[i]);
        assert_int_equal(count, 7);
    }
}

static void cut_holds_to_its_limits(void **state)
{
    (void)state;
    struct slice cut[2];
    size_t count;
    assert_int_equal(batch_cut(SLICE_LITERAL("[{},{},{}]"), cut, 2, &count, NULL), ERR_TOO_LARGE);
    struct buf deep CLEANUP(buf_free);
    buf_init(&deep, 200000);
    buf_append_text(&deep, "[{\"a\":");
    for (int i = 0; i < 100000; i++)
        buf_append_char(&deep, '[');
    assert_int_equal(batch_cut(buf_slice(&deep), cut, 2, &count, NULL), ERR_TOO_DEEP);
    struct buf large CLEANUP(buf_free);
    buf_init(&large, BATCH_BYTES_MAX + 1);
    for (int i = 0; i < BATCH_BYTES_MAX + 1; i++)
        buf_append_char(&large, ' ');
    assert_int_equal(batch_cut(buf_slice(&large), cut, 2, &count, NULL), ERR_TOO_LARGE);
}

/* A header and bodies that belong together. */
static struct batch_header chained(struct slice cut[static 3])
{
    struct batch_header h = {.log = {{9}}, .first = 1, .last = 3};
    h.prev = chain_origin(&h.log, NULL);
    h.hash = h.prev;
    for (size_t i = 0; i < 3; i++) {
        cut[i] = slice_of(bodies[i]);
        h.hash = chain_next(&h.hash, cut[i]);
    }
    return h;
}

static void verify_follows_the_chain(void **state)
{
    (void)state;
    struct slice cut[3];
    struct batch_header h = chained(cut);
    struct fault fault = {0};
    assert_int_equal(batch_verify(&h, cut, 3, NULL, &fault), ERR_OK);
    assert_int_equal(batch_verify(&h, cut, 2, NULL, &fault), ERR_INVALID);
    assert_string_equal(fault.where, "last");
    struct slice swapped[] = {cut[1], cut[0], cut[2]};
    assert_int_equal(batch_verify(&h, swapped, 3, NULL, &fault), ERR_INVALID);
    assert_string_equal(fault.where, "hash");
}

static void verify_holds_a_first_event_to_its_origin(void **state)
{
    (void)state;
    struct slice cut[3];
    struct batch_header h = chained(cut);
    struct fault fault = {0};
    h.has_parent = true;
    assert_int_equal(batch_verify(&h, cut, 3, NULL, &fault), ERR_INVALID);
    assert_string_equal(fault.where, "prev");
    h.first += 5;
    h.last += 5;
    assert_int_equal(batch_verify(&h, cut, 3, NULL, NULL), ERR_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(header_comes_back_as_it_was_written),
        cmocka_unit_test(header_without_parent_has_six_properties),
        cmocka_unit_test(header_read_names_the_property_that_is_wrong),
        cmocka_unit_test(header_read_names_the_property_that_is_missing),
        cmocka_unit_test(body_is_cut_into_the_very_bytes_that_went_in),
        cmocka_unit_test(empty_batch_has_no_events),
        cmocka_unit_test(cut_refuses_what_is_no_list_of_objects),
        cmocka_unit_test(cut_holds_to_its_limits),
        cmocka_unit_test(verify_follows_the_chain),
        cmocka_unit_test(verify_holds_a_first_event_to_its_origin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
