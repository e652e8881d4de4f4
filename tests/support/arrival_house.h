/*
 * The hub's side of arrivals, for tests: a database with its worker, a desk that keeps what was
 * answered last, and a box "box-a" that sends to it.
 */
#ifndef TESTS_SUPPORT_ARRIVAL_HOUSE_H
#define TESTS_SUPPORT_ARRIVAL_HOUSE_H

#include "sync/hub/ingest/arrival.h"
#include "tests/support/scratch.h"

enum { ARRIVAL_TEXT_MAX = 8192 };

struct arrival_house {
    struct scratch scratch;
    struct vfs_fault *vfs;
    struct loop *loop;
    struct clock *clock;
    struct hubdb *hub;
    struct worker *worker;
    struct arrival_desk desk;
    int answers;
    char device[DEVICE_ID_MAX + 1];
    char name[64];
    char payload[ARRIVAL_TEXT_MAX];
    bool retain;
    char correlation[64];
    struct inbox_place place;
    bool packed;
    size_t payload_len;
    int reserves; /* what holders of sales were told, and the last of it, apart from the above */
    char holder[DEVICE_ID_MAX + 1];
    char reserve[ARRIVAL_TEXT_MAX];
    bool reminds;
    struct id log;
    struct sha256 hash;
    int64_t seq;
};

int arrival_house_setup(void **state);
int arrival_house_teardown(void **state);
/* Opens its worker; again, after it was closed. */
void arrival_house_work(struct arrival_house *f, size_t max_waiting_bytes);

/* A message comes in: what is answered from now on counts. */
enum err arrival_house_take(struct arrival_house *f, struct mqtt_message message);
/* One of "box-a" on up/events; compressed, if `encoding` names a way. */
enum err arrival_house_batch(struct arrival_house *f, const struct batch_header *header,
                             struct slice payload, const char *encoding);
/* The next event of its log as a batch of its own. */
enum err arrival_house_event(struct arrival_house *f, enum event_type type, const char *subject,
                             const char *data);
enum err arrival_house_encoded(struct arrival_house *f, enum event_type type, const char *subject,
                               const char *data, const char *encoding);
/* Of a version that answers what is asked of its own sales. */
void arrival_house_state(struct arrival_house *f, const char *session, bool online);
void arrival_house_inbox_ack(struct arrival_house *f, int64_t epoch, int64_t through);

/* Until there is an answer, or a mishap. */
void arrival_house_await(struct arrival_house *f);
/* One number from the database. The worker's thread stands still meanwhile. */
int64_t arrival_house_number(struct arrival_house *f, const char *sql);

#endif
