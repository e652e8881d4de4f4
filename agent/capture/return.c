#include "agent/capture/return.h"
#include "agent/capture/exception.h"
#include "agent/capture/return_number.h"
#include "agent/views/return_answer.h"
#include "agent/views/return_view.h"
#include "hal/base/cleanup.h"

enum err return_read(const struct cJSON *doc, const struct known_formats *known,
                     struct arena *arena, struct return_request **request, struct fault *fault)
{
    struct return_request *made = arena_alloc(arena, 1, sizeof *made);
    if (!made)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    *request = made;
    return return_request_read(doc, known, arena, made, fault);
}

static enum err read(struct capture_job *job, struct fault *fault)
{
    struct return_request *request = NULL;
    enum err err = return_read(job->doc, job->capture->config.known, &job->arena, &request, fault);
    job->input = request;
    return err;
}

/*
 * Numbers never restart: each event that was lost may have been a return with a number, until it
 * has come back; and then what was numbered meanwhile is stepped over.
 */
static enum err next_number(struct eventlog_txn *txn, const char *store,
                            char number[static RETURN_NUMBER_MAX + 1], struct fault *fault)
{
    struct views views = views_of_txn(txn);
    bool taken = true;
    int64_t last = 0;
    enum err err = return_view_counted(&views, &last, fault);
    last += eventlog_txn_lost(txn, STREAM_RETURNS);
    while (!err && taken) {
        return_number_write(number, store, ++last);
        err = return_view_numbered(&views, number, &taken, fault);
    }
    return err;
}

static enum err seal_contact(const struct capture_job *job, const struct return_request *request,
                             const struct id *id, struct contact_sealed *sealed,
                             struct fault *fault)
{
    struct buf plain CLEANUP(buf_free);
    buf_init(&plain, CONTACT_PLAIN_MAX);
    struct jsonw w = jsonw_to(&plain);
    jsonw_object(&w, NULL);
    if (request->contact.name)
        jsonw_text(&w, "name", request->contact.name);
    if (request->contact.phone)
        jsonw_text(&w, "phone", request->contact.phone);
    if (request->contact.email)
        jsonw_text(&w, "email", request->contact.email);
    jsonw_end(&w);
    enum err err = buf_check(&plain, fault, "contact");
    if (err)
        return err;
    return contact_keys_seal(job->capture->config.contacts, request->customer, id,
                             buf_slice(&plain), sealed, fault);
}

static enum err append_created(struct release *release, const struct return_data *data,
                               struct fault *fault)
{
    struct buf body CLEANUP(buf_free);
    buf_init(&body, EVENT_BODY_MAX);
    return_data_created(&body, data);
    enum err err = buf_check(&body, fault, "return");
    const char *kept = err ? NULL : arena_slice_text(&release->job->arena, buf_slice(&body));
    if (!err && !kept)
        err = fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    if (err)
        return err;
    release->created = (struct slice){kept, body.len};
    return release_append(release, EVENT_RETURN_CREATED, release->created, fault);
}

enum err return_save(struct capture_job *job, struct eventlog_txn *txn,
                     const struct question *question, const struct cJSON *request,
                     struct release *release, struct fault *fault)
{
    char number[RETURN_NUMBER_MAX + 1] = "";
    enum err err = next_number(txn, job->capture->config.store.number, number, fault);
    if (err)
        return err;
    struct id_source ids;
    id_source_init(&ids, NULL, NULL);
    *release = (struct release){
        .job = job,
        .txn = txn,
        .id = id_next(&ids, question->facts.now_ms),
    };
    struct contact_sealed sealed;
    bool has_contact = question->request->has_contact;
    bool unsaved = has_contact && contact_keys_locked(job->capture->config.contacts);
    if (has_contact && !unsaved)
        err = seal_contact(job, question->request, &release->id, &sealed, fault);
    if (err)
        return err;
    struct return_data data = {
        .number = number,
        .store = &job->capture->config,
        .actor = &job->actor,
        .question = question,
        .request = request,
        .contact = has_contact && !unsaved ? &sealed : NULL,
        .contact_unsaved = unsaved,
    };
    err = append_created(release, &data, fault);
    if (!err)
        err = exception_raise_reasons(release, &question->decision, fault);
    if (!err)
        err = release_accepted(release, &data, fault);
    return err;
}

/* What the answer is written from. */
struct decided {
    struct return_state state;
    struct slice created; /* the data of return.created */
};

static enum err decide(struct capture_job *job, struct eventlog_txn *txn, struct fault *fault)
{
    struct views views = views_of_txn(txn);
    struct question question CLEANUP(question_cleanup) = {0};
    struct question_asked asked = {
        .store = &job->capture->config,
        .actor = &job->actor,
        .request = job->input,
        .now = eventlog_txn_now(txn),
    };
    struct release release;
    enum err err = reservation_check(job->capture, &views, asked.request->receipt, fault);
    if (!err)
        err = question_decide(&views, &asked, &job->arena, &question, fault);
    if (!err)
        err = return_save(job, txn, &question, job->doc, &release, fault);
    struct decided *decided = err ? NULL : arena_alloc(&job->arena, 1, sizeof *decided);
    if (!err && !decided)
        err = fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    if (err)
        return err;
    decided->created = release.created;
    job->decided = decided;
    return return_view_find(&views, &release.id, &decided->state, fault);
}

static enum err answer(struct capture_job *job, struct fault *fault)
{
    const struct decided *decided = job->decided;
    return return_answer_created(&decided->state, decided->created, &job->answer, fault);
}

static enum err replay(struct capture_job *job, struct eventlog_txn *txn,
                       const struct eventlog_record *first, struct fault *fault)
{
    struct views views = views_of_txn(txn);
    struct return_answer how = {.after = &first->event.id};
    return return_answer_write(&views, &first->event.correlation, &how, &job->answer, fault);
}

const struct capture_work capture_return_work = {
    .read = read, .decide = decide, .replay = replay, .answer = answer};

static void write_quote(struct buf *answer, const struct capture *capture,
                        const struct question *question)
{
    struct jsonw w = jsonw_to(answer);
    jsonw_object(&w, NULL);
    jsonw_text(&w, "receipt", question->request->receipt);
    decision_write(&question->decision, capture->config.policy, POLICY_EN, &w);
    jsonw_bool(&w, "saved", false);
    jsonw_end(&w);
}

enum err capture_quote(struct capture *capture, struct eventlog_reader *reader,
                       const struct capture_question *asks, struct buf *answer, struct fault *fault)
{
    struct arena arena CLEANUP(arena_free);
    arena_init(&arena, (size_t)8 * 1024 * 1024);
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    struct return_request *request = NULL;
    enum err err = json_parse(asks->body, JSON_LIMITS_DEFAULT, &doc, fault);
    if (!err)
        err = return_read(doc, capture->config.known, &arena, &request, fault);
    if (err)
        return err;
    struct views views = views_of_reader(reader);
    struct question question CLEANUP(question_cleanup) = {0};
    struct question_asked asked = {
        .store = &capture->config,
        .actor = &asks->actor,
        .request = request,
        .exchange_minor = asks->exchange_minor,
        .now = clock_read(capture->config.clock),
    };
    err = question_decide(&views, &asked, &arena, &question, fault);
    if (err)
        return err;
    write_quote(answer, capture, &question);
    return buf_check(answer, fault, "answer");
}
