#include "sync/hub/web/uploads.h"
#include "hal/base/cleanup.h"
#include "hal/base/jsonw.h"
#include "sync/hub/connect/authorisation.h"
#include "sync/hub/connect/goods_received.h"
#include "sync/hub/connect/intake.h"
#include "sync/hub/connect/order.h"
#include "sync/hub/connect/provider.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ANSWER_MAX = 16 * 1024, SUBJECT_MAX = 128, STORES_MAX = 2048, KEY_MAX = 128 };

struct upload;

/* One kind: POST <path>. */
struct upload_kind {
    const char *path;
    const char *action;
    unsigned roles;
    /* On the loop: looks at the query. */
    enum err (*prepare)(struct upload *upload, struct fault *fault);
    /* On the database's thread: writes the answer's members, and what the audit is about. */
    enum err (*run)(struct upload *upload, struct database *db, struct fault *fault);
};

struct upload {
    struct work work;
    const struct upload_kind *kind;
    struct web_config config;
    struct http_request *request;
    struct access_holder holder;
    int64_t now_ms;
    enum settlement_format format;
    char stores[STORES_MAX]; /* "": not said */
    char key[KEY_MAX + 1];   /* Idempotency-Key; "": none */
    char subject[SUBJECT_MAX];
    struct buf answer;
    struct told told;
};

/* --- Settlements ----------------------------------------------------------------------------- */

static enum err prepare_settlement(struct upload *upload, struct fault *fault)
{
    const char *name = http_request_query(upload->request, "format");
    if (!name || settlement_format_find(name, &upload->format) != ERR_OK)
        return fault_set(fault, ERR_INVALID, "format",
                         "must be adyen, stripe, amazon, camt053 or camt054");
    return ERR_OK;
}

static enum err run_settlement(struct upload *upload, struct database *db, struct fault *fault)
{
    struct intake taken = {0};
    enum err err = intake_settlement(db, upload->format, http_request_body(upload->request),
                                     upload->holder.name, upload->now_ms, &taken, fault);
    if (err)
        return err;
    (void)snprintf(upload->subject, sizeof upload->subject, "%" PRId64, taken.file_no);
    struct jsonw w = jsonw_to(&upload->answer);
    jsonw_object(&w, NULL);
    jsonw_int(&w, "settlement", taken.file_no);
    jsonw_int(&w, "lines", taken.lines);
    jsonw_bool(&w, "known", taken.known);
    jsonw_end(&w);
    return buf_check(&upload->answer, fault, "answer");
}

/* --- Orders, authorisations, goods received -------------------------------------------------- */

static enum err prepare_order(struct upload *upload, struct fault *fault)
{
    const char *stores = http_request_query(upload->request, "stores");
    if (stores && strlen(stores) >= sizeof upload->stores)
        return fault_set(fault, ERR_TOO_LARGE, "stores", "too many stores");
    (void)snprintf(upload->stores, sizeof upload->stores, "%s", stores ? stores : "");
    return http_request_check_json(upload->request, fault);
}

static enum err prepare_goods(struct upload *upload, struct fault *fault)
{
    const char *key = http_request_header(upload->request, "Idempotency-Key");
    if (key && strlen(key) > KEY_MAX)
        return fault_set(fault, ERR_INVALID, "Idempotency-Key", "is longer than %d characters",
                         KEY_MAX);
    (void)snprintf(upload->key, sizeof upload->key, "%s", key ? key : "");
    return http_request_check_json(upload->request, fault);
}

static enum err run_order(struct upload *upload, struct database *db,
                          enum err (*take)(struct database *db, struct order *order,
                                           struct fault *fault),
                          struct fault *fault)
{
    struct order order = {.text = http_request_body(upload->request),
                          .key = *upload->key ? upload->key : NULL,
                          .stores = *upload->stores ? upload->stores : NULL,
                          .now_ms = upload->now_ms,
                          .told = &upload->told,
                          .answer = &upload->answer};
    enum err err = take(db, &order, fault);
    (void)snprintf(upload->subject, sizeof upload->subject, "%s", order.subject);
    return err ? err : buf_check(&upload->answer, fault, "answer");
}

static enum err run_sale(struct upload *upload, struct database *db, struct fault *fault)
{
    return run_order(upload, db, order_take, fault);
}

static enum err run_authorise(struct upload *upload, struct database *db, struct fault *fault)
{
    return run_order(upload, db, authorisation_take, fault);
}

static enum err run_receive(struct upload *upload, struct database *db, struct fault *fault)
{
    return run_order(upload, db, goods_received_take, fault);
}

/* --- What the payment provider tells --------------------------------------------------------- */

