#include "agent/capture/capture.h"
#include "agent/capture/job.h"
#include "agent/returns/cardnumber.h"
#include "hal/base/cleanup.h"
#include "hal/base/hex.h"
#include "hal/base/sha256.h"

#include <semaphore.h>
#include <stdlib.h>
#include <string.h>

enum { ARENA_MAX_BYTES = 8 * 1024 * 1024, KEY_MAX = 128 };

static const struct capture_work *const works[CAPTURE_KIND_COUNT] = {
    [CAPTURE_SALE] = &capture_sale_work,        [CAPTURE_RETURN] = &capture_return_work,
    [CAPTURE_APPROVE] = &capture_change_work,   [CAPTURE_DECLINE] = &capture_change_work,
    [CAPTURE_RECEIVE] = &capture_change_work,   [CAPTURE_REFUND] = &capture_change_work,
    [CAPTURE_DISPOSE] = &capture_change_work,   [CAPTURE_VOID] = &capture_change_work,
    [CAPTURE_DISPUTE] = &capture_change_work,   [CAPTURE_EXCHANGE] = &capture_exchange_work,
    [CAPTURE_ASSIGN] = &capture_exception_work, [CAPTURE_RESOLVE] = &capture_exception_work,
    [CAPTURE_RAISE] = &capture_raise_work,      [CAPTURE_RESUBMIT] = &capture_parked_work,
    [CAPTURE_DISCARD] = &capture_parked_work,
};

/* An address of its own for each kind, so that one key can't stand for two kinds of request. */
static const char *const kind_names[CAPTURE_KIND_COUNT] = {
    "sale",    "return",   "approve", "decline", "receive", "refund",   "dispose", "void",
    "dispute", "exchange", "assign",  "resolve", "raise",   "resubmit", "discard",
};

enum err capture_open(struct capture **out, const struct capture_config *config,
                      struct fault *fault)
{
    struct capture *capture = calloc(1, sizeof *capture);
    if (!capture)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    capture->config = *config;
    *out = capture;
    return ERR_OK;
}

void capture_close(struct capture *capture)
{
    free(capture);
}

/* The writer, held between two commands while what it decides by is exchanged. */
struct rest {
    struct eventlog_command command;
    sem_t reached; /* the writer stands still, or never will */
    sem_t resume;
    sem_t over;
    bool standing;
};

static enum err stand_still(void *context, struct eventlog_txn *txn, struct fault *fault)
{
    (void)txn;
    (void)fault;
    struct rest *rest = context;
    if (rest->standing)
        return ERR_OK; /* it has rested, and is only decided again */
    rest->standing = true;
    sem_post(&rest->reached);
    while (sem_wait(&rest->resume) != 0)
        continue; /* a signal's handler ran */
    return ERR_OK;
}

static void rest_over(void *context, enum err err, const struct fault *fault)
{
    (void)err;
    (void)fault;
    struct rest *rest = context;
    sem_post(&rest->reached);
    sem_post(&rest->over);
}

enum err capture_use(struct capture *capture, const struct policy *policy,
                     const struct known_formats *known, struct fault *fault)
{
    struct rest rest = {.command = {.decide = stand_still, .done = rest_over}};
    rest.command.context = &rest;
    sem_init(&rest.reached, 0, 0);
    sem_init(&rest.resume, 0, 0);
    sem_init(&rest.over, 0, 0);
    eventlog_submit(capture->config.log, &rest.command);
    while (sem_wait(&rest.reached) != 0)
        continue;
    bool standing = rest.standing;
    if (standing && policy)
        capture->config.policy = policy;
    if (standing && known)
        capture->config.known = known;
    sem_post(&rest.resume);
    while (sem_wait(&rest.over) != 0)
        continue;
    sem_destroy(&rest.reached);
    sem_destroy(&rest.resume);
    sem_destroy(&rest.over);
    return standing ? ERR_OK
                    : fault_set(fault, ERR_BUSY, "", "the event log takes no commands just now");
}

static void job_free(struct capture_job *job)
{
    if (!job)
        return;
    json_free(job->doc);
    buf_free(&job->answer);
    arena_free(&job->arena);
    free(job);
}

static enum err decide(void *context, struct eventlog_txn *txn, struct fault *fault)
{
    struct capture_job *job = context;
    buf_reset(&job->answer);
    job->replayed = false;
    enum err err = job->work->decide(job, txn, fault);
    return err ? err : buf_check(&job->answer, fault, "answer");
}

static enum err replay(void *context, struct eventlog_txn *txn, const struct eventlog_record *first,
                       struct fault *fault)
{
    struct capture_job *job = context;
    buf_reset(&job->answer);
    job->replayed = true;
    enum err err = job->work->replay(job, txn, first, fault);
    return err ? err : buf_check(&job->answer, fault, "answer");
}

/*
 * A key that was used before: while the contact secret can't be read, nobody can tell whether this
 * is the same request, so it is not called a conflict.
 */
