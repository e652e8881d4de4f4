/* The views in a real log: found by what, in which order, and the same after a rebuild. */
#include "agent/views/exception_view.h"
#include "agent/views/return_view.h"
#include "agent/views/sale_view.h"
#include "hal/base/cleanup.h"
#include "tests/support/scratch.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define NOW_MS INT64_C(1795348800000)

struct shop {
    struct scratch folder;
    struct clock *clock;
    struct eventlog_view table[VIEWS_COUNT];
    struct eventlog_config config;
    struct eventlog *log;
    struct eventlog_reader *reader;
    struct views views;
    struct id_source ids;
    int64_t messages;
};

static int open_shop(void **state)
{
    static struct shop shop;
    shop = (struct shop){0};
    scratch_make(&shop.folder);
    assert_int_equal(clock_fake_open(&shop.clock, NOW_MS, NULL), ERR_OK);
    views_define(shop.table);
    shop.config = (struct eventlog_config){
        .folder = shop.folder.path,
        .device_id = "a",
        .store = "0042",
        .clock = shop.clock,
        .views = shop.table,
        .view_count = VIEWS_COUNT,
    };
    assert_int_equal(eventlog_open(&shop.log, &shop.config, NULL), ERR_OK);
    assert_int_equal(eventlog_reader_open(&shop.reader, &shop.config, NULL), ERR_OK);
    shop.views = views_of_reader(shop.reader);
    id_source_init(&shop.ids, NULL, NULL);
    *state = &shop;
    return 0;
}

static int close_shop(void **state)
{
    struct shop *shop = *state;
    eventlog_reader_close(shop->reader);
    eventlog_close(shop->log);
    clock_close(shop->clock);
    scratch_remove(&shop->folder);
    return 0;
}

/* --- One event into the log --------------------------------------------------------------------
 */

struct writing {
    struct event event;
    pthread_mutex_t lock;
    pthread_cond_t ended;
    bool done;
    enum err err;
};

static enum err decide(void *context, struct eventlog_txn *txn, struct fault *fault)
{
    struct writing *writing = context;
    int64_t seq;
    return eventlog_append(txn, &writing->event, &seq, fault);
}

static void end(void *context, enum err err, const struct fault *fault)
{
    (void)fault;
    struct writing *writing = context;
    pthread_mutex_lock(&writing->lock);
    writing->done = true;
    writing->err = err;
    pthread_cond_signal(&writing->ended);
    pthread_mutex_unlock(&writing->lock);
}

static void await_end(struct writing *writing)
{
    pthread_mutex_lock(&writing->lock);
    while (!writing->done)
        pthread_cond_wait(&writing->ended, &writing->lock);
    pthread_mutex_unlock(&writing->lock);
    assert_int_equal(writing->err, ERR_OK);
}

static struct writing writing_of(enum event_type type, const struct id *correlation,
                                 const char *data)
{
    return (struct writing){
        .event = {.type = type,
                  .subject = SLICE_LITERAL("test"),
                  .correlation = *correlation,
                  .sequence = 1,
                  .traceparent = {"", 0},
                  .data = slice_of(data)},
        .lock = PTHREAD_MUTEX_INITIALIZER,
        .ended = PTHREAD_COND_INITIALIZER,
    };
}

static void append(struct shop *shop, enum event_type type, const struct id *correlation,
                   const char *data)
{
    struct writing writing = writing_of(type, correlation, data);
    struct eventlog_command command = {.decide = decide, .done = end, .context = &writing};
    eventlog_submit(shop->log, &command);
    await_end(&writing);
}

/* A message of the hub. */
static void hear(struct shop *shop, enum event_type type, const struct id *correlation,
                 const char *data)
{
    struct writing writing = writing_of(type, correlation, data);
    writing.event.id = id_next(&shop->ids, NOW_MS);
    writing.event.source = SLICE_LITERAL("/hub");
    writing.event.time_ms = NOW_MS;
    writing.event.boot_id = SLICE_LITERAL("b2c7ad05-6b0f-4b8e-8a52-3f0f6a1d7c11");
    struct buf body CLEANUP(buf_free);
    buf_init(&body, EVENT_BODY_MAX);
    event_write(&body, &writing.event);
    const struct inbox_place place = {1, shop->messages + 1, shop->messages, shop->messages + 1};
    shop->messages++;
    eventlog_receive(shop->log, &place, buf_slice(&body), end, &writing);
    await_end(&writing);
}

