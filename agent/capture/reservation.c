#include "agent/capture/reservation.h"
#include "agent/capture/job.h"
#include "agent/views/return_view.h"
#include "agent/views/sale_view.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MS_PER_S = 1000, ASK_AGAIN_S = 2 };

/* --- What was taken back of a receipt -------------------------------------------------------- */

struct gathering {
    const char *store;
    struct reserved *own; /* NULL: they are only passed over */
    int64_t others;
    struct return_news of; /* one of the others, and what is known of it */
};

static enum err take(void *context, const struct return_state *state, struct fault *fault)
{
    struct gathering *g = context;
    if (!return_state_is_of(state, g->store)) {
        g->others++;
        if (id_equal(&state->id, &g->of.id))
            g->of.events = state->sequence;
    } else if (g->own && g->own->count == RESERVATION_RETURNS_MAX) {
        return fault_set(fault, ERR_TOO_LARGE, "receipt", "more than %d returns are known of it",
                         RESERVATION_RETURNS_MAX);
    } else if (g->own) {
        g->own->returns[g->own->count++] =
            (struct reserved_return){.id = state->id, .events = state->sequence};
    }
    return ERR_OK;
}

/* Returns that name a receipt whose sale isn't known. */
static enum err gather_unsold(const struct views *views, const char *receipt, struct gathering *g,
                              struct fault *fault)
{
    const struct return_view_query query = {.state = RETURN_VIEW_ANY,
                                            .receipt = receipt,
                                            .before_ms = INT64_MAX,
                                            .max = RETURN_VIEW_PAGE_MAX};
    return return_view_list(views, &query, take, g, fault);
}

static enum err gather(const struct views *views, const char *receipt, struct gathering *g,
                       struct fault *fault)
{
    struct sale_row sale;
    enum err err = sale_view_by_receipt(views, receipt, &sale, fault);
    if (err == ERR_NOT_FOUND)
        return gather_unsold(views, receipt, g, fault);
    return err ? err : return_view_of_sale(views, &sale.id, take, g, fault);
}

/* --- What is held ---------------------------------------------------------------------------- */

static struct reserved_receipt *find(struct reservations *all, const char *receipt)
{
    for (size_t i = 0; i < all->count; i++)
        if (strcmp(all->held[i].receipt, receipt) == 0)
            return &all->held[i];
    return NULL;
}

static void drop(struct reservations *all, struct reserved_receipt *held)
{
    *held = all->held[--all->count];
}

static void drop_ended(struct reservations *all, int64_t now_ms)
{
    for (size_t i = all->count; i-- > 0;)
        if (all->held[i].until_ms <= now_ms)
            drop(all, &all->held[i]);
}

/* Keeps the receipt for another store; a reminder of one that is held changes nothing. */
static enum err hold(struct reservations *all, const struct reservation *asked, bool reminder,
                     int64_t now_ms, struct fault *fault)
{
    drop_ended(all, now_ms);
    struct reserved_receipt *held = find(all, asked->receipt);
    if (held && reminder)
        return ERR_OK;
    if (!held && all->count == RESERVATIONS_MAX)
        return fault_set(fault, ERR_BUSY, "receipt", "other stores have %d receipts in hand",
                         RESERVATIONS_MAX);
    if (!held)
        held = &all->held[all->count++];
    *held = (struct reserved_receipt){
        .until_ms = now_ms + asked->for_ms, .others = asked->others, .of = asked->of};
    (void)snprintf(held->receipt, sizeof held->receipt, "%s", asked->receipt);
    return ERR_OK;
}

enum err reservation_check(struct capture *capture, const struct views *views, const char *receipt,
                           struct fault *fault)
{
    struct reservations *all = &capture->reservations;
    struct reserved_receipt *held = all->count && receipt ? find(all, receipt) : NULL;
    if (!held)
        return ERR_OK;
    struct gathering g = {.store = capture->config.store.number, .of.id = held->of.id};
    enum err err = gather(views, receipt, &g, fault);
    if (err)
        return err;
    bool knows_more = held->of.events ? g.of.events > held->of.events : g.others > held->others;
    if (knows_more || held->until_ms <= clock_monotonic_ms(capture->config.clock)) {
        drop(all, held);
        return ERR_OK;
    }
    return fault_set(fault, ERR_BUSY, "receipt",
                     "another store has this receipt in hand: ask again in %d s", ASK_AGAIN_S);
}

/* --- What another store asks for ------------------------------------------------------------- */

struct reserving {
    struct eventlog_command command;
    struct capture *capture;
    struct reservation asked;
    bool reminder;
    struct reserved answer;
    enum err err;
    struct fault fault;
    struct loop *loop;
    capture_reserved *done;
    void *context;
};

/* Writer thread. May run again for the same request: the receipt is held only once. */
static enum err decide(void *context, struct eventlog_txn *txn, struct fault *fault)
{
    struct reserving *r = context;
    struct views views = views_of_txn(txn);
    r->answer.count = 0;
    struct gathering g = {.store = r->capture->config.store.number, .own = &r->answer};
    enum err err = gather(&views, r->asked.receipt, &g, fault);
    return err ? err
               : hold(&r->capture->reservations, &r->asked, r->reminder,
                      clock_monotonic_ms(r->capture->config.clock), fault);
}

/* The asker's thread. */
static void tell(void *context)
{
    struct reserving *r = context;
    r->done(r->context, r->err, &r->fault, &r->answer);
    free(r);
}

/* Writer thread. */
static void done(void *context, enum err err, const struct fault *fault)
{
    struct reserving *r = context;
    r->err = err;
    if (err)
        r->fault = *fault;
    if (loop_post(r->loop, tell, r) != ERR_OK)
        abort(); /* who waits would wait for ever, and nothing can be allocated any more */
}

enum err capture_reserve(struct capture *capture, const struct reservation *asked, bool reminder,
                         struct loop *loop, capture_reserved *on_done, void *context,
                         struct fault *fault)
{
    struct reserving *r = calloc(1, sizeof *r);
    if (!r)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    r->capture = capture;
    r->asked = *asked;
    r->reminder = reminder;
    (void)snprintf(r->answer.receipt, sizeof r->answer.receipt, "%s", asked->receipt);
    r->loop = loop;
    r->done = on_done;
    r->context = context;
    r->command = (struct eventlog_command){.decide = decide, .done = done, .context = r};
    eventlog_submit(capture->config.log, &r->command);
    return ERR_OK;
}
