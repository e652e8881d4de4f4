#include "hal/database.h"
#include "hal/storage.h"
#include "provisioning/authority.h"
#include "provisioning/authority.sql.h"
#include "provisioning/authority_schema.sql.h"
#include "provisioning/csr.h"
#include "provisioning/identity.h"
#include "provisioning/verify.h"
#include "tests/support/openssl.h"
#include "tests/support/pki.h"
#include "tests/support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static struct scratch scratch;
static char folder[SCRATCH_PATH_MAX];
static struct authority *authority;

static int setup(void **state)
{
    (void)state;
    scratch_make(&scratch);
    scratch_path(&scratch, "authority", folder);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    authority_close(authority);
    authority = NULL;
    scratch_remove(&scratch);
    return 0;
}

static enum err create(struct fault *fault)
{
    return authority_create(folder, "Test root", authority_days(PKI_NOW_MS, 3650), PKI_NOW_MS,
                            fault);
}

static void start(void)
{
    assert_int_equal(create(NULL), ERR_OK);
    assert_int_equal(authority_open(&authority, folder, NULL), ERR_OK);
}

static const char *in_folder(const char *name, char path[static SCRATCH_PATH_MAX])
{
    assert_int_equal(storage_path(path, SCRATCH_PATH_MAX, folder, name), ERR_OK);
    return path;
}

static mbedtls_x509_crt *issue(enum certificate_purpose purpose, const char *name, unsigned days)
{
    struct key *key CLEANUP(key_cleanup) = pki_key();
    struct authority_order order = {.purpose = purpose,
                                    .name = name,
                                    .hosts = &name,
                                    .host_count = 1,
                                    .validity = authority_days(PKI_NOW_MS, days)};
    struct buf pem CLEANUP(buf_free);
    mbedtls_x509_crt *crt = NULL;
    buf_init(&pem, CERTIFICATE_PEM_MAX);
    assert_int_equal(authority_issue(authority, &order, key_pk(key), PKI_NOW_MS, &pem, NULL),
                     ERR_OK);
    assert_int_equal(certificate_parse(buf_slice(&pem), "", &crt, NULL), ERR_OK);
    return crt;
}

/* Against the list that stands in the folder. */
static enum err verify(mbedtls_x509_crt *crt, enum certificate_purpose purpose, struct fault *fault)
{
    char path[SCRATCH_PATH_MAX];
    struct buf pem CLEANUP(buf_free);
    mbedtls_x509_crl *crl CLEANUP(crl_cleanup) = NULL;
    buf_init(&pem, CRL_PEM_MAX);
    assert_int_equal(storage_read(in_folder("crl.pem", path), &pem, NULL), ERR_OK);
    assert_int_equal(crl_parse(buf_slice(&pem), "", &crl, NULL), ERR_OK);
    struct verify_rules rules = {
        .now_ms = PKI_NOW_MS, .ca = authority_certificate(authority), .crl = crl};
    return verify_chain(&rules, crt, purpose, fault);
}

static void new_authority_issues_what_verifies(void **state)
{
    (void)state;
    start();
    static const enum certificate_purpose all[] = {CERTIFICATE_SERVER, CERTIFICATE_DEVICE,
                                                   CERTIFICATE_SIGNER};
    for (size_t i = 0; i < 3; i++) {
        mbedtls_x509_crt *crt CLEANUP(certificate_cleanup) = issue(all[i], "name", 90);
        assert_int_equal(verify(crt, all[i], NULL), ERR_OK);
        assert_int_equal(certificate_time_ms(&crt->valid_from), PKI_NOW_MS - AUTHORITY_BACKDATE_MS);
    }
}

