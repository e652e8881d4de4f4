#include "tests/support/hub_run.h"
#include "sync/hub/connect/intake.h"
#include "tests/support/hub_database.h"
#include "tests/support/take_batch.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

void hub_run_must(struct hub_run *run, enum err err)
{
    if (err)
        fail_msg("%s: %s: %s", err_name(err), run->fault.where, run->fault.text);
}

void hub_run_open(struct hub_run *run)
{
    char path[SCRATCH_PATH_MAX];
    *run =
        (struct hub_run){.now_ms = HUB_RUN_NOW_MS, .match = {.late_days = 10, .missing_days = 14}};
    scratch_make(&run->scratch);
    const struct hubdb_config config = {.path = hub_database_path(&run->scratch, path),
                                        .folder = run->scratch.path,
                                        .now_ms = HUB_RUN_NOW_MS};
    hub_run_must(run, books_open(slice_of(""), &run->books, &run->fault));
    hub_run_must(run, hubdb_open(&run->hub, &config, &run->fault));
    run->db = hubdb_database(run->hub);
    run->rules.hub_epoch = hubdb_epoch(run->hub);
    for (int i = 0; i < HUB_RUN_STORES; i++)
        for (int stream = 0; stream < STREAMS_OF_APPLIANCE; stream++) {
            run->stores[i][stream].log = (struct id){{1, (uint8_t)(i + 1), (uint8_t)stream}};
            run->stores[i][stream].hash = chain_origin(&run->stores[i][stream].log, NULL);
        }
}

void hub_run_close(struct hub_run *run)
{
    hubdb_close(run->hub);
    books_close(&run->books);
    scratch_remove(&run->scratch);
}

int hub_run_setup(void **state)
{
    struct hub_run *run = calloc(1, sizeof *run);
    hub_run_open(run);
    *state = run;
    return 0;
}

int hub_run_teardown(void **state)
{
    hub_run_close(*state);
    free(*state);
    return 0;
}

struct id hub_run_return(int number)
{
    return (struct id){{3, (uint8_t)number}};
}

static void ingest(struct hub_run *run, int store, enum stream stream, struct slice body)
{
    struct ingest_result result;
    char device[] = "box-a";
    device[4] = (char)('a' + store);
    struct sha256 after = chain_next(&run->stores[store][stream].hash, body);
    const struct ingest_batch batch = {
        .device = device,
        .header = {.log = run->stores[store][stream].log,
                   .stream = stream,
                   .first = run->stores[store][stream].seq + 1,
                   .last = run->stores[store][stream].seq + 1,
                   .prev = run->stores[store][stream].hash,
                   .hash = after},
        .bodies = &body,
        .count = 1,
        .received_ms = run->now_ms,
    };
    hub_run_must(run, database_begin(run->db, &run->fault));
    hub_run_must(run, take_batch(run->db, &run->rules, &batch, &result, &run->fault));
    hub_run_must(run, database_commit(run->db, &run->fault));
    assert_int_equal(result.verdict, INGEST_TAKEN);
    run->stores[store][stream].seq++;
    run->stores[store][stream].hash = after;
}

void hub_run_event(struct hub_run *run, int store, int number, enum event_type type,
                   const char *data)
{
    struct buf body;
    char source[64];
    (void)snprintf(source, sizeof source, "/store/004%d/device/box-%c", store, 'a' + store);
    run->events++;
    const struct event event = {
        .id = {{9, (uint8_t)(run->events >> 8), (uint8_t)run->events}},
        .type = type,
        .source = slice_of(source),
        .time_ms = run->now_ms - run->delay_ms,
        .correlation = hub_run_return(number),
        .sequence = ++run->sequences[number],
        .data = slice_of(data),
    };
    buf_init(&body, EVENT_BODY_MAX);
    event_write(&body, &event);
    ingest(run, store, event_type_stream(type), buf_slice(&body));
    buf_free(&body);
}

