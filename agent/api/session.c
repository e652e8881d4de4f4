#include "agent/api/internal.h"
#include "hal/base/cleanup.h"
#include "hal/base/json.h"
#include "hal/crypto.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BODY_MAX_BYTES = 1024, SESSION_MAX_BYTES = 1024, COOKIE_MAX = 160 };

static const char cookie_name[] = "tillback_session=";

struct slice api_session_cookie(struct http_request *request)
{
    const char *at = http_request_header(request, "Cookie");
    while (at && *at) {
        at += strspn(at, " ;");
        size_t len = strcspn(at, ";");
        if (strncmp(at, cookie_name, sizeof cookie_name - 1) == 0)
            return (struct slice){at + sizeof cookie_name - 1, len - (sizeof cookie_name - 1)};
        at += len;
    }
    return (struct slice){"", 0};
}

/*
 * A page of another origin can't set a header of its own without being asked for permission first
 * (Fetch, "CORS-preflight"), and none is ever given. Origin, where it is sent, has to be ours.
 */
bool api_same_origin(struct http_request *request)
{
    const char *origin = http_request_header(request, "Origin");
    const char *host = http_request_header(request, "Host");
    const char *from = origin ? strstr(origin, "://") : NULL;
    bool ours = http_request_header(request, "X-Tillback") != NULL &&
                (!origin || (from && host && strcmp(from + 3, host) == 0));
    if (ours)
        return true;
    struct fault fault;
    api_fail(request,
             fault_set(&fault, ERR_FORBIDDEN, "X-Tillback",
                       "a page's requests need this header, and the page's own origin"),
             &fault);
    return false;
}

bool api_peer_left(struct http_request *request)
{
    return http_request_header(request, "Host") == NULL;
}

/* RFC 6585, section 4. */
static void answer_locked(struct http_request *request, const struct people_answer *answer)
{
    char seconds[24];
    (void)snprintf(seconds, sizeof seconds, "%lld", (long long)answer->retry_s);
    const struct http_header retry = {"Retry-After", seconds};
    struct buf body CLEANUP(buf_free);
    buf_init(&body, SESSION_MAX_BYTES);
    struct jsonw w = jsonw_to(&body);
    jsonw_object(&w, NULL);
    jsonw_text(&w, "type", "urn:tillback:problem:locked_out");
    jsonw_text(&w, "title", "too many tries");
    jsonw_int(&w, "status", 429);
    jsonw_text(&w, "detail", answer->fault->text);
    jsonw_text(&w, "code", "locked_out");
    jsonw_int(&w, "retry_s", answer->retry_s);
    jsonw_end(&w);
    http_answer(request, 429, "application/problem+json", buf_slice(&body), &retry,
                answer->retry_s ? 1 : 0);
}

void api_refuse_person(struct http_request *request, const struct people_answer *answer)
{
    if (answer->err == ERR_BUSY)
        answer_locked(request, answer);
    else
        http_problem(request, http_status_of(answer->err), answer->fault);
}

/* --- Answers -----------------------------------------------------------------------------------
 */

static void write_person(struct buf *out, const struct api *api, const struct person *person)
{
    struct jsonw w = jsonw_to(out);
    jsonw_object(&w, NULL);
    jsonw_text(&w, "person", person->id);
    jsonw_text(&w, "number", person->number);
    jsonw_text(&w, "name", person->name);
    jsonw_text(&w, "role", role_words[person->role]);
    jsonw_text(&w, "language", person->language);
    jsonw_bool(&w, "must_change_pin", person->one_time);
    jsonw_int(&w, "idle_s", people_idle_ms(api->people) / 1000);
    jsonw_text(&w, "store", api->config.store);
    jsonw_text(&w, "currency", api->config.currency);
    jsonw_end(&w);
}

static void answer_session(struct api *api, struct http_request *request,
                           const struct person *person, const char *secret, bool made)
{
    char cookie[COOKIE_MAX];
    (void)snprintf(cookie, sizeof cookie, "%s%s; Path=/; HttpOnly; SameSite=Strict%s%s",
                   cookie_name, secret, http_request_secure(request) ? "; Secure" : "",
                   person ? "" : "; Max-Age=0");
    const struct http_header header = {"Set-Cookie", cookie};
    struct buf body CLEANUP(buf_free);
    buf_init(&body, SESSION_MAX_BYTES);
    if (person)
        write_person(&body, api, person);
    http_answer(request, person ? (made ? 201 : 200) : 204, "application/json", buf_slice(&body),
                &header, 1);
    crypto_wipe(cookie, sizeof cookie);
}

/* --- Signing in --------------------------------------------------------------------------------
 */

struct credentials {
    const char *number;
    const char *badge;
    const char *pin;
    const char *new_pin;
};

