#include "sync/hub/connect/provider.h"
#include "hal/base/cleanup.h"
#include "hal/base/jsonw.h"
#include "hal/storage.h"
#include "sync/hub/connect/config_file.h"
#include "sync/hub/connect/http_call.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CONFIG_MAX = 64 * 1024, DEPTH_MAX = 6, KEY_LINE_MAX = 512, TEXT_MOST = 1024 };
enum { BODY_MAX = 4096, TENDERS_MAX = 16, TIMEOUT_LEAST_MS = 100, TIMEOUT_MOST_MS = 120000 };
enum { STATUS_PAYMENT = 402, STATUS_UNPROCESSABLE = 422, STATUS_UNAUTHORIZED = 401 };
enum { STATUS_FORBIDDEN = 403, STATUS_TIMEOUT = 408, STATUS_TOO_MANY = 429 };

struct config {
    const char *url;
    const char *key_file;
    const char *webhook_secret_file;
    const char *ca_file;
    int64_t timeout_ms;
    const char **tenders;
    size_t tender_count;
};

struct provider {
    struct config config;
    struct arena arena;
    struct cJSON *document;
    struct http_call *http;
    char authorization[KEY_LINE_MAX + 16];
    struct webhook_secret secret;
    struct http_answer answer;
};

#define TEXT(type, member, how)                                                                    \
    {                                                                                              \
        .name = #member, .kind = JSON_TEXT, .presence = JSON_##how,                                \
        .offset = offsetof(struct type, member), .min = 1, .max = TEXT_MOST                        \
    }

static const struct json_field config_fields[] = {
    TEXT(config, url, REQUIRED),
    TEXT(config, key_file, REQUIRED),
    TEXT(config, webhook_secret_file, OPTIONAL),
    TEXT(config, ca_file, OPTIONAL),
    {.name = "timeout_ms",
     .kind = JSON_INT,
     .presence = JSON_OPTIONAL,
     .offset = offsetof(struct config, timeout_ms),
     .min = TIMEOUT_LEAST_MS,
     .max = TIMEOUT_MOST_MS},
    {.name = "tenders",
     .kind = JSON_TEXTS,
     .offset = offsetof(struct config, tenders),
     .count_offset = offsetof(struct config, tender_count),
     .min = 1,
     .max = TENDERS_MAX},
};
static const struct json_table config_table = {
    .fields = config_fields,
    .count = sizeof config_fields / sizeof *config_fields,
    .item_size = sizeof(struct config),
};

/* --- Refund objects -------------------------------------------------------------------------- */

static const char *const status_words[] = {"succeeded", "failed", "pending", NULL};

static const struct json_field amount_fields[] = {
    {.name = "value",
     .kind = JSON_INT,
     .offset =
         offsetof(struct provider_refund, amount.value) - offsetof(struct provider_refund, amount)},
    {.name = "currency",
     .kind = JSON_TEXT,
     .offset = offsetof(struct provider_refund, amount.currency) -
               offsetof(struct provider_refund, amount),
     .min = 3,
     .max = 3},
};
static const struct json_table amount_table = {
    .fields = amount_fields, .count = 2, .item_size = sizeof((struct provider_refund){0}.amount)};

static const struct json_field refund_fields[] = {
    {.name = "reference",
     .kind = JSON_TEXT,
     .offset = offsetof(struct provider_refund, reference),
     .min = 1,
     .max = PAYMENT_KEY_MAX},
    {.name = "id",
     .kind = JSON_TEXT,
     .offset = offsetof(struct provider_refund, id),
     .min = 1,
     .max = PAYMENT_TEXT_MAX},
    {.name = "status",
     .kind = JSON_CHOICE,
     .offset = offsetof(struct provider_refund, status),
     .choices = status_words},
    {.name = "reason",
     .kind = JSON_TEXT,
     .presence = JSON_OPTIONAL,
     .offset = offsetof(struct provider_refund, reason),
     .max = PAYMENT_REASON_MAX},
    {.name = "amount",
     .kind = JSON_OBJECT,
     .presence = JSON_OPTIONAL,
     .offset = offsetof(struct provider_refund, amount),
     .items = &amount_table},
};
static const struct json_table refund_table = {
    .fields = refund_fields,
    .count = sizeof refund_fields / sizeof *refund_fields,
    .item_size = sizeof(struct provider_refund),
    .allow_unknown = true,
};

