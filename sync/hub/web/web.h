/*
 * The hub's HTTP API and dashboard. Reads the database on its own handle, answers from the loop's
 * thread; every list is cut to a page. All but /healthz, /openapi.json and the dashboard's own
 * files asks for a bearer token (RFC 6750). openapi.json says what is asked and answered, and which
 * role may change what; tests hold the code to it. Loop thread only.
 */
#ifndef SYNC_HUB_WEB_WEB_H
#define SYNC_HUB_WEB_WEB_H

#include "sync/hub/connect/posters.h"
#include "sync/hub/connect/webhook.h"
#include "sync/hub/ingest/arrival.h"
#include "sync/hub/ingest/news.h"
#include "sync/transport/http.h"

struct web;

/* What only the process knows. */
struct web_facts {
    bool broker_online;
    int64_t answers_dropped;
    int64_t hub_epoch;
    int64_t damage;                  /* findings of the verification of the database */
    bool verified;                   /* it has reached the end */
    struct fault database;           /* why it takes nothing at the moment; OK: it does */
    const struct arrival_desk *desk; /* its counters */
    int64_t booked;
    int64_t entries;
    struct posters_fact posters[CONNECTORS_MAX];
    size_t poster_count;
    int64_t enrolments; /* questions about identities that were answered */
    int64_t enrolments_refused;
    int64_t list_until_ms; /* the revocation lists' nextUpdate; 0: this hub makes none */
    bool payments_wait;
    int64_t outlets_waiting; /* that take no events at the moment */
};

struct web_config {
    const char *address;
    struct tls_context *tls;   /* NULL: plain, on loopback only */
    struct database *database; /* read only, the loop's */
    struct worker *worker;     /* makes the changes that people ask for */
    const struct books *books;
    const struct vault *vault;                    /* of customers' keys */
    const struct webhook_secret *provider_secret; /* NULL: no payment provider tells us anything */
    struct clock *clock;
    void (*facts)(void *context, struct web_facts *facts);
    /* A change was committed; may come after web_close. */
    void (*changed)(void *context, const struct news *news);
    /* These appliances have something new in their inbox; may come after web_close. */
    void (*told)(void *context, const char (*devices)[DEVICE_ID_MAX + 1], size_t count);
    void *context;
    struct diag *diag;
};

enum err web_open(struct web **web, struct loop *loop, const struct web_config *config,
                  struct fault *fault) MUST_CHECK;
void web_close(struct web *web); /* takes NULL */
/* For connections from now on; only when it was opened with TLS. */
void web_use_tls(struct web *web, struct tls_context *tls);
const char *web_address(const struct web *web);

#endif
