#include "sync/hub/connect/tryton.h"
#include "hal/base/cleanup.h"
#include "sync/hub/connect/tryton_sale.h"
#include "sync/hub/ledger/period.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 512 };

struct tryton {
    struct tryton_config config;
    struct tryton_rpc *rpc;
    struct tryton_company *companies; /* as in the configuration */
};

struct move {
    int64_t id;
    bool posted;
    int64_t day;
    char number[CONNECTOR_NUMBER_MAX + 1];
};

struct moves {
    struct move items[TRYTON_SAME_MAX];
    size_t count;
};

/* --- Looking up ------------------------------------------------------------------------------ */

static enum err read_move(const struct cJSON *row, struct move *move, struct fault *fault)
{
    const char *state = json_member_text(row, "state");
    move->id = json_member_int(row, "id", 0);
    move->posted = state && strcmp(state, "posted") == 0;
    if (!move->id || !state || tryton_read_day(json_member(row, "date"), &move->day) != ERR_OK)
        return fault_set(fault, ERR_UNKNOWN_OUTCOME, "Tryton", "answers no moves");
    return tryton_read_number(row, "post_number", move->posted, move->number, fault);
}

/* All moves under our reference, oldest first. */
static enum err look_up(struct tryton_way *way, struct moves *moves)
{
    struct cJSON *document CLEANUP(json_cleanup) = NULL;
    const struct cJSON *rows;
    const struct tryton_reading reading = {
        .model = "account.move",
        .fields = {"state", "post_number", "date"},
        .order = "id",
        .limit = TRYTON_SAME_MAX,
        .company = way->company->id,
    };
    struct jsonw *w = tryton_domain(way->rpc);
    tryton_clause_int(w, "journal", "=", way->company->journal);
    tryton_clause_text(w, "number", "=", way->order->entry->reference);
    tryton_clause_int(w, "company", "=", way->company->id);
    enum err err = tryton_read(way->rpc, &reading, &document, &rows, way->fault);
    moves->count = 0;
    const struct cJSON *row = err ? NULL : json_first(rows);
    for (; !err && row && moves->count < TRYTON_SAME_MAX; row = json_next(row))
        err = read_move(row, &moves->items[moves->count++], way->fault);
    return err;
}

/* --- Comparing ------------------------------------------------------------------------------- */

/* The entry's line that this row is and no row was before; NULL: none. */
static bool take_line(struct tryton_way *way, const struct cJSON *row, bool *taken)
{
    const struct entry *entry = way->order->entry;
    const struct currency *currency = &way->company->currency;
    const struct tryton_account_record *account;
    int64_t debit_minor;
    int64_t credit_minor;
    if (tryton_read_amount(json_member(row, "debit"), currency, &debit_minor) != ERR_OK ||
        tryton_read_amount(json_member(row, "credit"), currency, &credit_minor) != ERR_OK)
        return false;
    for (size_t i = 0; i < entry->line_count; i++) {
        const struct journal_line *line = &entry->lines[i];
        if (taken[i] || line->debit_minor != debit_minor || line->credit_minor != credit_minor)
            continue;
        if (tryton_company_account(way->company, way->rpc, line->account, &account, NULL) ==
                ERR_OK &&
            account->id == json_member_int(row, "account", 0)) {
            taken[i] = true;
            return true;
        }
    }
    return false;
}

static enum err compare_lines(struct tryton_way *way, const struct cJSON *rows, bool *same)
{
    size_t count = 0;
    bool *taken = calloc(way->order->entry->line_count + 1, sizeof *taken);
    if (!taken)
        return fault_set(way->fault, ERR_NO_MEMORY, "", "out of memory");
    *same = true;
    for (const struct cJSON *row = json_first(rows); *same && row; row = json_next(row), count++)
        *same = take_line(way, row, taken);
    *same = *same && count == way->order->entry->line_count;
    free(taken);
    return ERR_OK;
}

/* *same: the move has our lines, and no others. */
static enum err read_back(struct tryton_way *way, const struct move *move, bool *same)
{
    struct cJSON *document CLEANUP(json_cleanup) = NULL;
    const struct cJSON *rows;
    enum err err = tryton_lines_of_move(way, move->id, &document, &rows);
    return err ? err : compare_lines(way, rows, same);
}

/* --- Creating -------------------------------------------------------------------------------- */

static enum err write_line(struct tryton_way *way, struct jsonw *w, const struct journal_line *line)
{
    const struct tryton_company *company = way->company;
    const struct tryton_account_record *account;
    char text[TEXT_MAX];
    /* Known since accounts_exist: it asks nothing, and so leaves what is being written alone. */
    enum err err =
        tryton_company_account(way->company, way->rpc, line->account, &account, way->fault);
    if (err)
        return err;
    (void)snprintf(text, sizeof text, "%s%s%s%s%s", line->key.role, *line->key.tender ? " " : "",
                   line->key.tender, *line->key.rate ? " " : "", line->key.rate);
    jsonw_object(w, NULL);
    jsonw_int(w, "account", account->id);
    tryton_write_amount(w, "debit", line->debit_minor, &company->currency);
    tryton_write_amount(w, "credit", line->credit_minor, &company->currency);
    jsonw_text(w, "description", text);
    if (account->needs_party && company->party)
        jsonw_int(w, "party", company->party);
    jsonw_end(w);
    return ERR_OK;
}

