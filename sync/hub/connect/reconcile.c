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
#include <stdlib.h>
#include <string.h>

#define DAY_MS INT64_C(86400000)

enum { DETAIL_MAX = 500 };

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
    int64_t changed[RECONCILE_LINES_MAX]; /* refunds, by lines of this step */
    size_t changed_count;
    struct centre_queue queue;
};

/* --- Telling people -------------------------------------------------------------------------- */

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
    struct exception exception = {.code = reconcile_line_exception(mismatches),
                                  .subject = line->number * 2,
                                  .key = line->key,
                                  .detail = detail,
                                  .now_ms = w->now_ms,
                                  .queue = &w->queue};
    write_mismatches(mismatches, words);
    money_text(settled, line->is.gross_minor, line->is.currency);
    if (refund) {
        exception.correlation = refund->correlation;
        (void)snprintf(detail, sizeof detail,
                       "%.150s: line %" PRId64 " of the %s file has %s where return %.64s"
                       " refunded %s",
                       words, line->number, line->format, settled, refund->return_number,
                       money_text(refunded, refund->amount_minor, refund->currency));
    } else {
        (void)snprintf(detail, sizeof detail,
                       "%.150s: line %" PRId64 " of the %s file has %s for payment %.100s", words,
                       line->number, line->format, settled, line->is.payment);
    }
    return exception_raise(w->db, &exception, device, w->fault);
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

static struct expected_keys keys_of(const struct reconcile_line *line)
{
    return (struct expected_keys){.reference = line->is.reference,
                                  .own = line->is.own,
                                  .payment = line->is.payment,
                                  .amount_minor = line->is.gross_minor};
}

static void note_change(struct work_on *w, const struct expected *refund)
{
    if (w->changed_count < RECONCILE_LINES_MAX)
        w->changed[w->changed_count++] = refund->number;
}

/* Whether what was asked ahead is no longer true. */
static bool is_stale(const struct work_on *w, const struct candidates *candidates)
{
    for (size_t i = 0; i < candidates->count; i++)
        for (size_t k = 0; k < w->changed_count; k++)
            if (candidates->found[i].number == w->changed[k])
                return true;
    return false;
}

static enum err find_candidates(struct work_on *w, const struct reconcile_line *line,
                                struct candidates *candidates)
{
    const struct expected_keys keys = keys_of(line);
    enum err err =
        expected_candidates(w->db, &keys, candidates->found, &candidates->count, w->fault);
    if (!err && is_stale(w, candidates))
        err = expected_candidates(w->db, &keys, candidates->found, &candidates->count, w->fault);
    for (size_t i = 0; !err && i < candidates->count; i++)
        candidates->as[i] = as_candidate(&candidates->found[i], line->is.own);
    return err;
}

static struct settled as_settled(struct work_on *w, const struct reconcile_line *line,
                                 const struct expected *refund)
{
    struct settled settled = reconcile_line_settled(line, refund, w->now_ms);
    settled.told = &w->news->told;
    settled.queue = &w->queue;
    return settled;
}

/* A file that is exported once more, or a day's notification and the statement after it, tell of
 * the same movement. */
static enum err told_before(struct work_on *w, const struct reconcile_line *line, size_t statement,
                            bool *before)
{
    struct statement *s;
    *before = false;
    if (!*line->is.reference)
        return ERR_OK;
    enum err err = database_statement(w->db, statement, &s, w->fault);
    if (err)
        return err;
    bind_text(s, 1, line->is.reference);
    bind_int(s, 2, line->number);
    bind_text(s, 3, line->is.currency);
    bind_int(s, 4, line->is.gross_minor);
    bind_int(s, 5, line->is.day);
    bind_text(s, 6, settlement_kind_name(line->is.kind));
    bind_text(s, 7, line->is.type);
    err = database_step(w->db, s, before, w->fault);
    statement_reset(s);
    return err;
}

