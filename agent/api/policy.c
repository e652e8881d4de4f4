#include "agent/returns/policy.h"
#include "agent/api/internal.h"
#include "hal/base/cleanup.h"

enum { POLICY_MAX_BYTES = 512 * 1024 };

static void write_words(struct jsonw *w, const char *name, const struct policy_word *words,
                        size_t count, const char *const *meanings)
{
    jsonw_array(w, name);
    for (size_t i = 0; i < count; i++) {
        jsonw_object(w, NULL);
        jsonw_text(w, "code", words[i].code);
        jsonw_text(w, "means", meanings[words[i].means]);
        jsonw_end(w);
    }
    jsonw_end(w);
}

static void write_texts(struct jsonw *w, const struct policy *policy)
{
    jsonw_object(w, "texts");
    for (size_t i = 0; i < policy->text_count; i++) {
        const struct policy_text *text = &policy->texts[i];
        jsonw_object(w, text->code);
        for (int language = 0; language < POLICY_LANGUAGE_COUNT; language++)
            if (text->words[language])
                jsonw_text(w, policy_languages[language], text->words[language]);
        jsonw_end(w);
    }
    jsonw_end(w);
}

/* What the counter chooses from, and the words for it in every language. */
static void show(struct api_call *call)
{
    const struct policy *policy = call->api->config.policy;
    struct buf body CLEANUP(buf_free);
    buf_init(&body, POLICY_MAX_BYTES);
    struct jsonw w = jsonw_to(&body);
    jsonw_object(&w, NULL);
    jsonw_text(&w, "version", policy->version);
    write_words(&w, "reasons", policy->reasons, policy->reason_count, reason_words);
    write_words(&w, "conditions", policy->conditions, policy->condition_count, condition_words);
    write_texts(&w, policy);
    jsonw_end(&w);
    api_answer(call->request, 200, &body);
}

const struct api_route api_policy_routes[] = {
    {"GET", "/v1/policy", API_CLIENT, show},
    {0},
};