static struct id sell(struct shop *shop, enum event_type type, const char *receipt, int day)
{
    struct buf data CLEANUP(buf_free);
    buf_init(&data, EVENT_BODY_MAX);
    buf_printf(&data,
               "{\"receipt\":\"%s\",\"order\":\"o-1\",\"channel\":\"store\",\"store\":\"0042\","
               "\"lane\":\"01\",\"sold_at\":\"2026-11-%02dT10:00:00Z\",\"currency\":\"EUR\","
               "\"prices_include_tax\":true,\"lines\":[{\"line\":1,\"sku\":\"1\",\"gtin\":"
               "\"04006381333931\",\"quantity\":1,\"unit\":\"each\",\"amount\":100,\"tax\":[]}],"
               "\"tenders\":[{\"tender\":1,\"type\":\"cash\",\"amount\":100}]}",
               receipt, day);
    struct id id = id_next(&shop->ids, NOW_MS);
    if (type == EVENT_SALE_PUSHED)
        hear(shop, type, &id, data.data);
    else
        append(shop, type, &id, data.data);
    return id;
}

static struct id give_back(struct shop *shop, int number, const char *decision)
{
    char data[512];
    (void)snprintf(data, sizeof data,
                   "{\"number\":\"R0042-%06d-0\",\"store\":\"0042\",\"receipt\":\"r-%d\","
                   "\"person\":\"p-1\",\"customer\":\"c-1\",\"currency\":\"EUR\",\"decision\":"
                   "\"%s\",\"reasons\":[],\"lines\":[],\"refund\":{\"currency\":\"EUR\","
                   "\"total\":100,\"tenders\":[]}}",
                   number, number % 2, decision);
    struct id id = id_next(&shop->ids, NOW_MS);
    append(shop, EVENT_RETURN_CREATED, &id, data);
    return id;
}

/* --- Sales -------------------------------------------------------------------------------------
 */

static void sale_is_found_by_receipt_and_read_from_its_event(void **state)
{
    struct shop *shop = *state;
    struct id id = sell(shop, EVENT_SALE_RECORDED, "r-1", 20);
    struct sale_row row;
    assert_int_equal(sale_view_by_receipt(&shop->views, "r-1", &row, NULL), ERR_OK);
    assert_true(id_equal(&row.id, &id));
    struct arena arena CLEANUP(arena_free);
    arena_init(&arena, 1024 * 1024);
    struct sale_found found CLEANUP(sale_found_cleanup) = {0};
    assert_int_equal(sale_view_load(&shop->views, &id, &arena, &found, NULL), ERR_OK);
    assert_string_equal(found.sale.receipt, "r-1");
    struct sha256 hash = sha256_of(found.data);
    assert_true(sha256_equal(&hash, &row.data_hash));
    assert_int_equal(sale_view_by_receipt(&shop->views, "r-2", &row, NULL), ERR_NOT_FOUND);
}

static void sales_of_an_item_or_order_come_newest_first_wherever_they_come_from(void **state)
{
    struct shop *shop = *state;
    struct id middle = sell(shop, EVENT_SALE_RECORDED, "r-1", 20);
    struct id newest = sell(shop, EVENT_SALE_PUSHED, "r-2", 21);
    struct id oldest = sell(shop, EVENT_SALE_RECORDED, "r-3", 19);
    struct sale_row rows[SALE_VIEW_LIST_MAX];
    static const struct {
        enum sale_by by;
        const char *wanted;
    } ways[] = {{SALE_BY_ORDER, "o-1"},
                {SALE_BY_GTIN, "04006381333931"},
                {SALE_BY_GTIN, "4006381333931"}, /* as it is scanned */
                {SALE_BY_SKU, "1"}};
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        size_t count = 0;
        assert_int_equal(
            sale_view_list(&shop->views, ways[i].by, ways[i].wanted, rows, &count, NULL), ERR_OK);
        assert_int_equal(count, 3);
        assert_true(id_equal(&rows[0].id, &newest));
        assert_true(id_equal(&rows[1].id, &middle));
        assert_true(id_equal(&rows[2].id, &oldest));
    }
}

static void sale_that_the_hub_pushes_again_stays_the_one_known(void **state)
{
    struct shop *shop = *state;
    struct id ours = sell(shop, EVENT_SALE_RECORDED, "r-1", 20);
    sell(shop, EVENT_SALE_PUSHED, "r-1", 21);
    struct sale_row row;
    assert_int_equal(sale_view_by_receipt(&shop->views, "r-1", &row, NULL), ERR_OK);
    assert_true(id_equal(&row.id, &ours));
}

