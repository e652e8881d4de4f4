#include "sync/hub/hub.h"
#include "hal/storage.h"
#include "sync/contract/topic.h"
#include "sync/hub/books_file.h"
#include "sync/hub/cashier.h"
#include "sync/hub/clerk.h"
#include "sync/hub/credentials.h"
#include "sync/hub/fleet/steward.h"
#include "sync/hub/outside.h"
#include "sync/hub/reception.h"
#include "sync/hub/strongroom.h"
#include "sync/hub/teller.h"
#include "sync/hub/web/web.h"
#include "sync/hub/wire.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct hub {
    struct loop *loop;
    struct hub_config config;
    char runtime[PATH_MAX];
    struct strongroom room;
    struct arrival_desk desk;
    struct books books;
    struct clerk *clerk;
    struct outside *outside;
    struct cashier *cashier;
    struct steward *steward;
    struct teller *teller;
    struct tls_context *client_tls;
    struct tls_context *server_tls;
    char ca_file[PATH_MAX];
    struct wire *wire;
    struct reception *reception;
    struct web *web;
};

static void on_answer(void *context, const struct arrival_answer *answer)
{
    struct hub *hub = context;
    if (hub->wire)
        wire_answer(hub->wire, answer);
}

/* After a connection the broker may have lost what it retained. */
static void on_subscribed(void *context)
{
    struct hub *hub = context;
    teller_tell_all(hub->teller);
}

static enum err take(struct hub *hub, const struct mqtt_message *message, struct fault *fault)
{
    struct topic topic;
    if (topic_read(message->topic, &topic) == ERR_OK) {
        bool closed = reception_turns_away(hub->reception, topic.device);
        if (closed && strcmp(topic.name, "state") != 0) /* its last will is news of its end */
            return fault_set(fault, ERR_FORBIDDEN, topic.device, "it is closed: device show");
        if (strcmp(topic.name, "enrol") == 0)
            return reception_take(hub->reception, message, topic.device, fault);
    }
    return arrival_take(&hub->desk, hub->room.worker, message, fault);
}

static void on_message(void *context, const struct mqtt_message *message)
{
    struct hub *hub = context;
    struct fault fault;
    enum err err = take(hub, message, &fault);
    if (err == ERR_UNSUPPORTED && hub->steward)
        err = steward_take(hub->steward, message, &fault);
    if (err == ERR_UNSUPPORTED)
        return;
    if (err) {
        hub->desk.refused++;
        diag_fault(hub->config.diag, DIAG_WARN, "hub.message_refused", &fault);
    }
}

static void on_stored(void *context)
{
    struct hub *hub = context;
    if (hub->clerk)
        clerk_wake(hub->clerk);
}

static void on_booked(void *context)
{
    struct hub *hub = context;
    if (hub->outside)
        outside_wake(hub->outside);
    if (hub->cashier)
        cashier_wake(hub->cashier);
}

/* Another process has written: a backup, or a person's decision on the command line. */
static void on_foreign(void *context)
{
    struct hub *hub = context;
    if (hub->reception)
        reception_look(hub->reception);
    if (hub->teller)
        teller_tell_news(hub->teller);
    if (hub->steward)
        steward_wake(hub->steward);
    on_stored(context);
    on_booked(context);
}

/* The centre has said something. What isn't pushed here is sent when the appliance speaks next. */
static void on_told(void *context, const char (*devices)[DEVICE_ID_MAX + 1], size_t count)
{
    struct hub *hub = context;
    if (!hub->wire)
        return;
    for (size_t i = 0; i < count; i++)
        if ((i == 0 || strcmp(devices[i], devices[i - 1]) != 0) &&
            arrival_push(&hub->desk, hub->room.worker, devices[i]) != ERR_OK)
            break;
    on_stored(hub);
}

/* --- Opening --------------------------------------------------------------------------------- */

static enum err open_strongroom(struct hub *hub, struct fault *fault)
{
    struct strongroom *room = &hub->room;
    enum err err = strongroom_open(room, hub->loop, &hub->config, fault);
    if (err)
        return err;
    hub->desk = (struct arrival_desk){
        .rules = {.hub_epoch = hubdb_epoch(room->db),
                  .backups = settings_flag(hub->config.settings, "backup.expected")},
        .vault = &room->vault,
        .clock = hub->config.clock,
        .diag = hub->config.diag,
        .answer = on_answer,
        .stored = on_stored,
        .context = hub,
    };
    if (!hubdb_is_server(hub->config.database)) /* then nobody holds what a crash left held */
        err = outside_release(hubdb_database(room->db), fault);
    if (!err)
        err = reception_open(&hub->reception, &hub->config, room->db, fault);
    return err ? err : strongroom_begin(room, on_foreign, hub, fault);
}

static enum err open_clerk(struct hub *hub, struct fault *fault)
{
    const struct clerk_config clerk = {
        .worker = hub->room.worker,
        .desk = &hub->desk,
        .books = &hub->books,
        .clock = hub->config.clock,
        .diag = hub->config.diag,
        .booked = on_booked,
        .context = hub,
    };
    enum err err = clerk_open(&hub->clerk, hub->loop, &clerk, fault);
    if (!err)
        clerk_wake(hub->clerk);
    return err;
}

