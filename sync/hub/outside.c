#include "sync/hub/outside.h"
#include "sync/hub/connect/outlet.h"

#include <stddef.h>
#include <stdlib.h>

struct outside {
    struct loop *loop;
    struct outside_config config;
    struct posters *posters; /* without any, entries stay ready */
    struct payer *payer;     /* NULL: payments stay ready */
    const struct webhook_secret *provider_secret;
    struct outlets_config outlets_config;
    struct outlet *outlets[OUTLETS_MAX];
    size_t outlet_count;
};

static struct gate_config gate_of(const struct settings *settings, const char *most)
{
    return (struct gate_config){.retry_least_ms =
                                    settings_int(settings, "connector.retry_least_ms"),
                                .retry_most_ms = settings_int(settings, "connector.retry_most_ms"),
                                .most_a_minute = settings_int(settings, most)};
}

/* --- Posting --------------------------------------------------------------------------------- */

static enum err open_posters(struct outside *outside, struct fault *fault)
{
    const struct outside_config *config = &outside->config;
    const struct posters_config posters = {
        .connector = settings_text(config->settings, "posting.connector"),
        .each = {.worker = config->worker,
                 .books = config->books,
                 .clock = config->clock,
                 .diag = config->diag,
                 .gate = gate_of(config->settings, "posting.most_a_minute"),
                 .told = config->told,
                 .context = config->context},
    };
    return posters_open(&outside->posters, outside->loop, &posters, fault);
}

/* --- Paying ---------------------------------------------------------------------------------- */

static enum err open_payer(struct outside *outside, struct fault *fault)
{
    const struct outside_config *config = &outside->config;
    const char *path = settings_text(config->settings, "payment.provider");
    struct payer_config payer = {
        .worker = config->worker,
        .clock = config->clock,
        .diag = config->diag,
        .gate = gate_of(config->settings, "payment.most_a_minute"),
        .told = config->told,
        .context = config->context,
    };
    if (!path)
        return ERR_OK;
    enum err err = provider_open(&payer.provider, path, fault);
    if (err)
        return err;
    outside->provider_secret = provider_secret(payer.provider);
    return payer_open(&outside->payer, outside->loop, &payer, fault);
}

/* --- Telling --------------------------------------------------------------------------------- */

static enum err open_outlets(struct outside *outside, struct fault *fault)
{
    const struct outside_config *config = &outside->config;
    const char *path = settings_text(config->settings, "outlets.file");
    enum err err = path ? outlets_config_read(path, &outside->outlets_config, fault) : ERR_OK;
    for (size_t i = 0; !err && i < outside->outlets_config.count; i++) {
        const struct outlet_parts parts = {
            .config = &outside->outlets_config.outlets[i],
            .worker = config->worker,
            .clock = config->clock,
            .diag = config->diag,
            .gate = gate_of(config->settings, "outlets.most_a_minute"),
        };
        err = outlet_open(&outside->outlets[i], outside->loop, &parts, fault);
        if (!err)
            outside->outlet_count++;
    }
    return err;
}

/* --- The list of them ------------------------------------------------------------------------ */

/* On its way to the database; what it borrows from is there until the worker has closed. */
struct listing {
    struct work work;
    struct diag *diag;
    struct connector_card cards[CONNECTORS_MAX + 1 + OUTLETS_MAX];
    size_t count;
};

static struct listing *listing_of(struct work *work)
{
    return (struct listing *)((char *)work - offsetof(struct listing, work));
}

static enum err run_listing(struct work *work, struct database *db, struct fault *fault)
{
    const struct listing *listing = listing_of(work);
    return connector_list_put(db, listing->cards, listing->count, fault);
}

static void listing_done(struct work *work, enum err err, const struct fault *fault)
{
    struct listing *listing = listing_of(work);
    if (err)
        diag_fault(listing->diag, DIAG_ERROR, "hub.connectors_not_listed", fault);
    free(listing);
}

static enum err list_all(struct outside *outside, struct fault *fault)
{
    const struct settings *settings = outside->config.settings;
    struct listing *listing = calloc(1, sizeof *listing);
    if (!listing)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    listing->work =
        (struct work){.run = run_listing, .done = listing_done, .bytes = sizeof *listing};
    listing->diag = outside->config.diag;
    listing->count = posters_cards(outside->posters, listing->cards);
    if (outside->payer)
        listing->cards[listing->count++] = (struct connector_card){
            .kind = CONNECTOR_PAYMENT,
            .name = PAYER_NAME,
            .system = "http",
            .most_a_minute = settings_int(settings, "payment.most_a_minute")};
    for (size_t i = 0; i < outside->outlet_count; i++)
        listing->cards[listing->count++] = (struct connector_card){
            .kind = CONNECTOR_OUTLET,
            .name = outside->outlets_config.outlets[i].name,
            .system = "http",
            .most_a_minute = settings_int(settings, "outlets.most_a_minute")};
    enum err err = worker_submit(outside->config.worker, &listing->work);
    if (err)
        free(listing);
    return err ? fault_set(fault, err, "", "the database doesn't keep up") : ERR_OK;
}

/* --- All of them ----------------------------------------------------------------------------- */

enum err outside_open(struct outside **out, struct loop *loop, const struct outside_config *config,
                      struct fault *fault)
{
    struct outside *outside = calloc(1, sizeof *outside);
    if (!outside)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    outside->loop = loop;
    outside->config = *config;
    *out = outside;
    enum err err = open_posters(outside, fault);
    if (!err)
        err = open_payer(outside, fault);
    if (!err)
        err = open_outlets(outside, fault);
    if (!err)
        err = list_all(outside, fault);
    if (!err)
        outside_wake(outside);
    return err;
}

void outside_stop(struct outside *outside)
{
    if (!outside)
        return;
    posters_stop(outside->posters);
    payer_close(outside->payer);
    outside->payer = NULL;
    for (size_t i = 0; i < outside->outlet_count; i++)
        outlet_close(outside->outlets[i]);
    outside->outlet_count = 0;
}

void outside_close(struct outside *outside)
{
    if (!outside)
        return;
    posters_close(outside->posters);
    outlets_config_free(&outside->outlets_config);
    free(outside);
}

enum err outside_release(struct database *db, struct fault *fault)
{
    enum err err = payment_release(db, fault);
    return err ? err : outlet_release(db, fault);
}

void outside_wake(struct outside *outside)
{
    posters_wake(outside->posters);
    if (outside->payer)
        payer_wake(outside->payer);
    for (size_t i = 0; i < outside->outlet_count; i++)
        outlet_wake(outside->outlets[i]);
}

struct outside_facts outside_facts(const struct outside *outside)
{
    struct outside_facts facts = {0};
    facts.poster_count = posters_facts(outside->posters, facts.posters);
    facts.payments_wait = outside->payer && payer_waits(outside->payer);
    for (size_t i = 0; i < outside->outlet_count; i++)
        facts.outlets_waiting += outlet_waits(outside->outlets[i]);
    return facts;
}

const struct webhook_secret *outside_provider_secret(const struct outside *outside)
{
    return outside->provider_secret;
}
