#include "agent/capture/sale.h"
#include "agent/views/sale_view.h"
#include "hal/base/cleanup.h"
#include "hal/base/id.h"
#include "hal/base/jsonw.h"

static enum err read(struct capture_job *job, struct fault *fault)
{
    struct sale *sale = arena_alloc(&job->arena, 1, sizeof *sale);
    if (!sale)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    job->input = sale;
    return sale_read(job->doc, job->capture->config.known, &job->arena, sale, fault);
}

static void answer(struct capture_job *job, const struct id *sale, int64_t seq)
{
    char id[ID_TEXT + 1];
    id_format(sale, id);
    struct jsonw w = jsonw_to(&job->answer);
    jsonw_object(&w, NULL);
    jsonw_text(&w, "sale_id", id);
    jsonw_int(&w, "seq", seq);
    jsonw_end(&w);
}

/* A till sends a sale again when it missed the answer: the same is fine, another is not. */
static enum err find_known(const struct views *views, const struct sale_row *row,
                           const struct sha256 *hash, const struct sale *sale, int64_t *seq,
                           struct fault *fault)
{
    if (!sha256_equal(&row->data_hash, hash))
        return fault_set(fault, ERR_CONFLICT, "receipt",
                         "receipt %s is already recorded with other content", sale->receipt);
    struct arena arena CLEANUP(arena_free);
    arena_init(&arena, JSON_LIMITS_DEFAULT.bytes * 8);
    struct sale_found found CLEANUP(sale_found_cleanup) = {0};
    enum err err = sale_view_load(views, &row->id, &arena, &found, fault);
    if (!err)
        *seq = found.seq;
    return err;
}

static enum err append(struct capture_job *job, struct eventlog_txn *txn, const struct sale *sale,
                       struct slice data, struct id *id, int64_t *seq, struct fault *fault)
{
    struct id_source ids;
    id_source_init(&ids, NULL, NULL);
    struct id made = id_next(&ids, eventlog_txn_now(txn).wall_ms);
    struct buf subject CLEANUP(buf_free);
    buf_init(&subject, FAULT_WHERE_MAX);
    buf_printf(&subject, "receipt/%s", sale->receipt);
    struct event event = job_event(job, EVENT_SALE_RECORDED, &made, 1, buf_slice(&subject), data);
    enum err err = eventlog_append(txn, &event, seq, fault);
    if (!err)
        *id = made;
    return err;
}

enum err sale_record(struct capture_job *job, struct eventlog_txn *txn,
                     const struct sale_draft *draft, struct id *id, int64_t *seq, bool *known,
                     struct fault *fault)
{
    struct views views = views_of_txn(txn);
    struct buf data CLEANUP(buf_free);
    buf_init(&data, EVENT_BODY_MAX);
    json_print(draft->doc, &data);
    enum err err = buf_check(&data, fault, "sale");
    if (err)
        return err;
    struct sha256 hash = sha256_of(buf_slice(&data));
    struct sale_row row;
    err = sale_view_by_receipt(&views, draft->sale->receipt, &row, NULL);
    *known = err == ERR_OK;
    if (*known) {
        *id = row.id;
        return find_known(&views, &row, &hash, draft->sale, seq, fault);
    }
    if (err != ERR_NOT_FOUND)
        return fault_set(fault, err, "sale", "the sales can't be read");
    return append(job, txn, draft->sale, buf_slice(&data), id, seq, fault);
}

static enum err decide(struct capture_job *job, struct eventlog_txn *txn, struct fault *fault)
{
    struct sale_draft draft = {job->input, job->doc};
    struct id id;
    int64_t seq = 0;
    bool known = false;
    enum err err = sale_record(job, txn, &draft, &id, &seq, &known, fault);
    if (err)
        return err;
    job->replayed = known;
    answer(job, &id, seq);
    return ERR_OK;
}

static enum err replay(struct capture_job *job, struct eventlog_txn *txn,
                       const struct eventlog_record *first, struct fault *fault)
{
    (void)txn;
    (void)fault;
    answer(job, &first->event.correlation, first->seq);
    return ERR_OK;
}

const struct capture_work capture_sale_work = {.read = read, .decide = decide, .replay = replay};
