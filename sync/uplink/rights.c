#include "sync/uplink/rights.h"

#include <string.h>

enum { REFUSAL = 0x80, NONE = -1 };

/* Another's topics: nobody has this name, and a device that had it would not notice. */
static const char foreign[] = "doctor.nobody";
/* Under up/ the broker lets a device write, and not read. */
static const char probe[] = "probe";

static void finish(struct rights *rights, enum rights_found found)
{
    rights_done *done = rights->done;
    rights->done = NULL;
    done(rights->context, found);
}

enum err rights_begin(struct rights *rights, struct mqtt *mqtt, const char *device,
                      rights_done *done, void *context, struct fault *fault)
{
    if (rights->done)
        return fault_set(fault, ERR_BUSY, "topics", "they are being tried already");
    *rights = (struct rights){
        .mqtt = mqtt, .context = context, .subscription = NONE, .foreign = NONE, .own = NONE};
    topic_write(rights->foreign_topic, foreign, TOPIC_DOWN, probe);
    topic_write(rights->own_topic, device, TOPIC_UP, probe);
    enum err err = mqtt_subscribe(mqtt, rights->foreign_topic, 1, &rights->subscription, fault);
    if (!err)
        rights->done = done;
    return err;
}

/* Refused is well, too: then nothing comes. */
bool rights_subscribed(struct rights *rights, int token)
{
    struct fault fault;
    if (!rights->done || token != rights->subscription)
        return false;
    const struct mqtt_message to_other = {
        .topic = rights->foreign_topic, .payload = SLICE_LITERAL("{}"), .qos = 1};
    const struct mqtt_message to_own = {
        .topic = rights->own_topic, .payload = SLICE_LITERAL("{}"), .qos = 1};
    if (mqtt_publish(rights->mqtt, &to_other, &rights->foreign, &fault) != ERR_OK ||
        mqtt_publish(rights->mqtt, &to_own, &rights->own, &fault) != ERR_OK)
        finish(rights, RIGHTS_UNKNOWN);
    return true;
}

bool rights_published(struct rights *rights, int token, int reason)
{
    if (!rights->done || (token != rights->foreign && token != rights->own))
        return false;
    if (token == rights->own)
        finish(rights, reason >= REFUSAL           ? RIGHTS_OWN_REFUSED
                       : rights->foreign_delivered ? RIGHTS_FOREIGN
                                                   : RIGHTS_KEPT);
    return true;
}

bool rights_message(struct rights *rights, const struct mqtt_message *message)
{
    bool ours = rights->done && strcmp(message->topic, rights->foreign_topic) == 0;
    rights->foreign_delivered |= ours;
    return ours;
}

void rights_end(struct rights *rights)
{
    if (rights->done)
        finish(rights, RIGHTS_UNKNOWN);
}
