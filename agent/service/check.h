/*
 * One check of the doctor, and what the checks share; for the files doctor.c and check_*.c only.
 */
#ifndef AGENT_SERVICE_CHECK_H
#define AGENT_SERVICE_CHECK_H

#include "agent/service/doctor.h"
#include "sync/transport/dial.h"

/* What one look has found so far: later checks build on earlier ones. */
struct examination {
    const struct doctor_subject *subject;
    struct findings *findings;
    struct finding *at; /* the finding of the check that runs */
    struct url broker;
    bool has_broker;
    struct url proxy;
    bool has_proxy;
    bool reachable; /* something answers at the broker's port */
    bool dialled;
    struct fault dial; /* how the TLS handshake ended; ERR_OK: well */
    bool connected;    /* to the broker, by MQTT */
    struct fault mqtt;
    enum rights_found rights;
};

typedef void check_run(struct examination *x);

check_run check_power, check_disk, check_database, check_clock, check_identity, check_crl;
check_run check_link, check_dns, check_proxy, check_port, check_chain, check_name, check_expiry;
check_run check_mqtt, check_topics, check_watermark;
check_run check_scanners, check_printers;

/* Waiting for one thing on a loop of its own. */
struct wait {
    struct loop *loop;
    struct loop_timer *timer;
    bool over;
    struct fault fault; /* ERR_OK, or why not */
};

enum err wait_open(struct wait *wait, struct fault *fault) MUST_CHECK;
void wait_close(struct wait *wait);
/* Until wait_end, or so long: then the fault is ERR_TIMEOUT. */
void wait_run(struct wait *wait, int64_t timeout_ms);
void wait_end(struct wait *wait, const struct fault *fault); /* NULL: well */

#endif
