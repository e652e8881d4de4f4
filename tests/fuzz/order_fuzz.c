/*
 * What shops, portals and warehouses bring to the centre, and what finance corrects, in a hub's
 * database that each input leaves as it was. The first byte says what it is.
 */
#include "hal/base/cleanup.h"
#include "sync/hub/connect/adjustment.h"
#include "sync/hub/connect/authorisation.h"
#include "sync/hub/connect/goods_received.h"
#include "sync/hub/ingest/hubdb.h"
#include "tests/support/fuzz_ground.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char sold[] = "{\"receipt\":\"WEB-1\",\"order\":\"O-1\",\"channel\":\"online\","
                           "\"store\":\"0040\",\"sold_at\":"
                           "\"2026-11-20T10:00:00Z\",\"currency\":\"EUR\",\"prices_include_tax\":"
                           "true,\"lines\":[{\"line\":1,"
                           "\"quantity\":2,\"amount\":2000,\"tax\":[]}],\"tenders\":[{\"tender\":1,"
                           "\"type\":\"card\",\"amount\":2000}]}";
static const char authorised[] =
    "{\"number\":\"RMA-1\",\"receipt\":\"WEB-1\",\"channel\":\"online\",\"lines\":[{\"line\":1,"
    "\"quantity\":1,\"reason\":\"unwanted\"}]}";

static struct hubdb *hub;
static struct database *db;

static void take(struct slice text, uint8_t what)
{
    struct buf answer CLEANUP(buf_free);
    struct told told = {.count = 0};
    char adjusted[ID_TEXT + 1];
    const struct id id = authorisation_id("RMA-1");
    id_format(&id, adjusted);
    struct fault fault;
    buf_init(&answer, ORDER_BYTES_MAX);
    struct order order = {
        .text = text, .now_ms = INT64_C(1795342272000), .told = &told, .answer = &answer};
    struct adjustment adjustment = {.return_id = adjusted,
                                    .tax = text,
                                    .by = "finance",
                                    .reason = "wrong rate",
                                    .key = "k",
                                    .now_ms = order.now_ms};
    enum err err = what % 4 == 0   ? order_take(db, &order, &fault)
                   : what % 4 == 1 ? authorisation_take(db, &order, &fault)
                   : what % 4 == 2 ? goods_received_take(db, &order, &fault)
                                   : adjustment_record(db, &adjustment, &told, &fault);
    /* A document may be refused; it can't keep the centre from going on. */
    if (err && err_class(err) != ERR_CLASS_PARK)
        fuzz_must(err, &fault);
}

static void close_all(void)
{
    database_rollback(db);
    hubdb_close(hub);
}

static void open_all(void)
{
    struct fault fault;
    char path[SCRATCH_PATH_MAX];
    const struct hubdb_config config = {.path = scratch_path(fuzz_folder(), "hub.db", path),
                                        .folder = fuzz_folder()->path,
                                        .now_ms = INT64_C(1795000000000)};
    fuzz_must(hubdb_open(&hub, &config, &fault), &fault);
    db = hubdb_database(hub);
    fuzz_must(database_begin(db, &fault), &fault);
    take(slice_of(sold), 0);
    take(slice_of(authorised), 1);
    (void)atexit(close_all);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fault fault;
    if (!db)
        open_all();
    if (!size)
        return 0;
    fuzz_must(database_savepoint(db, &fault), &fault);
    take((struct slice){(const char *)data + 1, size - 1}, data[0]);
    database_rollback_savepoint(db);
    return 0;
}
