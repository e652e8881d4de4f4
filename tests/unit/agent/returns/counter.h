/*
 * A counter for the tests of this folder: holds a policy, facts, one sale and what was returned of
 * it; takes sales and requests as JSON with single quotes.
 */
#ifndef TESTS_UNIT_AGENT_RETURNS_COUNTER_H
#define TESTS_UNIT_AGENT_RETURNS_COUNTER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/returns/decide.h"
#include "documents.h"
#include "hal/base/json.h"
#include "hal/base/rfc3339.h"

enum { COUNTER_DOCS_MAX = 64, COUNTER_ARENA = 64 * 1024 * 1024 };

struct counter {
    struct arena arena;
    struct cJSON *docs[COUNTER_DOCS_MAX];
    size_t doc_count;
    struct policy policy;
    struct facts facts;
    struct sale sale;
    bool has_sale;
    bool adjusts; /* random returns give part of a price back, too */
    struct history history;
    struct fault fault;
};

static inline struct cJSON *counter_json(struct counter *c, const char *single_quoted)
{
    char *text = strdup(single_quoted);
    for (char *at = text; *at; at++)
        *at = *at == '\'' ? '"' : *at;
    assert_true(c->doc_count < COUNTER_DOCS_MAX);
    enum err err =
        json_parse(slice_of(text), JSON_LIMITS_DEFAULT, &c->docs[c->doc_count], &c->fault);
    if (err)
        fail_msg("%s: %s in %s", c->fault.where, c->fault.text, text);
    free(text);
    return c->docs[c->doc_count++];
}

static inline struct slice counter_document(const char *name)
{
    for (size_t i = 0; i < sizeof document_files / sizeof *document_files; i++)
        if (strcmp(document_files[i].path, name) == 0)
            return (struct slice){(const char *)document_files[i].data, document_files[i].len};
    fail_msg("no document %s", name);
    return (struct slice){0};
}

static inline int64_t counter_time(const char *text)
{
    int64_t ms = 0;
    assert_int_equal(rfc3339_parse(slice_of(text), &ms), ERR_OK);
    return ms;
}

static inline void counter_open(struct counter *c)
{
    *c = (struct counter){0};
    arena_init(&c->arena, COUNTER_ARENA);
    struct cJSON **doc = &c->docs[c->doc_count++];
    enum err err =
        json_parse(counter_document("policy.default.json"), JSON_LIMITS_DEFAULT, doc, &c->fault);
    if (!err)
        err = policy_read(*doc, &c->arena, &c->policy, &c->fault);
    if (err)
        fail_msg("%s: %s", c->fault.where, c->fault.text);
    c->facts = (struct facts){
        .now_ms = counter_time("2026-11-25T12:00:00Z"),
        .utc_offset_minutes = 60,
        .clock_trusted = true,
        .store = "0042",
        .country = "DE",
        .currency = "EUR",
    };
}

static inline void counter_close(struct counter *c)
{
    for (size_t i = 0; i < c->doc_count; i++)
        json_free(c->docs[i]);
    arena_free(&c->arena);
}

/* The two as cmocka wants them: the state is the counter. */
static inline int counter_setup(void **state)
{
    static struct counter c;
    counter_open(&c);
    *state = &c;
    return 0;
}

static inline int counter_teardown(void **state)
{
    counter_close(*state);
    return 0;
}

static inline enum err counter_try_sale(struct counter *c, const char *json)
{
    c->fault = (struct fault){0};
    return sale_read(counter_json(c, json), NULL, &c->arena, &c->sale, &c->fault);
}

static inline void counter_sale(struct counter *c, const char *json)
{
    if (counter_try_sale(c, json) != ERR_OK)
        fail_msg("%s: %s", c->fault.where, c->fault.text);
    c->has_sale = true;
    assert_int_equal(history_init(&c->sale, &c->arena, &c->history, &c->fault), ERR_OK);
}

/* A sale in store 0042 on 2026-11-22 of the lines, tenders and further members given. */
static inline void counter_sell(struct counter *c, const char *currency, bool prices_include_tax,
                                const char *lines, const char *tenders, const char *more)
{
    char json[8192];
    snprintf(json, sizeof json,
             "{'receipt':'R1','channel':'store','store':'0042','lane':'01',"
             "'sold_at':'2026-11-22T10:11:12+01:00','currency':'%s','prices_include_tax':%s,"
             "'lines':[%s],'tenders':[%s]%s}",
             currency, prices_include_tax ? "true" : "false", lines, tenders, more);
    counter_sale(c, json);
}

static inline enum err counter_try(struct counter *c, const char *json, struct decision *decision)
{
    struct return_request request;
    c->fault = (struct fault){0};
    enum err err = return_request_read(counter_json(c, json), NULL, &c->arena, &request, &c->fault);
    if (err)
        return err;
    struct decide_input in = {
        .sale = c->has_sale ? &c->sale : NULL,
        .history = c->has_sale ? &c->history : NULL,
        .request = &request,
        .policy = &c->policy,
        .facts = &c->facts,
    };
    struct return_request *kept = arena_alloc(&c->arena, 1, sizeof *kept);
    *kept = request;
    in.request = kept;
    return returns_decide(&in, &c->arena, decision, &c->fault);
}

static inline struct decision counter_ask(struct counter *c, const char *json)
{
    struct decision decision;
    if (counter_try(c, json, &decision) != ERR_OK)
        fail_msg("%s: %s", c->fault.where, c->fault.text);
    return decision;
}

/* Asks for `quantity` of a line in the usual way. */
static inline struct decision counter_quote(struct counter *c, int64_t line, int64_t quantity)
{
    char json[256];
    snprintf(json, sizeof json,
             "{'receipt':'R1','lines':[{'line':%lld,'quantity':%lld,'reason':'unwanted',"
             "'condition':'open_box'}]}",
             (long long)line, (long long)quantity);
    return counter_ask(c, json);
}

static inline void counter_keep(struct counter *c, const struct decision *decision)
{
    assert_int_equal(history_add(&c->history, &c->sale, decision, &c->fault), ERR_OK);
}

/* Asks, expects it to be accepted, and remembers it. */
static inline struct decision counter_return(struct counter *c, int64_t line, int64_t quantity)
{
    struct decision decision = counter_quote(c, line, quantity);
    if (decision.outcome != OUTCOME_ACCEPTED)
        fail_msg("%s: %s", outcome_words[decision.outcome], decision.reasons[0].code);
    counter_keep(c, &decision);
    return decision;
}

/* Forgets all that was returned, then adds the live ones again: what a void does. */
static inline void counter_rebuild(struct counter *c, const struct decision *live, size_t count)
{
    assert_int_equal(history_init(&c->sale, &c->arena, &c->history, &c->fault), ERR_OK);
    for (size_t i = 0; i < count; i++)
        counter_keep(c, &live[i]);
}

static inline bool counter_has_reason(const struct decision *decision, const char *code)
{
    for (size_t i = 0; i < decision->reason_count; i++)
        if (strcmp(decision->reasons[i].code, code) == 0)
            return true;
    return false;
}

#endif
