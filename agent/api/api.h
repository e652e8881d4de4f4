/*
 * The appliance's HTTP API (/v1, openapi.json): requests in, commands to capture, answers from the
 * views, scans and news out as server-sent events. Loop thread only; reads are short, writes wait
 * for the log's writer without blocking.
 */
#ifndef AGENT_API_API_H
#define AGENT_API_API_H

#include "agent/capture/capture.h"
#include "agent/capture/poslog.h"
#include "agent/capture/scan_formats.h"
#include "agent/people/session.h"
#include "agent/print/desk.h"
#include "agent/service/desk.h"
#include "hal/panel.h"
#include "hal/scanner.h"
#include "sync/contract/config_section.h"
#include "sync/transport/http.h"
#include "sync/uplink/uplink.h"

struct api;

struct api_config {
    struct loop *loop;
    struct eventlog *log;
    const struct eventlog_config *log_config; /* for a reader of its own */
    struct capture *capture;
    struct poslog_desk *poslog;
    const struct scan_formats *formats; /* receipt numbers as they are scanned */
    const struct fault *identity;       /* what is wrong with it, as health_judge takes it */
    struct uplink *uplink;              /* NULL: there is no link */
    struct print_desk *prints;          /* NULL: no printer is configured */
    struct service *service;            /* what technicians ask for */
    /* How a return ended at the lane that asked for it: for its lamps and its beeper. May be NULL.
     */
    void (*sign)(void *context, const char *lane, enum panel_sign sign);
    void *sign_context;
    struct clock *clock;
    struct diag *diag;
    const struct policy *policy; /* for GET /v1/policy */
    const char *folder;          /* state directory: tokens, people */
    const char *store;
    const char *currency; /* of what has no sale */
    const char *device;
    const char *version;
    /* Adds how the configuration stands to GET /v1/status; NULL: nothing is ever pushed. */
    void (*describe_config)(void *context, struct jsonw *w);
    void *config_context;
};

enum err api_open(struct api **api, const struct api_config *config,
                  struct fault *fault) MUST_CHECK;
/* The server must be closed before. Takes NULL. */
void api_close(struct api *api);

/* It is served there ("http://127.0.0.1:8080"): tells the command line on this machine. */
enum err api_announce(struct api *api, const char *address, struct fault *fault) MUST_CHECK;

/* Other ones from now on. What was given before is used no more when they return. */
void api_use_policy(struct api *api, const struct policy *policy);
void api_use_formats(struct api *api, const struct scan_formats *formats);
void api_use_session_limits(struct api *api, const struct session_limits *limits);
/* A configuration has changed the staff. */
void api_staff_given(struct api *api);
void api_use_features(struct api *api, const struct config_features *features);

/* What http_config.handle calls; `context` is the api. */
void api_handle(void *context, struct http_request *request);

/* News for GET /v1/stream. */
void api_scanned(struct api *api, const struct scan *scan);
void api_scanner_changed(struct api *api, const char *scanner, enum scanner_state state);
void api_printer_changed(struct api *api, const struct print_desk_printer *printer);
/* `state`: what print_desk_listener says of it. */
void api_print_changed(struct api *api, const struct print *print, const char *state);
void api_link_changed(struct api *api);
/* After a commit: what is new in the log. */
void api_committed(struct api *api);

#endif
