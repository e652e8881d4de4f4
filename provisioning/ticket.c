#include "provisioning/ticket.h"
#include "hal/base/cleanup.h"
#include "hal/base/json.h"
#include "hal/base/jsonw.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum { PAYLOAD_MAX = 4096, ARENA_MAX = 4096, MS_PER_HOUR = 3600000 };

static const char kind[] = "ticket";

static const char *const action_words[] = {
#define WORD(upper, lower) #lower,
    TICKET_ACTIONS(WORD)
#undef WORD
        NULL,
};

const char *ticket_action_name(enum ticket_action action)
{
    return action_words[action];
}

enum err ticket_action_find(const char *name, enum ticket_action *action)
{
    for (int i = 0; i < TICKET_ACTION_COUNT; i++)
        if (strcmp(name, action_words[i]) == 0) {
            *action = (enum ticket_action)i;
            return ERR_OK;
        }
    return ERR_NOT_FOUND;
}

struct text {
    const char *device;
    int action;
    const char *holder;
    const char *reason;
    int64_t issued_ms;
    int64_t expires_ms;
};

#define TEXT(member, most)                                                                         \
    {                                                                                              \
        .name = #member, .kind = JSON_TEXT, .offset = offsetof(struct text, member), .min = 1,     \
        .max = (most)                                                                              \
    }

static const struct json_field fields[] = {
    TEXT(device, CERTIFICATE_NAME_MAX),
    {.name = "action",
     .kind = JSON_CHOICE,
     .offset = offsetof(struct text, action),
     .choices = action_words},
    TEXT(holder, TICKET_HOLDER_MAX),
    TEXT(reason, TICKET_REASON_MAX),
    {.name = "issued", .kind = JSON_TIME, .offset = offsetof(struct text, issued_ms)},
    {.name = "expires", .kind = JSON_TIME, .offset = offsetof(struct text, expires_ms)},
};

static const struct json_table table = {.fields = fields,
                                        .count = sizeof fields / sizeof *fields,
                                        .item_size = sizeof(struct text),
                                        .allow_unknown = true};

static enum err check(const struct ticket *ticket, struct fault *fault)
{
    int64_t span_ms = ticket->expires_ms - ticket->issued_ms;
    if (device_id_check(slice_of(ticket->device), NULL) != ERR_OK)
        return fault_set(fault, ERR_INVALID, "device", "is no appliance's id");
    if (span_ms <= 0 || span_ms > (int64_t)TICKET_HOURS_MAX * MS_PER_HOUR)
        return fault_set(fault, ERR_INVALID, "expires", "must be up to %d hours after issue",
                         TICKET_HOURS_MAX);
    if (!ticket->holder[0] || !ticket->reason[0])
        return fault_set(fault, ERR_INVALID, ticket->holder[0] ? "reason" : "holder",
                         "must say who may, and why");
    return ERR_OK;
}

enum err ticket_make(const struct ticket *ticket, struct slice signer_pem, const struct key *key,
                     struct buf *out, struct fault *fault)
{
    struct buf payload CLEANUP(buf_free);
    buf_init(&payload, PAYLOAD_MAX);
    enum err err = check(ticket, fault);
    if (err)
        return err;
    struct jsonw w = jsonw_to(&payload);
    jsonw_object(&w, NULL);
    jsonw_text(&w, "device", ticket->device);
    jsonw_text(&w, "action", ticket_action_name(ticket->action));
    jsonw_text(&w, "holder", ticket->holder);
    jsonw_text(&w, "reason", ticket->reason);
    jsonw_time(&w, "issued", ticket->issued_ms);
    jsonw_time(&w, "expires", ticket->expires_ms);
    jsonw_end(&w);
    err = buf_check(&payload, fault, kind);
    return err ? err : envelope_make(kind, buf_slice(&payload), signer_pem, key, out, fault);
}

static enum err read_payload(struct slice payload, struct ticket *ticket, struct fault *fault)
{
    const struct json_limits limits = {.bytes = PAYLOAD_MAX, .depth = 4};
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    struct arena arena CLEANUP(arena_free);
    struct text read = {.device = ""};
    arena_init(&arena, ARENA_MAX);
    enum err err = json_parse(payload, limits, &doc, fault);
    if (!err)
        err = json_read(doc, &table, &read, &arena, fault);
    if (err)
        return err;
    *ticket = (struct ticket){.action = (enum ticket_action)read.action,
                              .issued_ms = read.issued_ms,
                              .expires_ms = read.expires_ms};
    (void)snprintf(ticket->device, sizeof ticket->device, "%s", read.device);
    (void)snprintf(ticket->holder, sizeof ticket->holder, "%s", read.holder);
    (void)snprintf(ticket->reason, sizeof ticket->reason, "%s", read.reason);
    return check(ticket, fault);
}

/* Unsigned still: only for the time at which the signature is to be judged. */
static enum err peek(struct slice envelope, struct ticket *ticket, struct fault *fault)
{
    struct buf payload CLEANUP(buf_free);
    buf_init(&payload, PAYLOAD_MAX);
    enum err err = envelope_peek(kind, envelope, &payload, fault);
    return err ? err : read_payload(buf_slice(&payload), ticket, fault);
}

static enum err judge(const struct ticket *ticket, const char *device, int64_t now_ms,
                      struct fault *fault)
{
    if (strcmp(ticket->device, device) != 0)
        return fault_set(fault, ERR_REFUSED, "device", "the ticket is for %s, and this is %s",
                         ticket->device, device);
    if (now_ms >= ticket->expires_ms)
        return fault_set(fault, ERR_REFUSED, "expires", "the ticket has expired");
    return ERR_OK;
}

enum err ticket_open(struct slice envelope, const struct identity *identity, int64_t now_ms,
                     struct ticket *ticket, int64_t *left_ms, struct fault *fault)
{
    struct buf payload CLEANUP(buf_free);
    struct ticket read;
    buf_init(&payload, PAYLOAD_MAX);
    enum err err = peek(envelope, &read, fault);
    if (err)
        return err;
    const struct verify_rules rules = {.now_ms = now_ms > read.issued_ms ? now_ms : read.issued_ms,
                                       .ca = identity_ca(identity),
                                       .crl = identity_crl(identity),
                                       .old_crl_is_enough = true};
    err = envelope_open(kind, envelope, &rules, &payload, fault);
    if (!err)
        err = read_payload(buf_slice(&payload), &read, fault);
    if (!err)
        err = judge(&read, identity_device(identity), rules.now_ms, fault);
    if (err)
        return err;
    *ticket = read;
    *left_ms = read.expires_ms - rules.now_ms;
    return ERR_OK;
}
