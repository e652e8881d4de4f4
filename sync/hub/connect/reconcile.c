#include "sync/hub/connect/reconcile.h"
#include "sync/contract/money.h"
#include "sync/hub/connect/payout_check.h"
#include "sync/hub/connect/reconcile_line.h"
#include "sync/hub/connect/settled.h"
#include "sync/hub/connect/unpaid.h"
#include "sync/hub/ingest/ingest.sql.h"
#include "sync/hub/ingest/measure.h"
#include "sync/hub/ledger/period.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define DAY_MS INT64_C(86400000)

enum { DETAIL_MAX = 500, BANKS_MAX = 500 };

/* These are never booked without a person. */
static const uint32_t blocking = MISMATCH_BIT(MISMATCH_AMOUNT) | MISMATCH_BIT(MISMATCH_CURRENCY) |
                                 MISMATCH_BIT(MISMATCH_SIGN) | MISMATCH_BIT(MISMATCH_DUPLICATE) |
                                 MISMATCH_BIT(MISMATCH_DUAL_REFUND);

/* One step at work. */
struct work_on {
    struct database *db;
    const struct match_rule *rule;
    int64_t now_ms;
    struct reconcile_news *news;
    struct fault *fault;
};

static int64_t magnitude(int64_t minor)
{
    return minor < 0 ? -minor : minor;
}

/* --- Telling people -------------------------------------------------------------------------- */

static const char *exception_code(uint32_t mismatches)
{
    if (mismatches & MISMATCH_BIT(MISMATCH_DUAL_REFUND))
        return "dual_refund";
    if (mismatches & MISMATCH_BIT(MISMATCH_CURRENCY))
        return "currency_mismatch";
    return "settlement_variance";
}

static void write_mismatches(uint32_t mismatches, char text[static DETAIL_MAX])
{
    size_t len = 0;
    text[0] = '\0';
    for (size_t i = 0; i < MISMATCH_COUNT; i++) {
        if (!(mismatches & MISMATCH_BIT(i)))
            continue;
        int wrote = snprintf(text + len, DETAIL_MAX - len, "%s%s", len ? ", " : "",
                             mismatch_name((enum mismatch)i));
        len += wrote > 0 ? (size_t)wrote : 0;
    }
}

static enum err raise_line(struct work_on *w, const struct reconcile_line *line,
                           const struct expected *refund, uint32_t mismatches)
{
    char words[DETAIL_MAX];
    char detail[DETAIL_MAX];
    char settled[MONEY_TEXT_MAX];
    char refunded[MONEY_TEXT_MAX];
    char device[DEVICE_ID_MAX + 1];
    struct exception exception = {.code = exception_code(mismatches),
                                  .subject = line->number * 2,
                                  .key = line->key,
                                  .detail = detail,
                                  .now_ms = w->now_ms};
    write_mismatches(mismatches, words);
    money_text(settled, line->is.gross_minor, line->is.currency);
    if (refund) {
        exception.correlation = refund->correlation;
        (void)snprintf(detail, sizeof detail,
                       "%.150s: line %" PRId64 " of a %s settlement has %s where return %.64s"
                       " refunded %s",
                       words, line->number, line->format, settled, refund->return_number,
                       money_text(refunded, refund->amount_minor, refund->currency));
    } else {
        (void)snprintf(detail, sizeof detail,
                       "%.150s: line %" PRId64 " of a %s settlement has %s for payment %.100s",
                       words, line->number, line->format, settled, line->is.payment);
    }
    enum err err = exception_raise(w->db, &exception, device, w->fault);
    told_add(&w->news->told, device);
    return err;
}

/* --- Judging --------------------------------------------------------------------------------- */

struct candidates {
    struct expected found[EXPECTED_CANDIDATES_MAX];
    struct expected_refund as[EXPECTED_CANDIDATES_MAX];
    size_t count;
};

/* A refund as the matcher sees it. The provider may call it by our id or by the return's number. */
static struct expected_refund as_candidate(const struct expected *found, const char *own)
{
    return (struct expected_refund){
        .reference = found->reference,
        .own = *own && strcmp(own, found->return_number) == 0 ? found->return_number : found->own,
        .payment = found->payment,
        .terminal = found->terminal,
        .receipt = found->receipt,
        .currency = found->currency,
        .amount_minor = found->amount_minor,
        .day = found->day,
        .settled = found->closed,
        .charged_back = found->charged_back,
    };
}

