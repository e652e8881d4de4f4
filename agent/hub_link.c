#include "agent/hub_link.h"
#include "agent/contact_post.h"
#include "agent/timekeeper.h"
#include "hal/storage.h"
#include "sync/enrol/renewal.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DAY_MS = 24 * 3600 * 1000 };

struct hub_link {
    struct hub_link_config config;
    struct hub_link_listener listener;
    char runtime_folder[STORAGE_SCRATCH_MAX]; /* "": none was made */
    struct uplink_target target;
    struct tls_context *tls;
    struct timekeeper *timekeeper;
    struct uplink *uplink;
    struct contact_post *contact_post;
    struct renewal *renewal;
};

/* --- What the uplink tells ------------------------------------------------------------------- */

static void on_link(void *context, const struct uplink_status *status)
{
    struct hub_link *link = context;
    bool online = status->state == UPLINK_ONLINE;
    if (link->renewal)
        renewal_link_changed(link->renewal, online);
    link->listener.changed(link->listener.context, online);
}

static void on_hub_heard(void *context)
{
    struct hub_link *link = context;
    link->listener.heard(link->listener.context);
    contact_post_connected(link->contact_post);
}

static void on_hub_message(void *context, const char *name, const struct mqtt_message *message)
{
    struct hub_link *link = context;
    if (strcmp(name, "enrol") == 0)
        renewal_answered(link->renewal, message);
    else if (strcmp(name, "contact-key") == 0)
        contact_post_answered(link->contact_post, message->payload);
    else
        link->listener.message(link->listener.context, name, message);
}

static void describe_state(void *context, struct jsonw *w)
{
    struct hub_link *link = context;
    link->listener.describe(link->listener.context, w);
}

/* The server's certificate was judged without knowing the time. */
static void connect_anew(void *context)
{
    struct hub_link *link = context;
    if (link->uplink)
        uplink_use_tls(link->uplink, link->tls);
}

static void on_time(void *context, int64_t wall_ms)
{
    struct hub_link *link = context;
    bool known = clock_read(link->config.clock).trusted;
    bool far = llabs(wall_ms - clock_wall_ms(link->config.clock)) > DAY_MS;
    timekeeper_told(link->timekeeper, wall_ms);
    enum err err = !known && far ? loop_post(link->config.loop, connect_anew, link) : ERR_OK;
    (void)err; /* then with the next connection */
}

/* --- What the renewal wants ------------------------------------------------------------------ */

static enum err ask_registrar(void *context, struct mqtt_message *message, struct fault *fault)
{
    struct hub_link *link = context;
    return uplink_publish(link->uplink, "enrol", message, fault);
}

/* The link is made anew, with what is on the disk now. */
static enum err use_identity(void *context, enum identity_slot slot, struct fault *fault)
{
    struct hub_link *link = context;
    struct tls_context *tls;
    enum err err = contact_keys_reseal(link->config.contacts, fault);
    if (!err)
        err = membership_tls(link->config.member, slot, link->config.clock, &tls, fault);
    if (err)
        return err;
    uplink_use_tls(link->uplink, tls);
    tls_context_close(link->tls);
    link->tls = link->target.tls = tls;
    return ERR_OK;
}

static void on_renewed(void *context)
{
    struct hub_link *link = context;
    link->listener.renewed(link->listener.context);
}

/* --- Opening, in order ----------------------------------------------------------------------- */

static enum err open_uplink(struct hub_link *link, struct fault *fault)
{
    const struct hub_link_config *c = &link->config;
    const struct uplink_config config = {
        .log = c->log,
        .reader = *c->log_config,
        .target = link->target,
        .limits = {.ack_timeout_ms = settings_int(c->settings, "broker.ack_timeout_ms")},
        .clock = c->clock,
        .diag = c->diag,
    };
    const struct uplink_listener listener = {.changed = on_link,
                                             .subscribed = on_hub_heard,
                                             .message = on_hub_message,
                                             .describe = describe_state,
                                             .time = on_time,
                                             .context = link};
    return uplink_open(&link->uplink, c->loop, &config, &listener, fault);
}

