/* What the files of this folder share: the api itself, routes, who asks. Loop thread only. */
#ifndef AGENT_API_INTERNAL_H
#define AGENT_API_INTERNAL_H

#include "agent/api/api.h"
#include "agent/capture/scan_repeat.h"
#include "agent/people/local.h"
#include "agent/people/people.h"
#include "agent/people/token.h"
#include "agent/views/views.h"
#include "hal/base/jsonw.h"

struct api_stream;
struct lookup;

struct api {
    struct api_config config;
    struct tokens *tokens;
    struct local local;
    struct people *people;
    struct loop_timer *look;
    struct eventlog_reader *reader;
    struct views views;
    struct api_stream *streams;
    struct scan_repeat repeat;
    struct lookup *lookup;
    struct config_features features;
    int64_t announced[STREAMS_OF_APPLIANCE]; /* last seq that the streams were told */
};

/*
 * Who may call a route: anybody; a till or a person; tills only; people only; managers only; a
 * technician or this machine's command line.
 */
enum api_access { API_OPEN, API_CLIENT, API_TILL, API_PERSON, API_MANAGER, API_SERVICE };

/* One request with what the router found out. `rest` is what the {} of the path stood for. */
struct api_call {
    struct api *api;
    struct http_request *request;
    struct slice rest;
    bool takes_xml; /* all that is sent elsewhere is JSON */
    struct capture_actor actor;
    struct token_holder holder;
    const struct person *person; /* NULL for a till */
    bool local;                  /* the command line on this machine */
    struct slice session;        /* the secret of the person's session; empty for a till */
};

struct api_route {
    const char *method;
    const char *path; /* {} stands for one part: /v1/returns/{}/approve */
    enum api_access access;
    void (*handle)(struct api_call *call);
};

/* The routes of each file end with a row of NULLs. */
extern const struct api_route api_status_routes[];
extern const struct api_route api_sale_routes[];
extern const struct api_route api_return_routes[];
extern const struct api_route api_exception_routes[];
extern const struct api_route api_stream_routes[];
extern const struct api_route api_poslog_routes[];
extern const struct api_route api_page_routes[];
extern const struct api_route api_session_routes[];
extern const struct api_route api_policy_routes[];
extern const struct api_route api_parked_routes[];
extern const struct api_route api_replay_routes[];
extern const struct api_route api_print_routes[];
extern const struct api_route api_service_routes[];

/* The secret in the request's cookie; empty if there is none. */
struct slice api_session_cookie(struct http_request *request);
/* False, and the request is answered, if a page of another origin may have sent it. */
bool api_same_origin(struct http_request *request);
/* The log tells of it: as access_told, with the api as the context. */
void api_note_access(void *context, const struct access *acts, size_t count,
                     const struct access_copy *copy);
/* The same of who is asking; `of` may be NULL. */
void api_note_act(const struct api_call *call, enum access_act act, const struct id *of);
/* Answers with what people_verify found wrong. */
void api_refuse_person(struct http_request *request, const struct people_answer *answer);
/* The peer has hung up: its headers can't be read any more. */
bool api_peer_left(struct http_request *request);

/* Answers 200 (or another status) with JSON. */
void api_answer(struct http_request *request, int status, const struct buf *json);
/* True, and the request is answered, unless the feature is on. */
bool api_switched_off(struct api_call *call, bool feature);
void api_fail(struct http_request *request, enum err err, const struct fault *fault);
/* Hands a write to capture and answers when it is on disk; `created` is the status of success. */
void api_write(struct api_call *call, enum capture_kind kind, const struct id *subject,
               int created);
/* ERR_INVALID unless the {} of the path is a UUID. */
enum err api_subject(const struct api_call *call, struct id *id, struct fault *fault) MUST_CHECK;

#endif
