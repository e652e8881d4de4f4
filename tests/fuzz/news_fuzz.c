/*
 * {"type":"...", "data":{...}} lines: any events about one return, from its own store or from the
 * centre. Whatever they say, its state stays one of those that the tables know; and its facts,
 * if it has any, are read as they are written.
 */
#include "agent/returns/facts_json.h"
#include "agent/views/exception_state.h"
#include "agent/views/return_state.h"
#include "hal/base/cleanup.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void require_state(const struct return_state *state)
{
    const struct tracks *tracks = &state->tracks;
    require(tracks->verdict < VERDICT_COUNT && tracks->goods < GOODS_COUNT);
    require(tracks->money < MONEY_COUNT && tracks->posting < POSTING_COUNT);
    require(tracks->tender_count <= TRACKS_TENDERS_MAX);
    for (size_t i = 0; i < tracks->tender_count; i++)
        require(tracks->tenders[i] < TENDER_STATE_COUNT);
}

static void write_facts(const struct facts *facts, struct buf *out)
{
    buf_init(out, 1024 * 1024);
    struct jsonw w = jsonw_to(out);
    jsonw_object(&w, NULL);
    facts_write(facts, &w);
    jsonw_end(&w);
    require(!out->failed);
}

static void require_facts(const struct cJSON *json)
{
    struct facts first = {0};
    struct facts again = {0};
    struct buf text CLEANUP(buf_free);
    struct buf same CLEANUP(buf_free);
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    struct arena arena CLEANUP(arena_free);
    struct json_limits limits = {.bytes = 1024 * 1024, .depth = 16};
    arena_init(&arena, 16 * 1024 * 1024);
    buf_init(&text, 0);
    buf_init(&same, 0);
    if (!json || facts_read(json, &arena, &first, NULL) != ERR_OK)
        return;
    write_facts(&first, &text);
    require(json_parse(buf_slice(&text), limits, &doc, NULL) == ERR_OK);
    require(facts_read(json_member(doc, "facts"), &arena, &again, NULL) == ERR_OK);
    write_facts(&again, &same);
    require(slice_equal(buf_slice(&text), buf_slice(&same)));
}

struct told {
    struct return_state state;
    struct exception_state exception;
    int64_t sequence;
};

static void tell(struct told *told, enum event_type type, const struct cJSON *data,
                 struct slice text)
{
    struct eventlog_record record = {
        .stream = event_type_stream(type),
        .seq = ++told->sequence,
        .event = {.type = type, .data = text, .sequence = told->sequence},
    };
    (void)!return_state_apply(&told->state, &record, NULL);
    require_state(&told->state);
    if (type == EVENT_EXCEPTION_RAISED || type == EVENT_EXCEPTION_RESOLVED)
        (void)!exception_state_apply(&told->exception, &record, NULL);
    require(told->exception.step <= EXCEPTION_RESOLVED);
    require_facts(json_member(data, "facts"));
}

static void tell_line(struct told *told, struct slice line)
{
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    struct buf text CLEANUP(buf_free);
    enum event_type type;
    buf_init(&text, 1024 * 1024);
    if (json_parse(line, JSON_LIMITS_DEFAULT, &doc, NULL) != ERR_OK)
        return;
    const char *name = json_member_text(doc, "type");
    const struct cJSON *data = json_member(doc, "data");
    if (!name || !data || event_type_find(slice_of(name), &type) != ERR_OK)
        return;
    json_print(data, &text);
    if (!text.failed)
        tell(told, type, data, buf_slice(&text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct told told = {0};
    struct slice rest = {(const char *)data, size};
    while (rest.len) {
        const char *end = memchr(rest.data, '\n', rest.len);
        size_t len = end ? (size_t)(end - rest.data) : rest.len;
        tell_line(&told, (struct slice){rest.data, len});
        size_t gone = end ? len + 1 : len;
        rest = (struct slice){rest.data + gone, rest.len - gone};
    }
    return 0;
}
