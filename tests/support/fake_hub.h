/*
 * A hub that answers as a test tells it, for the appliance's side of the road: it stands on a real
 * broker and serves one box, FAKE_HUB_DEVICE.
 */
#ifndef TESTS_SUPPORT_FAKE_HUB_H
#define TESTS_SUPPORT_FAKE_HUB_H

#include "sync/contract/chain.h"
#include "sync/contract/link_state.h"
#include "sync/contract/restore.h"
#include "sync/transport/mqtt.h"
#include "tests/support/tls_pki.h"

enum { FAKE_HUB_SEQ_MAX = 4000 };

#define FAKE_HUB_DEVICE "shop-1"
#define FAKE_HUB_NOW_MS INT64_C(1795342320345)

/* What the fake hub holds of one log. */
struct shelf {
    struct id log;
    bool known;
    bool has_parent;
    int64_t through;
    int64_t ack_no;
    int64_t times[FAKE_HUB_SEQ_MAX];
    struct sha256 hashes[FAKE_HUB_SEQ_MAX];
};

struct fake_hub {
    struct mqtt *mqtt;
    struct tls_context *tls;
    bool connected;
    bool subscribed;
    bool silent;      /* takes, and answers nothing */
    bool answers;     /* questions */
    bool asks_holder; /* says first that it does */
    bool tells_time;  /* else it keeps the questions */
    int time_asked;
    char time_question[ID_BYTES];
    bool backs_up; /* at once, all that it holds */
    bool lies;     /* claims to hold more than there is */
    enum { HUB_OLDER, HUB_READS_COMPRESSED, HUB_REFUSES_COMPRESSED } age;
    int compressed;     /* batches that came so */
    struct shelf shelf; /* of the stream returns, the log heard of last */
    int batches;
    size_t events; /* in the last of them */
    int states;
    struct link_state state;
    int64_t inbox_through;
    int inbox_acks;
    bool takes_batches;
    int64_t parked;   /* so many events from the first on it has parked */
    int parked_asked; /* for a page of them ... */
    bool keeps_pages; /* ... which it doesn't answer */
    bool lists_late;  /* keeps the questions for what is to be restored */
    int listed;
    struct restore_ask restore; /* the last of them */
};

/* Joins the broker at `url`, with a certificate of that PKI. */
void fake_hub_join(struct fake_hub *hub, struct loop *loop, const struct tls_pki *pki,
                   const char *url, const char *runtime_folder);
/* Takes one that never joined, too. */
void fake_hub_leave(struct fake_hub *hub);

/* To the box under down/<name>. */
void fake_hub_publish(struct fake_hub *hub, const char *name, struct mqtt_message message);
/* Answers the question for the time that it keeps. */
void fake_hub_tell_time(struct fake_hub *hub);
/* Answers the question for logs to be restored: there are none. */
void fake_hub_list_logs(struct fake_hub *hub);

#endif