static void key_is_never_for_others(void **state)
{
    (void)state;
    char path[SCRATCH_PATH_MAX];
    struct stat info;
    mode_t before = umask(0);
    start();
    umask(before);
    assert_int_equal(stat(in_folder("ca-key.pem", path), &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);
    assert_int_equal(stat(folder, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0700);
    assert_int_equal(chmod(path, 0644), 0);
    struct authority *again = NULL;
    assert_int_equal(authority_open(&again, folder, NULL), ERR_FORBIDDEN);
}

static void second_creation_is_refused_and_harms_nothing(void **state)
{
    (void)state;
    start();
    mbedtls_x509_crt *crt CLEANUP(certificate_cleanup) = issue(CERTIFICATE_DEVICE, "a", 90);
    assert_int_equal(create(NULL), ERR_CONFLICT);
    assert_int_equal(verify(crt, CERTIFICATE_DEVICE, NULL), ERR_OK);
}

static void creation_cut_short_anywhere_is_completed(void **state)
{
    (void)state;
    /* what is missing when the power goes after the n-th file */
    static const char *const order[] = {"ca-key.pem", "ca.pem", "authority.db", "crl.pem"};
    for (size_t made = 0; made < 4; made++) {
        char path[SCRATCH_PATH_MAX];
        for (size_t i = 0; i < 4; i++)
            (void)unlink(in_folder(order[i], path));
        assert_int_equal(create(NULL), ERR_OK);
        for (size_t i = made; i < 4; i++)
            (void)unlink(in_folder(order[i], path));
        start();
        mbedtls_x509_crt *crt CLEANUP(certificate_cleanup) = issue(CERTIFICATE_DEVICE, "a", 90);
        assert_int_equal(verify(crt, CERTIFICATE_DEVICE, NULL), ERR_OK);
        authority_close(authority);
        authority = NULL;
    }
}

static void missing_or_foreign_key_is_told(void **state)
{
    (void)state;
    char path[SCRATCH_PATH_MAX];
    struct authority *other = NULL;
    assert_int_equal(authority_open(&other, folder, NULL), ERR_NOT_FOUND);
    start();
    struct key *key CLEANUP(key_cleanup) = pki_key();
    assert_int_equal(key_save(key, in_folder("ca-key.pem", path), NULL), ERR_OK);
    assert_int_equal(authority_open(&other, folder, NULL), ERR_CONFLICT);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(authority_open(&other, folder, NULL), ERR_NOT_FOUND);
    assert_null(other);
}

static void lost_record_is_not_taken_for_an_empty_one(void **state)
{
    (void)state;
    char path[SCRATCH_PATH_MAX];
    struct authority *other = NULL;
    struct fault fault;
    start();
    authority_close(authority);
    authority = NULL;
    assert_int_equal(unlink(in_folder("authority.db", path)), 0);
    assert_int_equal(authority_open(&other, folder, &fault), ERR_CORRUPT);
    assert_string_equal(fault.where, path);
    scratch_write(path, "rubbish that is no database, long enough to be looked at", 56);
    assert_int_equal(authority_open(&other, folder, NULL), ERR_CORRUPT);
}

static int64_t list_at(int64_t now_ms)
{
    struct buf pem CLEANUP(buf_free);
    mbedtls_x509_crl *crl CLEANUP(crl_cleanup) = NULL;
    buf_init(&pem, CRL_PEM_MAX);
    assert_int_equal(authority_crl(authority, now_ms, now_ms + PKI_DAY_MS, &pem, NULL), ERR_OK);
    assert_int_equal(crl_parse(buf_slice(&pem), "list", &crl, NULL), ERR_OK);
    return certificate_time_ms(&crl->this_update);
}

static void lists_of_one_second_have_an_order(void **state)
{
    (void)state;
    start();
    int64_t last_ms = list_at(PKI_NOW_MS);
    for (int i = 0; i < 3; i++) {
        int64_t next_ms = list_at(PKI_NOW_MS);
        assert_true(next_ms > last_ms && next_ms < PKI_NOW_MS);
        last_ms = next_ms;
    }
    list_at(PKI_NOW_MS + PKI_DAY_MS); /* the clock was wrong */
    assert_int_equal(list_at(PKI_NOW_MS), PKI_NOW_MS);
}

static void all_of_a_name_can_be_revoked_at_once(void **state)
{
    (void)state;
    start();
    mbedtls_x509_crt *a CLEANUP(certificate_cleanup) = issue(CERTIFICATE_DEVICE, "a", 90);
    mbedtls_x509_crt *a2 CLEANUP(certificate_cleanup) = issue(CERTIFICATE_DEVICE, "a", 90);
    mbedtls_x509_crt *b CLEANUP(certificate_cleanup) = issue(CERTIFICATE_DEVICE, "b", 90);
    struct fault fault;
    size_t count = 0;
    assert_int_equal(
        authority_revoke_name(authority, "a", CRL_CESSATION_OF_OPERATION, PKI_NOW_MS, &count, NULL),
        ERR_OK);
    assert_int_equal(count, 2);
    assert_int_equal(
        authority_revoke_name(authority, "a", CRL_CESSATION_OF_OPERATION, PKI_NOW_MS, &count, NULL),
        ERR_OK);
    assert_int_equal(count, 0);
    assert_int_equal(authority_crl(authority, PKI_NOW_MS, PKI_NOW_MS + PKI_DAY_MS, NULL, NULL),
                     ERR_OK);
    assert_int_equal(verify(a, CERTIFICATE_DEVICE, &fault), ERR_REFUSED);
    assert_string_equal(fault.text, "the certificate was revoked");
    assert_int_equal(verify(a2, CERTIFICATE_DEVICE, NULL), ERR_REFUSED);
    assert_int_equal(verify(b, CERTIFICATE_DEVICE, NULL), ERR_OK);
}

static void expired_and_not_yet_valid_can_be_made(void **state)
{
    (void)state;
    start();
    static const struct {
        int from_days, to_days;
        const char *says;
    } cases[] = {{-3, -2, "the certificate has expired"},
                 {2, 3, "the certificate is not valid yet"}};
    for (size_t i = 0; i < 2; i++) {
        struct key *key CLEANUP(key_cleanup) = pki_key();
        struct authority_order order = {
            .purpose = CERTIFICATE_DEVICE,
            .name = "a",
            .validity = {PKI_NOW_MS + cases[i].from_days * PKI_DAY_MS,
                         PKI_NOW_MS + cases[i].to_days * PKI_DAY_MS},
        };
        struct buf pem CLEANUP(buf_free);
        mbedtls_x509_crt *crt CLEANUP(certificate_cleanup) = NULL;
        struct fault fault;
        buf_init(&pem, CERTIFICATE_PEM_MAX);
        assert_int_equal(authority_issue(authority, &order, key_pk(key), PKI_NOW_MS, &pem, NULL),
                         ERR_OK);
        assert_int_equal(certificate_parse(buf_slice(&pem), "", &crt, NULL), ERR_OK);
        assert_int_equal(verify(crt, CERTIFICATE_DEVICE, &fault), ERR_REFUSED);
        assert_string_equal(fault.text, cases[i].says);
    }
}

static void nothing_outlives_the_root(void **state)
{
    (void)state;
    start();
    mbedtls_x509_crt *crt CLEANUP(certificate_cleanup) = issue(CERTIFICATE_DEVICE, "a", 10000);
    assert_int_equal(certificate_time_ms(&crt->valid_to),
                     certificate_time_ms(&authority_certificate(authority)->valid_to));
}

static void request_for_another_name_is_refused(void **state)
{
    (void)state;
    start();
    struct key *key CLEANUP(key_cleanup) = pki_key();
    struct buf request CLEANUP(buf_free);
    struct buf pem CLEANUP(buf_free);
    buf_init(&request, CSR_BYTES_MAX);
    buf_init(&pem, CERTIFICATE_PEM_MAX);
    assert_int_equal(csr_make(key, "hub", &request, NULL), ERR_OK);
    struct authority_order order = {.purpose = CERTIFICATE_DEVICE,
                                    .name = "store-1",
                                    .validity = authority_days(PKI_NOW_MS, 1)};
    assert_int_equal(
        authority_issue_request(authority, &order, buf_slice(&request), PKI_NOW_MS, &pem, NULL),
        ERR_CONFLICT);
    assert_int_equal(pem.len, 0);
    order.name = "hub";
    assert_int_equal(
        authority_issue_request(authority, &order, buf_slice(&request), PKI_NOW_MS, &pem, NULL),
        ERR_OK);
    order.purpose = CERTIFICATE_AUTHORITY;
    assert_int_equal(
        authority_issue_request(authority, &order, buf_slice(&request), PKI_NOW_MS, &pem, NULL),
        ERR_INVALID);
}

struct tally {
    size_t count;
    struct authority_record last;
};

static void tally(void *context, const struct authority_record *record)
{
    struct tally *t = context;
    t->count++;
    t->last = *record;
}

static void everything_issued_is_listed(void **state)
{
    (void)state;
    start();
    certificate_free(issue(CERTIFICATE_SERVER, "hub", 90));
    mbedtls_x509_crt *b CLEANUP(certificate_cleanup) = issue(CERTIFICATE_DEVICE, "b", 90);
    struct certificate_facts facts;
    struct tally all = {0}, of_b = {0};
    assert_int_equal(certificate_read(b, &facts, NULL), ERR_OK);
    size_t count;
    assert_int_equal(
        authority_revoke_name(authority, "b", CRL_SUPERSEDED, PKI_NOW_MS, &count, NULL), ERR_OK);
    assert_int_equal(authority_list(authority, NULL, tally, &all, NULL), ERR_OK);
    assert_int_equal(authority_list(authority, "b", tally, &of_b, NULL), ERR_OK);
    assert_int_equal(all.count, 2);
    assert_int_equal(of_b.count, 1);
    assert_string_equal(of_b.last.serial, facts.serial);
    assert_string_equal(of_b.last.name, "b");
    assert_int_equal(of_b.last.purpose, CERTIFICATE_DEVICE);
    assert_int_equal(of_b.last.revoked_ms, PKI_NOW_MS);
    assert_int_equal(of_b.last.not_after_ms, facts.not_after_ms);
}

static void development_pki_serves_a_broker_a_hub_and_an_appliance(void **state)
{
    (void)state;
    start();
    char own[SCRATCH_PATH_MAX], servers[SCRATCH_PATH_MAX], chain[SCRATCH_PATH_MAX];
    char key_path[SCRATCH_PATH_MAX], ca[SCRATCH_PATH_MAX], crl[SCRATCH_PATH_MAX];
    const char *hosts[] = {"localhost", "127.0.0.1", "::1"};
    struct authority_order order = {.purpose = CERTIFICATE_SERVER,
                                    .name = "broker",
                                    .hosts = hosts,
                                    .host_count = 3,
                                    .validity = authority_days(PKI_NOW_MS, 90)};
    scratch_path(&scratch, "identity", own);
    scratch_path(&scratch, "servers", servers);
    assert_int_equal(authority_issue_files(authority, &order, servers, PKI_NOW_MS, NULL), ERR_OK);
    for (int twice = 0; twice < 2; twice++)
        assert_int_equal(authority_issue_identity(authority, "store-0042",
                                                  authority_days(PKI_NOW_MS, 90), own, PKI_NOW_MS,
                                                  NULL),
                         ERR_OK);

    struct identity_files files = {
        .ca = in_folder("ca.pem", ca),
        .chain = scratch_path(&scratch, "servers/broker.pem", chain),
        .key = scratch_path(&scratch, "servers/broker-key.pem", key_path),
        .crl = in_folder("crl.pem", crl),
    };
    struct identity *server CLEANUP(identity_cleanup) = NULL;
    struct identity *device CLEANUP(identity_cleanup) = NULL;
    assert_int_equal(identity_open_files(&server, &files, NULL), ERR_OK);
    assert_int_equal(identity_open(&device, own, IDENTITY_CURRENT, NULL), ERR_OK);
    assert_string_equal(identity_device(device), "store-0042");
    for (size_t i = 0; i < 3; i++) {
        struct verify_rules rules = {.now_ms = PKI_NOW_MS,
                                     .host = hosts[i],
                                     .ca = identity_ca(device),
                                     .crl = identity_crl(device)};
        assert_int_equal(verify_chain(&rules, identity_chain(server), CERTIFICATE_SERVER, NULL),
                         ERR_OK);
    }
    struct verify_rules rules = {
        .now_ms = PKI_NOW_MS, .ca = identity_ca(server), .crl = identity_crl(server)};
    assert_int_equal(verify_chain(&rules, identity_chain(device), CERTIFICATE_DEVICE, NULL),
                     ERR_OK);
    struct stat info;
    assert_int_equal(stat(key_path, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);
}

static void name_that_would_leave_the_folder_is_refused(void **state)
{
    (void)state;
    start();
    const char *host = "localhost";
    struct authority_order order = {.purpose = CERTIFICATE_SERVER,
                                    .name = "../broker",
                                    .hosts = &host,
                                    .host_count = 1,
                                    .validity = authority_days(PKI_NOW_MS, 90)};
    assert_int_equal(authority_issue_files(authority, &order, scratch.path, PKI_NOW_MS, NULL),
                     ERR_INVALID);
}

static void openssl_honours_the_files(void **state)
{
    (void)state;
    if (!openssl_present())
        skip();
    start();
    char leaf[SCRATCH_PATH_MAX], ca[SCRATCH_PATH_MAX], list[SCRATCH_PATH_MAX], out[4096];
    struct authority_order order = {
        .purpose = CERTIFICATE_DEVICE, .name = "hub", .validity = authority_days(PKI_NOW_MS, 90)};
    assert_int_equal(authority_issue_files(authority, &order, scratch.path, PKI_NOW_MS, NULL),
                     ERR_OK);
    static const char command[] = "verify -x509_strict -crl_check -CAfile %s -CRLfile %s "
                                  "-purpose sslclient -attime %lld %s";
    in_folder("ca.pem", ca);
    in_folder("crl.pem", list);
    scratch_path(&scratch, "hub.pem", leaf);
    assert_true(
        openssl_run(out, sizeof out, command, ca, list, (long long)PKI_NOW_MS / 1000, leaf));
    size_t count;
    assert_int_equal(
        authority_revoke_name(authority, "hub", CRL_KEY_COMPROMISE, PKI_NOW_MS, &count, NULL),
        ERR_OK);
    assert_int_equal(authority_crl(authority, PKI_NOW_MS, PKI_NOW_MS + PKI_DAY_MS, NULL, NULL),
                     ERR_OK);
    assert_false(
        openssl_run(out, sizeof out, command, ca, list, (long long)PKI_NOW_MS / 1000, leaf));
    assert_non_null(strstr(out, "certificate revoked"));
    assert_true(openssl_run(out, sizeof out, "crl -in %s -noout -crlnumber", list));
    assert_non_null(strstr(out, "crlNumber=0x02"));
}

static void every_statement_can_be_prepared(void **state)
{
    (void)state;
    char path[SCRATCH_PATH_MAX];
    struct database *db = NULL;
    struct database_config config = {.path = scratch_path(&scratch, "test.db", path),
                                     .statements = authority_sql,
                                     .statement_count = AUTHORITY_COUNT};
    assert_int_equal(database_open(&db, &config, NULL), ERR_OK);
    assert_int_equal(database_migrate(db, authority_schema_sql, AUTHORITY_SCHEMA_COUNT, NULL),
                     ERR_OK);
    assert_int_equal(database_prepare_all(db, NULL), ERR_OK);
    database_close(db);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(new_authority_issues_what_verifies),
        TEST(key_is_never_for_others),
        TEST(second_creation_is_refused_and_harms_nothing),
        TEST(creation_cut_short_anywhere_is_completed),
        TEST(missing_or_foreign_key_is_told),
        TEST(lost_record_is_not_taken_for_an_empty_one),
        TEST(lists_of_one_second_have_an_order),
        TEST(all_of_a_name_can_be_revoked_at_once),
        TEST(expired_and_not_yet_valid_can_be_made),
        TEST(nothing_outlives_the_root),
        TEST(request_for_another_name_is_refused),
        TEST(everything_issued_is_listed),
        TEST(development_pki_serves_a_broker_a_hub_and_an_appliance),
        TEST(name_that_would_leave_the_folder_is_refused),
        TEST(openssl_honours_the_files),
        TEST(every_statement_can_be_prepared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
