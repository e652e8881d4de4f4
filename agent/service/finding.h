/*
 * What a look at the appliance has found: an ordered list, each with an id for programs, a result,
 * the cause in words, and what a person does next. No threading of its own.
 */
#ifndef AGENT_SERVICE_FINDING_H
#define AGENT_SERVICE_FINDING_H

#include "hal/base/jsonw.h"

#define FINDING_RESULTS(X)                                                                         \
    X(OK, ok)                                                                                      \
    X(WARN, warn)       /* it works, and somebody should look */                                   \
    X(FAIL, fail)       /* it doesn't work */                                                      \
    X(SKIPPED, skipped) /* there is nothing to look at, or it couldn't be reached */

#define FINDING_RESULT_ENUM(upper, lower) FINDING_##upper,
enum finding_result { FINDING_RESULTS(FINDING_RESULT_ENUM) FINDING_RESULT_COUNT };

enum { FINDING_ID_MAX = 15, FINDING_SUBJECT_MAX = 40, FINDINGS_MAX = 64 };

struct finding {
    char id[FINDING_ID_MAX + 1];           /* "dns" */
    char subject[FINDING_SUBJECT_MAX + 1]; /* which of several devices; "" when there is one */
    enum finding_result result;
    char cause[FAULT_TEXT_MAX];
    const char *next; /* a constant; "" when there is nothing to do */
};

struct findings {
    struct finding list[FINDINGS_MAX];
    size_t count;
};

/* "ok", "warn", "fail", "skipped" */
const char *finding_word(enum finding_result result);
/* Adds one; beyond FINDINGS_MAX it is dropped. Its cause may be set later. */
struct finding *findings_add(struct findings *findings, const char *id, const char *subject);
void finding_set(struct finding *finding, enum finding_result result, const char *next,
                 const char *format, ...) __attribute__((format(printf, 4, 5)));
/* An array of objects under `key`. */
void findings_write(const struct findings *findings, struct jsonw *w, const char *key);

#endif
