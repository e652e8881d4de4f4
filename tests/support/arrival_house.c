#include "tests/support/arrival_house.h"
#include "hal/base/jsonw.h"
#include "sync/contract/compression.h"
#include "sync/contract/link_state.h"
#include "tests/support/await.h"
#include "tests/support/vfs_fault.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void on_reserve(struct arrival_house *f, const struct arrival_answer *answer)
{
    f->reserves++;
    f->reminds = answer->correlation.len == 0;
    (void)snprintf(f->holder, sizeof f->holder, "%s", answer->device);
    (void)snprintf(f->reserve, sizeof f->reserve, "%.*s", (int)answer->payload.len,
                   answer->payload.data);
}

static void on_answer(void *context, const struct arrival_answer *answer)
{
    struct arrival_house *f = context;
    if (strcmp(answer->name, "reserve") == 0) {
        on_reserve(f, answer);
        return;
    }
    f->answers++;
    (void)snprintf(f->device, sizeof f->device, "%s", answer->device);
    (void)snprintf(f->name, sizeof f->name, "%s", answer->name);
    (void)snprintf(f->payload, sizeof f->payload, "%.*s", (int)answer->payload.len,
                   answer->payload.data);
    (void)snprintf(f->correlation, sizeof f->correlation, "%.*s", (int)answer->correlation.len,
                   answer->correlation.data ? answer->correlation.data : "");
    f->retain = answer->retain;
    f->place = answer->place;
    f->packed = answer->packed;
    f->payload_len = answer->payload.len;
    if (answer->packed && f->payload_len <= sizeof f->payload)
        memcpy(f->payload, answer->payload.data, f->payload_len);
}

void arrival_house_work(struct arrival_house *f, size_t max_waiting_bytes)
{
    struct fault fault = {0};
    const struct worker_config config = {.max_waiting_bytes = max_waiting_bytes};
    if (worker_open(&f->worker, f->loop, f->hub, &config, &fault))
        fail_msg("%s", fault.text);
}

int arrival_house_setup(void **state)
{
    struct arrival_house *f = calloc(1, sizeof *f);
    struct fault fault = {0};
    char path[SCRATCH_PATH_MAX];
    scratch_make(&f->scratch);
    f->vfs = vfs_fault_open("arrival");
    const struct hubdb_config config = {
        .path = scratch_path(&f->scratch, "hub.db", path),
        .folder = f->scratch.path,
        .vfs = "arrival",
        .now_ms = INT64_C(1795000000000),
    };
    enum err err = clock_fake_open(&f->clock, config.now_ms, &fault);
    if (!err)
        err = loop_open(&f->loop, &fault);
    if (!err)
        err = hubdb_open(&f->hub, &config, &fault);
    if (err)
        fail_msg("%s: %s", fault.where, fault.text);
    f->desk = (struct arrival_desk){
        .rules = {.hub_epoch = hubdb_epoch(f->hub)},
        .clock = f->clock,
        .answer = on_answer,
        .context = f,
    };
    (void)snprintf((char *)f->log.bytes, ID_BYTES, "log-of-a-test");
    f->hash = chain_origin(&f->log, NULL);
    arrival_house_work(f, 1024 * 1024);
    *state = f;
    return 0;
}

int arrival_house_teardown(void **state)
{
    struct arrival_house *f = *state;
    worker_close(f->worker);
    loop_close(f->loop);
    hubdb_close(f->hub);
    vfs_fault_close(f->vfs);
    clock_close(f->clock);
    scratch_remove(&f->scratch);
    free(f);
    return 0;
}

static bool is_answered(void *context)
{
    struct arrival_house *f = context;
    return f->answers > 0 || f->desk.failed > 0;
}

enum err arrival_house_take(struct arrival_house *f, struct mqtt_message message)
{
    struct fault fault = {0};
    f->answers = 0;
    f->desk.failed = 0;
    return arrival_take(&f->desk, f->worker, &message, &fault);
}

void arrival_house_await(struct arrival_house *f)
{
    assert_true(await(f->loop, is_answered, f, AWAIT_MS));
}

struct properties {
    struct mqtt_property list[MQTT_PROPERTIES_MAX];
    char values[MQTT_PROPERTIES_MAX][SHA256_TEXT + 1];
    size_t count;
};