static void doubt(struct capture_job *job)
{
    if (job->err != ERR_CONFLICT || !job->contact_locked ||
        strcmp(job->fault.where, "Idempotency-Key") != 0)
        return;
    job->err = fault_set(&job->fault, ERR_UNREACHABLE, "Idempotency-Key",
                         "was used before, and whether for this can't be told while the "
                         "appliance's identity can't be used: look at the returns of the receipt");
}

static void write_answer(struct capture_job *job)
{
    if (job->err || job->replayed || !job->work->answer)
        return;
    enum err err = job->work->answer(job, &job->fault);
    if (!err)
        err = buf_check(&job->answer, &job->fault, "answer");
    if (err)
        job->err = fault_set(&job->fault, ERR_UNKNOWN_OUTCOME, "",
                             "it is saved, but the answer can't be written: ask again with the "
                             "same key");
}

/* The asker's thread. */
static void tell(void *context)
{
    struct capture_job *job = context;
    write_answer(job);
    struct capture_answer answer = {
        .err = job->err,
        .fault = &job->fault,
        .body = buf_slice(&job->answer),
        .replayed = job->replayed,
    };
    job->done(job->context, &answer);
    job_free(job);
}

/* Writer thread. */
static void done(void *context, enum err err, const struct fault *fault)
{
    struct capture_job *job = context;
    job->err = err;
    if (err)
        job->fault = *fault;
    doubt(job);
    if (!job->loop)
        tell(job);
    else if (loop_post(job->loop, tell, job) != ERR_OK)
        abort(); /* the asker would wait for ever, and nothing can be allocated any more */
}

/* --- What a key stands for ------------------------------------------------------------------- */

/* True for a return, or an exchange's return, that names a customer's contact. */
static bool has_contact(const struct cJSON *doc)
{
    return json_member(doc, "contact") || json_member(json_member(doc, "return"), "contact");
}

/* The hash of kind, subject and two texts, as base64url in the arena; empty without memory. */
static struct slice hash_text(struct capture_job *job, struct slice what, struct slice more)
{
    const struct slice parts[] = {
        slice_of(kind_names[job->kind]),
        {(const char *)job->subject.bytes, ID_BYTES},
        what,
        more,
    };
    struct sha256 hash = sha256_of_all(parts, 4);
    struct buf text;
    buf_init(&text, REQUEST_HASH_TEXT);
    base64_encode(&text, hash.bytes, SHA256_BYTES, true);
    const char *copy = arena_slice_text(&job->arena, buf_slice(&text));
    struct slice result = {copy ? copy : "", copy ? text.len : 0};
    buf_free(&text);
    return result;
}

/*
 * The hash that stands for a request whose contact could not be kept; nothing of the contact is in
 * it.
 */
static struct slice hash_without_contact(struct capture_job *job)
{
    struct buf rest CLEANUP(buf_free);
    const struct cJSON *within = json_member(job->doc, "return");
    buf_init(&rest, 2 * EVENT_BODY_MAX);
    json_print_without(job->doc, within ? "return" : "contact", &rest);
    if (within)
        json_print_without(within, "contact", &rest);
    return rest.failed ? (struct slice){"", 0}
                       : hash_text(job, slice_of("without contact"), buf_slice(&rest));
}

/*
 * The hash of the request: its kind, its subject and the body as it came. If the body names a
 * person, a secret of this appliance goes into the hash, so that nobody can find out who by
 * guessing. While that secret can't be read, the hash of the request without the person is stored
 * instead; a later repetition may match either.
 */
static void hash_request(struct capture_job *job, struct slice body)
{
    struct contact_keys *contacts = job->capture->config.contacts;
    struct eventlog_command *command = &job->command;
    if (!has_contact(job->doc)) {
        command->request_hash = hash_text(job, body, (struct slice){"", 0});
        return;
    }
    struct slice without = hash_without_contact(job);
    job->contact_locked = contact_keys_locked(contacts);
    command->request_hash =
        job->contact_locked ? without : hash_text(job, body, contact_keys_salt(contacts));
    command->request_hash_also = without;
}

static enum err copy_text(struct arena *arena, const char *text, const char **copy)
{
    *copy = arena_text(arena, text ? text : "");
    return *copy ? ERR_OK : ERR_NO_MEMORY;
}

/*
 * Keys are each asker's own: another lane's "1" is another key. A colon ends the owner, so that one
 * in a lane's name is written as %3A. Persons are ids, which are longer than a lane's name can be.
 */
static void write_owner(struct buf *key, const struct capture_actor *actor)
{
    for (const char *c = actor->person[0] ? actor->person : actor->lane; *c; c++)
        if (*c == ':' || *c == '%')
            buf_printf(key, "%%%02X", *c);
        else
            buf_append(key, c, 1);
}

static enum err own_key(struct capture_job *job, const struct capture_order *order,
                        struct fault *fault)
{
    struct buf key;
    buf_init(&key, IDEMPOTENCY_KEY_MAX);
    write_owner(&key, &job->actor);
    buf_printf(&key, ":%.*s", (int)order->key.len, order->key.data);
    const char *copy = key.failed ? NULL : arena_slice_text(&job->arena, buf_slice(&key));
    job->command.key = (struct slice){copy ? copy : "", copy ? key.len : 0};
    hash_request(job, order->body);
    buf_free(&key);
    return copy && job->command.request_hash.len
               ? ERR_OK
               : fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
}

