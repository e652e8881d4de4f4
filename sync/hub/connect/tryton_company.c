#include "sync/hub/connect/tryton_company.h"
#include "hal/base/cleanup.h"
#include "sync/hub/ledger/period.h"

#include <stdlib.h>
#include <string.h>

enum { PERIODS_MAX = 200 };

/* --- Company, journal, party ----------------------------------------------------------------- */

static enum err read_currency(struct tryton_company *company, struct tryton_rpc *rpc, int64_t id,
                              struct fault *fault)
{
    struct cJSON *document CLEANUP(json_cleanup) = NULL;
    const struct cJSON *rows;
    struct jsonw *w = tryton_rpc_begin(rpc);
    jsonw_array(w, NULL);
    jsonw_int(w, NULL, id);
    jsonw_end(w);
    jsonw_array(w, NULL);
    jsonw_text(w, NULL, "currency");
    jsonw_text(w, NULL, "currency.code");
    jsonw_end(w);
    tryton_write_context(w, id);
    enum err err = tryton_rpc_call(rpc, "model.company.company.read", &document, &rows, fault);
    if (err)
        return err;
    const struct cJSON *row = json_first(rows);
    const struct cJSON *record = row ? json_member(row, "currency.") : NULL;
    const char *code = record ? json_member_text(record, "code") : NULL;
    const struct currency *known = code ? currency_find(slice_of(code)) : NULL;
    if (!known)
        return fault_set(fault, ERR_REFUSED, "Tryton", "company \"%.100s\" has no ISO currency",
                         company->config->erp_company);
    company->currency = *known;
    company->currency_id = json_member_int(row, "currency", 0);
    return ERR_OK;
}

enum err tryton_company_look_up(struct tryton_company *company, struct tryton_rpc *rpc,
                                struct fault *fault)
{
    int64_t id;
    const struct tryton_company_config *config = company->config;
    if (company->id)
        return ERR_OK;
    enum err err =
        tryton_find(rpc, "company.company", "party.name", config->erp_company, 0, &id, fault);
    if (!err)
        err = read_currency(company, rpc, id, fault);
    if (!err)
        err = tryton_find(rpc, "account.journal", "code", config->journal, 0, &company->journal,
                          fault);
    if (!err && config->party)
        err = tryton_find(rpc, "party.party", "name", config->party, 0, &company->party, fault);
    if (!err)
        company->id = id;
    return err;
}

void tryton_company_free(struct tryton_company *company)
{
    free(company->accounts);
    *company = (struct tryton_company){.config = company->config};
}

/* --- Accounts -------------------------------------------------------------------------------- */

static enum err keep_accounts(struct tryton_company *company, const struct cJSON *rows,
                              struct fault *fault)
{
    size_t count = 0;
    for (const struct cJSON *row = json_first(rows); row; row = json_next(row))
        count++;
    struct tryton_account_record *accounts = calloc(count + 1, sizeof *accounts);
    if (!accounts)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    free(company->accounts);
    company->accounts = accounts;
    company->account_count = 0;
    for (const struct cJSON *row = json_first(rows); row; row = json_next(row)) {
        const char *code = json_member_text(row, "code");
        const struct cJSON *needs = json_member(row, "party_required");
        struct buf flag CLEANUP(buf_free);
        buf_init(&flag, 16);
        json_print(needs, &flag);
        struct tryton_account_record *account = &accounts[company->account_count];
        account->id = json_member_int(row, "id", 0);
        /* On SQLite, Tryton's flags are numbers. */
        account->needs_party =
            slice_is(buf_slice(&flag), "true") || slice_is(buf_slice(&flag), "1");
        if (code && strlen(code) < sizeof account->code && account->id) {
            memcpy(account->code, code, strlen(code) + 1);
            company->account_count++;
        }
    }
    return ERR_OK;
}

static enum err load_accounts(struct tryton_company *company, struct tryton_rpc *rpc,
                              struct fault *fault)
{
    struct cJSON *document CLEANUP(json_cleanup) = NULL;
    const struct cJSON *rows;
    const struct tryton_reading reading = {
        .model = "account.account",
        .fields = {"code", "party_required"},
        .limit = TRYTON_ACCOUNTS_MAX,
        .company = company->id,
    };
    struct jsonw *w = tryton_domain(rpc);
    tryton_clause_int(w, "company", "=", company->id);
    tryton_clause_text(w, "code", "!=", NULL);
    tryton_clause_text(w, "type", "!=", NULL);
    enum err err = tryton_read(rpc, &reading, &document, &rows, fault);
    return err ? err : keep_accounts(company, rows, fault);
}

static const struct tryton_account_record *find_account(const struct tryton_company *company,
                                                        const char *code)
{
    for (size_t i = 0; i < company->account_count; i++)
        if (strcmp(company->accounts[i].code, code) == 0)
            return &company->accounts[i];
    return NULL;
}

enum err tryton_company_account(struct tryton_company *company, struct tryton_rpc *rpc,
                                const char *account, const struct tryton_account_record **found,
                                struct fault *fault)
{
    const char *code = tryton_config_code(company->config, account);
    enum err err = ERR_OK;
    const struct tryton_account_record *record = find_account(company, code);
    if (!record)
        err = load_accounts(company, rpc, fault);
    if (!err && !record)
        record = find_account(company, code);
    if (!err && !record)
        err = fault_set(fault, ERR_REFUSED, "Tryton",
                        "company \"%.100s\" has no account with code %.64s that may be posted to",
                        company->config->erp_company, code);
    if (!err)
        *found = record;
    return err;
}

/* --- Periods --------------------------------------------------------------------------------- */

static enum err choose_period(const struct cJSON *rows, bool may_move, int64_t *day,
                              int64_t *period, struct fault *fault)
{
    char text[DAY_TEXT + 1];
    int64_t first_day;
    day_format(*day, text);
    for (const struct cJSON *row = json_first(rows); row; row = json_next(row)) {
        const char *state = json_member_text(row, "state");
        if (tryton_read_day(json_member(row, "start_date"), &first_day) != ERR_OK || !state)
            return fault_set(fault, ERR_UNKNOWN_OUTCOME, "Tryton", "answers no periods");
        bool covers = first_day <= *day;
        if (strcmp(state, "open") == 0 && (covers || may_move)) {
            *period = json_member_int(row, "id", 0);
            *day = covers ? *day : first_day;
            return ERR_OK;
        }
        if (!may_move)
            break;
    }
    return fault_set(fault, ERR_REFUSED, "period_closed",
                     "Tryton has no open period for %s%s: reopen it, or allow another", text,
                     may_move ? " or later" : "");
}

enum err tryton_company_period(const struct tryton_company *company, struct tryton_rpc *rpc,
                               bool may_move, int64_t *day, int64_t *period, struct fault *fault)
{
    struct cJSON *document CLEANUP(json_cleanup) = NULL;
    const struct cJSON *rows;
    const struct tryton_reading reading = {
        .model = "account.period",
        .fields = {"start_date", "state"},
        .order = "start_date",
        .limit = PERIODS_MAX,
        .company = company->id,
    };
    struct jsonw *w = tryton_domain(rpc);
    tryton_clause_int(w, "company", "=", company->id);
    tryton_clause_text(w, "type", "=", "standard");
    tryton_clause_day(w, "end_date", ">=", *day);
    enum err err = tryton_read(rpc, &reading, &document, &rows, fault);
    return err ? err : choose_period(rows, may_move, day, period, fault);
}
