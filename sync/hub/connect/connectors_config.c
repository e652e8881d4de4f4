#include "sync/hub/connect/connectors_config.h"
#include "sync/hub/connect/config_file.h"

#include <stddef.h>
#include <string.h>

enum { CONFIG_MAX = 256 * 1024, TEXT_MOST = 1024, MOST_A_MINUTE = 100000 };

#define COUNT(list) (sizeof(list) / sizeof *(list))

static const struct json_field connector_fields[] = {
    {.name = "name",
     .kind = JSON_TEXT,
     .offset = offsetof(struct connector_config, name),
     .min = 1,
     .max = CONNECTOR_NAME_MAX},
    {.name = "connector",
     .kind = JSON_TEXT,
     .offset = offsetof(struct connector_config, connector),
     .min = 1,
     .max = TEXT_MOST},
    {.name = "companies",
     .kind = JSON_TEXTS,
     .presence = JSON_OPTIONAL,
     .offset = offsetof(struct connector_config, companies),
     .count_offset = offsetof(struct connector_config, company_count),
     .min = 1,
     .max = CONNECTOR_COMPANIES_MAX},
    {.name = "most_a_minute",
     .kind = JSON_INT,
     .presence = JSON_OPTIONAL,
     .offset = offsetof(struct connector_config, most_a_minute),
     .min = 1,
     .max = MOST_A_MINUTE},
};
static const struct json_table connector_table = {connector_fields, COUNT(connector_fields),
                                                  sizeof(struct connector_config), false};

static const struct json_field config_fields[] = {
    {.name = "connectors",
     .kind = JSON_LIST,
     .offset = offsetof(struct connectors_config, connectors),
     .count_offset = offsetof(struct connectors_config, count),
     .items = &connector_table,
     .min = 1,
     .max = CONNECTORS_MAX},
};
static const struct json_table config_table = {config_fields, COUNT(config_fields),
                                               sizeof(struct connectors_config), false};

static enum err check_names(const struct connectors_config *config, struct fault *fault)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
    size_t others = 0;
    for (size_t i = 0; i < config->count; i++) {
        const char *name = config->connectors[i].name;
        others += config->connectors[i].company_count == 0;
        if (name[strspn(name, allowed)])
            return fault_set(fault, ERR_INVALID, "name", "\"%s\" must be of a-z, 0-9 and -", name);
        for (size_t k = 0; k < i; k++)
            if (strcmp(config->connectors[k].name, name) == 0)
                return fault_set(fault, ERR_INVALID, "name", "\"%s\" occurs twice", name);
    }
    return others == 1 ? ERR_OK
                       : fault_set(fault, ERR_INVALID, "connectors",
                                   "one must go without companies, and takes those that no other "
                                   "names: here %zu do",
                                   others);
}

static enum err add_company(struct connectors_config *config, const struct books *books,
                            const char *name, struct fault *fault)
{
    const struct company *company;
    if (books_company(books, name, "", &company, NULL) != ERR_OK)
        return fault_set(fault, ERR_INVALID, "companies", "the books have no company \"%.64s\"",
                         name);
    for (size_t i = 0; i < config->named_count; i++)
        if (strcmp(config->named[i], name) == 0)
            return fault_set(fault, ERR_INVALID, "companies", "\"%.64s\" is named twice", name);
    config->named[config->named_count++] = name;
    return ERR_OK;
}

static enum err list_companies(struct connectors_config *config, const struct books *books,
                               struct fault *fault)
{
    size_t count = 1;
    enum err err = ERR_OK;
    for (size_t i = 0; i < config->count; i++)
        count += config->connectors[i].company_count;
    config->named = arena_alloc(&config->arena, count, sizeof *config->named);
    if (!config->named)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    for (size_t i = 0; !err && i < config->count; i++)
        for (size_t k = 0; !err && k < config->connectors[i].company_count; k++)
            err = add_company(config, books, config->connectors[i].companies[k], fault);
    return err;
}

enum err connectors_config_read(const char *path, const struct books *books,
                                struct connectors_config *out, struct fault *fault)
{
    struct connectors_config config = {0};
    arena_init(&config.arena, 4 * (size_t)CONFIG_MAX);
    enum err err = config_file_read(path, CONFIG_MAX, &config_table, &config.arena,
                                    &config.document, &config, fault);
    if (!err)
        err = check_names(&config, fault);
    if (!err)
        err = list_companies(&config, books, fault);
    if (err) {
        connectors_config_free(&config);
        return fault_wrap(fault, err, path);
    }
    *out = config;
    return ERR_OK;
}

void connectors_config_free(struct connectors_config *config)
{
    json_free(config->document);
    arena_free(&config->arena);
    *config = (struct connectors_config){0};
}
