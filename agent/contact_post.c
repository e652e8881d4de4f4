#include "agent/contact_post.h"
#include "hal/base/cleanup.h"
#include "hal/crypto.h"
#include "provisioning/key.h"

#include <stdlib.h>

enum { AGAIN_MS = 15 * 1000 };

struct contact_post {
    struct contact_post_config config;
    struct loop_timer *timer; /* until it is told once more */
    bool waiting;             /* for an answer */
};

static void send_key(struct contact_post *post, struct contact_key *key)
{
    struct fault fault;
    struct buf body CLEANUP(key_wipe);
    buf_init(&body, CONTACT_MESSAGE_MAX);
    contact_key_write(&body, key);
    struct mqtt_message message = {
        .payload = buf_slice(&body), .qos = 1, .content_type = "application/json"};
    if (uplink_publish(post->config.uplink, "contact-key", &message, &fault) != ERR_OK)
        return; /* there is no link: with the next */
    post->waiting = true;
    loop_timer_start(post->timer, AGAIN_MS, 0);
}

/* How far the hub's messages were followed is read before the key is: see contact.h. */
void contact_post_look(struct contact_post *post)
{
    struct fault fault;
    struct contact_key key;
    struct eventlog_status status;
    bool found = false;
    if (post->waiting)
        return;
    eventlog_status(post->config.log, &status);
    if (contact_keys_untold(post->config.keys, &key, &found, &fault) != ERR_OK) {
        diag_fault(post->config.diag, DIAG_WARN, "contact.key_untold", &fault);
        return;
    }
    if (!found)
        return;
    key.hub_epoch = status.inbox_epoch;
    key.inbox_through = status.inbox_through;
    send_key(post, &key);
    crypto_wipe(&key, sizeof key);
}

static void look_again(void *context)
{
    contact_post_connected(context);
}

void contact_post_connected(struct contact_post *post)
{
    post->waiting = false;
    contact_post_look(post);
}

/* One that isn't held will be destroyed by the message that is on its way: after that commit. */
void contact_post_answered(struct contact_post *post, struct slice payload)
{
    struct fault fault;
    struct contact_key_ack ack;
    enum err err = contact_key_ack_read(payload, &ack, &fault);
    if (!err && ack.held)
        err = contact_keys_told(post->config.keys, &ack.id, &fault);
    if (err) {
        diag_fault(post->config.diag, DIAG_WARN, "contact.key_untold", &fault);
        return;
    }
    post->waiting = false;
    if (ack.held)
        contact_post_look(post);
}

enum err contact_post_open(struct contact_post **out, const struct contact_post_config *config,
                           struct fault *fault)
{
    struct contact_post *post = calloc(1, sizeof *post);
    if (!post)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    post->config = *config;
    post->timer = loop_timer_open(config->loop, look_again, post);
    if (!post->timer) {
        free(post);
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    }
    *out = post;
    return ERR_OK;
}

void contact_post_close(struct contact_post *post)
{
    if (!post)
        return;
    loop_timer_close(post->timer);
    free(post);
}
