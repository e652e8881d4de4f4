/*
 * The hub's HTTP API and dashboard. Reads the database on its own handle, answers from the loop's
 * thread; every list is cut to a page. Loop thread only.
 */
#ifndef SYNC_HUB_WEB_WEB_H
#define SYNC_HUB_WEB_WEB_H

#include "sync/hub/ingest/arrival.h"
#include "sync/transport/http.h"

struct web;

/* What only the process knows. */
struct web_facts {
    bool broker_online;
    int64_t answers_dropped;
    int64_t hub_epoch;
    const struct arrival_desk *desk; /* its counters */
};

struct web_config {
    const char *address;
    struct tls_context *tls;   /* NULL: plain, on loopback only */
    struct database *database; /* read only, the loop's */
    struct clock *clock;
    void (*facts)(void *context, struct web_facts *facts);
    void *context;
    struct diag *diag;
};

enum err web_open(struct web **web, struct loop *loop, const struct web_config *config,
                  struct fault *fault) MUST_CHECK;
void web_close(struct web *web); /* takes NULL */
const char *web_address(const struct web *web);

#endif
