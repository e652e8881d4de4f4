#include "sync/hub/connect/posters.h"
#include "sync/hub/connect/ledger_file.h"
#include "sync/hub/connect/tryton.h"

#include <stdlib.h>
#include <string.h>

struct posters {
    struct loop *loop;
    struct posters_config config;
    struct connectors_config file; /* of by-company; else empty */
    struct {
        struct connector_card card;
        struct poster *poster;
    } items[CONNECTORS_MAX];
    size_t count;
};

/* What follows `kind` in the text; NULL: it is of another kind. */
static const char *behind(const char *text, const char *kind)
{
    size_t len = strlen(kind);
    return strncmp(text, kind, len) == 0 ? text + len : NULL;
}

/* connector->ops stays NULL for "none". */
static enum err open_connector(const char *text, struct connector *connector, struct fault *fault)
{
    const char *path = behind(text, "ledger-file:");
    if (path)
        return ledger_file_open(path, connector, fault);
    path = behind(text, "tryton:");
    if (path)
        return tryton_open(path, connector, fault);
    return strcmp(text, "none") == 0
               ? ERR_OK
               : fault_set(fault, ERR_INVALID, "posting.connector",
                           "must be none, ledger-file:PATH, tryton:FILE or by-company:FILE");
}

static enum err add(struct posters *posters, const struct connector_config *connector,
                    struct posting_share share, struct fault *fault)
{
    struct poster_config poster = posters->config.each;
    poster.share = share;
    if (connector->most_a_minute)
        poster.gate.most_a_minute = connector->most_a_minute;
    enum err err = open_connector(connector->connector, &poster.connector, fault);
    if (err || !poster.connector.ops)
        return err;
    poster.name = connector->name ? connector->name : poster.connector.ops->name;
    err = poster_open(&posters->items[posters->count].poster, posters->loop, &poster, fault);
    if (!err)
        posters->items[posters->count++].card =
            (struct connector_card){CONNECTOR_POSTING, poster.name, poster.connector.ops->name,
                                    poster.gate.most_a_minute, share};
    return err;
}

static enum err add_all(struct posters *posters, const char *path, struct fault *fault)
{
    const struct connectors_config *file = &posters->file;
    enum err err = connectors_config_read(path, posters->config.each.books, &posters->file, fault);
    for (size_t i = 0; !err && i < file->count; i++) {
        const struct connector_config *connector = &file->connectors[i];
        struct posting_share share = {file->named, file->named_count, false};
        if (connector->company_count)
            share = (struct posting_share){connector->companies, connector->company_count, true};
        err = add(posters, connector, share, fault);
        if (err)
            err = fault_wrap(fault, err, connector->name);
    }
    return err;
}

enum err posters_open(struct posters **out, struct loop *loop, const struct posters_config *config,
                      struct fault *fault)
{
    struct posters *posters = calloc(1, sizeof *posters);
    if (!posters)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    posters->loop = loop;
    posters->config = *config;
    *out = posters;
    const char *path = behind(config->connector, "by-company:");
    const struct connector_config only = {.connector = config->connector};
    return path ? add_all(posters, path, fault)
                : add(posters, &only, (struct posting_share){0}, fault);
}

void posters_stop(struct posters *posters)
{
    for (size_t i = 0; posters && i < posters->count; i++)
        poster_close(posters->items[i].poster);
    if (posters)
        posters->count = 0;
}

void posters_close(struct posters *posters)
{
    if (!posters)
        return;
    connectors_config_free(&posters->file);
    free(posters);
}

void posters_wake(struct posters *posters)
{
    for (size_t i = 0; i < posters->count; i++)
        poster_wake(posters->items[i].poster);
}

size_t posters_facts(const struct posters *posters,
                     struct posters_fact facts[static CONNECTORS_MAX])
{
    for (size_t i = 0; i < posters->count; i++)
        facts[i] = (struct posters_fact){posters->items[i].card.name,
                                         poster_count(posters->items[i].poster)};
    return posters->count;
}

size_t posters_cards(const struct posters *posters,
                     struct connector_card cards[static CONNECTORS_MAX])
{
    for (size_t i = 0; i < posters->count; i++)
        cards[i] = posters->items[i].card;
    return posters->count;
}