/* {"type", "timestamp", "data": a refund}, as Standard Webhooks proposes. */
static enum err run_payment(struct upload *upload, struct database *db, struct fault *fault)
{
    struct cJSON *json CLEANUP(json_cleanup) = NULL;
    struct arena arena CLEANUP(arena_free);
    struct payment_answer answer;
    arena_init(&arena, ANSWER_MAX);
    enum err err =
        json_parse(http_request_body(upload->request), JSON_LIMITS_DEFAULT, &json, fault);
    if (err)
        return err;
    err = provider_read_refund(json_member(json, "data"), &arena, &answer, fault);
    if (err)
        return err;
    (void)snprintf(upload->subject, sizeof upload->subject, "%s", answer.key);
    err = payment_take_answer(db, &answer, upload->now_ms, &upload->told, fault);
    struct jsonw w = jsonw_to(&upload->answer);
    jsonw_object(&w, NULL);
    jsonw_text(&w, "reference", answer.key);
    jsonw_end(&w);
    return err ? err : buf_check(&upload->answer, fault, "answer");
}

#define COMMERCE (ACCESS_BIT(ACCESS_COMMERCE) | ACCESS_BIT(ACCESS_IT))

static const struct upload_kind kinds[] = {
    {"/v1/orders", "order.add", COMMERCE, prepare_order, run_sale},
    {"/v1/authorisations", "return.authorise", COMMERCE, prepare_order, run_authorise},
    {"/v1/goods-received", "goods.receive", COMMERCE, prepare_goods, run_receive},
    {"/v1/settlements", "settlement.add", ACCESS_BIT(ACCESS_FINANCE), prepare_settlement,
     run_settlement},
    {UPLOADS_PROVIDER_PATH, "payment.answer", ACCESS_BIT(ACCESS_PROVIDER), NULL, run_payment},
};

/* --- The work -------------------------------------------------------------------------------- */

static enum err run(struct work *work, struct database *db, struct fault *fault)
{
    struct upload *upload = (struct upload *)((char *)work - offsetof(struct upload, work));
    const struct access_act act = {.holder = &upload->holder,
                                   .action = upload->kind->action,
                                   .subject = upload->subject,
                                   .reason = "",
                                   .now_ms = upload->now_ms};
    enum err err = upload->kind->run(upload, db, fault);
    return err ? err : access_note(db, &act, fault);
}

static void done(struct work *work, enum err err, const struct fault *fault)
{
    struct upload *upload = (struct upload *)((char *)work - offsetof(struct upload, work));
    const struct news nothing = {0};
    if (err) {
        http_problem(upload->request, http_status_of(err), fault);
    } else {
        http_answer(upload->request, 201, "application/json", buf_slice(&upload->answer), NULL, 0);
        upload->config.told(upload->config.context, upload->told.devices, upload->told.count);
        upload->config.changed(upload->config.context, &nothing);
    }
    buf_free(&upload->answer);
    free(upload);
}

static enum err start(struct upload *upload, struct fault *fault)
{
    enum err err = access_check(upload->kind->roles, upload->holder.role, fault);
    if (err)
        return err;
    err = upload->kind->prepare ? upload->kind->prepare(upload, fault) : ERR_OK;
    if (!err && worker_submit(upload->config.worker, &upload->work) != ERR_OK)
        err = fault_set(fault, ERR_BUSY, "", "the database doesn't keep up");
    return err;
}

static const struct upload_kind *find_kind(const char *path)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i].path, path) == 0)
            return &kinds[i];
    return NULL;
}

bool uploads_serve(const char *path)
{
    return find_kind(path) != NULL;
}

void uploads_allowed(enum access_role role, struct jsonw *w)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i].roles & ACCESS_BIT(role))
            jsonw_text(w, NULL, kinds[i].action);
}

bool uploads_take(const struct web_config *config, const struct access_holder *holder,
                  struct http_request *request)
{
    struct fault fault = {0};
    const struct upload_kind *kind = find_kind(http_request_path(request));
    if (!kind)
        return false;
    struct upload *upload = calloc(1, sizeof *upload);
    if (!upload) {
        (void)fault_set(&fault, ERR_NO_MEMORY, "", "out of memory");
        http_problem(request, 503, &fault);
        return true;
    }
    upload->work = (struct work){
        .run = run, .done = done, .bytes = sizeof *upload + http_request_body(request).len};
    upload->kind = kind;
    upload->config = *config;
    upload->request = request;
    upload->holder = *holder;
    upload->now_ms = clock_wall_ms(config->clock);
    buf_init(&upload->answer, ANSWER_MAX);
    enum err err = start(upload, &fault);
    if (err) {
        http_problem(request, http_status_of(err), &fault);
        free(upload);
    }
    return true; /* NOLINT(clang-analyzer-unix.Malloc): the work's `done` frees it */
}
