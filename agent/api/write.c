#include "agent/api/internal.h"
#include "agent/returns/words.h"
#include "hal/base/json_scan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OUTCOME_WORD_MAX = 32 };

/* A write on its way to the log's writer thread and back; the request waits for it. */
struct write {
    const struct api *api;
    enum capture_kind kind;
    char lane[TOKEN_LANE_MAX + 1];
    struct http_request *request;
    int created;
};

/* A key that stands for another request is 422 (draft-ietf-httpapi-idempotency-key-header, 2.7). */
static int status_of(enum err err, const struct fault *fault)
{
    bool key = err == ERR_CONFLICT && strcmp(fault->where, "Idempotency-Key") == 0;
    return key ? 422 : http_status_of(err);
}

/* Lamp and beep are for returns: at other writes nobody at the counter waits for a sign. */
static bool has_sign(enum capture_kind kind)
{
    return kind == CAPTURE_RETURN || kind == CAPTURE_EXCHANGE || kind == CAPTURE_APPROVE;
}

/* The value of a member of one of our own answers; without data if there is none. */
static struct slice member_of(struct slice object, const char *name)
{
    struct json_scan scan;
    struct json_part part;
    bool found = true;
    if (json_scan_begin(&scan, object, JSON_LIMITS_CHECKED, '{', NULL) != ERR_OK)
        return (struct slice){NULL, 0};
    while (json_scan_next(&scan, &part, &found, NULL) == ERR_OK && found)
        if (slice_is(part.key, name))
            return part.value;
    return (struct slice){NULL, 0};
}

/* -1 if the answer tells of none. */
static int outcome_of(enum capture_kind kind, struct slice answer)
{
    struct slice returned = kind == CAPTURE_EXCHANGE ? member_of(answer, "return") : answer;
    struct slice decision = member_of(returned, "decision");
    if (!decision.data || decision.data[0] != '"')
        return -1;
    char word[OUTCOME_WORD_MAX + 1];
    slice_copy((struct slice){decision.data + 1, decision.len - 2}, word, sizeof word);
    return word_find(outcome_words, word);
}

/* What waits for a manager or a link is neither saved for good nor refused: the page tells it. */
static bool sign_of(enum capture_kind kind, const struct capture_answer *answer,
                    enum panel_sign *sign)
{
    if (answer->err) {
        *sign = err_class(answer->err) == ERR_CLASS_PARK ? PANEL_REFUSED : PANEL_CANT_SAVE;
        return true;
    }
    int outcome = outcome_of(kind, answer->body);
    *sign = outcome == OUTCOME_DECLINED ? PANEL_REFUSED : PANEL_SAVED;
    return outcome == OUTCOME_DECLINED || outcome == OUTCOME_ACCEPTED ||
           outcome == OUTCOME_PENDING_CHECK;
}

static void show_sign(const struct write *write, const struct capture_answer *answer)
{
    const struct api_config *config = &write->api->config;
    enum panel_sign sign;
    if (config->sign && has_sign(write->kind) && sign_of(write->kind, answer, &sign))
        config->sign(config->sign_context, write->lane, sign);
}

/* It is on disk, or it was refused. */
static void answer(void *context, const struct capture_answer *answer)
{
    struct write *write = context;
    static const struct http_header replay = {"Idempotent-Replay", "true"};
    if (answer->err)
        http_problem(write->request, status_of(answer->err, answer->fault), answer->fault);
    else
        http_answer(write->request, write->created, "application/json", answer->body, &replay,
                    answer->replayed ? 1 : 0);
    show_sign(write, answer);
    free(write);
}

static struct slice header_slice(struct http_request *request, const char *name)
{
    const char *value = http_request_header(request, name);
    return value ? slice_of(value) : (struct slice){"", 0};
}

/* Who sends no body names no member. */
static struct slice body_of(struct http_request *request)
{
    struct slice body = http_request_body(request);
    return body.len ? body : SLICE_LITERAL("{}");
}

/* W3C Trace Context: 00-<32 hex>-<16 hex>-<2 hex>. Anything else counts as not sent. */
static struct slice traceparent_of(struct http_request *request)
{
    struct slice text = header_slice(request, "traceparent");
    if (text.len != TRACEPARENT_TEXT)
        return (struct slice){"", 0};
    for (size_t i = 0; i < text.len; i++) {
        bool dash = i == 2 || i == 35 || i == 52;
        char c = text.data[i];
        if (dash ? c != '-' : !((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
            return (struct slice){"", 0};
    }
    return text;
}

/* An empty key is refused: its sender relies on it, and it would protect from nothing. */
static enum err check_key(struct http_request *request, struct fault *fault)
{
    const char *key = http_request_header(request, "Idempotency-Key");
    return key && !*key ? fault_set(fault, ERR_INVALID, "Idempotency-Key", "must not be empty")
                        : ERR_OK;
}

void api_write(struct api_call *call, enum capture_kind kind, const struct id *subject, int created)
{
    struct fault fault = {0};
    enum err err = check_key(call->request, &fault);
    if (err) {
        api_fail(call->request, err, &fault);
        return;
    }
    struct write *write = calloc(1, sizeof *write);
    if (!write) {
        api_fail(call->request, fault_set(&fault, ERR_NO_MEMORY, "", "out of memory"), &fault);
        return;
    }
    *write = (struct write){
        .api = call->api,
        .kind = kind,
        .request = call->request,
        .created = created,
    };
    (void)snprintf(write->lane, sizeof write->lane, "%s", call->actor.lane);
    struct capture_order order = {
        .kind = kind,
        .body = body_of(call->request),
        .key = header_slice(call->request, "Idempotency-Key"),
        .traceparent = traceparent_of(call->request),
        .actor = call->actor,
        .loop = call->api->config.loop,
    };
    if (subject)
        order.subject = *subject;
    err = capture_submit(call->api->config.capture, &order, answer, write, &fault);
    if (err) {
        api_fail(call->request, err, &fault);
        free(write);
    }
}