/* What a matched line does to its refund; *state is what becomes of the line. */
static enum err act(struct work_on *w, const struct reconcile_line *line,
                    const struct expected *refund, const struct match *match, const char **state)
{
    const struct settled settled = as_settled(w, line, refund);
    bool before = false;
    *state = "matched";
    note_change(w, refund);
    if (line->is.kind == SETTLEMENT_KIND_REFUND_REVERSED)
        return settled_came_back(w->db, &settled, w->fault);
    if (line->is.kind == SETTLEMENT_KIND_CHARGEBACK && !refund->charged_back) {
        enum err err = told_before(w, line, INGEST_SETTLEMENT_LINE_TOLD_BEFORE, &before);
        if (err || !before)
            return err ? err : settled_charged_back(w->db, &settled, w->fault);
    }
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
               : measure_sum(w->db, "refund_lines", line->is.currency, llabs(line->is.gross_minor),
                             w->fault);
}

/* What was told of the line while nobody knew its refund. */
static enum err known_now(struct work_on *w, const struct reconcile_line *line,
                          const struct expected *refund)
{
    const struct exception_end end = {.code = reconcile_line_exception(0),
                                      .subject = line->number * 2,
                                      .how = "its refund is known now",
                                      .now_ms = w->now_ms,
                                      .queue = &w->queue};
    return refund ? exception_settle_of(w->db, &end, w->fault) : ERR_OK;
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
        err = line->again ? known_now(w, line, refund) : count_line(w, line);
    return err || !match.mismatches || (line->again && !refund)
               ? err
               : raise_line(w, line, refund, match.mismatches);
}

/* *line_no: the next chargeback of the refund behind that line; 0: there is none. */
static enum err next_chargeback(struct work_on *w, const struct expected *refund, int64_t *line_no)
{
    struct statement *s;
    bool row;
    enum err err = database_statement(w->db, INGEST_SETTLEMENT_CHARGEBACK_OF_REFUND, &s, w->fault);
    if (err)
        return err;
    bind_int(s, 1, refund->number);
    bind_int(s, 2, *line_no);
    err = database_step(w->db, s, &row, w->fault);
    if (err)
        return err;
    *line_no = row ? column_int(s, 0) : 0;
    statement_reset(s);
    return ERR_OK;
}

/* The customer hasn't the money twice any more: told with the chargebacks' lines, or the refund. */
static enum err dual_no_more(struct work_on *w, const struct expected *refund)
{
    struct exception_end end = {.code = "dual_refund",
                                .correlation = refund->correlation,
                                .subject = -refund->number,
                                .how = "the dispute was won",
                                .now_ms = w->now_ms,
                                .queue = &w->queue};
    int64_t line_no = 0;
    enum err err;
    do {
        err = exception_settle_of(w->db, &end, w->fault);
        if (!err)
            err = next_chargeback(w, refund, &line_no);
        end.subject = line_no * 2;
    } while (!err && line_no);
    return err;
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
        note_change(w, refund);
        err = settled_won(w->db, &settled, w->fault);
        if (!err)
            err = dual_no_more(w, refund);
        return err ? err
                   : reconcile_line_mark(w->db, line->number, "matched", &match, refund->number,
                                         w->fault);
    }
    return err ? err : reconcile_line_mark(w->db, line->number, "noted", NULL, 0, w->fault);
}

/* --- The bank -------------------------------------------------------------------------------- */

static enum err judge_bank(struct work_on *w, const struct reconcile_line *line)
{
    bool found = false;
    bool came = line->is.kind == SETTLEMENT_KIND_PAYOUT;
    bool went = line->is.gross_minor < 0; /* a payout below zero, or one that is taken back */
    bool before = !came && !went;
    enum err err =
        before ? ERR_OK : told_before(w, line, INGEST_SETTLEMENT_BANK_TOLD_BEFORE, &before);
    if (!err && !before)
        err = payout_bank(w->db, line->number, &line->is, &found, w->fault);
    if (err || found)
        return err;
    return reconcile_line_mark(w->db, line->number, came && !before ? "unmatched" : "noted", NULL,
                               0, w->fault);
}

