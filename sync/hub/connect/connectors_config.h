/*
 * Which company's entries are posted where, when not all go to one system: a JSON file, named by
 * posting.connector as by-company:FILE.
 *
 *   {"connectors": [{"name": "north", "connector": "tryton:/etc/tillback/north.json",
 *                    "companies": ["se", "dk"], "most_a_minute": 600},
 *                   {"name": "others", "connector": "ledger-file:/var/lib/tillback/books.ledger"}]}
 *
 * `connector` is what posting.connector would be. `companies` are those of the books; exactly one
 * connector goes without and takes all that no other names. `most_a_minute` is
 * posting.most_a_minute unless given.
 */
#ifndef SYNC_HUB_CONNECT_CONNECTORS_CONFIG_H
#define SYNC_HUB_CONNECT_CONNECTORS_CONFIG_H

#include "hal/base/json.h"
#include "sync/hub/ledger/books.h"

enum { CONNECTORS_MAX = 16, CONNECTOR_NAME_MAX = 40, CONNECTOR_COMPANIES_MAX = 200 };

struct connector_config {
    const char *name;
    const char *connector;
    const char **companies; /* none: those that no other names */
    size_t company_count;
    int64_t most_a_minute; /* 0: not given */
};

struct connectors_config {
    struct connector_config *connectors;
    size_t count;
    const char **named; /* all companies that a connector names */
    size_t named_count;
    struct arena arena;
    struct cJSON *document;
};

/* ERR_INVALID names the field and the rule. */
enum err connectors_config_read(const char *path, const struct books *books,
                                struct connectors_config *config, struct fault *fault) MUST_CHECK;
void connectors_config_free(struct connectors_config *config); /* also zeroed */

#endif
