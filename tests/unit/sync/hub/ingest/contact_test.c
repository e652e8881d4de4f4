#include "hal/base/cleanup.h"
#include "hal/storage.h"
#include "sync/hub/ingest/contact.h"
#include "sync/hub/ingest/epoch_mark.h"
#include "sync/hub/ingest/hubdb.h"
#include "sync/hub/ingest/inbox.h"
#include "sync/hub/ingest/ingest.sql.h"
#include "tests/support/hub_database.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { NOW_MS = 1000 };

struct fixture {
    struct scratch scratch;
    char path[SCRATCH_PATH_MAX];
    struct hubdb *hub;
    struct database *db;
    struct vault vault;
    int told;
};

static void know(struct fixture *f, const char *device)
{
    struct statement *s;
    assert_int_equal(database_statement(f->db, INGEST_DEVICE_SEEN, &s, NULL), ERR_OK);
    bind_text(s, 1, device);
    bind_int(s, 2, NOW_MS);
    assert_int_equal(database_run(f->db, s, NULL), ERR_OK);
}

static void start(struct fixture *f)
{
    struct fault fault = {0};
    const struct hubdb_config config = {
        .path = f->path, .folder = f->scratch.path, .now_ms = NOW_MS};
    if (hubdb_open(&f->hub, &config, &fault) != ERR_OK)
        fail_msg("%s: %s", fault.where, fault.text);
    f->db = hubdb_database(f->hub);
    if (vault_open(&f->vault, f->db, f->scratch.path, &fault) != ERR_OK)
        fail_msg("%s: %s", fault.where, fault.text);
    assert_true(f->vault.open);
}

static int open_hub(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    scratch_make(&f->scratch);
    (void)hub_database_path(&f->scratch, f->path);
    start(f);
    know(f, "store-1");
    know(f, "store-2");
    *state = f;
    return 0;
}

static int close_hub(void **state)
{
    struct fixture *f = *state;
    hubdb_close(f->hub);
    scratch_remove(&f->scratch);
    free(f);
    return 0;
}

static bool take(struct fixture *f, const char *device, struct contact_key key)
{
    struct fault fault = {0};
    bool held = false;
    if (contact_take_key(f->db, &f->vault, device, &key, NOW_MS, &held, &fault) != ERR_OK)
        fail_msg("%s: %s", fault.where, fault.text);
    return held;
}

static void count_told(void *context, const char *device)
{
    assert_string_not_equal(device, CENTRE_DEVICE);
    ++*(int *)context;
}

static void erase(struct fixture *f, const char *customer)
{
    struct fault fault = {0};
    f->told = 0;
    if (contact_erase(f->db, customer, NOW_MS, count_told, &f->told, &fault) != ERR_OK)
        fail_msg("%s: %s", fault.where, fault.text);
}

static bool has_key(struct fixture *f, const struct id *id)
{
    struct statement *s;
    bool row;
    assert_int_equal(database_statement(f->db, INGEST_CUSTOMER_KEY_FIND, &s, NULL), ERR_OK);
    bind_blob(s, 1, id->bytes, ID_BYTES);
    assert_int_equal(database_step(f->db, s, &row, NULL), ERR_OK);
    statement_reset(s);
    return row;
}

static void key_is_held_however_often_it_comes(void **state)
{
    struct fixture *f = *state;
    const struct contact_key key = {.id = {{1}}, .customer = "c-1", .key = {7}};
    assert_true(take(f, "store-1", key));
    assert_true(take(f, "store-1", key));
    assert_true(has_key(f, &key.id));
}