/* --- Steps ----------------------------------------------------------------------------------- */

static enum err look_at(struct work_on *w, const struct reconcile_line *line)
{
    enum err err = line->again ? ERR_OK : payout_add(w->db, line->format, &line->is, w->fault);
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

/* All lines of the providers were looked at: the bank's may be of payouts that are known now. */
static enum err finish_file(struct work_on *w, bool *more)
{
    struct statement *s;
    int64_t file_no = 0;
    enum err err = next_file(w, &file_no);
    *more = file_no != 0;
    if (err || !file_no)
        return err;
    err = payout_release(w->db, file_no, w->fault);
    if (!err)
        err = database_statement(w->db, INGEST_SETTLEMENT_FILE_DONE, &s, w->fault);
    if (err)
        return err;
    bind_int(s, 1, file_no);
    return database_send(w->db, s, w->fault);
}

/* A server is asked for the refunds of all lines at once. */
static enum err ask_ahead(struct work_on *w, const struct reconcile_line *lines, size_t count)
{
    enum err err = ERR_OK;
    for (size_t i = 0; !err && i < count; i++) {
        const struct expected_keys keys = keys_of(&lines[i]);
        bool of_refund = lines[i].is.kind == SETTLEMENT_KIND_REFUND ||
                         lines[i].is.kind == SETTLEMENT_KIND_REFUND_REVERSED ||
                         lines[i].is.kind == SETTLEMENT_KIND_CHARGEBACK;
        if (of_refund)
            err = expected_ask(w->db, &keys, w->fault);
    }
    return err;
}

/* Lines of the bank are looked at when no others wait. */
static enum err look_at_new(struct work_on *w, struct reconcile_line *lines, bool of_bank,
                            bool *more)
{
    size_t count = 0;
    enum err err = reconcile_lines_new(
        w->db, of_bank ? INGEST_SETTLEMENT_BANK_NEW : INGEST_SETTLEMENT_LINE_NEW, lines,
        RECONCILE_LINES_MAX, &count, w->fault);
    if (!err && !of_bank)
        err = ask_ahead(w, lines, count);
    for (size_t i = 0; !err && i < count; i++) {
        err = of_bank ? judge_bank(w, &lines[i]) : look_at(w, &lines[i]);
        w->news->looked_at++;
    }
    *more = count > 0;
    return err;
}

static enum err look_at_lines(struct work_on *w, bool *more)
{
    struct reconcile_line *lines = calloc(RECONCILE_LINES_MAX, sizeof *lines);
    if (!lines)
        return fault_set(w->fault, ERR_NO_MEMORY, "", "out of memory");
    enum err err = look_at_new(w, lines, false, more);
    if (!err && !*more)
        err = finish_file(w, more);
    if (!err && !*more)
        err = look_at_new(w, lines, true, more);
    if (!err && !*more)
        err = payout_check(w->db, w->now_ms, w->fault);
    if (!err)
        err = centre_queue_record(&w->queue, w->fault);
    centre_queue_close(&w->queue);
    free(lines);
    return err;
}

enum err reconcile_step(struct database *db, const struct match_rule *rule, int64_t now_ms,
                        struct reconcile_news *news, struct fault *fault)
{
    struct work_on w = {.db = db,
                        .rule = rule,
                        .now_ms = now_ms,
                        .news = news,
                        .fault = fault,
                        .queue = {.db = db, .told = told_hear, .context = &news->told}};
    *news = (struct reconcile_news){0};
    enum err err = expected_follow(db, now_ms, &news->told, &news->more, fault);
    if (!err && !news->more)
        err = look_at_lines(&w, &news->more);
    if (!err && !news->more)
        err = expected_tell_missing(db, day_of_ms(now_ms) - rule->missing_days, now_ms, &news->told,
                                    &news->more, fault);
    if (!err && !news->more && rule->unpaid_days)
        err = unpaid_tell(db, now_ms - rule->unpaid_days * DAY_MS, now_ms, &news->told, &news->more,
                          fault);
    return err;
}