static enum err copy_order(struct capture_job *job, const struct capture_order *order,
                           struct fault *fault)
{
    const char *trace = arena_slice_text(&job->arena, order->traceparent);
    job->actor.manager = order->actor.manager;
    job->actor.confirmed = order->actor.confirmed;
    if (!trace || copy_text(&job->arena, order->actor.lane, &job->actor.lane) ||
        copy_text(&job->arena, order->actor.person, &job->actor.person))
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    job->traceparent = (struct slice){trace, order->traceparent.len};
    return order->key.len ? own_key(job, order, fault) : ERR_OK;
}

/* 8-4-4-4-12: its groups of digits are chance, and no card number. */
static bool is_uuid(struct slice key)
{
    static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    if (key.len != sizeof form - 1)
        return false;
    for (size_t i = 0; i < key.len; i++)
        if ((form[i] == '-') != (key.data[i] == '-'))
            return false;
    return true;
}

/*
 * A key is what a program makes of numbers, joined by dashes: only digits in one piece are looked
 * at. It may be made of a receipt's number, and its digits are then known as such.
 */
static enum err check_no_card(const struct known_formats *known, struct slice key,
                              struct fault *fault)
{
    for (size_t at = 0, end; at < key.len && !is_uuid(key); at = end + 1) {
        for (end = at; end < key.len && key.data[end] >= '0' && key.data[end] <= '9';)
            end++;
        struct slice digits = {key.data + at, end - at};
        bool receipt = known && known->recognises && known->recognises(known->context, digits);
        if (!receipt && cardnumber_in(digits))
            return fault_set(fault, ERR_INVALID, "Idempotency-Key",
                             "looks like a payment card number, which is never stored");
    }
    return ERR_OK;
}

static enum err check_key(struct slice key, struct fault *fault)
{
    if (key.len > KEY_MAX)
        return fault_set(fault, ERR_INVALID, "Idempotency-Key", "must have at most %d characters",
                         KEY_MAX);
    for (size_t i = 0; i < key.len; i++)
        if (key.data[i] < 0x21 || key.data[i] > 0x7e)
            return fault_set(fault, ERR_INVALID, "Idempotency-Key",
                             "must be printable ASCII without spaces");
    return ERR_OK;
}

static enum err job_make(struct capture_job **out, struct capture *capture,
                         const struct capture_order *order, struct fault *fault)
{
    struct capture_job *job = calloc(1, sizeof *job);
    if (!job)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    job->capture = capture;
    job->kind = order->kind;
    job->work = works[order->kind];
    job->subject = order->subject;
    arena_init(&job->arena, ARENA_MAX_BYTES);
    buf_init(&job->answer, EVENT_BODY_MAX);
    job->command.decide = decide;
    job->command.replay = replay;
    job->command.done = done;
    job->command.context = job;
    enum err err = check_key(order->key, fault);
    if (!err)
        err = check_no_card(capture->config.known, order->key, fault);
    if (!err)
        err = json_parse(order->body, JSON_LIMITS_DEFAULT, &job->doc, fault);
    if (!err)
        err = copy_order(job, order, fault);
    if (!err)
        err = job->work->read(job, fault);
    if (err) {
        job_free(job);
        return err;
    }
    *out = job;
    return ERR_OK;
}

/* Kinds that begin something: refused when the disk is full. The others finish what was begun. */
static bool begins(enum capture_kind kind)
{
    return kind == CAPTURE_SALE || kind == CAPTURE_RETURN || kind == CAPTURE_EXCHANGE;
}

enum err capture_check_space(struct capture *capture, struct fault *fault)
{
    struct eventlog_status status;
    eventlog_status(capture->config.log, &status);
    if (status.can_save)
        return ERR_OK;
    return fault_set(fault, ERR_DISK_FULL, "disk",
                     "the disk is nearly full: nothing new can be saved until there is room");
}

enum err capture_submit(struct capture *capture, const struct capture_order *order,
                        capture_done *done_callback, void *context, struct fault *fault)
{
    struct capture_job *job = NULL;
    enum err err = begins(order->kind) ? capture_check_space(capture, fault) : ERR_OK;
    if (!err)
        err = job_make(&job, capture, order, fault);
    if (!job)
        return err;
    job->loop = order->loop;
    job->done = done_callback;
    job->context = context;
    eventlog_submit(capture->config.log, &job->command);
    return ERR_OK;
}

struct event job_event(const struct capture_job *job, enum event_type type,
                       const struct id *correlation, int64_t sequence, struct slice subject,
                       struct slice data)
{
    return (struct event){
        .type = type,
        .subject = subject,
        .correlation = *correlation,
        .sequence = sequence,
        .traceparent = job->traceparent,
        .data = data,
    };
}