static void erasure_destroys_the_customers_keys_and_tells_every_appliance(void **state)
{
    struct fixture *f = *state;
    struct buf body CLEANUP(buf_free);
    struct inbox_place place;
    const struct contact_key one = {.id = {{1}}, .customer = "c-1"};
    const struct contact_key two = {.id = {{2}}, .customer = "c-1"};
    const struct contact_key other = {.id = {{3}}, .customer = "c-2"};
    buf_init(&body, EVENT_BODY_MAX);
    assert_true(take(f, "store-1", one) && take(f, "store-2", two) && take(f, "store-2", other));
    erase(f, "c-1");
    assert_int_equal(f->told, 2);
    assert_false(has_key(f, &one.id) || has_key(f, &two.id));
    assert_true(has_key(f, &other.id));
    assert_int_equal(inbox_next(f->db, "store-2", &body, &place, NULL), ERR_OK);
    assert_int_equal(place.number, 1);
    assert_non_null(strstr(body.data, "\"type\":\"com.tillback.customer.erased.v1\""));
    assert_non_null(strstr(body.data, "{\"customer\":\"c-1\",\"keys\":2}"));
}

static void key_from_before_an_erasure_is_not_taken_after_it(void **state)
{
    struct fixture *f = *state;
    struct contact_key key = {.id = {{1}}, .customer = "c-1"};
    erase(f, "c-1");
    key.hub_epoch = hubdb_epoch(f->hub);
    assert_false(take(f, "store-1", key)); /* it hasn't heard message 1 */
    key.inbox_through = 1;
    assert_true(take(f, "store-1", key));
    erase(f, "c-1");
    assert_false(take(f, "store-1", key));
    key.inbox_through = 9;
    key.hub_epoch--; /* of another numbering */
    assert_false(take(f, "store-1", key));
    assert_false(has_key(f, &key.id));
}

/* The database is behind what the hub noted beside it. */
static void restore_hub(struct fixture *f)
{
    struct epoch_mark mark = {0};
    assert_int_equal(epoch_mark_read_file(f->scratch.path, &mark, NULL), ERR_OK);
    mark.generation++;
    assert_int_equal(epoch_mark_write_file(f->scratch.path, &mark, NULL), ERR_OK);
    hubdb_close(f->hub);
    start(f);
    assert_true(hubdb_restored(f->hub));
}

/* Messages are numbered anew then, and an erasure that waits with them. */
static void key_from_before_an_erasure_is_not_taken_by_a_restored_hub(void **state)
{
    struct fixture *f = *state;
    struct contact_key heard = {.id = {{1}}, .customer = "c-1"};
    struct contact_key unheard = {.id = {{2}}, .customer = "c-1"};
    erase(f, "c-0");
    erase(f, "c-1");
    assert_int_equal(inbox_acknowledge(f->db, "store-1", 2, NOW_MS, NULL), ERR_OK);
    assert_int_equal(inbox_acknowledge(f->db, "store-2", 1, NOW_MS, NULL), ERR_OK);
    restore_hub(f);
    heard.hub_epoch = unheard.hub_epoch = hubdb_epoch(f->hub);
    assert_true(take(f, "store-1", heard));
    assert_false(take(f, "store-2", unheard));
    unheard.inbox_through = 1;
    assert_true(take(f, "store-2", unheard));
}

/* The bytes that the database has of the key; returns how many. */
static size_t stored(struct fixture *f, const struct id *id, uint8_t bytes[static 100])
{
    struct statement *s;
    bool row;
    assert_int_equal(database_statement(f->db, INGEST_CUSTOMER_KEY_FIND, &s, NULL), ERR_OK);
    bind_blob(s, 1, id->bytes, ID_BYTES);
    assert_int_equal(database_step(f->db, s, &row, NULL), ERR_OK);
    assert_true(row);
    struct slice found = column_slice(s, 0);
    assert_true(found.len <= 100);
    memcpy(bytes, found.data, found.len);
    statement_reset(s);
    return found.len;
}

static const struct contact_key some_key = {
    .id = {{1}}, .customer = "c-1", .key = "of thirty-two bytes altogether."};

