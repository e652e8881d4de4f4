#include "sync/contract/enrol.h"
#include "hal/base/cleanup.h"
#include "hal/base/json.h"
#include "hal/base/jsonw.h"

#include <stddef.h>
#include <string.h>

enum { DEPTH_MAX = 3, TEXT_MAX = ENROL_ASK_MAX, CODE_TEXT_MAX = 80, WORD_MAX = 32 };

#define ENROL_ASK_NAME(upper, lower) #lower,
static const char *const kinds[] = {ENROL_ASKS(ENROL_ASK_NAME) NULL};

#define TEXT(type, member, most)                                                                   \
    {                                                                                              \
        .name = #member, .kind = JSON_TEXT, .presence = JSON_OPTIONAL,                             \
        .offset = offsetof(struct type, member), .min = 1, .max = (most)                           \
    }

static const struct json_field ask_fields[] = {
    {.name = "ask",
     .kind = JSON_CHOICE,
     .offset = offsetof(struct enrol_ask, kind),
     .choices = kinds},
    TEXT(enrol_ask, locator, WORD_MAX),
    TEXT(enrol_ask, code, CODE_TEXT_MAX),
    TEXT(enrol_ask, request, TEXT_MAX),
    TEXT(enrol_ask, identity, TEXT_MAX),
    TEXT(enrol_ask, signature, 200),
};
static const struct json_table ask_table = {ask_fields, sizeof ask_fields / sizeof *ask_fields,
                                            sizeof(struct enrol_ask), true};

struct answer_text {
    struct enrol_answer answer;
    const char *refused;
};

#define ANSWER(member)                                                                             \
    {                                                                                              \
        .name = #member, .kind = JSON_TEXT, .presence = JSON_OPTIONAL,                             \
        .offset = offsetof(struct answer_text, answer.member), .min = 1, .max = ENROL_ANSWER_MAX   \
    }

static const struct json_field answer_fields[] = {
    ANSWER(bundle),
    ANSWER(seal),
    ANSWER(certificate),
    ANSWER(trust),
    ANSWER(crl),
    ANSWER(detail),
    TEXT(answer_text, refused, WORD_MAX),
    {.name = "time", .kind = JSON_TIME, .offset = offsetof(struct answer_text, answer.time_ms)},
};
static const struct json_table answer_table = {
    answer_fields, sizeof answer_fields / sizeof *answer_fields, sizeof(struct answer_text), true};

static void optional(struct jsonw *w, const char *name, const char *text)
{
    if (text)
        jsonw_text(w, name, text);
}

void enrol_ask_write(struct buf *out, const struct enrol_ask *ask)
{
    struct jsonw w = jsonw_to(out);
    jsonw_object(&w, NULL);
    jsonw_text(&w, "ask", kinds[ask->kind]);
    optional(&w, "locator", ask->locator);
    optional(&w, "code", ask->code);
    optional(&w, "request", ask->request);
    optional(&w, "identity", ask->identity);
    optional(&w, "signature", ask->signature);
    jsonw_end(&w);
}

void enrol_answer_write(struct buf *out, const struct enrol_answer *answer)
{
    struct jsonw w = jsonw_to(out);
    jsonw_object(&w, NULL);
    optional(&w, "bundle", answer->bundle);
    optional(&w, "seal", answer->seal);
    optional(&w, "certificate", answer->certificate);
    optional(&w, "trust", answer->trust);
    optional(&w, "crl", answer->crl);
    if (answer->refused) {
        jsonw_text(&w, "refused", err_name(answer->refused));
        jsonw_text(&w, "detail", answer->detail ? answer->detail : err_text(answer->refused));
    }
    jsonw_time(&w, "time", answer->time_ms);
    jsonw_end(&w);
}

/* Every text moves from the document, which goes, to the arena. */
static enum err keep(const char ***texts, size_t count, struct arena *arena, struct fault *fault)
{
    for (size_t i = 0; i < count; i++)
        if (*texts[i] && !(*texts[i] = arena_text(arena, *texts[i])))
            return fault_set(fault, ERR_TOO_LARGE, "", "larger than the memory given for it");
    return ERR_OK;
}

static enum err check_ask(const struct enrol_ask *ask, struct fault *fault)
{
    const char *missing = NULL;
    if (ask->kind == ENROL_BUNDLE && !ask->locator)
        missing = "locator";
    if (ask->kind == ENROL_CERTIFICATE && !ask->code)
        missing = "code";
    if ((ask->kind == ENROL_CERTIFICATE || ask->kind == ENROL_RENEWAL) && !ask->request)
        missing = "request";
    if (!ask->identity != !ask->signature)
        missing = ask->identity ? "signature" : "identity";
    return missing ? fault_set(fault, ERR_INVALID, missing, "is missing") : ERR_OK;
}

enum err enrol_ask_read(struct slice text, struct arena *arena, struct enrol_ask *ask,
                        struct fault *fault)
{
    const struct json_limits limits = {.bytes = ENROL_ASK_MAX, .depth = DEPTH_MAX};
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    struct enrol_ask read = {0};
    const char **texts[] = {&read.locator, &read.code, &read.request, &read.identity,
                            &read.signature};
    enum err err = json_parse(text, limits, &doc, fault);
    if (!err)
        err = json_read(doc, &ask_table, &read, arena, fault);
    if (!err)
        err = check_ask(&read, fault);
    if (!err)
        err = keep(texts, sizeof texts / sizeof *texts, arena, fault);
    if (!err)
        *ask = read;
    return err;
}

/* A refusal by a name that a newer hub may have. */
static enum err err_find(const char *name)
{
#define ENROL_ERR_FIND(upper, lower, class, words)                                                 \
    if (strcmp(name, #lower) == 0)                                                                 \
        return ERR_##upper;
    ERR_TABLE(ENROL_ERR_FIND)
    return ERR_REFUSED;
}

enum err enrol_answer_read(struct slice text, struct arena *arena, struct enrol_answer *answer,
                           struct fault *fault)
{
    const struct json_limits limits = {.bytes = ENROL_ANSWER_MAX, .depth = DEPTH_MAX};
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    struct answer_text read = {.refused = NULL};
    const char **texts[] = {&read.answer.bundle, &read.answer.seal, &read.answer.certificate,
                            &read.answer.trust,  &read.answer.crl,  &read.answer.detail};
    enum err err = json_parse(text, limits, &doc, fault);
    if (!err)
        err = json_read(doc, &answer_table, &read, arena, fault);
    if (!err)
        err = keep(texts, sizeof texts / sizeof *texts, arena, fault);
    if (err)
        return err;
    if (read.refused)
        read.answer.refused = err_find(read.refused);
    *answer = read.answer;
    return ERR_OK;
}

void enrol_signed(struct buf *out, const char *request)
{
    buf_append_text(out, "tillback renewal\n");
    buf_append_text(out, request);
}