static void unreadable_sale_of_the_hub_is_left_out(void **state)
{
    struct shop *shop = *state;
    struct id id = id_next(&shop->ids, NOW_MS);
    hear(shop, EVENT_SALE_PUSHED, &id, "{\"receipt\":\"r-9\"}");
    struct sale_row row;
    assert_int_equal(sale_view_by_receipt(&shop->views, "r-9", &row, NULL), ERR_NOT_FOUND);
}

/* --- Returns -----------------------------------------------------------------------------------
 */

struct page {
    struct return_state states[RETURN_VIEW_PAGE_MAX];
    size_t count;
};

static enum err take(void *context, const struct return_state *state, struct fault *fault)
{
    (void)fault;
    struct page *page = context;
    page->states[page->count++] = *state;
    return ERR_OK;
}

static struct return_view_query all(size_t max)
{
    return (struct return_view_query){
        .state = RETURN_VIEW_ANY, .receipt = "", .before_ms = INT64_MAX, .max = max};
}

/* All at one moment, so that only the id tells them apart. */
static void pages_show_every_return_once(void **state)
{
    struct shop *shop = *state;
    for (int i = 1; i <= 7; i++)
        give_back(shop, i, "accepted");
    struct return_view_query query = all(3);
    static struct page pages[3];
    struct id last = {{0}};
    size_t seen = 0;
    for (size_t i = 0; i < 3; i++) {
        pages[i].count = 0;
        assert_int_equal(return_view_list(&shop->views, &query, take, &pages[i], NULL), ERR_OK);
        assert_int_equal(pages[i].count, i < 2 ? 3 : 1);
        for (size_t k = 0; k < pages[i].count; k++, seen++) {
            const struct id *id = &pages[i].states[k].id;
            assert_true(seen == 0 || memcmp(id->bytes, last.bytes, ID_BYTES) < 0);
            last = *id;
        }
        query.before_ms = pages[i].states[pages[i].count - 1].created_ms;
        query.before_id = last;
    }
    assert_int_equal(seen, 7);
}

static void list_can_be_narrowed(void **state)
{
    struct shop *shop = *state;
    for (int i = 1; i <= 4; i++)
        give_back(shop, i, "accepted");
    static struct page page;
    page.count = 0;
    struct return_view_query query = all(100);
    query.receipt = "r-1";
    assert_int_equal(return_view_list(&shop->views, &query, take, &page, NULL), ERR_OK);
    assert_int_equal(page.count, 2);
    page.count = 0;
    query = all(100);
    query.from_ms = NOW_MS + 1;
    assert_int_equal(return_view_list(&shop->views, &query, take, &page, NULL), ERR_OK);
    assert_int_equal(page.count, 0);
}

static void return_is_found_by_its_number(void **state)
{
    struct shop *shop = *state;
    struct id id = give_back(shop, 7, "accepted");
    struct return_state found;
    assert_int_equal(return_view_by_number(&shop->views, "R0042-000007-0", &found, NULL), ERR_OK);
    assert_true(id_equal(&found.id, &id));
    int64_t counted = 0;
    assert_int_equal(return_view_counted(&shop->views, &counted, NULL), ERR_OK);
    assert_int_equal(counted, 1);
}

static void return_that_the_hub_tells_of_again_is_counted_once(void **state)
{
    struct shop *shop = *state;
    struct id id = give_back(shop, 7, "accepted");
    hear(shop, EVENT_RETURN_CREATED, &id,
         "{\"number\":\"R0042-000008-0\",\"store\":\"0042\",\"receipt\":\"r-7\","
         "\"decision\":\"declined\"}");
    struct return_state found;
    assert_int_equal(return_view_find(&shop->views, &id, &found, NULL), ERR_OK);
    assert_string_equal(found.number, "R0042-000007-0");
    assert_int_equal(found.tracks.verdict, VERDICT_ACCEPTED);
    int64_t counted = 0;
    assert_int_equal(return_view_counted(&shop->views, &counted, NULL), ERR_OK);
    assert_int_equal(counted, 1);
    append(shop, EVENT_RETURN_VOIDED, &id, "{}"); /* the transaction was not spoilt */
}

