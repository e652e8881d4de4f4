/*
 * Who of the fleet is unwelcome at the broker, and that their live sessions end there: of who was
 * closed, and of a box whose name another box has now.
 *
 * A broker with a new revocation list turns away whoever comes, but not who is there; a second
 * client of a name ends the first. So the hub visits it under that name. But one that is put out
 * before the broker has read the list comes in again, and of a former box nobody would notice. So
 * first the broker is asked, as often as it takes: the hub shows it a certificate that was made to
 * be on the list, and only when that is refused is anybody put out. That a good one is taken then
 * says that it wasn't refused for another reason. With a broker of several nodes it is true of the
 * one that answered. Who shook hands before and said CONNECT only afterwards is in all the same:
 * two minutes later, when no broker waits for it any more, the hub visits once more, also when it
 * was started anew meanwhile. A box that has the name by right is back at once.
 *
 * Loop thread; a step may block on the disk for some milliseconds.
 */
#ifndef SYNC_HUB_EVICTIONS_H
#define SYNC_HUB_EVICTIONS_H

#include "sync/hub/fleet/roster.h"
#include "sync/hub/ingest/worker.h"
#include "sync/hub/visit.h"

struct evictions;

struct evictions_config {
    const char *state;         /* the hub's directory, where the authority is */
    struct roster *roster;     /* of the worker's handle */
    struct worker *worker;     /* notes who is out */
    struct visit_config visit; /* but for `ended` and `context` */
    /* Has the brokers read their lists once more, new or not. */
    void (*tell)(void *context);
    void *context;
};

enum err evictions_open(struct evictions **evictions, struct loop *loop,
                        const struct evictions_config *config, struct fault *fault) MUST_CHECK;
void evictions_close(struct evictions *evictions); /* takes NULL; before worker_close */

/* What the roster says now of one who is unwelcome; the rest happens soon. */
enum err evictions_see(struct evictions *evictions, const struct roster_device *device,
                       struct fault *fault) MUST_CHECK;
/* Whether it is closed. It has just spoken: if it was put out, that is done once more. */
bool evictions_turn_away(struct evictions *evictions, const char *device);

#endif
