/*
 * Looks whether the appliance has got another identity, or the one that it couldn't use back (its
 * token is in again, its file was mended): then everything is to be opened anew. Loop thread; what
 * may wait for a token is done on a thread of its own.
 */
#ifndef AGENT_MEMBER_WATCH_H
#define AGENT_MEMBER_WATCH_H

#include "hal/loop.h"
#include "sync/enrol/membership.h"

struct member_watch;

struct member_watch_config {
    struct loop *loop;
    const struct membership *member; /* as it was opened */
    const char *state;               /* the appliance's directory */
    const struct settings *settings;
    /* Once: what has changed, in words. */
    void (*changed)(void *context, const char *what);
    void *context;
};

enum err member_watch_open(struct member_watch **watch, const struct member_watch_config *config,
                           struct fault *fault) MUST_CHECK;
void member_watch_close(struct member_watch *watch); /* before the loop; takes NULL */

#endif
