#include "hal/base/cleanup.h"
#include "sync/hub/fleet/roster.h"
#include "sync/hub/ingest/hubdb.h"
#include "tests/support/hub_database.h"
#include "tests/support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { NOW_MS = 1000, LATER_MS = 2000 };

static struct scratch scratch;
static struct hubdb *hub;
static struct roster *roster;

static int setup(void **state)
{
    (void)state;
    char path[SCRATCH_PATH_MAX];
    scratch_make(&scratch);
    const struct hubdb_config config = {
        .path = hub_database_path(&scratch, path), .folder = scratch.path, .now_ms = NOW_MS};
    return hubdb_open(&hub, &config, NULL) || roster_open(&roster, hubdb_database(hub), NULL);
}

static int teardown(void **state)
{
    (void)state;
    roster_close(roster);
    hubdb_close(hub);
    scratch_remove(&scratch);
    return 0;
}

static void add(const char *device)
{
    assert_int_equal(roster_add(roster, device, "0042", "Front", NOW_MS, NULL), ERR_OK);
}

static void every_id_is_given_once(void **state)
{
    (void)state;
    char id[CERTIFICATE_NAME_MAX + 1];
    for (int i = 0; i < 28; i++) {
        assert_int_equal(roster_next_id(roster, "0042", id, NULL), ERR_OK);
        add(id);
    }
    assert_string_equal(id, "store-0042-28");
    assert_int_equal(roster_add(roster, id, "0042", "", NOW_MS, NULL), ERR_CONFLICT);
}

static void code_is_found_by_its_hash_and_by_nothing_near_it(void **state)
{
    (void)state;
    const struct code code = code_make();
    struct code near = code;
    struct invitation found CLEANUP(invitation_free);
    invitation_init(&found);
    add("store-0042-a");
    assert_int_equal(
        roster_invite(roster, "store-0042-a", &code, SLICE_LITERAL("bundle"), LATER_MS, NULL),
        ERR_OK);
    near.token[3] ^= 1;
    assert_int_equal(roster_invitation_of(roster, &near, &found, NULL), ERR_NOT_FOUND);
    assert_int_equal(roster_invitation_of(roster, &code, &found, NULL), ERR_OK);
    assert_string_equal(found.device, "store-0042-a");
    assert_string_equal(found.bundle.data, "bundle");
    assert_int_equal(found.used_ms, 0);
    assert_int_equal(code_check_seal(&code, SLICE_LITERAL("bundle"), &found.seal, NULL), ERR_OK);
    int64_t until_ms;
    assert_int_equal(roster_invited_until(roster, "store-0042-a", &until_ms, NULL), ERR_OK);
    assert_int_equal(until_ms, LATER_MS);
}

static void used_code_remembers_for_whom_and_a_new_one_voids_the_unused(void **state)
{
    (void)state;
    const struct code first = code_make();
    const struct code second = code_make();
    const struct sha256 key = sha256_of(SLICE_LITERAL("key"));
    struct invitation found CLEANUP(invitation_free);
    invitation_init(&found);
    add("store-0042-a");
    for (const struct code *code = &first; code; code = code == &first ? &second : NULL)
        assert_int_equal(
            roster_invite(roster, "store-0042-a", code, SLICE_LITERAL("b"), LATER_MS, NULL),
            ERR_OK);
    assert_int_equal(roster_invitation_of(roster, &first, &found, NULL), ERR_NOT_FOUND);
    assert_int_equal(roster_use(roster, &second, &key, SLICE_LITERAL("pem"), LATER_MS, NULL),
                     ERR_OK);
    assert_int_equal(roster_withdraw(roster, "store-0042-a", NULL), ERR_OK);
    assert_int_equal(roster_invitation_of(roster, &second, &found, NULL), ERR_OK);
    assert_int_equal(found.used_ms, LATER_MS);
    assert_true(sha256_equal(&found.key_hash, &key));
    assert_string_equal(found.certificate.data, "pem");
}

static enum err count_one(void *context, const struct roster_device *device, struct fault *fault)
{
    (void)device;
    (void)fault;
    ++*(int *)context;
    return ERR_OK;
}

static void closed_ones_are_listed_with_why_and_who_came(void **state)
{
    (void)state;
    struct roster_device found;
    int closed = 0;
    int all = 0;
    int here = 0;
    add("a");
    add("b");
    assert_int_equal(roster_set_state(roster, "a", ROSTER_REPLACED, "broken", "b", LATER_MS, NULL),
                     ERR_OK);
    assert_int_equal(roster_set_evicted(roster, "a", LATER_MS, LATER_MS, false, NULL), ERR_OK);
    assert_int_equal(roster_each_unwelcome(roster, count_one, &closed, NULL), ERR_OK);
    assert_int_equal(roster_each(roster, NULL, count_one, &all, NULL), ERR_OK);
    assert_int_equal(roster_each(roster, "0042", count_one, &here, NULL), ERR_OK);
    assert_int_equal(closed, 1);
    assert_int_equal(all, 2);
    assert_int_equal(here, 2);
    assert_int_equal(roster_find(roster, "a", &found, NULL), ERR_OK);
    assert_true(roster_is_closed(found.state));
    assert_string_equal(found.reason, "broken");
    assert_string_equal(found.successor, "b");
    assert_int_equal(found.evicted_ms, LATER_MS);
    assert_int_equal(roster_find(roster, "c", &found, NULL), ERR_NOT_FOUND);
}

static void former_box_of_a_name_is_not_out_because_the_one_before_it_is(void **state)
{
    (void)state;
    struct roster_device found;
    int64_t changed_ms = NOW_MS;
    add("a");
    for (int i = 0; i < 2; i++) {
        assert_int_equal(roster_supersede(roster, "a", NULL), ERR_OK);
        assert_int_equal(
            roster_set_state(roster, "a", ROSTER_ENROLLED, "", NULL, changed_ms + 1, NULL), ERR_OK);
        assert_int_equal(roster_set_evicted(roster, "a", changed_ms++, LATER_MS, false, NULL),
                         ERR_OK);
        assert_int_equal(roster_find(roster, "a", &found, NULL), ERR_OK);
        assert_true(found.superseded);
        assert_int_equal(found.evicted_ms, 0);
        assert_int_equal(roster_set_evicted(roster, "a", changed_ms, LATER_MS, true, NULL), ERR_OK);
        assert_int_equal(roster_find(roster, "a", &found, NULL), ERR_OK);
        assert_true(found.superseded);
        assert_int_equal(found.evicted_ms, LATER_MS);
        assert_int_equal(roster_set_evicted(roster, "a", changed_ms, LATER_MS, false, NULL),
                         ERR_OK);
        assert_int_equal(roster_find(roster, "a", &found, NULL), ERR_OK);
        assert_false(found.superseded);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_id_is_given_once, setup, teardown),
        cmocka_unit_test_setup_teardown(code_is_found_by_its_hash_and_by_nothing_near_it, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(used_code_remembers_for_whom_and_a_new_one_voids_the_unused,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(closed_ones_are_listed_with_why_and_who_came, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            former_box_of_a_name_is_not_out_because_the_one_before_it_is, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
