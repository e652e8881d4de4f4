/* What the data of an event must carry, and how a refusal names it. */
#include "sync/hub/ledger/milestone.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <glob.h>
#include <stdio.h>

#define LINE "{\"line\":1,\"quantity\":1,\"net\":280,\"tax\":[{\"amount\":53}],\"gross\":333}"
#define CREATED(more, line)                                                                        \
    "{\"number\":\"R1\",\"store\":\"1\",\"currency\":\"EUR\",\"decision\":\"accepted\"" more       \
    ",\"lines\":[" line "]}"

static enum err read(enum event_type type, const char *data, struct arena *arena,
                     struct milestone *m, struct fault *fault)
{
    struct event event = {.type = type,
                          .source = SLICE_LITERAL("/store/1/device/a"),
                          .time_ms = 86400000,
                          .sequence = 3,
                          .data = slice_of(data)};
    return milestone_read(&event, arena, m, fault);
}

static void return_is_read_with_unknown_keys(void **state)
{
    struct arena arena;
    struct milestone m = {0};
    (void)state;
    arena_init(&arena, 65536);
    assert_int_equal(
        read(EVENT_RETURN_CREATED,
             CREATED(",\"sale\":{\"lines\":[]},\"country\":\"AT\",\"goods\":\"none\"", LINE),
             &arena, &m, NULL),
        ERR_OK);
    assert_string_equal(m.country, "AT");
    assert_string_equal(m.company, "");
    assert_string_equal(m.source, "/store/1/device/a");
    assert_int_equal(m.sequence, 3);
    assert_int_equal(m.document_day, 1);
    assert_int_equal(m.lines[0].gross_minor, 333);
    assert_int_equal(m.lines[0].goods, GOODS_NONE);
    assert_string_equal(m.lines[0].tax.items[0].rate, "");
    milestone_close(&m);
    arena_free(&arena);
}

static void type_without_meaning_needs_no_data(void **state)
{
    struct arena arena;
    struct milestone m = {0};
    (void)state;
    arena_init(&arena, 65536);
    assert_int_equal(read(EVENT_EXCEPTION_RAISED, "nonsense", &arena, &m, NULL), ERR_OK);
    milestone_close(&m);
    arena_free(&arena);
}

static void refusal_names_field_and_rule(void **state)
{
    static const struct {
        enum event_type type;
        const char *data;
        const char *where;
    } cases[] = {
        {EVENT_RETURN_CREATED, "{}", "number"},
        {EVENT_ITEM_RECEIVED, "{\"lines\":[]}", "lines"},
        {EVENT_RETURN_CREATED,
         CREATED("", "{\"line\":1,\"quantity\":1,\"net\":280,\"tax\":[],\"gross\":333}"),
         "lines[0].gross"},
        {EVENT_RETURN_CREATED, CREATED("", LINE ",{\"line\":2}"), "lines[1].quantity"},
        {EVENT_RETURN_CREATED, CREATED(",\"business_date\":\"2026-02-30\"", LINE), "business_date"},
        {EVENT_RETURN_CREATED,
         CREATED(",\"exchange\":{\"currency\":\"XXQ\",\"sale_rate\":\"1\",\"rate\":\"1\"}", LINE),
         "exchange.currency"},
        {EVENT_RETURN_CREATED,
         CREATED("", "{\"line\":1,\"quantity\":1,\"net\":1,\"tax\":[],\"gross\":1,"
                     "\"fee\":{\"amount\":2,\"tax\":0}}"),
         "lines[0].fee"},
        {EVENT_RETURN_CREATED,
         CREATED("", "{\"line\":1,\"quantity\":1,\"net\":2,\"tax\":[{\"amount\":-1}],\"gross\":1}"),
         "lines[0].tax"},
        {EVENT_RETURN_CREATED,
         CREATED("", "{\"line\":1,\"quantity\":1,\"net\":10000000000000,\"tax\":[],"
                     "\"gross\":10000000000000},{\"line\":2,\"quantity\":1,\"net\":1,\"tax\":[],"
                     "\"gross\":1}"),
         "lines"},
        {EVENT_RETURN_CHECKED, "{\"result\":\"maybe\"}", "result"},
        {EVENT_RETURN_APPROVED, "{\"decision\":\"declined\"}", "decision"},
        {EVENT_ITEM_DISPOSITIONED,
         "{\"lines\":[{\"line\":1,\"quantity\":1,\"disposition\":\"eat\"}]}",
         "lines[0].disposition"},
        {EVENT_REFUND_ISSUED, "{\"tender\":1,\"type\":\"cash\"}", "amount"},
        {EVENT_RETURN_DISPUTED, "{\"stage\":\"opened\"}", "amount"},
        {EVENT_COMMISSION_REVERSED,
         "{\"amount\":5,\"lines\":[{\"line\":1,\"fee\":9,\"kept\":5,\"amount\":4}]}", "amount"},
        {EVENT_EXCHANGE_LINKED, "{\"applied\":5,\"sale\":{\"net\":1,\"tax\":[],\"gross\":2}}",
         "sale.gross"},
        {EVENT_EXCHANGE_LINKED, "{\"applied\":5,\"sale\":{\"net\":2,\"tax\":[],\"gross\":2}}",
         "applied"},
        {EVENT_RETURN_CONFLICTED, "{\"lines\":[{\"line\":1,\"quantity\":0}]}", "lines[0].quantity"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena arena;
        struct milestone m = {0};
        struct fault fault = {0};
        arena_init(&arena, 65536);
        assert_int_equal(read(cases[i].type, cases[i].data, &arena, &m, &fault), ERR_INVALID);
        assert_string_equal(fault.where, cases[i].where);
        assert_null(m.document);
        arena_free(&arena);
    }
}

/* Every kind of event, as it stands on the wire. */
static void samples_of_all_events_are_read(void **state)
{
    glob_t found;
    (void)state;
    assert_int_equal(glob("tests/contract/samples/v1/event/*.json", 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        static char body[EVENT_BODY_MAX];
        struct arena arena;
        struct event event;
        struct milestone m = {0};
        struct fault fault = {0};
        FILE *file = fopen(found.gl_pathv[i], "rb");
        assert_non_null(file);
        size_t len = fread(body, 1, sizeof body, file);
        (void)fclose(file);
        arena_init(&arena, 1024 * 1024);
        while (len && body[len - 1] == '\n')
            len--;
        if (event_read((struct slice){body, len}, &arena, &event, &fault) ||
            milestone_read(&event, &arena, &m, &fault))
            fail_msg("%s: %s: %s", found.gl_pathv[i], fault.where, fault.text);
        milestone_close(&m);
        arena_free(&arena);
    }
    assert_true(found.gl_pathc > 20);
    globfree(&found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(return_is_read_with_unknown_keys),
        cmocka_unit_test(type_without_meaning_needs_no_data),
        cmocka_unit_test(refusal_names_field_and_rule),
        cmocka_unit_test(samples_of_all_events_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