static void describe(const struct tryton_way *way, char text[static TEXT_MAX])
{
    const struct entry *entry = way->order->entry;
    char day[DAY_TEXT + 1] = "";
    bool moved = way->day != entry->document_day;
    day_format(entry->document_day, day);
    (void)snprintf(text, TEXT_MAX, "%s %s%s%s", entry->number, entry->rule,
                   moved ? ", document of " : "", moved ? day : "");
}

static enum err write_move(struct tryton_way *way, struct jsonw *w)
{
    const struct entry *entry = way->order->entry;
    char text[TEXT_MAX];
    enum err err = ERR_OK;
    describe(way, text);
    jsonw_array(w, NULL);
    jsonw_object(w, NULL);
    jsonw_int(w, "company", way->company->id);
    jsonw_int(w, "journal", way->company->journal);
    jsonw_int(w, "period", way->period);
    tryton_write_day(w, "date", way->day);
    jsonw_text(w, "number", entry->reference);
    jsonw_text(w, "description", text);
    jsonw_array(w, "lines");
    jsonw_array(w, NULL);
    jsonw_text(w, NULL, "create");
    jsonw_array(w, NULL);
    for (size_t i = 0; !err && i < entry->line_count; i++)
        err = write_line(way, w, &entry->lines[i]);
    for (int i = 0; i < 5; i++)
        jsonw_end(w);
    tryton_write_context(w, way->company->id);
    return err;
}

static enum err accounts_exist(struct tryton_way *way)
{
    const struct tryton_account_record *account;
    const struct entry *entry = way->order->entry;
    enum err err = ERR_OK;
    for (size_t i = 0; !err && i < entry->line_count; i++)
        err = tryton_company_account(way->company, way->rpc, entry->lines[i].account, &account,
                                     way->fault);
    return err;
}

static enum err create(struct tryton_way *way)
{
    struct cJSON *document CLEANUP(json_cleanup) = NULL;
    const struct cJSON *ids;
    way->day = way->order->day;
    enum err err = tryton_company_period(way->company, way->rpc, way->order->may_move, &way->day,
                                         &way->period, way->fault);
    if (!err)
        err = accounts_exist(way);
    if (!err)
        err = write_move(way, tryton_rpc_begin(way->rpc));
    if (!err)
        err = tryton_rpc_call(way->rpc, "model.account.move.create", &document, &ids, way->fault);
    if (!err && (!json_first(ids) || json_whole(json_first(ids), &way->mine) != ERR_OK))
        err = fault_set(way->fault, ERR_UNKNOWN_OUTCOME, "Tryton", "answers no new move");
    return err;
}

/* --- Posting --------------------------------------------------------------------------------- */

static enum err delete_move(struct tryton_way *way, const struct move *move)
{
    return tryton_do(way->rpc, "account.move", "delete", &move->id, 1, way->company->id,
                     way->fault);
}

/* Which of the moves is the entry's: the posted one, or else the oldest. */
static enum err choose(const struct tryton_way *way, const struct moves *moves, size_t *at)
{
    size_t posted = 0;
    *at = 0;
    for (size_t i = moves->count; i-- > 0;) {
        posted += moves->items[i].posted;
        if (moves->items[i].posted)
            *at = i;
    }
    return posted < 2 ? ERR_OK
                      : fault_set(way->fault, ERR_CONFLICT, "Tryton",
                                  "has %zu posted moves under this reference: %s is one of them",
                                  posted, moves->items[*at].number);
}

/*
 * Deletes all moves but the one at `at`. A hub that made a younger one deletes only its own and
 * leaves the rest to the hub that made the oldest: else two hubs at the same reference would delete
 * each other's moves for ever.
 */
static enum err drop_others(struct tryton_way *way, const struct moves *moves, size_t at)
{
    const struct move *kept = &moves->items[at];
    bool ours_is_younger = false;
    enum err err = ERR_OK;
    for (size_t i = 0; i < moves->count; i++)
        ours_is_younger = ours_is_younger || (i != at && moves->items[i].id == way->mine);
    for (size_t i = 0; !err && i < moves->count; i++)
        if (i != at && (kept->posted || !ours_is_younger || moves->items[i].id == way->mine))
            err = delete_move(way, &moves->items[i]);
    return !err && ours_is_younger && !kept->posted
               ? fault_set(way->fault, ERR_BUSY, "Tryton",
                           "somebody else is posting under this reference")
               : err;
}

/* What Tryton refused leaves no draft; the reason is told as Tryton gave it. */
static enum err post_move(struct tryton_way *way, const struct move *move)
{
    struct fault ignored;
    enum err err =
        tryton_do(way->rpc, "account.move", "post", &move->id, 1, way->company->id, way->fault);
    if (err == ERR_REFUSED && !way->others) {
        struct tryton_way quiet = *way;
        quiet.fault = &ignored;
        (void)!delete_move(&quiet, move);
    }
    return err;
}