enum err provider_read_refund(const struct cJSON *json, struct arena *arena,
                              struct payment_answer *answer, struct fault *fault)
{
    struct provider_refund refund = {.reason = ""};
    enum err err = json_read(json, &refund_table, &refund, arena, fault);
    if (err)
        return err;
    *answer = (struct payment_answer){.key = refund.reference,
                                      .kind = refund.status,
                                      .reference = refund.id,
                                      .reason = refund.reason,
                                      .currency = refund.amount.currency,
                                      .amount_minor = refund.amount.value};
    return ERR_OK;
}

void provider_answer_free(struct provider_answer *answer)
{
    json_free(answer->document);
    arena_free(&answer->arena);
    *answer = (struct provider_answer){0};
}

/* --- Asking ---------------------------------------------------------------------------------- */

static enum err ask(struct provider *provider, struct http_request *request, struct fault *fault)
{
    request->headers[request->header_count++] =
        (struct http_call_header){"Authorization", provider->authorization};
    enum err err = http_call_run(provider->http, request, &provider->answer, fault);
    if (err)
        return err;
    int status = provider->answer.status;
    if (status == STATUS_UNAUTHORIZED || status == STATUS_FORBIDDEN)
        return fault_set(fault, ERR_UNREACHABLE, "provider", "refuses our key (%d)", status);
    if (status == STATUS_TOO_MANY || status == STATUS_TIMEOUT)
        return fault_set(fault, ERR_BUSY, "provider", "answers %d: later", status);
    if (status >= 500 || status < 200 || (status >= 300 && status < 400))
        return fault_set(fault, ERR_UNKNOWN_OUTCOME, "provider", "answers %d", status);
    return ERR_OK;
}

static enum err read_document(struct provider *provider, struct provider_answer *answer)
{
    const struct json_limits limits = {.bytes = HTTP_ANSWER_MAX, .depth = DEPTH_MAX};
    return json_parse(buf_slice(&provider->answer.body), limits, &answer->document, NULL);
}

static enum err read_refund(const struct cJSON *json, const struct payment *payment,
                            struct provider_answer *answer, struct fault *fault)
{
    arena_init(&answer->arena, BODY_MAX);
    enum err err = provider_read_refund(json, &answer->arena, &answer->said, fault);
    if (!err && strcmp(answer->said.key, payment->key) != 0)
        err = fault_set(fault, ERR_CONFLICT, "provider", "answers about another refund, %.100s",
                        answer->said.key);
    return err;
}

/* *known: the provider has it, and *answer is what it says. */
static enum err look_up(struct provider *provider, const struct payment *payment, bool *known,
                        struct provider_answer *answer, struct fault *fault)
{
    char url[HTTP_URL_MAX];
    struct http_request request = {.method = "GET", .url = url};
    (void)snprintf(url, sizeof url, "%s/refunds?reference=%s", provider->config.url, payment->key);
    enum err err = ask(provider, &request, fault);
    if (err)
        return err;
    if (provider->answer.status >= 300 || read_document(provider, answer) != ERR_OK)
        return fault_set(fault, ERR_UNKNOWN_OUTCOME, "provider", "answers %d to a look-up",
                         provider->answer.status);
    const struct cJSON *list = json_member(answer->document, "refunds");
    const struct cJSON *first = json_first(list);
    *known = first != NULL;
    if (!list)
        return fault_set(fault, ERR_UNKNOWN_OUTCOME, "provider", "answers no list of refunds");
    if (first && json_next(first))
        return fault_set(fault, ERR_CONFLICT, "provider", "has more than one refund for our key");
    return first ? read_refund(first, payment, answer, fault) : ERR_OK;
}

static void write_request(const struct payment *payment, struct buf *body)
{
    struct jsonw w = jsonw_to(body);
    jsonw_object(&w, NULL);
    jsonw_text(&w, "reference", payment->key);
    if (*payment->token)
        jsonw_text(&w, "payment", payment->token);
    jsonw_object(&w, "amount");
    jsonw_int(&w, "value", payment->amount_minor);
    jsonw_text(&w, "currency", payment->currency);
    jsonw_end(&w);
    jsonw_text(&w, "type", payment->type);
    jsonw_text(&w, "return", payment->return_number);
    jsonw_end(&w);
}