static enum err open_renewal(struct hub_link *link, struct fault *fault)
{
    const struct hub_link_config *c = &link->config;
    const struct renewal_config config = {
        .folder = c->member->folder,
        .enrol_url = *c->member->enrol_url ? c->member->enrol_url : NULL,
        .proxy = link->target.proxy,
        .runtime_folder = link->runtime_folder,
        .renew_percent = (unsigned)settings_int(c->settings, "identity.renew_percent"),
        .new_key = settings_flag(c->settings, "identity.new_key"),
        .look_ms = settings_int(c->settings, "identity.look_s") * 1000,
        .clock = c->clock,
        .diag = c->diag,
        .publish = ask_registrar,
        .use = use_identity,
        .renewed = on_renewed,
        .context = link,
    };
    return renewal_open(&link->renewal, c->loop, &config, fault);
}

static enum err open_all(struct hub_link *link, struct fault *fault)
{
    const struct hub_link_config *c = &link->config;
    const struct timekeeper_config time = {.log = c->log,
                                           .clock = c->clock,
                                           .diag = c->diag,
                                           .device = c->member->device,
                                           .folder = c->folder};
    enum err err = timekeeper_open(&link->timekeeper, &time, fault);
    if (!err)
        err = storage_make_scratch(link->runtime_folder, fault);
    if (!err)
        err = membership_tls(c->member, IDENTITY_CURRENT, c->clock, &link->tls, fault);
    link->target.tls = link->tls;
    if (!err)
        err = open_uplink(link, fault);
    const struct contact_post_config contacts = {.loop = c->loop,
                                                 .keys = c->contacts,
                                                 .log = c->log,
                                                 .uplink = link->uplink,
                                                 .diag = c->diag};
    if (!err)
        err = contact_post_open(&link->contact_post, &contacts, fault);
    return err ? err : open_renewal(link, fault);
}

enum err hub_link_open(struct hub_link **out, const struct hub_link_config *config,
                       const struct hub_link_listener *listener, struct fault *fault)
{
    const struct membership *member = config->member;
    struct hub_link *link = calloc(1, sizeof *link);
    if (!link)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    link->config = *config;
    link->listener = *listener;
    link->target = (struct uplink_target){.url = *member->broker_url ? member->broker_url : NULL,
                                          .proxy = settings_text(config->settings, "broker.proxy"),
                                          .device = member->device,
                                          .runtime_folder = link->runtime_folder};
    enum err err = ERR_OK;
    if (link->target.url && member->enrolled)
        err = open_all(link, fault);
    else if (member->trouble.code)
        diag_fault(config->diag, DIAG_ERROR, "uplink.no_identity", &member->trouble);
    else if (link->target.url)
        diag_write(config->diag, DIAG_WARN, "uplink.unenrolled",
                   "no certificate in %s yet: returns are captured and wait here", member->folder);
    if (err) {
        hub_link_stop(link);
        hub_link_close(link);
        return err;
    }
    *out = link;
    return ERR_OK;
}

void hub_link_stop(struct hub_link *link)
{
    if (!link)
        return;
    renewal_close(link->renewal);
    link->renewal = NULL;
    contact_post_close(link->contact_post);
    link->contact_post = NULL;
    uplink_close(link->uplink);
    link->uplink = NULL;
}

void hub_link_close(struct hub_link *link)
{
    if (!link)
        return;
    timekeeper_close(link->timekeeper);
    tls_context_close(link->tls);
    if (link->runtime_folder[0])
        (void)rmdir(link->runtime_folder);
    free(link);
}

/* --- Its face -------------------------------------------------------------------------------- */

struct uplink *hub_link_uplink(const struct hub_link *link)
{
    return link->uplink;
}

const struct uplink_target *hub_link_target(const struct hub_link *link)
{
    return &link->target;
}

void hub_link_committed(struct hub_link *link)
{
    if (link->uplink)
        uplink_committed(link->uplink);
    if (link->contact_post)
        contact_post_look(link->contact_post);
}

void hub_link_describe(const struct hub_link *link, struct jsonw *w)
{
    if (!link->renewal)
        return;
    jsonw_object(w, "identity");
    jsonw_time(w, "expires", renewal_expires_ms(link->renewal));
    jsonw_bool(w, "expired", renewal_expires_ms(link->renewal) < clock_wall_ms(link->config.clock));
    jsonw_end(w);
}

enum err hub_link_rotate(struct hub_link *link, struct fault *fault)
{
    return link->renewal ? renewal_rotate(link->renewal, fault)
                         : fault_set(fault, ERR_NOT_FOUND, "identity", "it is not enrolled");
}
