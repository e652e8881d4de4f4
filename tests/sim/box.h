/*
 * A simulated appliance: what it tells, and how it takes configurations (by the product's own
 * rules; nothing follows them) and commands. How it is connected is the fleet's.
 */
#ifndef TESTS_SIM_BOX_H
#define TESTS_SIM_BOX_H

#include "hal/clock.h"
#include "hal/loop.h"
#include "provisioning/certificate.h"
#include "sync/contract/config_report.h"
#include "sync/contract/topic.h"
#include "sync/transport/dial.h"
#include "tests/sim/packet.h"

struct fleet;

/* What all boxes share. */
struct box_world {
    struct loop *loop;
    struct clock *clock;
    mbedtls_x509_crt *ca;
};

struct box {
    struct fleet *fleet;
    const struct box_world *world;
    char device[DEVICE_ID_MAX + 1];
    struct tls_context *tls;
    struct dial *dial;
    struct tls_stream *stream;
    struct buf in;
    struct buf out;
    struct config_report report;
    int64_t wrote_ms;
    uint16_t next_id;
    bool refuses; /* every configuration */
    bool silent;  /* takes it, and never says so */
    bool grows;   /* takes it, and from then on more and more of its events wait */
    int64_t waiting;
    bool subscribed;
};

/* Writes what waits in `out`, as far as the connection takes it. */
void box_flush(struct box *box);
void box_tell_state(struct box *box);
void box_tell_report(struct box *box);
/* True when it was a new one, which it has answered, unless it is a silent box. */
bool box_take_config(struct box *box, struct slice envelope);
void box_take_command(struct box *box, const struct packet *packet);

#endif
