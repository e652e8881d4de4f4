#include "sync/hub/web/changes.h"
#include "hal/base/cleanup.h"
#include "hal/base/json_scan.h"
#include "hal/base/jsonw.h"
#include "provisioning/key.h"
#include "sync/hub/connect/adjustment.h"
#include "sync/hub/connect/outlet.h"
#include "sync/hub/connect/payment.h"
#include "sync/hub/connect/posting.h"
#include "sync/hub/connect/reconcile_order.h"
#include "sync/hub/connect/revocation.h"
#include "sync/hub/ingest/contact.h"
#include "sync/hub/ingest/exception.h"
#include "sync/hub/ingest/parked.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_MAX = CONTACT_CUSTOMER_MAX, BODY_MAX = EVENT_BODY_MAX, DEPTH_MAX = EVENT_DEPTH_MAX + 1 };

struct change;

/* One kind of change: POST <path>/{id}/<verb>. */
struct change_kind {
    const char *path;
    const char *verb;
    const char *action;
    unsigned roles;
    const char *needs; /* a member beside the reason; NULL: none */
    enum err (*run)(struct change *change, struct database *db, struct fault *fault);
};

struct change {
    struct work work;
    const struct change_kind *kind;
    struct web_config config;
    struct http_request *request;
    struct access_holder holder;
    int64_t now_ms;
    char key[KEY_MAX + 1];
    char owner[ACCESS_NAME_MAX + 1];
    int64_t refund;
    char reason[ACCESS_REASON_MAX + 1];
    char idempotency_key[ADJUSTMENT_KEY_MAX + 1];
    struct buf data;    /* of what is mended, or the tax of an adjustment */
    struct buf contact; /* that is shown */
    struct news news;
    struct told told;
};

static void change_free(struct change *change)
{
    buf_free(&change->data);
    key_wipe(&change->contact);
    free(change);
}

/* --- On the database's thread ---------------------------------------------------------------- */

static const char entry_prefix[] = "e-";

static bool is_entry(const struct change *change)
{
    return strncmp(change->key, entry_prefix, sizeof entry_prefix - 1) == 0;
}

static enum err decide_entry(struct change *change, struct database *db,
                             enum posting_verdict verdict, struct fault *fault)
{
    int64_t entry_no;
    if (change->holder.role != ACCESS_FINANCE)
        return fault_set(fault, ERR_FORBIDDEN, "id", "journal entries are finance's to decide");
    if (json_scan_int(slice_of(change->key + sizeof entry_prefix - 1), &entry_no) != ERR_OK)
        return fault_set(fault, ERR_NOT_FOUND, "id", "no such entry is parked");
    return posting_decide(db, entry_no, verdict, change->now_ms, fault);
}

static enum err decide(struct change *change, struct database *db, enum parked_verdict verdict,
                       struct fault *fault)
{
    const struct parked_decision decision = {.verdict = verdict,
                                             .by = change->holder.name,
                                             .reason = change->reason,
                                             .data = buf_slice(&change->data),
                                             .now_ms = change->now_ms};
    if (!is_entry(change))
        return parked_decide(db, change->config.books, change->key, &decision, &change->news,
                             fault);
    if (verdict == PARKED_MEND)
        return fault_set(fault, ERR_REFUSED, "id",
                         "an entry follows from events and books: mend those");
    return decide_entry(change, db, verdict == PARKED_DISCARD ? POSTING_DISCARD : POSTING_AGAIN,
                        fault);
}

static enum err approve(struct change *change, struct database *db, struct fault *fault)
{
    if (!is_entry(change))
        return fault_set(fault, ERR_REFUSED, "id", "only an entry, \"e-NUMBER\", has a period");
    return decide_entry(change, db, POSTING_LATER_DAY, fault);
}

static enum err resubmit(struct change *change, struct database *db, struct fault *fault)
{
    return decide(change, db, PARKED_RESUBMIT, fault);
}

static enum err discard(struct change *change, struct database *db, struct fault *fault)
{
    return decide(change, db, PARKED_DISCARD, fault);
}

static enum err mend(struct change *change, struct database *db, struct fault *fault)
{
    return decide(change, db, PARKED_MEND, fault);
}

static enum err exception_number(const struct change *change, int64_t *number, struct fault *fault)
{
    if (json_scan_int(slice_of(change->key), number) != ERR_OK)
        return fault_set(fault, ERR_NOT_FOUND, "id", "there is no such exception");
    return ERR_OK;
}

