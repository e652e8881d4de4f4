#include "agent/returns/sale.h"
#include "agent/capture/job.h"
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
    return sale_read(job->doc, NULL, &job->arena, sale, fault);
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
static enum err answer_known(struct capture_job *job, const struct views *views,
                             const struct sale_row *row, const struct sha256 *hash,
                             struct fault *fault)
{
    const struct sale *sale = job->input;
    if (!sha256_equal(&row->data_hash, hash))
        return fault_set(fault, ERR_CONFLICT, "receipt",
                         "receipt %s is already recorded with other content", sale->receipt);
    struct arena arena CLEANUP(arena_free);
    arena_init(&arena, JSON_LIMITS_DEFAULT.bytes * 8);
    struct sale_found found CLEANUP(sale_found_cleanup) = {0};
    enum err err = sale_view_load(views, &row->id, &arena, &found, fault);
    if (err)
        return err;
    job->replayed = true;
    answer(job, &row->id, found.seq);
    return ERR_OK;
}

static enum err append(struct capture_job *job, struct eventlog_txn *txn, struct slice data,
                       struct fault *fault)
{
    const struct sale *sale = job->input;
    struct id_source ids;
    id_source_init(&ids, NULL, NULL);
    struct id id = id_next(&ids, eventlog_txn_now(txn).wall_ms);
    struct buf subject CLEANUP(buf_free);
    buf_init(&subject, FAULT_WHERE_MAX);
    buf_printf(&subject, "receipt/%s", sale->receipt);
    struct event event = job_event(job, EVENT_SALE_RECORDED, &id, 1, buf_slice(&subject), data);
    int64_t seq;
    enum err err = eventlog_append(txn, &event, &seq, fault);
    if (!err)
        answer(job, &id, seq);
    return err;
}

static enum err decide(struct capture_job *job, struct eventlog_txn *txn, struct fault *fault)
{
    const struct sale *sale = job->input;
    struct views views = views_of_txn(txn);
    struct buf data CLEANUP(buf_free);
    buf_init(&data, EVENT_BODY_MAX);
    json_print(job->doc, &data);
    enum err err = buf_check(&data, fault, "sale");
    if (err)
        return err;
    struct sha256 hash = sha256_of(buf_slice(&data));
    struct sale_row row;
    err = sale_view_by_receipt(&views, sale->receipt, &row, NULL);
    if (!err)
        return answer_known(job, &views, &row, &hash, fault);
    if (err != ERR_NOT_FOUND)
        return fault_set(fault, err, "sale", "the sales can't be read");
    return append(job, txn, buf_slice(&data), fault);
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
