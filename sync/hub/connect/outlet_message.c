#include "sync/hub/connect/outlet_message.h"
#include "hal/base/cleanup.h"
#include "hal/base/jsonw.h"
#include "hal/base/rfc3339.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { ARENA_MAX = 1024 * 1024, HEADER_MAX = 2048, MS_PER_S = 1000, NUMBER_TEXT = 24 };

void outlet_message_init(struct outlet_message *message)
{
    *message = (struct outlet_message){0};
    arena_init(&message->arena, ARENA_MAX);
    buf_init(&message->body, 2 * (size_t)EVENT_BODY_MAX);
}

void outlet_message_free(struct outlet_message *message)
{
    arena_free(&message->arena);
    buf_free(&message->body);
}

/* --- Data ------------------------------------------------------------------------------------ */

/* "refund.total" */
static const struct cJSON *find_path(const struct cJSON *object, const char *path)
{
    char name[256];
    while (object && *path) {
        size_t len = strcspn(path, ".");
        if (len >= sizeof name)
            return NULL;
        memcpy(name, path, len);
        name[len] = '\0';
        object = json_member(object, name);
        path += len + (path[len] == '.');
    }
    return object;
}

static enum err write_data(const struct outlet_config *outlet, struct slice data, struct buf *out,
                           struct fault *fault)
{
    struct cJSON *json CLEANUP(json_cleanup) = NULL;
    struct buf value CLEANUP(buf_free);
    buf_init(&value, EVENT_BODY_MAX);
    if (!outlet->field_count) {
        buf_append(out, data.data, data.len);
        return ERR_OK;
    }
    enum err err = json_parse(data, JSON_LIMITS_DEFAULT, &json, fault);
    if (err)
        return err;
    struct jsonw w = jsonw_to(out);
    jsonw_object(&w, NULL);
    for (size_t i = 0; i < outlet->field_count; i++) {
        const struct cJSON *found = find_path(json, outlet->fields[i].from);
        if (!found)
            continue;
        buf_reset(&value);
        json_print(found, &value);
        jsonw_raw(&w, outlet->fields[i].to, buf_slice(&value));
    }
    jsonw_end(&w);
    return ERR_OK;
}

/* --- Headers --------------------------------------------------------------------------------- */

static void add_header(struct outlet_message *message, const char *name, const char *value)
{
    struct http_request *request = &message->request;
    if (value && *value && request->header_count < HTTP_HEADERS_MAX)
        request->headers[request->header_count++] = (struct http_call_header){name, value};
}

/* As the binding says (section 3.1.3.2): what isn't printable ASCII, and '"' and '%', escaped. */
static const char *escaped(struct outlet_message *message, struct slice text)
{
    struct buf out CLEANUP(buf_free);
    buf_init(&out, HEADER_MAX);
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c <= ' ' || c > '~' || c == '"' || c == '%')
            buf_printf(&out, "%%%02X", c);
        else
            buf_append_char(&out, (char)c);
    }
    return out.failed ? NULL : arena_slice_text(&message->arena, buf_slice(&out));
}

static void add_attributes(struct outlet_message *message, const struct event *event,
                           const char *id, const char *correlation, const char *time)
{
    add_header(message, "Content-Type", "application/json");
    add_header(message, "ce-specversion", "1.0");
    add_header(message, "ce-id", id);
    add_header(message, "ce-type", event_type_name(event->type));
    add_header(message, "ce-source", escaped(message, event->source));
    add_header(message, "ce-subject", escaped(message, event->subject));
    add_header(message, "ce-time", time);
    add_header(message, "ce-correlationid", correlation);
}

static void write_structured(struct outlet_message *message, const struct event *event,
                             const char *id, const char *correlation, const char *time,
                             struct slice data)
{
    struct jsonw w = jsonw_to(&message->body);
    add_header(message, "Content-Type", "application/cloudevents+json; charset=utf-8");
    jsonw_object(&w, NULL);
    jsonw_text(&w, "specversion", "1.0");
    jsonw_text(&w, "id", id);
    jsonw_slice(&w, "source", event->source);
    jsonw_text(&w, "type", event_type_name(event->type));
    jsonw_slice(&w, "subject", event->subject);
    jsonw_text(&w, "time", time);
    jsonw_text(&w, "datacontenttype", "application/json");
    jsonw_text(&w, "correlationid", correlation);
    if (event->traceparent.len)
        jsonw_slice(&w, "traceparent", event->traceparent);
    jsonw_raw(&w, "data", data);
    jsonw_end(&w);
}

static void sign(struct outlet_message *message, const struct outlet_config *outlet, const char *id,
                 int64_t now_ms)
{
    char signature[WEBHOOK_SIGNATURE_TEXT + 1];
    char at[NUMBER_TEXT];
    char key[ID_TEXT + OUTLET_NAME_MAX + 2];
    (void)snprintf(at, sizeof at, "%" PRId64, now_ms / MS_PER_S);
    (void)snprintf(key, sizeof key, "%s/%s", id, outlet->name);
    webhook_sign(&outlet->secret, id, now_ms / MS_PER_S, buf_slice(&message->body), signature);
    add_header(message, "Idempotency-Key", arena_text(&message->arena, key));
    add_header(message, "webhook-id", id);
    add_header(message, "webhook-timestamp", arena_text(&message->arena, at));
    add_header(message, "webhook-signature", arena_text(&message->arena, signature));
}

enum err outlet_message_write(struct outlet_message *message, const struct outlet_config *outlet,
                              struct slice body, int64_t now_ms, struct fault *fault)
{
    struct event event;
    struct buf data CLEANUP(buf_free);
    char id[ID_TEXT + 1];
    char correlation[ID_TEXT + 1];
    char time[RFC3339_TEXT + 1];
    buf_init(&data, 2 * (size_t)EVENT_BODY_MAX);
    buf_reset(&message->body);
    enum err err = event_read(body, &message->arena, &event, fault);
    if (!err)
        err = write_data(outlet, event.data, &data, fault);
    if (!err)
        err = buf_check(&data, fault, "data");
    if (err)
        return err;
    id_format(&event.id, id);
    id_format(&event.correlation, correlation);
    rfc3339_format(event.time_ms, time);
    message->request = (struct http_request){.method = "POST", .url = outlet->url};
    const char *kept_id = arena_text(&message->arena, id);
    if (outlet->mode == OUTLET_BINARY) {
        add_attributes(message, &event, kept_id, arena_text(&message->arena, correlation),
                       arena_text(&message->arena, time));
        buf_append(&message->body, data.data, data.len);
    } else {
        write_structured(message, &event, id, correlation, time, buf_slice(&data));
    }
    if (event.traceparent.len)
        add_header(message, "traceparent", escaped(message, event.traceparent));
    sign(message, outlet, kept_id, now_ms);
    message->request.body = buf_slice(&message->body);
    return buf_check(&message->body, fault, "message");
}