static enum err assign(struct change *change, struct database *db, struct fault *fault)
{
    int64_t number = 0;
    enum err err = exception_number(change, &number, fault);
    struct exception_step step = {
        .number = number, .person = change->owner, .how = change->reason, .now_ms = change->now_ms};
    if (!err)
        err = exception_assign(db, &step, fault);
    if (!err)
        told_add(&change->told, step.device);
    return err;
}

static enum err resolve(struct change *change, struct database *db, struct fault *fault)
{
    int64_t number = 0;
    enum err err = exception_number(change, &number, fault);
    struct exception_step step = {
        .number = number, .how = change->reason, .now_ms = change->now_ms};
    if (!err)
        err = exception_resolve(db, &step, fault);
    if (!err)
        told_add(&change->told, step.device);
    return err;
}

static enum err read_number(const struct change *change, int64_t *number, struct fault *fault)
{
    if (json_scan_int(slice_of(change->key), number) != ERR_OK)
        return fault_set(fault, ERR_NOT_FOUND, "id", "must be a number from the list");
    return ERR_OK;
}

static enum err match(struct change *change, struct database *db, struct fault *fault)
{
    struct reconcile_order order = {.refund = change->refund, .now_ms = change->now_ms};
    enum err err = read_number(change, &order.line, fault);
    return err ? err : reconcile_match(db, &order, &change->told, fault);
}

static enum err set_aside(struct change *change, struct database *db, struct fault *fault)
{
    struct reconcile_order order = {.now_ms = change->now_ms};
    enum err err = read_number(change, &order.line, fault);
    return err ? err : reconcile_set_aside(db, &order, fault);
}

static enum err write_off(struct change *change, struct database *db, struct fault *fault)
{
    struct reconcile_order order = {.now_ms = change->now_ms};
    enum err err = read_number(change, &order.refund, fault);
    return err ? err : reconcile_write_off(db, &order, &change->told, fault);
}

static enum err decide_payment(struct change *change, struct database *db,
                               enum payment_verdict verdict, struct fault *fault)
{
    int64_t number = 0;
    enum err err = read_number(change, &number, fault);
    return err ? err
               : payment_decide(db, number, verdict, change->reason, change->now_ms, &change->told,
                                fault);
}

static enum err ask_again(struct change *change, struct database *db, struct fault *fault)
{
    return decide_payment(change, db, PAYMENT_ASK_AGAIN, fault);
}

static enum err say_issued(struct change *change, struct database *db, struct fault *fault)
{
    return decide_payment(change, db, PAYMENT_SAY_ISSUED, fault);
}

static enum err say_failed(struct change *change, struct database *db, struct fault *fault)
{
    return decide_payment(change, db, PAYMENT_SAY_FAILED, fault);
}

static enum err decide_delivery(struct change *change, struct database *db, bool discard,
                                struct fault *fault)
{
    int64_t number = 0;
    enum err err = read_number(change, &number, fault);
    return err ? err : outlet_decide(db, number, discard, change->now_ms, fault);
}

static enum err deliver_again(struct change *change, struct database *db, struct fault *fault)
{
    return decide_delivery(change, db, false, fault);
}

static enum err discard_delivery(struct change *change, struct database *db, struct fault *fault)
{
    return decide_delivery(change, db, true, fault);
}

static enum err show_contact(struct change *change, struct database *db, struct fault *fault)
{
    struct id id;
    if (id_parse(slice_of(change->key), &id) != ERR_OK)
        return fault_set(fault, ERR_INVALID, "id", "must be the return's UUID");
    return contact_show(db, change->config.vault, &id, &change->contact, fault);
}

static void note_told(void *context, const char *device)
{
    told_add(context, device);
}

static enum err erase_customer(struct change *change, struct database *db, struct fault *fault)
{
    change->work.erases = true;
    return contact_erase(db, change->key, change->now_ms, note_told, &change->told, fault);
}

static enum err adjust_tax(struct change *change, struct database *db, struct fault *fault)
{
    const struct adjustment adjustment = {.return_id = change->key,
                                          .tax = buf_slice(&change->data),
                                          .by = change->holder.name,
                                          .reason = change->reason,
                                          .key = change->idempotency_key,
                                          .now_ms = change->now_ms};
    return adjustment_record(db, &adjustment, &change->told, fault);
}

static enum err void_return(struct change *change, struct database *db, struct fault *fault)
{
    const struct revocation revocation = {.return_id = change->key,
                                          .by = change->holder.name,
                                          .reason = change->reason,
                                          .now_ms = change->now_ms};
    return revocation_record(db, &revocation, &change->told, fault);
}

#define FINANCE ACCESS_BIT(ACCESS_FINANCE)
#define BACK_OFFICE ACCESS_BACK_OFFICE

