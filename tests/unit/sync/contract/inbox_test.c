#include "hal/base/cleanup.h"
#include "sync/contract/inbox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

/* Stands for the user properties of an MQTT message. */
struct properties {
    const char *epoch;
    const char *number;
    const char *after;
    const char *last;
    char texts[4][32];
};

static const char **find(struct properties *p, const char *name, size_t *i)
{
    static const char *const names[] = {"hub_epoch", "number", "after", "last"};
    const char **values[] = {&p->epoch, &p->number, &p->after, &p->last};
    for (*i = 0; *i < 4; ++*i)
        if (strcmp(name, names[*i]) == 0)
            return values[*i];
    fail_msg("no property is called %s", name);
    return NULL;
}

static void put(void *context, const char *name, const char *value)
{
    struct properties *p = context;
    size_t i;
    const char **place = find(p, name, &i);
    (void)snprintf(p->texts[i], sizeof p->texts[i], "%s", value);
    *place = p->texts[i];
}

static const char *get(void *context, const char *name)
{
    size_t i;
    return *find(context, name, &i);
}

static void place_comes_back_as_it_was_written(void **state)
{
    (void)state;
    struct properties p = {0};
    inbox_place_write(&(struct inbox_place){.hub_epoch = 3, .number = 17, .after = 9, .last = 17},
                      put, &p);
    assert_string_equal(p.epoch, "3");
    assert_string_equal(p.number, "17");
    assert_string_equal(p.after, "9");
    struct inbox_place read;
    assert_int_equal(inbox_place_read(&read, get, &p, NULL), ERR_OK);
    assert_int_equal(read.hub_epoch, 3);
    assert_int_equal(read.number, 17);
    assert_int_equal(read.after, 9);
    assert_int_equal(read.last, 17);
}

static void several_in_one_say_which_is_the_last(void **state)
{
    (void)state;
    struct properties p = {0};
    struct inbox_place read;
    inbox_place_write(&(struct inbox_place){.hub_epoch = 3, .number = 17, .after = 16, .last = 40},
                      put, &p);
    assert_string_equal(p.last, "40");
    assert_int_equal(inbox_place_read(&read, get, &p, NULL), ERR_OK);
    assert_int_equal(read.last, 40);
    static const char *const wrong[] = {"16", "x", "900"};
    for (size_t i = 0; i < 3; i++) {
        struct fault fault = {0};
        p.last = wrong[i];
        assert_int_equal(inbox_place_read(&read, get, &p, &fault), ERR_INVALID);
        assert_string_equal(fault.where, "last");
    }
}

static void the_number_before_is_not_told(void **state)
{
    (void)state;
    struct properties p = {0};
    inbox_place_write(&(struct inbox_place){.hub_epoch = 3, .number = 17, .after = 16}, put, &p);
    assert_null(p.after);
    struct inbox_place read;
    assert_int_equal(inbox_place_read(&read, get, &p, NULL), ERR_OK);
    assert_int_equal(read.after, 16);
}

static void place_is_refused_by_property(void **state)
{
    (void)state;
    static const struct {
        const char *epoch;
        const char *number;
        const char *after;
        const char *where;
    } wrong[] = {
        {NULL, "1", NULL, "hub_epoch"}, {"0", "1", NULL, "hub_epoch"},
        {"x", "1", NULL, "hub_epoch"},  {"1", NULL, NULL, "number"},
        {"1", "0", NULL, "number"},     {"1", "1.5", NULL, "number"},
        {"1", "", NULL, "number"},      {"1", "5", "5", "after"},
        {"1", "5", "-1", "after"},      {"1", "5", "x", "after"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct properties p = {
            .epoch = wrong[i].epoch, .number = wrong[i].number, .after = wrong[i].after};
        struct inbox_place place = {.number = 5};
        struct fault fault = {0};
        assert_int_equal(inbox_place_read(&place, get, &p, &fault), ERR_INVALID);
        assert_string_equal(fault.where, wrong[i].where);
        assert_int_equal(place.number, 5);
    }
}

static void ack_comes_back_as_it_was_written(void **state)
{
    (void)state;
    struct buf out CLEANUP(buf_free);
    buf_init(&out, 1000);
    inbox_ack_write(&out, &(struct inbox_ack){.hub_epoch = 3, .through = 17});
    assert_string_equal(out.data, "{\"hub_epoch\":3,\"through\":17}");
    struct inbox_ack read;
    assert_int_equal(inbox_ack_read(buf_slice(&out), &read, NULL), ERR_OK);
    assert_int_equal(read.hub_epoch, 3);
    assert_int_equal(read.through, 17);
}

static void ack_is_refused_by_field(void **state)
{
    (void)state;
    struct inbox_ack ack = {.through = 5};
    struct fault fault = {0};
    assert_int_equal(inbox_ack_read(SLICE_LITERAL("{\"hub_epoch\":1}"), &ack, &fault), ERR_INVALID);
    assert_string_equal(fault.where, "through");
    assert_int_equal(
        inbox_ack_read(SLICE_LITERAL("{\"hub_epoch\":1,\"through\":-1}"), &ack, &fault),
        ERR_INVALID);
    assert_string_equal(fault.where, "through");
    assert_int_equal(ack.through, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(place_comes_back_as_it_was_written),
        cmocka_unit_test(the_number_before_is_not_told),
        cmocka_unit_test(several_in_one_say_which_is_the_last),
        cmocka_unit_test(place_is_refused_by_property),
        cmocka_unit_test(ack_comes_back_as_it_was_written),
        cmocka_unit_test(ack_is_refused_by_field),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
