#include "hal/base/cleanup.h"
#include "hal/storage.h"
#include "provisioning/assignment.h"
#include "sync/enrol/membership.h"
#include "tests/support/pki.h"
#include "tests/support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const struct setting defs[] = {{"store.number", SETTING_TEXT, NULL, 0, 0, ""},
                                      {"broker.url", SETTING_TEXT, NULL, 0, 0, ""},
                                      {"enrol.url", SETTING_TEXT, NULL, 0, 0, ""},
                                      {"identity.folder", SETTING_TEXT, NULL, 0, 0, ""}};

struct box {
    struct scratch scratch;
    struct settings *settings;
    char identity[SCRATCH_PATH_MAX];
};

static void path_in(const struct box *box, const char *name, char path[static SCRATCH_PATH_MAX])
{
    assert_int_equal(storage_path(path, SCRATCH_PATH_MAX, box->identity, name), ERR_OK);
}

static void write_identity(const struct box *box)
{
    char path[SCRATCH_PATH_MAX];
    struct pki pki CLEANUP(pki_close) = pki_open("Test CA");
    struct key *key CLEANUP(key_cleanup) = pki_key();
    mbedtls_x509_crt *crt = pki_issue(&pki, CERTIFICATE_DEVICE, "store-0042-a", key, -1, 90);
    struct buf own CLEANUP(key_wipe), ca CLEANUP(buf_free) = pki_pem(pki.ca),
                                         chain CLEANUP(buf_free) = pki_pem(crt);
    buf_init(&own, CERTIFICATE_PEM_MAX);
    assert_int_equal(key_print(key, &own, NULL), ERR_OK);
    buf_append(&own, chain.data, chain.len);
    certificate_free(crt);
    assert_int_equal(storage_make_folder(box->identity, NULL), ERR_OK);
    path_in(box, "ca.pem", path);
    assert_int_equal(storage_replace(path, buf_slice(&ca), 0600, NULL), ERR_OK);
    path_in(box, "current.pem", path);
    assert_int_equal(storage_replace(path, buf_slice(&own), 0600, NULL), ERR_OK);
    const struct bundle told = {.device = "store-0042-a",
                                .store = "0042",
                                .broker_url = "mqtts://broker.example:8883",
                                .ca = ca.data,
                                .issued_ms = PKI_NOW_MS,
                                .expires_ms = PKI_NOW_MS + PKI_DAY_MS};
    assert_int_equal(assignment_write(box->identity, ASSIGNMENT_CURRENT, &told, NULL), ERR_OK);
}

static int make_box(void **state)
{
    static struct box box;
    scratch_make(&box.scratch);
    scratch_path(&box.scratch, "identity", box.identity);
    assert_int_equal(settings_open(&box.settings, defs, sizeof defs / sizeof *defs, NULL), ERR_OK);
    *state = &box;
    return 0;
}

static int remove_box(void **state)
{
    struct box *box = *state;
    settings_close(box->settings);
    scratch_remove(&box->scratch);
    return 0;
}

static struct membership who(const struct box *box)
{
    struct membership member;
    struct fault fault = {0};
    if (membership_read(&member, box->scratch.path, box->settings, &fault) != ERR_OK)
        fail_msg("%s: %s", fault.where, fault.text);
    return member;
}

/* Enrolled, and seen by the appliance once. */
static void enrol(const struct box *box)
{
    write_identity(box);
    struct membership member = who(box);
    assert_true(member.enrolled);
    assert_int_equal(member.trouble.code, ERR_OK);
    assert_int_equal(membership_remember(&member, box->scratch.path, NULL), ERR_OK);
}

static void spoil(const struct box *box, const char *name)
{
    char path[SCRATCH_PATH_MAX];
    path_in(box, name, path);
    scratch_write(path, "no longer what it was", 21);
}

static void assert_still_itself(const struct membership *member)
{
    assert_false(member->enrolled);
    assert_string_equal(member->device, "store-0042-a");
    assert_string_equal(member->store, "0042");
}

static void one_that_was_never_enrolled_is_in_no_trouble(void **state)
{
    const struct box *box = *state;
    struct membership member = who(box);
    assert_false(member.enrolled);
    assert_int_equal(member.trouble.code, ERR_OK);
    assert_string_equal(member.device, "unenrolled");
    assert_int_equal(membership_remember(&member, box->scratch.path, NULL), ERR_OK);
    assert_int_equal(who(box).trouble.code, ERR_OK);
}

static void rotten_key_file_leaves_name_and_store_and_says_why(void **state)
{
    const struct box *box = *state;
    enrol(box);
    spoil(box, "current.pem");
    struct membership member = who(box);
    assert_still_itself(&member);
    assert_int_equal(member.trouble.code, ERR_CORRUPT);
    assert_non_null(strstr(member.trouble.where, "current.pem"));
    write_identity(box);
    assert_true(who(box).enrolled);
}

static void rotten_assignment_leaves_name_and_store_and_says_why(void **state)
{
    const struct box *box = *state;
    enrol(box);
    spoil(box, "assignment.json");
    struct membership member = who(box);
    assert_still_itself(&member);
    assert_int_equal(member.trouble.code, ERR_CORRUPT);
    assert_non_null(strstr(member.trouble.where, "assignment.json"));
}

static void identity_that_is_gone_is_told_apart_from_none(void **state)
{
    static const char *const names[] = {"ca.pem", "current.pem", "assignment.json"};
    const struct box *box = *state;
    enrol(box);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[SCRATCH_PATH_MAX];
        path_in(box, names[i], path);
        assert_int_equal(unlink(path), 0);
        struct membership member = who(box);
        assert_still_itself(&member);
        assert_int_equal(member.trouble.code, ERR_UNREACHABLE);
        assert_non_null(strstr(member.trouble.text, "store-0042-a"));
    }
}

int main(void)
{
#define WITH_BOX(test) cmocka_unit_test_setup_teardown(test, make_box, remove_box)
    const struct CMUnitTest tests[] = {
        WITH_BOX(one_that_was_never_enrolled_is_in_no_trouble),
        WITH_BOX(rotten_key_file_leaves_name_and_store_and_says_why),
        WITH_BOX(rotten_assignment_leaves_name_and_store_and_says_why),
        WITH_BOX(identity_that_is_gone_is_told_apart_from_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