/* Only an answer that names the refund ends the matter; any other is looked up again. */
static enum err request_refund(struct provider *provider, const struct payment *payment,
                               struct provider_answer *answer, struct fault *fault)
{
    struct buf body CLEANUP(buf_free);
    char url[HTTP_URL_MAX];
    buf_init(&body, BODY_MAX);
    write_request(payment, &body);
    (void)snprintf(url, sizeof url, "%s/refunds", provider->config.url);
    struct http_request request = {
        .method = "POST",
        .url = url,
        .headers = {{"Content-Type", "application/json"}, {"Idempotency-Key", payment->key}},
        .header_count = 2,
        .body = buf_slice(&body),
    };
    enum err err = buf_check(&body, fault, "refund");
    if (!err)
        err = ask(provider, &request, fault);
    if (err)
        return err;
    int status = provider->answer.status;
    bool decline = status == STATUS_PAYMENT || status == STATUS_UNPROCESSABLE;
    if (status >= 300 && !decline)
        return fault_set(fault, ERR_REFUSED, "provider", "doesn't take the request: it answers %d",
                         status);
    if (read_document(provider, answer) != ERR_OK)
        return fault_set(fault, ERR_UNKNOWN_OUTCOME, "provider", "answers no JSON");
    return read_refund(answer->document, payment, answer, fault);
}

enum err provider_refund(struct provider *provider, const struct payment *payment,
                         struct provider_answer *out, struct fault *fault)
{
    struct provider_answer answer = {0};
    bool known = false;
    if (!provider_pays(provider, payment->type))
        return fault_set(fault, ERR_UNSUPPORTED, "provider",
                         "no provider pays %s: see to it by hand, and say so", payment->type);
    enum err err = look_up(provider, payment, &known, &answer, fault);
    if (!err && !known) {
        provider_answer_free(&answer);
        err = payment->pending ? fault_set(fault, ERR_NOT_FOUND, "provider",
                                           "doesn't know any more what it had taken")
                               : request_refund(provider, payment, &answer, fault);
    }
    if (err)
        provider_answer_free(&answer);
    else
        *out = answer;
    return err;
}

/* --- Life ------------------------------------------------------------------------------------ */

const struct webhook_secret *provider_secret(const struct provider *provider)
{
    return provider->secret.len ? &provider->secret : NULL;
}

bool provider_pays(const struct provider *provider, const char *tender_type)
{
    for (size_t i = 0; i < provider->config.tender_count; i++)
        if (strcmp(provider->config.tenders[i], tender_type) == 0)
            return true;
    return false;
}

static enum err read_key(struct provider *provider, struct fault *fault)
{
    struct buf text CLEANUP(buf_free);
    buf_init(&text, KEY_LINE_MAX);
    enum err err = storage_read(provider->config.key_file, &text, fault);
    if (err)
        return err;
    int len = text.data ? (int)strcspn(text.data, "\r\n") : 0;
    if (!len)
        return fault_set(fault, ERR_INVALID, "key_file", "has no key in its first line");
    (void)snprintf(provider->authorization, sizeof provider->authorization, "Bearer %.*s", len,
                   text.data);
    return ERR_OK;
}

static enum err open_parts(struct provider *provider, const char *path, struct fault *fault)
{
    struct config *config = &provider->config;
    enum err err = config_file_read(path, CONFIG_MAX, &config_table, &provider->arena,
                                    &provider->document, config, fault);
    if (!err)
        err = http_call_check_url(config->url, fault);
    if (!err)
        err = read_key(provider, fault);
    if (!err && config->webhook_secret_file)
        err = webhook_secret_read(config->webhook_secret_file, &provider->secret, fault);
    const struct http_call_config http = {config->ca_file, config->timeout_ms};
    return err ? err : http_call_open(&provider->http, &http, fault);
}

enum err provider_open(struct provider **out, const char *path, struct fault *fault)
{
    struct provider *provider = calloc(1, sizeof *provider);
    if (!provider)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    arena_init(&provider->arena, CONFIG_MAX);
    buf_init(&provider->answer.body, HTTP_ANSWER_MAX);
    enum err err = open_parts(provider, path, fault);
    if (err) {
        provider_close(provider);
        return fault_wrap(fault, err, path);
    }
    *out = provider;
    return ERR_OK;
}

void provider_close(struct provider *provider)
{
    if (!provider)
        return;
    http_call_close(provider->http);
    buf_free(&provider->answer.body);
    arena_free(&provider->arena);
    json_free(provider->document);
    free(provider);
}

int64_t provider_asked_pause_ms(const struct provider *provider)
{
    return provider->answer.retry_after_ms;
}