static void velocity_counts_live_returns_within_its_days(void **state)
{
    struct shop *shop = *state;
    give_back(shop, 1, "accepted");
    give_back(shop, 2, "accepted_pending_check");
    give_back(shop, 3, "declined");
    struct id voided = give_back(shop, 4, "accepted");
    append(shop, EVENT_RETURN_VOIDED, &voided, "{}");
    int64_t returns = 0;
    int64_t amount_minor = 0;
    for (int customer = 0; customer < 2; customer++) {
        const char *party = customer ? "c-1" : "p-1";
        assert_int_equal(return_view_velocity(&shop->views, customer, party, NOW_MS, &returns,
                                              &amount_minor, NULL),
                         ERR_OK);
        assert_int_equal(returns, 2);
        assert_int_equal(amount_minor, 200);
        assert_int_equal(return_view_velocity(&shop->views, customer, party, NOW_MS + 1, &returns,
                                              &amount_minor, NULL),
                         ERR_OK);
        assert_int_equal(returns, 0);
    }
    assert_int_equal(
        return_view_velocity(&shop->views, false, "", 0, &returns, &amount_minor, NULL), ERR_OK);
    assert_int_equal(returns, 0);
}

/* --- Exceptions --------------------------------------------------------------------------------
 */

#define EXCEPTION "\"exception\":\"01935a10-7c3d-7300-8300-000000000300\""

static enum exception_step step_of(struct shop *shop, const char *detail)
{
    struct id id;
    struct exception_state state;
    assert_int_equal(id_parse(SLICE_LITERAL("01935a10-7c3d-7300-8300-000000000300"), &id), ERR_OK);
    assert_int_equal(exception_view_find(&shop->views, &id, &state, NULL), ERR_OK);
    assert_string_equal(state.detail, detail);
    return state.step;
}

static void exception_that_the_hub_raises_again_is_open_again(void **state)
{
    struct shop *shop = *state;
    struct id id = give_back(shop, 1, "accepted");
    hear(shop, EVENT_EXCEPTION_RAISED, &id,
         "{" EXCEPTION ",\"code\":\"period_closed\",\"detail\":\"October\"}");
    hear(shop, EVENT_EXCEPTION_RESOLVED, &id, "{" EXCEPTION ",\"state\":\"assigned\"}");
    hear(shop, EVENT_EXCEPTION_RAISED, &id,
         "{" EXCEPTION ",\"code\":\"period_closed\",\"detail\":\"told twice\"}");
    assert_int_equal(step_of(shop, "October"), EXCEPTION_ASSIGNED);
    hear(shop, EVENT_EXCEPTION_RESOLVED, &id, "{" EXCEPTION ",\"state\":\"resolved\"}");
    assert_int_equal(step_of(shop, "October"), EXCEPTION_RESOLVED);
    hear(shop, EVENT_EXCEPTION_RAISED, &id,
         "{" EXCEPTION ",\"code\":\"period_closed\",\"detail\":\"November\"}");
    assert_int_equal(step_of(shop, "November"), EXCEPTION_OPEN);
}

/* --- Rebuilding --------------------------------------------------------------------------------
 */

static void count_finding(void *context, const struct eventlog_finding *finding)
{
    print_message("%s: %s\n", finding->what, finding->text);
    ++*(int *)context;
}

static void views_made_again_are_the_same(void **state)
{
    struct shop *shop = *state;
    sell(shop, EVENT_SALE_RECORDED, "r-1", 20);
    sell(shop, EVENT_SALE_PUSHED, "r-2", 21);
    struct id id = give_back(shop, 1, "needs_manager");
    hear(shop, EVENT_JOURNAL_POSTED, &id, "{\"number\":\"J-1\"}");
    append(shop, EVENT_RETURN_APPROVED, &id, "{\"decision\":\"accepted\"}");
    append(shop, EVENT_EXCEPTION_RAISED, &id,
           "{\"exception\":\"01935a10-7c3d-7300-8300-000000000300\",\"code\":\"disputed\"}");
    int64_t events = 0;
    int findings = 0;
    assert_int_equal(eventlog_verify(&shop->config, count_finding, &findings, &events, NULL),
                     ERR_OK);
    assert_int_equal(findings, 0);
    assert_true(events >= 4);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_shop, close_shop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(sale_is_found_by_receipt_and_read_from_its_event),
        TEST(sales_of_an_item_or_order_come_newest_first_wherever_they_come_from),
        TEST(sale_that_the_hub_pushes_again_stays_the_one_known),
        TEST(unreadable_sale_of_the_hub_is_left_out),
        TEST(pages_show_every_return_once),
        TEST(list_can_be_narrowed),
        TEST(return_is_found_by_its_number),
        TEST(return_that_the_hub_tells_of_again_is_counted_once),
        TEST(velocity_counts_live_returns_within_its_days),
        TEST(exception_that_the_hub_raises_again_is_open_again),
        TEST(views_made_again_are_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