static enum err find_candidates(struct work_on *w, const struct reconcile_line *line,
                                struct candidates *candidates)
{
    const struct expected_keys keys = {.reference = line->is.reference,
                                       .own = line->is.own,
                                       .payment = line->is.payment,
                                       .amount_minor = line->is.gross_minor};
    enum err err =
        expected_candidates(w->db, &keys, candidates->found, &candidates->count, w->fault);
    for (size_t i = 0; !err && i < candidates->count; i++)
        candidates->as[i] = as_candidate(&candidates->found[i], line->is.own);
    return err;
}

static struct settled as_settled(const struct work_on *w, const struct reconcile_line *line,
                                 const struct expected *refund)
{
    bool same = strcmp(line->is.net_currency, line->is.currency) == 0;
    return (struct settled){
        .refund = refund,
        .key = line->key,
        .amount_minor = magnitude(line->is.gross_minor),
        .fee_minor = same ? line->is.fee_minor : 0,
        .day = line->is.day,
        .reference = line->is.reference,
        .now_ms = w->now_ms,
        .told = &w->news->told,
    };
}

/* What a matched line does to its refund; *state is what becomes of the line. */
static enum err act(struct work_on *w, const struct reconcile_line *line,
                    const struct expected *refund, const struct match *match, const char **state)
{
    const struct settled settled = as_settled(w, line, refund);
    *state = "matched";
    if (line->is.kind == SETTLEMENT_KIND_REFUND_REVERSED)
        return settled_came_back(w->db, &settled, w->fault);
    if (line->is.kind == SETTLEMENT_KIND_CHARGEBACK && !refund->charged_back)
        return settled_charged_back(w->db, &settled, w->fault);
    if (line->is.kind == SETTLEMENT_KIND_CHARGEBACK || (match->mismatches & blocking)) {
        *state = "differs";
        return ERR_OK;
    }
    w->news->settled++;
    return settled_refund(w->db, &settled, w->fault);
}

static enum err count_line(struct work_on *w, const struct reconcile_line *line)
{
    return line->is.kind == SETTLEMENT_KIND_CHARGEBACK
               ? ERR_OK
               : measure_sum(w->db, "refund_lines", line->is.currency,
                             magnitude(line->is.gross_minor), w->fault);
}

static enum err judge(struct work_on *w, const struct reconcile_line *line)
{
    struct candidates candidates;
    const char *state = "noted";
    enum err err = find_candidates(w, line, &candidates);
    if (err)
        return err;
    struct match match = match_line(&line->is, candidates.as, candidates.count, w->rule);
    const struct expected *refund =
        match.key == MATCH_NONE ? NULL : &candidates.found[match.candidate];
    if (refund && line->is.fee_minor &&
        strcmp(line->is.net_currency, line->is.currency) != 0) /* can't be booked with it */
        match.mismatches |= MISMATCH_BIT(MISMATCH_FEE);
    if (refund)
        err = act(w, line, refund, &match, &state);
    else if (match.mismatches)
        state = "unmatched";
    if (!err)
        err = reconcile_line_mark(w->db, line->number, state, &match, refund ? refund->number : 0,
                                  w->fault);
    if (!err)
        err = count_line(w, line);
    return err || !match.mismatches ? err : raise_line(w, line, refund, match.mismatches);
}

/* Money of a dispute that was won, if it was about a refund. */
static enum err judge_won(struct work_on *w, const struct reconcile_line *line)
{
    struct candidates candidates;
    const struct match match = {MATCH_BY_PAYMENT, 0, 0};
    enum err err = find_candidates(w, line, &candidates);
    for (size_t i = 0; !err && i < candidates.count; i++) {
        const struct expected *refund = &candidates.found[i];
        const struct settled settled = as_settled(w, line, refund);
        if (!refund->charged_back || strcmp(refund->payment, line->is.payment) != 0)
            continue;
        err = settled_won(w->db, &settled, w->fault);
        return err ? err
                   : reconcile_line_mark(w->db, line->number, "matched", &match, refund->number,
                                         w->fault);
    }
    return err ? err : reconcile_line_mark(w->db, line->number, "noted", NULL, 0, w->fault);
}

/* --- The bank -------------------------------------------------------------------------------- */