/* The next step towards one posted move with our lines; *done when it is there. */
static enum err step(struct tryton_way *way, const struct moves *moves, struct move *kept,
                     bool *done)
{
    bool same = false;
    size_t at;
    if (!moves->count)
        return create(way);
    enum err err = choose(way, moves, &at);
    if (!err)
        err = drop_others(way, moves, at);
    if (err)
        return err;
    *kept = moves->items[at];
    err = read_back(way, kept, &same);
    if (err)
        return err;
    if (kept->posted && !same)
        return fault_set(way->fault, ERR_CONFLICT, "Tryton",
                         "has another posted move under this reference, %s", kept->number);
    *done = kept->posted;
    if (kept->posted)
        return ERR_OK;
    return same && kept->day >= way->order->day ? post_move(way, kept) : delete_move(way, kept);
}

static enum err round_of_moves(struct tryton_way *way, struct posted *posted, bool *done)
{
    struct moves moves;
    struct move kept = {0};
    enum err err = look_up(way, &moves);
    if (err)
        return err;
    for (size_t i = 0; i < moves.count; i++)
        way->others = way->others || (way->mine && moves.items[i].id != way->mine);
    err = step(way, &moves, &kept, done);
    if (!err && *done) {
        posted->day = kept.day;
        memcpy(posted->number, kept.number, sizeof posted->number);
    }
    return err;
}

/* What was begun as a move stays one. */
static enum err is_begun(struct tryton_way *way, bool *begun)
{
    struct moves moves;
    enum err err = look_up(way, &moves);
    if (!err)
        *begun = moves.count > 0;
    return err;
}

static enum err post_entry(struct tryton_way *way, struct posted *posted)
{
    bool as_move = way->company->config->documents != TRYTON_SALES || !tryton_sale_can(way->order);
    enum err err = as_move ? ERR_OK : is_begun(way, &as_move);
    if (err)
        return err;
    return tryton_way_go(way, as_move ? round_of_moves : tryton_sale_round, posted);
}

static enum err post(void *self, const struct post_order *order, struct posted *posted,
                     struct fault *fault)
{
    struct tryton *tryton = self;
    const struct tryton_company_config *config;
    const char *currency = order->entry->currency;
    enum err err = tryton_config_company(&tryton->config, order->entry->company, &config, fault);
    if (err)
        return err;
    struct tryton_way way = {.company = &tryton->companies[config - tryton->config.companies],
                             .rpc = tryton->rpc,
                             .order = order,
                             .fault = fault};
    err = tryton_company_look_up(way.company, tryton->rpc, fault);
    if (!err && strcmp(way.company->currency.code, currency) != 0)
        err = fault_set(fault, ERR_REFUSED, "currency",
                        "the entry is in %s, and \"%.100s\" keeps its books in %s", currency,
                        config->erp_company, way.company->currency.code);
    return err ? err : post_entry(&way, posted);
}

/* --- Life ------------------------------------------------------------------------------------ */

static void close_tryton(void *self)
{
    struct tryton *tryton = self;
    if (!tryton)
        return;
    for (size_t i = 0; tryton->companies && i < tryton->config.company_count; i++)
        tryton_company_free(&tryton->companies[i]);
    free(tryton->companies);
    tryton_rpc_close(tryton->rpc);
    tryton_config_free(&tryton->config);
    free(tryton);
}

static const struct connector_ops ops = {.name = "tryton", .post = post, .close = close_tryton};

static enum err open_parts(struct tryton *tryton, const char *path, struct fault *fault)
{
    enum err err = tryton_config_read(path, &tryton->config, fault);
    if (err)
        return err;
    const struct tryton_config *config = &tryton->config;
    const struct tryton_rpc_config rpc = {
        .url = config->url,
        .database = config->database,
        .user = config->user,
        .password = config->password,
        .ca_file = config->ca_file,
        .timeout_ms = config->timeout_ms,
    };
    tryton->companies = calloc(config->company_count, sizeof *tryton->companies);
    if (!tryton->companies)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    for (size_t i = 0; i < config->company_count; i++)
        tryton->companies[i].config = &config->companies[i];
    return tryton_rpc_open(&tryton->rpc, &rpc, fault);
}

enum err tryton_open(const char *path, struct connector *connector, struct fault *fault)
{
    struct tryton *tryton = calloc(1, sizeof *tryton);
    if (!tryton)
        return fault_set(fault, ERR_NO_MEMORY, path, "out of memory");
    enum err err = open_parts(tryton, path, fault);
    if (err) {
        close_tryton(tryton);
        return err;
    }
    *connector = (struct connector){.ops = &ops, .self = tryton};
    for (size_t i = 0; i < tryton->config.company_count; i++)
        if (tryton->config.companies[i].documents == TRYTON_SALES)
            connector->documents = true;
    return ERR_OK;
}