static enum err open_outside(struct hub *hub, struct fault *fault)
{
    const struct outside_config outside = {
        .settings = hub->config.settings,
        .worker = hub->room.worker,
        .books = &hub->books,
        .clock = hub->config.clock,
        .diag = hub->config.diag,
        .told = on_told,
        .context = hub,
    };
    return outside_open(&hub->outside, hub->loop, &outside, fault);
}

static enum err open_cashier(struct hub *hub, struct fault *fault)
{
    const struct settings *settings = hub->config.settings;
    const struct cashier_config cashier = {
        .worker = hub->room.worker,
        .rule = {.late_days = settings_int(settings, "settlement.late_days"),
                 .missing_days = settings_int(settings, "settlement.missing_days"),
                 .unpaid_days = settings_int(settings, "settlement.unpaid_days"),
                 .fee_most_minor = settings_int(settings, "settlement.fee_most")},
        .clock = hub->config.clock,
        .diag = hub->config.diag,
        .told = on_told,
        .context = hub,
    };
    enum err err = cashier_open(&hub->cashier, hub->loop, &cashier, fault);
    if (!err)
        cashier_wake(hub->cashier);
    return err;
}

static bool may_send(void *context)
{
    struct hub *hub = context;
    return hub->wire && wire_has_room(hub->wire);
}

static enum err open_steward(struct hub *hub, struct fault *fault)
{
    const struct steward_config steward = {
        .worker = hub->room.worker,
        .state = hub->config.state,
        .clock = hub->config.clock,
        .diag = hub->config.diag,
        .answer = on_answer,
        .may_send = may_send,
        .context = hub,
    };
    return steward_open(&hub->steward, hub->loop, &steward, fault);
}

static enum err open_teller(struct hub *hub, struct fault *fault)
{
    const struct teller_config teller = {
        .reader = hubdb_database(hub->room.reader),
        .desk = &hub->desk,
        .worker = hub->room.worker,
        .may_send = may_send,
        .context = hub,
    };
    return teller_open(&hub->teller, hub->loop, &teller, fault);
}

/* Of several hub workers only those with an authority can answer that. */
static const char registrars[] = "tb/v1/+/up/enrol";

static void replace_tls(struct tls_context **now, struct tls_context *tls)
{
    tls_context_close(*now); /* connections that use it keep it */
    *now = tls;
}

/* Authorities or revocation lists are others now: what opens from now on goes by them. */
static void on_trust_changed(void *context)
{
    struct hub *hub = context;
    struct tls_context *tls = NULL;
    struct fault fault;
    enum err err = credentials_client(&hub->config, hub->ca_file, &tls, &fault);
    if (!err) {
        wire_use_tls(hub->wire, tls);
        replace_tls(&hub->client_tls, tls);
    }
    if (!err && hub->server_tls)
        err = credentials_server(&hub->config, "http.certificate", "http.key", false, &tls, &fault);
    if (!err && hub->server_tls && hub->web) {
        web_use_tls(hub->web, tls);
        replace_tls(&hub->server_tls, tls);
    }
    if (!err)
        err = reception_renew_trust(hub->reception, &fault);
    if (err)
        diag_fault(hub->config.diag, DIAG_ERROR, "hub.trust_not_taken", &fault);
}

static enum err open_wire(struct hub *hub, struct fault *fault)
{
    const struct settings *settings = hub->config.settings;
    enum err err = credentials_path(&hub->config, "runtime.folder", "run", hub->runtime, fault);
    if (!err)
        err = storage_make_folder(hub->runtime, fault);
    if (!err)
        err = credentials_client(&hub->config, hub->ca_file, &hub->client_tls, fault);
    if (err)
        return err;
    const struct wire_config wire = {
        .url = settings_text(settings, "broker.url"),
        .group = hubdb_group(hub->room.db),
        .filter = reception_facts(hub->reception).enrols ? registrars : NULL,
        .proxy = settings_text(settings, "broker.proxy"),
        .client_id = settings_text(settings, "broker.client_id"),
        .runtime_folder = hub->runtime,
        .tls = hub->client_tls,
        .diag = hub->config.diag,
        .subscribed = on_subscribed,
        .message = on_message,
        .context = hub,
    };
    return wire_open(&hub->wire, hub->loop, &wire, fault);
}

static enum err begin_reception(struct hub *hub, struct fault *fault)
{
    const struct reception_house house = {
        .worker = hub->room.worker,
        .reader = hubdb_database(hub->room.reader),
        .client = &hub->client_tls,
        .ca_file = hub->ca_file,
        .runtime_folder = hub->runtime,
        .trust_changed = on_trust_changed,
        .answer = on_answer,
        .context = hub,
    };
    return reception_begin(hub->reception, hub->loop, &house, fault);
}