/* A day's notification and the statement after it tell of the same movement. */
static enum err told_before(struct work_on *w, const struct reconcile_line *line, bool *before)
{
    struct statement *s;
    *before = false;
    if (!*line->is.reference)
        return ERR_OK;
    enum err err = database_statement(w->db, INGEST_SETTLEMENT_LINE_TOLD_BEFORE, &s, w->fault);
    if (err)
        return err;
    bind_text(s, 1, line->is.reference);
    bind_int(s, 2, line->number);
    bind_text(s, 3, line->is.currency);
    bind_int(s, 4, line->is.gross_minor);
    bind_int(s, 5, line->is.day);
    err = database_step(w->db, s, before, w->fault);
    statement_reset(s);
    return err;
}

static enum err judge_bank(struct work_on *w, const struct reconcile_line *line)
{
    bool before = false;
    bool found = false;
    enum err err = ERR_OK;
    if (line->is.kind == SETTLEMENT_KIND_PAYOUT)
        err = told_before(w, line, &before);
    if (err || before || line->is.kind != SETTLEMENT_KIND_PAYOUT)
        return err ? err : reconcile_line_mark(w->db, line->number, "noted", NULL, 0, w->fault);
    err = payout_bank(w->db, line->number, &line->is, w->now_ms, &found, w->fault);
    return err || found ? err
                        : reconcile_line_mark(w->db, line->number, "unmatched", NULL, 0, w->fault);
}

/* Payouts became known: what came in at the bank before may be one of them. */
static enum err judge_banks_again(struct work_on *w)
{
    struct reconcile_line line = {0};
    bool waiting = true;
    enum err err = ERR_OK;
    for (int i = 0; !err && waiting && i < BANKS_MAX; i++) {
        bool found;
        err = reconcile_line_load(w->db, INGEST_SETTLEMENT_BANKS_WAITING, line.number, &line,
                                  &waiting, w->fault);
        if (!err && waiting)
            err = payout_bank(w->db, line.number, &line.is, w->now_ms, &found, w->fault);
    }
    return err;
}

/* --- Steps ----------------------------------------------------------------------------------- */

static enum err look_at(struct work_on *w, const struct reconcile_line *line)
{
    if (strncmp(line->format, "camt", 4) == 0)
        return judge_bank(w, line);
    enum err err = payout_add(w->db, line->format, &line->is, w->fault);
    if (err)
        return err;
    switch (line->is.kind) {
    case SETTLEMENT_KIND_REFUND:
    case SETTLEMENT_KIND_REFUND_REVERSED:
    case SETTLEMENT_KIND_CHARGEBACK:
        return judge(w, line);
    case SETTLEMENT_KIND_CHARGEBACK_REVERSED:
        return judge_won(w, line);
    default:
        return reconcile_line_mark(w->db, line->number, "noted", NULL, 0, w->fault);
    }
}

static enum err next_file(struct work_on *w, int64_t *file_no)
{
    struct statement *s;
    bool row;
    enum err err = database_statement(w->db, INGEST_SETTLEMENT_FILE_NEXT, &s, w->fault);
    if (!err)
        err = database_step(w->db, s, &row, w->fault);
    if (err)
        return err;
    *file_no = row ? column_int(s, 0) : 0;
    statement_reset(s);
    return ERR_OK;
}

/* All lines were looked at: the files' batches must be whole. */
static enum err finish_file(struct work_on *w, bool *more)
{
    struct statement *s;
    int64_t file_no = 0;
    enum err err = next_file(w, &file_no);
    *more = file_no != 0;
    if (err || !file_no)
        return err;
    err = payout_check_file(w->db, file_no, w->now_ms, w->fault);
    if (!err)
        err = database_statement(w->db, INGEST_SETTLEMENT_FILE_DONE, &s, w->fault);
    if (err)
        return err;
    bind_int(s, 1, file_no);
    err = database_send(w->db, s, w->fault);
    return err ? err : judge_banks_again(w);
}

static enum err look_at_lines(struct work_on *w, bool *more)
{
    struct reconcile_line line;
    bool found = true;
    enum err err = ERR_OK;
    for (int i = 0; !err && found && i < RECONCILE_LINES_MAX; i++) {
        err = reconcile_line_load(w->db, INGEST_SETTLEMENT_LINE_NEW, 0, &line, &found, w->fault);
        if (err || !found)
            break;
        err = look_at(w, &line);
        w->news->looked_at++;
    }
    *more = found;
    return err;
}

