#include "agent/service/finding.h"

#include <stdarg.h>
#include <stdio.h>

#define FINDING_RESULT_WORD(upper, lower) [FINDING_##upper] = #lower,
static const char *const words[] = {FINDING_RESULTS(FINDING_RESULT_WORD)};

const char *finding_word(enum finding_result result)
{
    return words[result];
}

struct finding *findings_add(struct findings *findings, const char *id, const char *subject)
{
    size_t at = findings->count < FINDINGS_MAX ? findings->count++ : FINDINGS_MAX - 1;
    struct finding *finding = &findings->list[at];
    *finding = (struct finding){.result = FINDING_SKIPPED, .next = ""};
    (void)snprintf(finding->id, sizeof finding->id, "%s", id);
    (void)snprintf(finding->subject, sizeof finding->subject, "%s", subject);
    return finding;
}

void finding_set(struct finding *finding, enum finding_result result, const char *next,
                 const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(finding->cause, sizeof finding->cause, format, args);
    va_end(args);
    finding->result = result;
    finding->next = next;
}

void findings_write(const struct findings *findings, struct jsonw *w, const char *key)
{
    jsonw_array(w, key);
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *finding = &findings->list[i];
        jsonw_object(w, NULL);
        jsonw_text(w, "id", finding->id);
        if (finding->subject[0])
            jsonw_text(w, "subject", finding->subject);
        jsonw_text(w, "result", finding_word(finding->result));
        jsonw_text(w, "cause", finding->cause);
        if (finding->next[0])
            jsonw_text(w, "next", finding->next);
        jsonw_end(w);
    }
    jsonw_end(w);
}
