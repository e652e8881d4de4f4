#include "sync/hub/reception.h"
#include "sync/contract/topic.h"
#include "sync/hub/credentials.h"
#include "sync/hub/door.h"
#include "sync/hub/est.h"
#include "sync/hub/wire.h"

#include <stdlib.h>
#include <string.h>

struct reception {
    const struct hub_config *config;
    struct reception_house house;
    struct hubdb *db;      /* the worker's */
    struct loop *loop;     /* NULL: it hasn't begun */
    struct roster *roster; /* of the worker's handle */
    struct enrolment_desk desk;
    struct door *door;
    struct wire *strangers; /* at the broker where they enrol; NULL: none is configured */
    struct tls_context *est_tls;
    struct est *est; /* NULL: none is configured */
};

/* --- Questions ------------------------------------------------------------------------------- */

static void on_stranger_answered(void *context, const struct arrival_answer *answer)
{
    struct reception *r = context;
    if (r->strangers)
        wire_answer(r->strangers, answer);
}

static void on_given(void *context)
{
    struct reception *r = context;
    if (r->door)
        door_look_soon(r->door);
}

/* On the enrolment broker: the sender is whoever holds that client id. */
static void on_stranger(void *context, const struct mqtt_message *message)
{
    struct reception *r = context;
    struct fault fault;
    struct topic topic;
    if (topic_read(message->topic, &topic) != ERR_OK || strcmp(topic.name, "enrol") != 0)
        return;
    if (enrolment_take(&r->desk, message, topic.device, false, on_stranger_answered, r, &fault) !=
        ERR_OK)
        diag_fault(r->config->diag, DIAG_WARN, "hub.enrolment_refused", &fault);
}

static void on_strangers_subscribed(void *context)
{
    (void)context;
}

enum err reception_take(struct reception *r, const struct mqtt_message *message, const char *device,
                        struct fault *fault)
{
    return enrolment_take(&r->desk, message, device, true, r->house.answer, r->house.context,
                          fault);
}

bool reception_turns_away(struct reception *r, const char *device)
{
    return door_turns_away(r->door, device);
}

void reception_look(struct reception *r)
{
    if (r->door)
        door_look(r->door);
}

struct reception_facts reception_facts(const struct reception *r)
{
    return (struct reception_facts){
        .enrols = r->desk.registrar != NULL,
        .answered = r->desk.answered,
        .refused = r->desk.refused,
        .list_until_ms = r->door ? door_list_until_ms(r->door) : 0,
    };
}

/* --- Opening --------------------------------------------------------------------------------- */

enum err reception_open(struct reception **out, const struct hub_config *config, struct hubdb *db,
                        struct fault *fault)
{
    const struct registrar_rules rules = {
        .certificate_days = settings_int(config->settings, "enrol.certificate_days"),
        .late_days = settings_int(config->settings, "enrol.late_days"),
    };
    struct reception *r = calloc(1, sizeof *r);
    if (!r)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    r->config = config;
    r->db = db;
    r->desk.clock = config->clock;
    r->desk.diag = config->diag;
    r->desk.given = on_given;
    r->desk.context = r;
    enum err err = roster_open(&r->roster, hubdb_database(db), fault);
    if (!err)
        err = registrar_open(&r->desk.registrar, hubdb_database(db), config->state, &rules, fault);
    if (err && err != ERR_NOT_FOUND) {
        reception_close(r);
        return err;
    }
    *out = r;
    return ERR_OK;
}

static enum err open_door(struct reception *r, struct fault *fault)
{
    const struct settings *settings = r->config->settings;
    const struct door_config door = {
        .state = r->config->state,
        .reader = r->house.reader,
        .roster = r->roster,
        .worker = r->house.worker,
        .broker_folder = settings_text(settings, "broker.folder"),
        .pid_files = {settings_text(settings, "broker.pid_file"),
                      settings_text(settings, "enrol.pid_file")},
        .url = settings_text(settings, "broker.url"),
        .proxy = settings_text(settings, "broker.proxy"),
        .ca_file = r->house.ca_file,
        .runtime_folder = r->house.runtime_folder,
        .clock = r->config->clock,
        .diag = r->config->diag,
        .changed = r->house.trust_changed,
        .context = r->house.context,
    };
    return door_open(&r->door, r->loop, &door, fault);
}

/* After the door was opened, which may have renewed the certificate that the hub shows. */
static enum err open_strangers(struct reception *r, struct fault *fault)
{
    const struct settings *settings = r->config->settings;
    const struct wire_config wire = {
        .url = settings_text(settings, "enrol.url"),
        .group = hubdb_group(r->db),
        .proxy = settings_text(settings, "broker.proxy"),
        .runtime_folder = r->house.runtime_folder,
        .tls = *r->house.client,
        .diag = r->config->diag,
        .subscribed = on_strangers_subscribed,
        .message = on_stranger,
        .context = r,
    };
    return wire.url && r->desk.registrar ? wire_open(&r->strangers, r->loop, &wire, fault) : ERR_OK;
}

static enum err open_est_tls(const struct reception *r, struct tls_context **tls,
                             struct fault *fault)
{
    return credentials_server(r->config, "est.certificate", "est.key", true, tls, fault);
}

static enum err open_est(struct reception *r, struct fault *fault)
{
    const char *address = settings_text(r->config->settings, "est.listen");
    if (!address)
        return ERR_OK;
    enum err err = open_est_tls(r, &r->est_tls, fault);
    if (!err && !r->est_tls)
        err = fault_set(fault, ERR_INVALID, "est.certificate", "is missing");
    const struct est_config est = {
        .address = address,
        .tls = r->est_tls,
        .state = r->config->state,
        .desk = &r->desk,
        .diag = r->config->diag,
    };
    return err ? err : est_open(&r->est, r->loop, &est, fault);
}

enum err reception_begin(struct reception *r, struct loop *loop,
                         const struct reception_house *house, struct fault *fault)
{
    r->loop = loop;
    r->house = *house;
    r->desk.worker = house->worker;
    enum err err = open_door(r, fault);
    if (!err)
        err = open_strangers(r, fault);
    if (!err)
        err = open_est(r, fault);
    return err;
}

enum err reception_renew_trust(struct reception *r, struct fault *fault)
{
    struct tls_context *tls = NULL;
    if (r->strangers)
        wire_use_tls(r->strangers, *r->house.client);
    if (!r->est)
        return ERR_OK;
    enum err err = open_est_tls(r, &tls, fault);
    if (err)
        return err;
    est_use_tls(r->est, tls);
    tls_context_close(r->est_tls); /* connections that use it keep it */
    r->est_tls = tls;
    return ERR_OK;
}

/* --- Closing --------------------------------------------------------------------------------- */

void reception_stop(struct reception *r)
{
    if (!r)
        return;
    est_close(r->est);
    r->est = NULL;
    door_close(r->door);
    r->door = NULL;
}

static void free_reception(void *context)
{
    free(context);
}

void reception_close(struct reception *r)
{
    if (!r)
        return;
    reception_stop(r);
    wire_close(r->strangers);
    r->strangers = NULL;
    registrar_close(r->desk.registrar);
    roster_close(r->roster);
    tls_context_close(r->est_tls);
    /* Answers of the worker are on their way to it. */
    if (!r->loop || loop_post(r->loop, free_reception, r) != ERR_OK)
        free(r);
}