void hub_run_refund(struct hub_run *run, int store, int number, int64_t amount)
{
    char data[1024];
    (void)snprintf(data, sizeof data,
                   "{\"number\":\"R-%d\",\"receipt\":\"A-%d\",\"store\":\"004%d\","
                   "\"currency\":\"EUR\",\"decision\":\"accepted\",\"lines\":[{\"line\":1,"
                   "\"quantity\":1,\"net\":%" PRId64 ",\"tax\":[],\"gross\":%" PRId64 "}],"
                   "\"refund\":{\"tenders\":[{\"tender\":1,\"type\":\"card\",\"amount\":%" PRId64
                   ",\"reference\":\"P%d\"}]}}",
                   number, number, store, amount, amount, amount, number);
    hub_run_event(run, store, number, EVENT_RETURN_CREATED, data);
    hub_run_event(run, store, number, EVENT_ITEM_RECEIVED,
                  "{\"lines\":[{\"line\":1,\"quantity\":1}]}");
    (void)snprintf(data, sizeof data,
                   "{\"position\":0,\"tender\":1,\"type\":\"card\",\"amount\":%" PRId64
                   ",\"reference\":\"RF%d\",\"currency\":\"EUR\"}",
                   amount, number);
    hub_run_event(run, store, number, EVENT_REFUND_ISSUED, data);
}

static bool book(struct hub_run *run)
{
    struct news news;
    hub_run_must(run, database_begin(run->db, &run->fault));
    hub_run_must(run, bookkeeper_step(run->db, &run->books, run->now_ms, &news, &run->fault));
    hub_run_must(run, database_commit(run->db, &run->fault));
    return news.applied || news.more;
}

static bool reconcile(struct hub_run *run)
{
    struct reconcile_news news;
    hub_run_must(run, database_begin(run->db, &run->fault));
    hub_run_must(run, reconcile_step(run->db, &run->match, run->now_ms, &news, &run->fault));
    hub_run_must(run, database_commit(run->db, &run->fault));
    return news.more || news.looked_at;
}

void hub_run_work(struct hub_run *run)
{
    bool moved = true;
    while (moved) {
        moved = book(run);
        moved = reconcile(run) || moved;
    }
}

void hub_run_settle(struct hub_run *run, enum settlement_format format, const char *text)
{
    struct intake taken;
    hub_run_work(run);
    hub_run_must(run, database_begin(run->db, &run->fault));
    hub_run_must(run, intake_settlement(run->db, format, slice_of(text), "Ada", run->now_ms, &taken,
                                        &run->fault));
    hub_run_must(run, database_commit(run->db, &run->fault));
    hub_run_work(run);
}

static struct statement *query(struct hub_run *run, const char *sql, bool *row)
{
    struct statement *s;
    hub_run_must(run, database_prepare(run->db, sql, &s, &run->fault));
    hub_run_must(run, statement_step(s, row, &run->fault));
    return s;
}

int64_t hub_run_number(struct hub_run *run, const char *sql)
{
    bool row;
    struct statement *s = query(run, sql, &row);
    int64_t value = row ? column_int(s, 0) : 0;
    statement_close(s);
    return value;
}

char *hub_run_text(struct hub_run *run, const char *sql)
{
    bool row;
    struct statement *s = query(run, sql, &row);
    struct slice found = row ? column_slice(s, 0) : (struct slice){"", 0};
    char *text = strndup(found.data ? found.data : "", found.len);
    statement_close(s);
    return text;
}

int64_t hub_run_events_with(struct hub_run *run, const char *text)
{
    bool row;
    int64_t count = 0;
    struct statement *s = query(run, "SELECT body FROM event", &row);
    while (row) {
        struct slice body = column_slice(s, 0);
        count += memmem(body.data, body.len, text, strlen(text)) != NULL;
        hub_run_must(run, statement_step(s, &row, &run->fault));
    }
    statement_close(s);
    return count;
}

int64_t hub_run_balance(struct hub_run *run, const char *role)
{
    char sql[512];
    if (hub_database_on_server())
        (void)snprintf(sql, sizeof sql,
                       "SELECT sum(coalesce((line->>'debit')::bigint, 0) -"
                       " coalesce((line->>'credit')::bigint, 0)) FROM journal_entry,"
                       " json_array_elements(body::json->'lines') AS line"
                       " WHERE line->>'role' = '%s'",
                       role);
    else
        (void)snprintf(sql, sizeof sql,
                       "SELECT sum(coalesce(json_extract(value, '$.debit'), 0) -"
                       " coalesce(json_extract(value, '$.credit'), 0)) FROM journal_entry,"
                       " json_each(journal_entry.body, '$.lines')"
                       " WHERE json_extract(value, '$.role') = '%s'",
                       role);
    return hub_run_number(run, sql);
}
