#include "sync/hub/device_ticket.h"
#include "hal/base/cleanup.h"
#include "hal/base/rfc3339.h"
#include "hal/storage.h"
#include "provisioning/ticket.h"
#include "sync/hub/fleet/signer.h"

#include <stdio.h>
#include <string.h>

enum { HOURS = 8, MS_PER_HOUR = 3600000 };

static enum err take(const char *option, const char *text, char *out, size_t size,
                     struct fault *fault)
{
    if (!text || !*text || strlen(text) >= size)
        return fault_set(fault, ERR_INVALID, option, "must be given, in at most %zu bytes",
                         size - 1);
    (void)snprintf(out, size, "%s", text);
    return ERR_OK;
}

static enum err fill(const struct roster_device *device, const struct device_words *words,
                     int64_t now_ms, struct ticket *ticket, struct fault *fault)
{
    int64_t hours = words->hours ? words->hours : HOURS;
    *ticket = (struct ticket){
        .action = TICKET_CONSOLE, .issued_ms = now_ms, .expires_ms = now_ms + hours * MS_PER_HOUR};
    (void)snprintf(ticket->device, sizeof ticket->device, "%s", device->id);
    if (words->action && ticket_action_find(words->action, &ticket->action) != ERR_OK)
        return fault_set(fault, ERR_INVALID, "--action",
                         "one of: console, wipe, forced_wipe (events that wait are lost)");
    enum err err = take("--name", words->name, ticket->holder, sizeof ticket->holder, fault);
    return err ? err
               : take("--reason", words->reason, ticket->reason, sizeof ticket->reason, fault);
}

static enum err sign(const char *state, const struct ticket *ticket, int64_t now_ms,
                     struct buf *out, struct fault *fault)
{
    struct signer signer = {0};
    enum err err = signer_open(&signer, state, now_ms, fault);
    if (!err)
        err = ticket_make(ticket, buf_slice(&signer.chain), signer.key, out, fault);
    signer_close(&signer);
    return err;
}

enum err device_ticket_make(const char *state, const struct roster_device *device,
                            const struct device_words *words, int64_t now_ms, struct fault *fault)
{
    struct ticket ticket;
    char until[RFC3339_TEXT + 1];
    const char *out = words->out ? words->out : "ticket.json";
    struct buf envelope CLEANUP(buf_free);
    buf_init(&envelope, TICKET_BYTES_MAX);
    if (roster_is_closed(device->state))
        return fault_set(fault, ERR_REFUSED, device->id, "it is %s",
                         roster_state_name(device->state));
    enum err err = fill(device, words, now_ms, &ticket, fault);
    if (!err)
        err = sign(state, &ticket, now_ms, &envelope, fault);
    if (!err)
        err = storage_replace(out, buf_slice(&envelope), 0600, fault);
    if (err || words->json)
        return err;
    rfc3339_format(ticket.expires_ms, until);
    (void)printf("%s: a ticket (%s) for %s at %s until %s.\n"
                 "Copy it to a stick (FAT) as tillback/ticket.json, and plug that in there.\n",
                 out, ticket_action_name(ticket.action), ticket.holder, device->id, until);
    return ERR_OK;
}
