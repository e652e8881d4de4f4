/*
 * Tells the hub the keys of customers' contacts, one after the other, each until the hub says that
 * it holds it. Loop thread only; blocks on the disk for a moment when there is a key to tell.
 */
#ifndef AGENT_CONTACT_POST_H
#define AGENT_CONTACT_POST_H

#include "agent/capture/contact_keys.h"
#include "sync/uplink/uplink.h"

struct contact_post;

struct contact_post_config {
    struct loop *loop;
    struct contact_keys *keys;
    struct eventlog *log;
    struct uplink *uplink;
    struct diag *diag;
};

enum err contact_post_open(struct contact_post **post, const struct contact_post_config *config,
                           struct fault *fault) MUST_CHECK;
void contact_post_close(struct contact_post *post); /* takes NULL */

/* There may be a key to tell: after a commit. */
void contact_post_look(struct contact_post *post);
/* There is a link; what was asked on the one before stays without an answer. */
void contact_post_connected(struct contact_post *post);
/* What came under down/contact-key. */
void contact_post_answered(struct contact_post *post, struct slice payload);

#endif
