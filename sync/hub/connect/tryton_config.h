/*
 * What the hub must know to post into a Tryton: a JSON file, named by posting.connector.
 *
 *   {"url": "https://erp.example.com:8000/", "database": "retail", "user": "tillback",
 *    "password_file": "/etc/tillback/tryton.password", "ca_file": "...", "timeout_ms": 20000,
 *    "companies": [{"company": "main", "erp_company": "Retail Ltd", "journal": "RET",
 *                   "party": "Walk-in customer", "documents": "sales",
 *                   "accounts": [{"account": "2100", "code": "3740"}],
 *                   "taxes": [{"jurisdiction": "DE", "rate": "19", "tax": "VAT 19%"}]}]}
 *
 * `company` is the books' name, `erp_company` Tryton's; `journal` a code. An account of the books
 * is the account of the same code in Tryton, unless `accounts` says another. `party` stands on
 * lines whose account asks for one.
 *
 * `documents`: "moves" (default), all entries become account moves; "sales": the debt of a return
 * becomes a return sale of `party` with its credit note (tryton_sale.h), and `taxes` says which tax
 * of Tryton, by its name, each tax is; the first that fits counts, and what it doesn't name fits.
 */
#ifndef SYNC_HUB_CONNECT_TRYTON_CONFIG_H
#define SYNC_HUB_CONNECT_TRYTON_CONFIG_H

#include "hal/base/json.h"

enum { TRYTON_COMPANIES_MAX = 200, TRYTON_ACCOUNTS_MAX = 10000, TRYTON_TAXES_MAX = 1000 };
enum tryton_documents { TRYTON_MOVES, TRYTON_SALES };

struct tryton_account {
    const char *account;
    const char *code;
};

/* NULL fits all. */
struct tryton_tax {
    const char *jurisdiction;
    const char *rate;
    const char *tax;
};

struct tryton_company_config {
    const char *company;
    const char *erp_company;
    const char *journal;
    const char *party; /* NULL: none */
    struct tryton_account *accounts;
    size_t account_count;
    int documents; /* enum tryton_documents */
    struct tryton_tax *taxes;
    size_t tax_count;
};

struct tryton_config {
    const char *url;
    const char *database;
    const char *user;
    const char *password_file;
    const char *ca_file;
    int64_t timeout_ms;
    struct tryton_company_config *companies;
    size_t company_count;

    char *password; /* of password_file, its first line; in the arena */
    struct arena arena;
    struct cJSON *document;
};

/* ERR_INVALID names the field and the rule. */
enum err tryton_config_read(const char *path, struct tryton_config *config,
                            struct fault *fault) MUST_CHECK;
void tryton_config_free(struct tryton_config *config); /* also zeroed */

/* ERR_REFUSED: an entry of a company that the file doesn't have. */
enum err tryton_config_company(const struct tryton_config *config, const char *company,
                               const struct tryton_company_config **found,
                               struct fault *fault) MUST_CHECK;
/* The code in Tryton of an account of the books. */
const char *tryton_config_code(const struct tryton_company_config *company, const char *account);
/* The name in Tryton of a tax. ERR_REFUSED: the file doesn't have it. */
enum err tryton_config_tax(const struct tryton_company_config *company, const char *jurisdiction,
                           const char *rate, const char **tax, struct fault *fault) MUST_CHECK;

#endif
