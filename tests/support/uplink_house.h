/*
 * The road from an appliance's log to the hub, for tests of the uplink: the log, a real broker, and
 * a fake hub behind it that answers as it is told.
 */
#ifndef TESTS_SUPPORT_UPLINK_HOUSE_H
#define TESTS_SUPPORT_UPLINK_HOUSE_H

#include "sync/uplink/uplink.h"
#include "tests/support/broker.h"
#include "tests/support/fake_hub.h"
#include "tests/support/log_fixture.h"

struct uplink_house {
    struct tls_pki pki;
    struct broker broker;
    struct loop *loop;
    struct log_fixture log;
    struct tls_context *tls;
    char runtime[SCRATCH_PATH_MAX];
    struct uplink *uplink;
    struct uplink_limits limits;
    struct loop_timer *look; /* stands for the posts that a commit would make */
    struct fake_hub hub;
    const char *url;
    int64_t told_ms; /* the hub's time as the uplink tells it; 0: not yet */
    int answers;
    enum err answer_err;
    char answer[512];
};

int uplink_house_setup(void **state);
int uplink_house_teardown(void **state);
/* Opens the uplink, again after it was closed. */
void uplink_house_start(struct uplink_house *f);
/* Has the fake hub join. */
void uplink_house_join(struct uplink_house *f);
void uplink_house_append(struct uplink_house *f, int events);
/* As await wants them: the hub has told that it holds all; there is a link. */
bool uplink_house_all_held(void *context);
bool uplink_house_online(void *context);
void uplink_house_await_all_held(struct uplink_house *f, int64_t within_ms);

#endif
