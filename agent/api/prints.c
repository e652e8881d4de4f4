#include "agent/api/prints.h"
#include "agent/api/stream.h"
#include "hal/base/cleanup.h"
#include "hal/base/json.h"

#include <stddef.h>

enum { ANSWER_MAX_BYTES = 256 * 1024, BODY_MAX_BYTES = 1024 };

static void write_printer(struct jsonw *w, const struct print_desk_printer *printer)
{
    jsonw_text(w, "name", printer->name);
    jsonw_text(w, "lane", printer->lane);
    jsonw_text(w, "state", printer_state_name(printer->state));
    if (printer->detail[0])
        jsonw_text(w, "detail", printer->detail);
}

void api_printers_write(const struct api *api, struct jsonw *w)
{
    const struct print_desk *desk = api->config.prints;
    jsonw_array(w, "printers");
    for (size_t i = 0; desk && i < print_desk_printer_count(desk); i++) {
        struct print_desk_printer printer = print_desk_printer(desk, i);
        jsonw_object(w, NULL);
        write_printer(w, &printer);
        jsonw_end(w);
    }
    jsonw_end(w);
}

static void write_print(struct jsonw *w, const struct print *print, const char *state)
{
    char id[ID_TEXT + 1];
    id_format(&print->id, id);
    jsonw_text(w, "print_id", id);
    id_format(&print->return_id, id);
    jsonw_text(w, "return_id", id);
    jsonw_text(w, "number", print->number);
    jsonw_text(w, "lane", print->lane);
    jsonw_bool(w, "copy", print->copy);
    jsonw_text(w, "state", state);
    jsonw_time(w, "asked_at", print->asked_ms);
    if (print->why[0])
        jsonw_text(w, "detail", print->why);
}

static void list(struct api_call *call)
{
    const struct print_desk *desk = call->api->config.prints;
    struct buf body CLEANUP(buf_free);
    buf_init(&body, ANSWER_MAX_BYTES);
    size_t count = 0;
    const struct print *prints = desk ? print_desk_prints(desk, &count) : NULL;
    struct jsonw w = jsonw_to(&body);
    jsonw_object(&w, NULL);
    api_printers_write(call->api, &w);
    jsonw_array(&w, "prints");
    for (size_t i = 0; i < count; i++) {
        jsonw_object(&w, NULL);
        write_print(&w, &prints[i], print_state_name(prints[i].state));
        jsonw_end(&w);
    }
    jsonw_end(&w);
    jsonw_end(&w);
    api_answer(call->request, 200, &body);
}

/* --- Asking ------------------------------------------------------------------------------------
 */

struct wish {
    int language;
    bool has_language;
};

static const struct json_field wish_fields[] = {
    {.name = "language",
     .kind = JSON_CHOICE,
     .presence = JSON_OPTIONAL,
     .offset = offsetof(struct wish, language),
     .choices = policy_languages,
     .present_offset = offsetof(struct wish, has_language)},
};
static const struct json_table wish_table = {wish_fields, 1, sizeof(struct wish), false};

static enum err read_wish(struct api_call *call, struct wish *wish, struct fault *fault)
{
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    struct json_limits limits = {.bytes = BODY_MAX_BYTES, .depth = 2};
    enum err err = json_parse(http_request_body(call->request), limits, &doc, fault);
    return err ? err : json_read(doc, &wish_table, wish, NULL, fault);
}

static enum err need_desk(const struct api_call *call, struct fault *fault)
{
    return call->api->config.prints
               ? ERR_OK
               : fault_set(fault, ERR_REFUSED, "lane", "no printer is set up for this lane");
}

static void reprint(struct api_call *call)
{
    struct fault fault;
    struct id id;
    struct wish wish = {0};
    struct print print;
    enum err err = api_subject(call, &id, &fault);
    if (!err)
        err = read_wish(call, &wish, &fault);
    if (!err)
        err = need_desk(call, &fault);
    if (!err)
        err = print_desk_reprint(call->api->config.prints, &id, call->actor.lane,
                                 wish.has_language ? policy_languages[wish.language] : "", &print,
                                 &fault);
    if (err) {
        api_fail(call->request, err, &fault);
        return;
    }
    diag_write(call->api->config.diag, DIAG_INFO, "print.asked", "%s by %s", print.number,
               call->actor.person[0] ? call->actor.person : call->actor.lane);
    api_note_act(call, ACCESS_RECEIPT_REPRINTED, &id);
    struct buf body CLEANUP(buf_free);
    buf_init(&body, ANSWER_MAX_BYTES);
    struct jsonw w = jsonw_to(&body);
    jsonw_object(&w, NULL);
    write_print(&w, &print, print_state_name(print.state));
    jsonw_end(&w);
    api_answer(call->request, 202, &body);
}

static bool return_of(const struct print_desk *desk, const struct id *print_id,
                      struct id *return_id)
{
    size_t count = 0;
    const struct print *prints = desk ? print_desk_prints(desk, &count) : NULL;
    for (size_t i = 0; i < count; i++)
        if (id_equal(&prints[i].id, print_id)) {
            *return_id = prints[i].return_id;
            return true;
        }
    return false;
}

static void let_go(struct api_call *call)
{
    struct fault fault;
    struct id id;
    struct id return_id;
    enum err err = api_subject(call, &id, &fault);
    if (!err && !return_of(call->api->config.prints, &id, &return_id))
        err = fault_set(&fault, ERR_NOT_FOUND, "id", "no such print waits");
    if (!err)
        err = print_desk_drop(call->api->config.prints, &id, &fault);
    if (err) {
        api_fail(call->request, err, &fault);
        return;
    }
    api_note_act(call, ACCESS_RECEIPT_LET_GO, &return_id);
    http_answer(call->request, 204, "application/json", (struct slice){"", 0}, NULL, 0);
}

/* --- News --------------------------------------------------------------------------------------
 */

void api_printer_changed(struct api *api, const struct print_desk_printer *printer)
{
    struct buf data CLEANUP(buf_free);
    buf_init(&data, BODY_MAX_BYTES);
    struct jsonw w = jsonw_to(&data);
    jsonw_object(&w, NULL);
    write_printer(&w, printer);
    jsonw_end(&w);
    api_stream_tell(api, "printer", "", &data);
}

void api_print_changed(struct api *api, const struct print *print, const char *state)
{
    struct buf data CLEANUP(buf_free);
    buf_init(&data, BODY_MAX_BYTES);
    struct jsonw w = jsonw_to(&data);
    jsonw_object(&w, NULL);
    write_print(&w, print, state);
    jsonw_end(&w);
    api_stream_tell(api, "print", "", &data);
}

const struct api_route api_print_routes[] = {
    {"GET", "/v1/prints", API_CLIENT, list},
    {"DELETE", "/v1/prints/{}", API_CLIENT, let_go},
    {"POST", "/v1/returns/{}/print", API_CLIENT, reprint},
    {0},
};