static const struct change_kind kinds[] = {
    {"/v1/parked/", "resubmit", "parked.resubmit", BACK_OFFICE, NULL, resubmit},
    {"/v1/parked/", "mend", "parked.mend", BACK_OFFICE, "data", mend},
    {"/v1/parked/", "discard", "parked.discard", BACK_OFFICE, NULL, discard},
    {"/v1/parked/", "approve", "parked.approve", FINANCE, NULL, approve},
    {"/v1/deliveries/", "resubmit", "delivery.resubmit", BACK_OFFICE, NULL, deliver_again},
    {"/v1/deliveries/", "discard", "delivery.discard", BACK_OFFICE, NULL, discard_delivery},
    {"/v1/returns/", "contact", "contact.show", BACK_OFFICE, NULL, show_contact},
    {"/v1/customers/", "erase", "customer.erase", BACK_OFFICE, NULL, erase_customer},
    {"/v1/exceptions/", "assign", "exception.assign", BACK_OFFICE, "owner", assign},
    {"/v1/exceptions/", "resolve", "exception.resolve", BACK_OFFICE, NULL, resolve},
    {"/v1/settlement-lines/", "match", "settlement.match", FINANCE, "refund", match},
    {"/v1/settlement-lines/", "set-aside", "settlement.set_aside", FINANCE, NULL, set_aside},
    {"/v1/payments/", "ask", "payment.ask", FINANCE, NULL, ask_again},
    {"/v1/payments/", "issued", "payment.issued", FINANCE, NULL, say_issued},
    {"/v1/payments/", "failed", "payment.failed", FINANCE, NULL, say_failed},
    {"/v1/refunds/", "write-off", "refund.write_off", FINANCE, NULL, write_off},
    {"/v1/returns/", "adjust-tax", "tax.adjust", FINANCE, "tax", adjust_tax},
    {"/v1/returns/", "void", "return.void", FINANCE, NULL, void_return},
};

static enum err run(struct work *work, struct database *db, struct fault *fault)
{
    struct change *change = (struct change *)((char *)work - offsetof(struct change, work));
    const struct access_act act = {.holder = &change->holder,
                                   .action = change->kind->action,
                                   .subject = change->key,
                                   .reason = change->reason,
                                   .now_ms = change->now_ms};
    enum err err = change->kind->run(change, db, fault);
    return err ? err : access_note(db, &act, fault);
}

/* --- On the loop's --------------------------------------------------------------------------- */

static void done(struct work *work, enum err err, const struct fault *fault)
{
    struct change *change = (struct change *)((char *)work - offsetof(struct change, work));
    struct buf body CLEANUP(buf_free);
    buf_init(&body, BODY_MAX);
    struct jsonw w = jsonw_to(&body);
    jsonw_object(&w, NULL);
    jsonw_text(&w, "id", change->key);
    jsonw_text(&w, "action", change->kind->action);
    jsonw_bool(&w, "parked_again", change->news.parked > 0);
    if (change->contact.len)
        jsonw_raw(&w, "contact", buf_slice(&change->contact));
    jsonw_end(&w);
    if (err) {
        http_problem(change->request, http_status_of(err), fault);
    } else {
        http_answer(change->request, 200, "application/json", buf_slice(&body), NULL, 0);
        change->config.told(change->config.context, change->told.devices, change->told.count);
        change->config.changed(change->config.context, &change->news);
    }
    change_free(change);
}

struct asked {
    const char *reason;
    const char *owner;
    const struct cJSON *data;
    const struct cJSON *tax;
    int64_t refund;
};

static const struct json_field fields[] = {
    {.name = "reason",
     .kind = JSON_TEXT,
     .offset = offsetof(struct asked, reason),
     .min = 3,
     .max = ACCESS_REASON_MAX},
    {.name = "owner",
     .kind = JSON_TEXT,
     .presence = JSON_OPTIONAL,
     .offset = offsetof(struct asked, owner),
     .min = 1,
     .max = ACCESS_NAME_MAX},
    {.name = "data",
     .kind = JSON_ANY,
     .presence = JSON_OPTIONAL,
     .offset = offsetof(struct asked, data)},
    {.name = "tax",
     .kind = JSON_ANY,
     .presence = JSON_OPTIONAL,
     .offset = offsetof(struct asked, tax)},
    {.name = "refund",
     .kind = JSON_INT,
     .presence = JSON_OPTIONAL,
     .offset = offsetof(struct asked, refund),
     .min = 1,
     .max = INT32_MAX},
};
static const struct json_table table = {
    .fields = fields, .count = sizeof fields / sizeof *fields, .item_size = sizeof(struct asked)};