static void put(void *context, const char *name, const char *value)
{
    struct properties *p = context;
    (void)snprintf(p->values[p->count], sizeof p->values[0], "%s", value);
    p->list[p->count] = (struct mqtt_property){name, p->values[p->count]};
    p->count++;
}

static void write_event(struct buf *out, int64_t number, enum event_type type, const char *subject,
                        const char *data)
{
    struct event event = {
        .id = {{1, (uint8_t)type, (uint8_t)number}},
        .correlation = {{2, (uint8_t)type, (uint8_t)number}},
        .type = type,
        .source = SLICE_LITERAL("/store/0042/device/box-a"),
        .subject = slice_of(subject),
        .time_ms = INT64_C(1795000000000),
        .sequence = 1,
        .data = slice_of(data),
    };
    event_write(out, &event);
}

enum err arrival_house_batch(struct arrival_house *f, const struct batch_header *header,
                             struct slice payload, const char *encoding)
{
    struct compressor *compressor = NULL;
    struct properties properties = {.count = 0};
    batch_header_write(header, put, &properties);
    if (encoding) {
        put(&properties, "content-encoding", encoding);
        assert_int_equal(compressor_open(&compressor, NULL), ERR_OK);
        assert_int_equal(compressor_pack(compressor, payload, &payload, NULL), ERR_OK);
    }
    enum err err = arrival_house_take(f, (struct mqtt_message){.topic = "tb/v1/box-a/up/events",
                                                               .payload = payload,
                                                               .properties = properties.list,
                                                               .property_count = properties.count});
    compressor_close(compressor);
    return err;
}

enum err arrival_house_encoded(struct arrival_house *f, enum event_type type, const char *subject,
                               const char *data, const char *encoding)
{
    struct buf body;
    struct buf batch;
    buf_init(&body, ARRIVAL_TEXT_MAX);
    buf_init(&batch, ARRIVAL_TEXT_MAX);
    write_event(&body, f->seq + 1, type, subject, data);
    batch_begin(&batch);
    batch_add(&batch, buf_slice(&body));
    batch_end(&batch);
    struct batch_header header = {
        .log = f->log,
        .stream = event_type_stream(type),
        .first = f->seq + 1,
        .last = f->seq + 1,
        .prev = f->hash,
        .hash = chain_next(&f->hash, buf_slice(&body)),
    };
    enum err err = arrival_house_batch(f, &header, buf_slice(&batch), encoding);
    if (!err) {
        f->seq++;
        f->hash = header.hash;
    }
    buf_free(&body);
    buf_free(&batch);
    return err;
}

enum err arrival_house_event(struct arrival_house *f, enum event_type type, const char *subject,
                             const char *data)
{
    return arrival_house_encoded(f, type, subject, data, NULL);
}

void arrival_house_state(struct arrival_house *f, const char *session, bool online)
{
    struct buf text;
    struct link_state known = {.online = online};
    buf_init(&text, ARRIVAL_TEXT_MAX);
    (void)snprintf((char *)known.session.bytes, ID_BYTES, "%s", session);
    struct jsonw w = jsonw_to(&text);
    jsonw_object(&w, NULL);
    link_state_write(&w, &known);
    jsonw_bool(&w, "confirms_reservations", true);
    jsonw_end(&w);
    assert_int_equal(arrival_house_take(f, (struct mqtt_message){.topic = "tb/v1/box-a/up/state",
                                                                 .payload = buf_slice(&text)}),
                     ERR_OK);
    buf_free(&text);
}

void arrival_house_inbox_ack(struct arrival_house *f, int64_t epoch, int64_t through)
{
    struct buf text;
    const struct inbox_ack ack = {epoch, through, false};
    buf_init(&text, ARRIVAL_TEXT_MAX);
    inbox_ack_write(&text, &ack);
    assert_int_equal(
        arrival_house_take(f, (struct mqtt_message){.topic = "tb/v1/box-a/up/inbox-ack",
                                                    .payload = buf_slice(&text)}),
        ERR_OK);
    buf_free(&text);
}

int64_t arrival_house_number(struct arrival_house *f, const char *sql)
{
    sqlite3_stmt *s;
    worker_close(f->worker);
    sqlite3 *db = database_handle(hubdb_database(f->hub));
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &s, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(s), SQLITE_ROW);
    int64_t number = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    arrival_house_work(f, 1024 * 1024);
    return number;
}