#define CREDENTIAL(member, most, must)                                                             \
    {                                                                                              \
        .name = #member, .kind = JSON_TEXT, .presence = (must),                                    \
        .offset = offsetof(struct credentials, member), .min = 1, .max = (most)                    \
    }
static const struct json_field sign_in_fields[] = {
    CREDENTIAL(number, PERSON_NUMBER_MAX, JSON_OPTIONAL),
    CREDENTIAL(badge, PERSON_BADGE_MAX, JSON_OPTIONAL),
    CREDENTIAL(pin, PIN_MAX, JSON_REQUIRED),
};
static const struct json_table sign_in_table = {sign_in_fields, 3, sizeof(struct credentials),
                                                false};
static const struct json_field new_pin_fields[] = {
    CREDENTIAL(pin, PIN_MAX, JSON_REQUIRED),
    CREDENTIAL(new_pin, PIN_MAX, JSON_REQUIRED),
};
static const struct json_table new_pin_table = {new_pin_fields, 2, sizeof(struct credentials),
                                                false};

/* A PIN on its way to be looked at; the request waits for it. */
struct signing {
    struct api *api;
    struct http_request *request;
    bool is_new; /* a sign-in, not a change of the PIN */
};

static void signed_in(void *context, const struct people_answer *answer)
{
    struct signing *signing = context;
    if (answer->err) {
        api_refuse_person(signing->request, answer);
    } else {
        char secret[SESSION_TEXT + 1];
        people_begin_session(signing->api->people, answer->person, secret);
        diag_write(signing->api->config.diag, DIAG_INFO,
                   signing->is_new ? "people.signed_in" : "people.new_pin", "person %s",
                   answer->person->id);
        if (signing->is_new && answer->person->role != ROLE_ASSOCIATE)
            api_note_access(signing->api,
                            &(struct access){.act = ACCESS_SIGNED_IN,
                                             .person = answer->person->id,
                                             .lane = "",
                                             .by = answer->person->id},
                            1, NULL);
        answer_session(signing->api, signing->request, answer->person, secret, signing->is_new);
        crypto_wipe(secret, sizeof secret);
    }
    free(signing);
}

/* The document and what it says of a person; false, and the request is answered, if it is wrong. */
static bool read_credentials(struct http_request *request, const struct json_table *table,
                             struct cJSON **doc, struct credentials *credentials)
{
    struct fault fault;
    struct json_limits limits = {.bytes = BODY_MAX_BYTES, .depth = 2};
    enum err err = json_parse(http_request_body(request), limits, doc, &fault);
    if (!err)
        err = json_read(*doc, table, credentials, NULL, &fault);
    if (!err && table == &sign_in_table && !credentials->number == !credentials->badge)
        err = fault_set(&fault, ERR_INVALID, "number", "give one of number and badge");
    if (err)
        api_fail(request, err, &fault);
    return err == ERR_OK;
}

static struct signing *signing_make(struct api_call *call, bool is_new)
{
    struct signing *signing = calloc(1, sizeof *signing);
    struct fault fault;
    if (!signing) {
        api_fail(call->request, fault_set(&fault, ERR_NO_MEMORY, "", "out of memory"), &fault);
        return NULL;
    }
    *signing = (struct signing){.api = call->api, .request = call->request, .is_new = is_new};
    return signing;
}

static void begin(struct api_call *call)
{
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    struct credentials given = {0};
    if (!api_same_origin(call->request) ||
        !read_credentials(call->request, &sign_in_table, &doc, &given))
        return;
    struct signing *signing = signing_make(call, true);
    if (signing)
        people_verify(call->api->people, slice_of(given.number ? given.number : given.badge),
                      slice_of(given.pin), signed_in, signing);
}

/* Ends every other session of the person: they were begun with the PIN of before. */
static void change_pin(struct api_call *call)
{
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    struct credentials given = {0};
    if (!read_credentials(call->request, &new_pin_table, &doc, &given))
        return;
    struct signing *signing = signing_make(call, false);
    if (signing)
        people_change_pin(call->api->people, call->person, slice_of(given.pin),
                          slice_of(given.new_pin), signed_in, signing);
}

static void show(struct api_call *call)
{
    struct buf body CLEANUP(buf_free);
    buf_init(&body, SESSION_MAX_BYTES);
    write_person(&body, call->api, call->person);
    api_answer(call->request, 200, &body);
}

static void end(struct api_call *call)
{
    if (call->person->role != ROLE_ASSOCIATE)
        api_note_act(call, ACCESS_SIGNED_OUT, NULL);
    people_end_session(call->api->people, call->session);
    answer_session(call->api, call->request, NULL, "", false);
}

const struct api_route api_session_routes[] = {
    {"POST", "/v1/session", API_OPEN, begin},
    {"GET", "/v1/session", API_PERSON, show},
    {"DELETE", "/v1/session", API_PERSON, end},
    {"POST", "/v1/session/pin", API_PERSON, change_pin},
    {0},
};
