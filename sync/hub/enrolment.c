#include "sync/hub/enrolment.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct enrolment {
    struct work work;
    struct enrolment_desk *desk;
    char sender[DEVICE_ID_MAX + 1];
    bool shown;
    char correlation[ENROL_CORRELATION_MAX];
    size_t correlation_len;
    struct arena arena; /* holds the texts of `ask` */
    struct enrol_ask ask;
    struct buf reply;
    enum err refused;
    enrolment_answer *answer;
    void *context;
};

static struct enrolment *enrolment_of(struct work *work)
{
    return (struct enrolment *)((char *)work - offsetof(struct enrolment, work));
}

static void enrolment_free(struct enrolment *enrolment)
{
    arena_free(&enrolment->arena);
    buf_free(&enrolment->reply);
    free(enrolment);
}

static enum err run(struct work *work, struct database *db, struct fault *fault)
{
    (void)db; /* the registrar's too */
    struct enrolment *enrolment = enrolment_of(work);
    return registrar_answer(
        enrolment->desk->registrar, &enrolment->ask, enrolment->shown ? enrolment->sender : NULL,
        clock_wall_ms(enrolment->desk->clock), &enrolment->reply, &enrolment->refused, fault);
}

/* Without an answer the appliance asks again. */
static void done(struct work *work, enum err err, const struct fault *fault)
{
    struct enrolment *enrolment = enrolment_of(work);
    struct enrolment_desk *desk = enrolment->desk;
    const struct arrival_answer answer = {
        .device = enrolment->sender,
        .name = "enrol",
        .payload = buf_slice(&enrolment->reply),
        .correlation = {enrolment->correlation, enrolment->correlation_len},
    };
    if (err) {
        diag_fault(desk->diag, DIAG_ERROR, "hub.not_enrolled", fault);
    } else {
        if (enrolment->refused)
            desk->refused++;
        else
            enrolment_given(desk);
        enrolment->answer(enrolment->context, &answer);
    }
    enrolment_free(enrolment);
}

void enrolment_given(struct enrolment_desk *desk)
{
    desk->answered++;
    desk->given(desk->context);
}

static enum err read_message(struct enrolment *enrolment, const struct mqtt_message *message,
                             struct fault *fault)
{
    if (message->correlation.len == 0 || message->correlation.len > ENROL_CORRELATION_MAX)
        return fault_set(fault, ERR_INVALID, "correlation", "must have 1 to %d bytes",
                         ENROL_CORRELATION_MAX);
    memcpy(enrolment->correlation, message->correlation.data, message->correlation.len);
    enrolment->correlation_len = message->correlation.len;
    return enrol_ask_read(message->payload, &enrolment->arena, &enrolment->ask, fault);
}

static bool was_taken(struct enrolment_desk *desk, const char *sender, struct slice correlation)
{
    for (size_t i = 0; i < ENROLMENT_RECENT; i++) {
        const struct enrolment_seen *seen = &desk->recent[i];
        const struct slice known = {seen->correlation, seen->len};
        if (seen->len && slice_equal(known, correlation) && strcmp(seen->sender, sender) == 0)
            return true;
    }
    return false;
}

static void remember(struct enrolment_desk *desk, const struct enrolment *taken)
{
    struct enrolment_seen *seen = &desk->recent[desk->next++ % ENROLMENT_RECENT];
    memcpy(seen->sender, taken->sender, sizeof seen->sender);
    memcpy(seen->correlation, taken->correlation, sizeof seen->correlation);
    seen->len = taken->correlation_len;
}

enum err enrolment_take(struct enrolment_desk *desk, const struct mqtt_message *message,
                        const char *sender, bool shown, enrolment_answer *answer, void *context,
                        struct fault *fault)
{
    if (!desk->registrar)
        return fault_set(fault, ERR_UNSUPPORTED, sender, "this hub has no authority");
    if (was_taken(desk, sender, message->correlation))
        return ERR_OK;
    struct enrolment *enrolment = calloc(1, sizeof *enrolment);
    if (!enrolment)
        return fault_set(fault, ERR_NO_MEMORY, sender, "out of memory");
    enrolment->desk = desk;
    enrolment->shown = shown;
    enrolment->answer = answer;
    enrolment->context = context;
    enrolment->work.run = run;
    enrolment->work.done = done;
    enrolment->work.bytes = sizeof *enrolment + 2 * message->payload.len;
    (void)snprintf(enrolment->sender, sizeof enrolment->sender, "%s", sender);
    arena_init(&enrolment->arena, (size_t)2 * ENROL_ASK_MAX);
    buf_init(&enrolment->reply, ENROL_ANSWER_MAX);
    enum err err = read_message(enrolment, message, fault);
    if (!err && worker_submit(desk->worker, &enrolment->work) != ERR_OK)
        err = fault_set(fault, ERR_BUSY, sender, "the database doesn't keep up");
    if (err)
        enrolment_free(enrolment);
    else
        remember(desk, enrolment);
    return err;
}