static void key_lies_sealed_in_the_database(void **state)
{
    struct fixture *f = *state;
    uint8_t bytes[100];
    uint8_t key[CONTACT_KEY_BYTES];
    struct fault fault;
    assert_true(take(f, "store-1", some_key));
    size_t len = stored(f, &some_key.id, bytes);
    assert_null(memmem(bytes, len, some_key.key, 8));
    assert_int_equal(len, VAULT_SEALED_BYTES);
    assert_int_equal(vault_unseal(&f->vault, &some_key.id, bytes, key, &fault), ERR_OK);
    assert_memory_equal(key, some_key.key, sizeof key);
    const struct id other = {{2}};
    assert_int_equal(vault_unseal(&f->vault, &other, bytes, key, &fault), ERR_REFUSED);
}

static void key_that_an_earlier_version_left_open_is_sealed_at_the_start(void **state)
{
    struct fixture *f = *state;
    uint8_t bytes[100];
    uint8_t key[CONTACT_KEY_BYTES];
    struct fault fault = {0};
    struct statement *s;
    assert_true(take(f, "store-1", some_key));
    assert_int_equal(database_statement(f->db, INGEST_CUSTOMER_KEY_SEAL, &s, NULL), ERR_OK);
    bind_blob(s, 1, some_key.id.bytes, ID_BYTES);
    bind_blob(s, 2, some_key.key, sizeof some_key.key);
    assert_int_equal(database_run(f->db, s, NULL), ERR_OK);
    assert_int_equal(stored(f, &some_key.id, bytes), CONTACT_KEY_BYTES);
    assert_int_equal(vault_open(&f->vault, f->db, f->scratch.path, &fault), ERR_OK);
    assert_int_equal(stored(f, &some_key.id, bytes), VAULT_SEALED_BYTES);
    assert_int_equal(vault_unseal(&f->vault, &some_key.id, bytes, key, &fault), ERR_OK);
    assert_memory_equal(key, some_key.key, sizeof key);
}

static void hub_without_the_others_secret_leaves_contacts_alone(void **state)
{
    struct fixture *f = *state;
    struct fault fault = {0};
    char theirs[SCRATCH_PATH_MAX];
    char ours[SCRATCH_PATH_MAX];
    char folder[SCRATCH_PATH_MAX];
    struct vault vault;
    bool held;
    scratch_path(&f->scratch, "second", folder);
    assert_int_equal(storage_make_folder(folder, &fault), ERR_OK);
    assert_int_equal(vault_open(&vault, f->db, folder, &fault), ERR_OK);
    assert_false(vault.open);
    assert_int_equal(contact_take_key(f->db, &vault, "store-1", &some_key, NOW_MS, &held, &fault),
                     ERR_REFUSED);
    assert_non_null(strstr(fault.text, "copy it"));
    scratch_path(&f->scratch, VAULT_FILE, theirs);
    scratch_path(&f->scratch, "second/" VAULT_FILE, ours);
    struct buf secret CLEANUP(buf_free);
    buf_init(&secret, CRYPTO_KEY_BYTES);
    assert_int_equal(storage_read(theirs, &secret, &fault), ERR_OK);
    assert_int_equal(storage_replace(ours, buf_slice(&secret), 0600, &fault), ERR_OK);
    assert_int_equal(vault_open(&vault, f->db, folder, &fault), ERR_OK);
    assert_true(vault.open);
    assert_int_equal(contact_take_key(f->db, &vault, "store-1", &some_key, NOW_MS, &held, &fault),
                     ERR_OK);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_hub, close_hub)
    const struct CMUnitTest tests[] = {
        TEST(key_is_held_however_often_it_comes),
        TEST(erasure_destroys_the_customers_keys_and_tells_every_appliance),
        TEST(key_from_before_an_erasure_is_not_taken_after_it),
        TEST(key_from_before_an_erasure_is_not_taken_by_a_restored_hub),
        TEST(key_lies_sealed_in_the_database),
        TEST(key_that_an_earlier_version_left_open_is_sealed_at_the_start),
        TEST(hub_without_the_others_secret_leaves_contacts_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