enum err reconcile_step(struct database *db, const struct match_rule *rule, int64_t now_ms,
                        struct reconcile_news *news, struct fault *fault)
{
    struct work_on w = {db, rule, now_ms, news, fault};
    *news = (struct reconcile_news){0};
    enum err err = expected_follow(db, now_ms, &news->told, &news->more, fault);
    if (!err && !news->more)
        err = look_at_lines(&w, &news->more);
    if (!err && !news->more)
        err = finish_file(&w, &news->more);
    if (!err && !news->more)
        err = expected_tell_missing(db, day_of_ms(now_ms) - rule->missing_days, now_ms, &news->told,
                                    &news->more, fault);
    if (!err && !news->more && rule->unpaid_days)
        err = unpaid_tell(db, now_ms - rule->unpaid_days * DAY_MS, now_ms, &news->told, &news->more,
                          fault);
    return err;
}

/* --- A person's decision --------------------------------------------------------------------- */

static enum err open_line(struct database *db, int64_t number, struct reconcile_line *line,
                          struct fault *fault)
{
    bool found;
    enum err err =
        reconcile_line_load(db, INGEST_SETTLEMENT_LINE_FIND, number, line, &found, fault);
    if (err)
        return err;
    if (!found)
        return fault_set(fault, ERR_NOT_FOUND, "line", "there is no such line");
    if (strcmp(line->state, "unmatched") != 0 && strcmp(line->state, "differs") != 0)
        return fault_set(fault, ERR_CONFLICT, "line", "is %s and needs no decision", line->state);
    return ERR_OK;
}

static enum err open_refund(struct database *db, int64_t number, struct expected *refund,
                            struct fault *fault)
{
    enum err err = expected_find(db, number, refund, fault);
    if (!err && refund->closed)
        err = fault_set(fault, ERR_CONFLICT, "refund", "was settled or decided before");
    return err;
}

enum err reconcile_match(struct database *db, const struct reconcile_order *order,
                         struct told *told, struct fault *fault)
{
    struct reconcile_line line;
    struct expected refund;
    const struct match match = {MATCH_NONE, 0, 0};
    enum err err = open_line(db, order->line, &line, fault);
    if (!err)
        err = open_refund(db, order->refund, &refund, fault);
    if (err)
        return err;
    if (line.is.kind != SETTLEMENT_KIND_REFUND || line.is.gross_minor > 0)
        return fault_set(fault, ERR_REFUSED, "line", "isn't money that was refunded");
    if (strcmp(line.is.currency, refund.currency) != 0)
        return fault_set(fault, ERR_REFUSED, "line", "is in %s, the refund in %s", line.is.currency,
                         refund.currency);
    struct reconcile_news news = {0};
    struct work_on w = {.db = db, .now_ms = order->now_ms, .news = &news, .fault = fault};
    struct settled settled = as_settled(&w, &line, &refund);
    settled.told = told;
    err = settled_refund(db, &settled, fault);
    settled.amount_minor = refund.amount_minor - settled.amount_minor;
    if (!err)
        err = settled_write_off(db, &settled, fault);
    return err ? err
               : reconcile_line_mark(db, line.number, "matched", &match, refund.number, fault);
}

enum err reconcile_set_aside(struct database *db, const struct reconcile_order *order,
                             struct fault *fault)
{
    struct reconcile_line line;
    enum err err = open_line(db, order->line, &line, fault);
    return err ? err : reconcile_line_mark(db, line.number, "set_aside", NULL, 0, fault);
}

enum err reconcile_write_off(struct database *db, const struct reconcile_order *order,
                             struct told *told, struct fault *fault)
{
    struct expected refund;
    enum err err = open_refund(db, order->refund, &refund, fault);
    if (err)
        return err;
    char key[SETTLED_KEY_MAX];
    (void)snprintf(key, sizeof key, "write-off/%" PRId64 "/%.64s/%.64s", refund.position,
                   refund.reference, refund.own);
    const struct settled settled = {.refund = &refund,
                                    .key = key,
                                    .amount_minor = refund.amount_minor,
                                    .day = day_of_ms(order->now_ms),
                                    .reference = "",
                                    .now_ms = order->now_ms,
                                    .told = told};
    err = settled_write_off(db, &settled, fault);
    return err ? err : expected_set_state(db, refund.number, "written_off", settled.day, fault);
}