static bool has(const struct asked *asked, const char *name)
{
    return strcmp(name, "owner") == 0  ? asked->owner != NULL
           : strcmp(name, "data") == 0 ? asked->data != NULL
           : strcmp(name, "tax") == 0  ? asked->tax != NULL
                                       : asked->refund > 0;
}

static enum err read_body(struct change *change, struct fault *fault)
{
    struct cJSON *json CLEANUP(json_cleanup) = NULL;
    struct arena arena CLEANUP(arena_free);
    struct asked asked = {0};
    arena_init(&arena, BODY_MAX);
    const struct json_limits limits = {.bytes = BODY_MAX, .depth = DEPTH_MAX};
    enum err err = json_parse(http_request_body(change->request), limits, &json, fault);
    if (!err)
        err = json_read(json, &table, &asked, &arena, fault);
    if (!err && change->kind->needs && !has(&asked, change->kind->needs))
        err = fault_set(fault, ERR_INVALID, change->kind->needs, "is missing");
    if (err)
        return err;
    (void)snprintf(change->reason, sizeof change->reason, "%s", asked.reason);
    change->refund = asked.refund;
    if (asked.owner)
        (void)snprintf(change->owner, sizeof change->owner, "%s", asked.owner);
    const struct cJSON *data = change->kind->run == adjust_tax ? asked.tax : asked.data;
    if (data)
        json_print(data, &change->data);
    return buf_check(&change->data, fault, "data");
}

/* Without a key from the caller the same body counts as the same request. */
static enum err read_key(struct change *change, struct fault *fault)
{
    const char *key = http_request_header(change->request, "Idempotency-Key");
    const struct sha256 hash = sha256_of(http_request_body(change->request));
    if (key && strlen(key) > ADJUSTMENT_KEY_MAX)
        return fault_set(fault, ERR_INVALID, "Idempotency-Key", "is longer than %d characters",
                         ADJUSTMENT_KEY_MAX);
    if (key && *key)
        (void)snprintf(change->idempotency_key, sizeof change->idempotency_key, "%s", key);
    else
        sha256_format(&hash, change->idempotency_key);
    return ERR_OK;
}

static enum err start(struct change *change, struct fault *fault)
{
    enum err err = access_check(change->kind->roles, change->holder.role, fault);
    if (err)
        return err;
    err = http_request_check_json(change->request, fault);
    if (!err)
        err = read_key(change, fault);
    if (!err)
        err = read_body(change, fault);
    if (!err && worker_submit(change->config.worker, &change->work) != ERR_OK)
        err = fault_set(fault, ERR_BUSY, "", "the database doesn't keep up");
    return err;
}

static const struct change_kind *find_kind(const char *path, char key[static KEY_MAX + 1])
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const struct change_kind *kind = &kinds[i];
        size_t len = strlen(kind->path);
        if (strncmp(kind->path, path, len) != 0)
            continue;
        const char *slash = strchr(path + len, '/');
        if (!slash || slash == path + len || (size_t)(slash - path) - len > KEY_MAX ||
            strcmp(slash + 1, kind->verb) != 0)
            continue;
        memcpy(key, path + len, (size_t)(slash - path) - len);
        return kind;
    }
    return NULL;
}

bool changes_serve(const char *path)
{
    char key[KEY_MAX + 1];
    return find_kind(path, key) != NULL;
}

void changes_allowed(enum access_role role, struct jsonw *w)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i].roles & ACCESS_BIT(role))
            jsonw_text(w, NULL, kinds[i].action);
}

bool changes_take(const struct web_config *config, const struct access_holder *holder,
                  struct http_request *request)
{
    struct fault fault = {0};
    char key[KEY_MAX + 1] = "";
    const struct change_kind *kind = find_kind(http_request_path(request), key);
    if (!kind)
        return false;
    struct change *change = calloc(1, sizeof *change);
    if (!change) {
        (void)fault_set(&fault, ERR_NO_MEMORY, "", "out of memory");
        http_problem(request, 503, &fault);
        return true;
    }
    *change = (struct change){
        .work = {.run = run, .done = done, .bytes = sizeof *change},
        .kind = kind,
        .config = *config,
        .request = request,
        .holder = *holder,
        .now_ms = clock_wall_ms(config->clock),
    };
    memcpy(change->key, key, sizeof key);
    buf_init(&change->data, BODY_MAX);
    buf_init(&change->contact, CONTACT_PLAIN_MAX);
    enum err err = start(change, &fault);
    if (err) {
        http_problem(request, http_status_of(err), &fault);
        change_free(change);
    }
    return true; /* NOLINT(clang-analyzer-unix.Malloc): the work's `done` frees it */
}
