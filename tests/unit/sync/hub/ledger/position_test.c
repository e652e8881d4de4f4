/* A position and its entries as JSON: there and back, and what is refused as damage. */
#include "tests/support/ledger_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char created[] =
    "{\"number\":\"R1\",\"store\":\"0042\",\"currency\":\"EUR\",\"decision\":\"accepted\","
    "\"goods\":\"received\",\"lines\":[{\"line\":1,\"quantity\":1,\"net\":280,\"tax\":[{"
    "\"jurisdiction\":\"DE\",\"rate\":\"19\",\"amount\":53}],\"gross\":333}]}";

/* The position of a return that was created and paid, as JSON; the caller frees it. */
static char *make_position(struct ledger_run *run)
{
    ledger_run_make(run);
    ledger_run_event(run, EVENT_RETURN_CREATED, created);
    ledger_run_event(run, EVENT_REFUND_ISSUED, "{\"tender\":1,\"type\":\"card\",\"amount\":333}");
    buf_reset(&run->text);
    struct jsonw w = jsonw_to(&run->text);
    position_write(&w, NULL, &run->position);
    return strdup(run->text.data);
}

/* Reads it with one text replaced by another. */
static enum err read_with(struct ledger_run *run, const char *json, const char *old,
                          const char *new, struct position *position)
{
    struct cJSON *document = NULL;
    const char *at = strstr(json, old);
    assert_non_null(at);
    buf_reset(&run->text);
    buf_append(&run->text, json, (size_t)(at - json));
    buf_append_text(&run->text, new);
    buf_append_text(&run->text, at + strlen(old));
    assert_int_equal(json_parse(buf_slice(&run->text), JSON_LIMITS_DEFAULT, &document, &run->fault),
                     ERR_OK);
    enum err err = position_read(document, &run->arena, position, &run->fault);
    json_free(document);
    return err;
}

static void position_written_again_is_the_same(void **state)
{
    struct ledger_run run;
    char *json = make_position(&run);
    struct cJSON *document = NULL;
    struct position read = {0};
    (void)state;
    assert_int_equal(json_parse(slice_of(json), JSON_LIMITS_DEFAULT, &document, NULL), ERR_OK);
    assert_int_equal(position_read(document, &run.arena, &read, &run.fault), ERR_OK);
    buf_reset(&run.text);
    struct jsonw w = jsonw_to(&run.text);
    position_write(&w, NULL, &read);
    assert_string_equal(run.text.data, json);
    json_free(document);
    free(json);
    ledger_run_free(&run);
}

static void damage_is_refused(void **state)
{
    static const struct {
        const char *old;
        const char *new;
        const char *where;
    } cases[] = {
        {"\"debit\":280", "\"debit\":281", "entries.lines"},
        {"\"debit\":280", "\"debit\":280,\"credit\":1", "entries.lines"},
        {"\"document_date\":\"2026-11-22\"", "\"document_date\":\"2026-11-31\"",
         "entries.document_date"},
        {"\"standing\":\"open\"", "\"standing\":\"ajar\"", "standing"},
        {"\"recognised\":1", "\"recognised\":2", "lines"},
        {"\"quantity\":1", "\"quantity\":0", "lines"},
        {"\"number\":\"R1\"", "\"number\":null", ""},
        {"\"rate\":\"19\"", "\"rate\":null", "lines"},
        {"\"refund\":\"\"", "\"refund\":null", "payments"},
        {"\"applied\":2", "\"applied\":2,\"more\":1", "sources[0].more"},
    };
    struct ledger_run run;
    char *json = make_position(&run);
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct position position = {0};
        assert_int_equal(read_with(&run, json, cases[i].old, cases[i].new, &position), ERR_INVALID);
        assert_string_equal(run.fault.where, cases[i].where);
        assert_null(position.entries);
    }
    free(json);
    ledger_run_free(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(position_written_again_is_the_same),
        cmocka_unit_test(damage_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
