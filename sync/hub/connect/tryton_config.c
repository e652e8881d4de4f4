#include "sync/hub/connect/tryton_config.h"
#include "hal/base/cleanup.h"
#include "hal/storage.h"
#include "sync/hub/connect/config_file.h"

#include <stddef.h>
#include <string.h>

enum { CONFIG_MAX = 1024 * 1024, PASSWORD_MAX = 512, PATH_MOST = 1024 };
enum { TIMEOUT_LEAST_MS = 100, TIMEOUT_MOST_MS = 300000 };

#define COUNT(list) (sizeof(list) / sizeof *(list))
#define TEXT(type, member, how, most)                                                              \
    {                                                                                              \
        .name = #member, .kind = JSON_TEXT, .presence = JSON_##how,                                \
        .offset = offsetof(struct type, member), .min = 1, .max = (most)                           \
    }

static const struct json_field account_fields[] = {
    TEXT(tryton_account, account, REQUIRED, 64),
    TEXT(tryton_account, code, REQUIRED, 64),
};
static const struct json_table account_table = {
    .fields = account_fields,
    .count = COUNT(account_fields),
    .item_size = sizeof(struct tryton_account),
};

static const struct json_field tax_fields[] = {
    TEXT(tryton_tax, jurisdiction, OPTIONAL, 64),
    TEXT(tryton_tax, rate, OPTIONAL, 32),
    TEXT(tryton_tax, tax, REQUIRED, 200),
};
static const struct json_table tax_table = {
    .fields = tax_fields,
    .count = COUNT(tax_fields),
    .item_size = sizeof(struct tryton_tax),
};

static const char *const documents_words[] = {"moves", "sales", NULL};

static const struct json_field company_fields[] = {
    TEXT(tryton_company_config, company, REQUIRED, 64),
    TEXT(tryton_company_config, erp_company, REQUIRED, 200),
    TEXT(tryton_company_config, journal, REQUIRED, 64),
    TEXT(tryton_company_config, party, OPTIONAL, 200),
    {.name = "accounts",
     .kind = JSON_LIST,
     .presence = JSON_OPTIONAL,
     .offset = offsetof(struct tryton_company_config, accounts),
     .count_offset = offsetof(struct tryton_company_config, account_count),
     .items = &account_table,
     .max = TRYTON_ACCOUNTS_MAX},
    {.name = "documents",
     .kind = JSON_CHOICE,
     .presence = JSON_OPTIONAL,
     .offset = offsetof(struct tryton_company_config, documents),
     .choices = documents_words},
    {.name = "taxes",
     .kind = JSON_LIST,
     .presence = JSON_OPTIONAL,
     .offset = offsetof(struct tryton_company_config, taxes),
     .count_offset = offsetof(struct tryton_company_config, tax_count),
     .items = &tax_table,
     .max = TRYTON_TAXES_MAX},
};
static const struct json_table company_table = {
    .fields = company_fields,
    .count = COUNT(company_fields),
    .item_size = sizeof(struct tryton_company_config),
};

static const struct json_field config_fields[] = {
    TEXT(tryton_config, url, REQUIRED, PATH_MOST),
    TEXT(tryton_config, database, REQUIRED, 64),
    TEXT(tryton_config, user, REQUIRED, 64),
    TEXT(tryton_config, password_file, REQUIRED, PATH_MOST),
    TEXT(tryton_config, ca_file, OPTIONAL, PATH_MOST),
    {.name = "timeout_ms",
     .kind = JSON_INT,
     .presence = JSON_OPTIONAL,
     .offset = offsetof(struct tryton_config, timeout_ms),
     .min = TIMEOUT_LEAST_MS,
     .max = TIMEOUT_MOST_MS},
    {.name = "companies",
     .kind = JSON_LIST,
     .offset = offsetof(struct tryton_config, companies),
     .count_offset = offsetof(struct tryton_config, company_count),
     .items = &company_table,
     .min = 1,
     .max = TRYTON_COMPANIES_MAX},
};
static const struct json_table config_table = {
    .fields = config_fields,
    .count = COUNT(config_fields),
    .item_size = sizeof(struct tryton_config),
};

static enum err read_password(struct tryton_config *config, struct fault *fault)
{
    struct buf text CLEANUP(buf_free);
    buf_init(&text, PASSWORD_MAX);
    enum err err = storage_read(config->password_file, &text, fault);
    if (err)
        return err;
    size_t len = text.data ? strcspn(text.data, "\r\n") : 0;
    if (!len)
        return fault_set(fault, ERR_INVALID, "password_file", "has no password in its first line");
    config->password = arena_slice_text(&config->arena, (struct slice){text.data, len});
    return config->password ? ERR_OK : fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
}

static enum err read_file(const char *path, struct tryton_config *config, struct fault *fault)
{
    struct arena arena = config->arena;
    enum err err =
        config_file_read(path, CONFIG_MAX, &config_table, &arena, &config->document, config, fault);
    config->arena = arena;
    for (size_t i = 0; !err && i < config->company_count; i++)
        if (config->companies[i].documents == TRYTON_SALES && !config->companies[i].party)
            err =
                fault_set(fault, ERR_INVALID, "companies.party",
                          "company \"%.64s\" makes sales: say whose", config->companies[i].company);
    return err ? err : read_password(config, fault);
}

enum err tryton_config_read(const char *path, struct tryton_config *out, struct fault *fault)
{
    struct tryton_config config = {0};
    arena_init(&config.arena, 4 * (size_t)CONFIG_MAX);
    enum err err = read_file(path, &config, fault);
    if (err) {
        tryton_config_free(&config);
        return fault_wrap(fault, err, path);
    }
    *out = config;
    return ERR_OK;
}

void tryton_config_free(struct tryton_config *config)
{
    json_free(config->document);
    arena_free(&config->arena);
    *config = (struct tryton_config){0};
}

enum err tryton_config_company(const struct tryton_config *config, const char *company,
                               const struct tryton_company_config **found, struct fault *fault)
{
    for (size_t i = 0; i < config->company_count; i++) {
        if (strcmp(config->companies[i].company, company) == 0) {
            *found = &config->companies[i];
            return ERR_OK;
        }
    }
    return fault_set(fault, ERR_REFUSED, "company",
                     "company \"%s\" has no Tryton company: add it to the connector's file",
                     company);
}

const char *tryton_config_code(const struct tryton_company_config *company, const char *account)
{
    for (size_t i = 0; i < company->account_count; i++)
        if (strcmp(company->accounts[i].account, account) == 0)
            return company->accounts[i].code;
    return account;
}

static bool fits(const char *asked, const char *said)
{
    return !asked || strcmp(asked, said) == 0;
}

enum err tryton_config_tax(const struct tryton_company_config *company, const char *jurisdiction,
                           const char *rate, const char **tax, struct fault *fault)
{
    for (size_t i = 0; i < company->tax_count; i++) {
        const struct tryton_tax *row = &company->taxes[i];
        if (fits(row->jurisdiction, jurisdiction) && fits(row->rate, rate)) {
            *tax = row->tax;
            return ERR_OK;
        }
    }
    return fault_set(fault, ERR_REFUSED, "taxes",
                     "the tax of \"%.64s\" at \"%.32s\" has no tax of Tryton: add it to the"
                     " connector's file",
                     jurisdiction, rate);
}
