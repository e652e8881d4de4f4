/*
 * The technician's desk inside the running appliance: what the doctor finds, which ports there are,
 * the self-test's steps, the commissioning report, the diagnostics bundle, and the code that makes
 * it a store's. One wish at a time; what blocks runs on a worker thread, with copies of what it
 * needs. Answers come on the loop's thread. Loop thread only.
 */
#ifndef AGENT_SERVICE_DESK_H
#define AGENT_SERVICE_DESK_H

#include "agent/print/desk.h"
#include "agent/service/doctor.h"
#include "hal/scanner.h"

struct service;

struct service_config {
    struct loop *loop;
    struct eventlog *log;
    const struct eventlog_config *log_config;
    struct clock *clock;
    struct diag *diag;
    const struct settings *settings;
    const char *folder;
    const struct membership *member;
    struct uplink *uplink;     /* NULL: none */
    struct print_desk *prints; /* NULL: none */
    /* Adds the scanners and printers, as they are now. */
    void (*devices)(void *context, struct doctor_running *running);
    /* A scanner was bound: to be opened. `value` is that of a scanner setting. */
    enum err (*bind)(void *context, const char *name, const char *value, struct fault *fault);
    void *context;
};

enum err service_open(struct service **service, const struct service_config *config,
                      struct fault *fault) MUST_CHECK;
/* Wishes under way end with ERR_CLOSED. Takes NULL. Before the print desk and the log. */
void service_close(struct service *service);

/* Something was committed, or acknowledged by the hub. */
void service_committed(struct service *service);
void service_scanned(struct service *service, const struct scan *scan);

#define SERVICE_WISHES(X)                                                                          \
    X(DOCTOR, doctor) /* all findings */                                                           \
    X(QUOTE, quote)   /* the self-test's steps: one finding each */                                \
    X(PRINT, print)                                                                                \
    X(SCAN, scan)                                                                                  \
    X(HUB, hub)                                                                                    \
    X(BIND, bind)           /* a port to a lane, by a test scan */                                 \
    X(COMMISSION, report)   /* the signed report, and the page to be printed */                    \
    X(DIAG, diag)           /* the bundle, as tar and gzip */                                      \
    X(PROVISION, provision) /* a code: the appliance becomes a store's, and opens anew */

#define SERVICE_WISH_ENUM(upper, lower) SERVICE_##upper,
enum service_wish { SERVICE_WISHES(SERVICE_WISH_ENUM) SERVICE_WISH_COUNT };

struct service_order {
    enum service_wish wish;
    const char *lane;   /* to bind */
    const char *device; /* a port that isn't listed, to be listened to as well; NULL: none */
    int64_t timeout_ms; /* of a scan; 0: BINDING_TIMEOUT_MS */
    const char *person; /* who asks: a person's id, or "" */
    const char *name;   /* the technician's, for the report */
    const char *code;   /* of the enrolment, as provision_wish has it */
    const char *enrol_url;
};

/* `body` is JSON, but for a bundle. Borrowed for the call. */
typedef void service_done(void *context, enum err err, const struct fault *fault,
                          struct slice body);

/* ERR_BUSY while another wish is under way; `done` doesn't come then. Texts are copied. */
enum err service_ask(struct service *service, const struct service_order *order, service_done *done,
                     void *context, struct fault *fault) MUST_CHECK;

/* The ports there are, with what they are bound to. */
void service_write_ports(struct service *service, struct jsonw *w);

#endif