static void fill_facts(void *context, struct web_facts *facts)
{
    struct hub *hub = context;
    facts->broker_online = wire_online(hub->wire);
    facts->answers_dropped = wire_dropped(hub->wire);
    facts->hub_epoch = hub->desk.rules.hub_epoch;
    facts->damage = auditor_findings(hub->room.auditor);
    (void)worker_fails(hub->room.worker, &facts->database);
    facts->verified = auditor_finished(hub->room.auditor);
    facts->desk = &hub->desk;
    const struct reception_facts reception = reception_facts(hub->reception);
    facts->list_until_ms = reception.list_until_ms;
    facts->enrolments = reception.answered;
    facts->enrolments_refused = reception.refused;
    facts->booked = clerk_count(hub->clerk).applied;
    facts->entries = clerk_count(hub->clerk).entries;
    const struct outside_facts outside = outside_facts(hub->outside);
    memcpy(facts->posters, outside.posters, sizeof facts->posters);
    facts->poster_count = outside.poster_count;
    facts->payments_wait = outside.payments_wait;
    facts->outlets_waiting = outside.outlets_waiting;
}

/* Somebody decided something: stores are told, and what may go on goes on. */
static void on_changed(void *context, const struct news *news)
{
    struct hub *hub = context;
    if (!hub->wire)
        return;
    for (size_t i = 0; i < news->log_count; i++)
        if (arrival_acknowledge(&hub->desk, hub->room.worker, &news->logs[i].id,
                                news->logs[i].device) ||
            arrival_push(&hub->desk, hub->room.worker, news->logs[i].device))
            break; /* told with the next batch */
    if (hub->steward)
        steward_wake(hub->steward);
    on_booked(hub);
    on_stored(hub);
}

static enum err open_web(struct hub *hub, struct fault *fault)
{
    const struct settings *settings = hub->config.settings;
    enum err err = credentials_server(&hub->config, "http.certificate", "http.key", false,
                                      &hub->server_tls, fault);
    const struct web_config web = {
        .address = settings_text(settings, "http.listen"),
        .tls = hub->server_tls,
        .database = hubdb_database(hub->room.reader),
        .worker = hub->room.worker,
        .books = &hub->books,
        .vault = &hub->room.vault,
        .provider_secret = outside_provider_secret(hub->outside),
        .clock = hub->config.clock,
        .facts = fill_facts,
        .changed = on_changed,
        .told = on_told,
        .context = hub,
        .diag = hub->config.diag,
    };
    return err ? err : web_open(&hub->web, hub->loop, &web, fault);
}

/* Each may use what stands above it. */
static enum err (*const opening[])(struct hub *hub, struct fault *fault) = {
    open_strongroom, open_clerk, open_outside,    open_cashier, open_steward,
    open_teller,     open_wire,  begin_reception, open_web,
};

/* Told at each start; the entries themselves will be parked, each with its exception. */
static void tell_lacking(const struct books *books, struct diag *diag)
{
    for (size_t i = 0; i < books->count; i++)
        for (int trigger = 0; trigger < TRIGGER_COUNT; trigger++) {
            const struct company *company = &books->companies[i];
            const char *role = company_lacks(company, (enum trigger)trigger);
            if (role)
                diag_write(diag, DIAG_WARN, "books.account_missing",
                           "company \"%s\" has no account for role \"%s\": what is to be booked "
                           "as %s will be parked",
                           company->name, role, trigger_name((enum trigger)trigger));
        }
}

enum err hub_open(struct hub **out, struct loop *loop, const struct hub_config *config,
                  struct fault *fault)
{
    struct hub *hub = calloc(1, sizeof *hub);
    if (!hub)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    hub->loop = loop;
    hub->config = *config;
    enum err err = books_file_read(config->settings, &hub->books, fault);
    if (!err)
        tell_lacking(&hub->books, config->diag);
    for (size_t i = 0; !err && i < sizeof opening / sizeof *opening; i++)
        err = opening[i](hub, fault);
    if (err) {
        hub_close(hub);
        return err;
    }
    *out = hub;
    return ERR_OK;
}

/*
 * Posted last of all: answers that the worker has posted before it find no wire any more, and are
 * given when the appliance asks again.
 */
static void free_hub(void *context)
{
    free(context);
}

void hub_close(struct hub *hub)
{
    if (!hub)
        return;
    struct loop *loop = hub->loop;
    web_close(hub->web);
    struct outside *outside = hub->outside;
    hub->outside = NULL;
    outside_stop(outside);
    reception_stop(hub->reception);
    strongroom_end(&hub->room);
    outside_close(outside);
    clerk_close(hub->clerk);
    hub->clerk = NULL;
    cashier_close(hub->cashier);
    hub->cashier = NULL;
    steward_close(hub->steward);
    hub->steward = NULL;
    teller_close(hub->teller);
    hub->teller = NULL;
    wire_close(hub->wire);
    hub->wire = NULL;
    reception_close(hub->reception);
    hub->reception = NULL;
    tls_context_close(hub->client_tls);
    tls_context_close(hub->server_tls);
    strongroom_close(&hub->room);
    books_close(&hub->books);
    if (!hub->room.worker || loop_post(loop, free_hub, hub) != ERR_OK)
        free(hub);
}

const char *hub_address(const struct hub *hub)
{
    return web_address(hub->web);
}
