#include "hal/storage.h"
#include "provisioning/csr.h"
#include "provisioning/identity.h"
#include "tests/support/pki.h"
#include "tests/support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static struct pki pki;
static struct scratch scratch;
static char folder[SCRATCH_PATH_MAX];

static int setup(void **state)
{
    (void)state;
    pki = pki_open("Test root");
    scratch_make(&scratch);
    scratch_path(&scratch, "identity", folder);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    scratch_remove(&scratch);
    pki_close(&pki);
    return 0;
}

static void path_of(const char *name, char path[static SCRATCH_PATH_MAX])
{
    assert_int_equal(storage_path(path, SCRATCH_PATH_MAX, folder, name), ERR_OK);
}

/* The authority's answer to what stands in next.pem. */
static struct buf answer(const struct pki *from, const char *device, int from_days, int to_days)
{
    struct buf request CLEANUP(buf_free);
    mbedtls_x509_csr *csr CLEANUP(csr_cleanup) = NULL;
    buf_init(&request, CSR_BYTES_MAX);
    assert_int_equal(identity_request(folder, device, &request, NULL), ERR_OK);
    assert_int_equal(csr_parse(buf_slice(&request), &csr, NULL), ERR_OK);
    struct certificate_order order = {
        .purpose = CERTIFICATE_DEVICE,
        .common_name = device,
        .not_before_ms = PKI_NOW_MS + from_days * PKI_DAY_MS,
        .not_after_ms = PKI_NOW_MS + to_days * PKI_DAY_MS,
        .serial = {1},
    };
    struct buf der CLEANUP(buf_free);
    struct buf pem;
    buf_init(&der, CERTIFICATE_PEM_MAX);
    buf_init(&pem, CERTIFICATE_PEM_MAX);
    assert_int_equal(certificate_make(&order, &csr->pk, from->ca, from->key, &der, NULL), ERR_OK);
    certificate_print(&pem, "CERTIFICATE", buf_slice(&der));
    return pem;
}

static void trust(const struct pki *whom)
{
    struct buf pem CLEANUP(buf_free) = pki_pem(whom->ca);
    assert_int_equal(identity_set_ca(folder, buf_slice(&pem), NULL), ERR_OK);
}

static void enrol(const char *device)
{
    trust(&pki);
    assert_int_equal(identity_prepare(folder, NULL), ERR_OK);
    struct buf pem CLEANUP(buf_free) = answer(&pki, device, -10, 90);
    assert_int_equal(identity_accept(folder, device, buf_slice(&pem), PKI_NOW_MS, NULL), ERR_OK);
    assert_int_equal(identity_promote(folder, NULL), ERR_OK);
}

static enum err open_slot(enum identity_slot slot, struct fault *fault)
{
    struct identity *identity CLEANUP(identity_cleanup) = NULL;
    return identity_open(&identity, folder, slot, fault);
}

static void first_enrolment_makes_an_identity(void **state)
{
    (void)state;
    assert_int_equal(open_slot(IDENTITY_CURRENT, NULL), ERR_NOT_FOUND);
    enrol("store-0042");
    struct identity *identity CLEANUP(identity_cleanup) = NULL;
    assert_int_equal(identity_open(&identity, folder, IDENTITY_CURRENT, NULL), ERR_OK);
    assert_string_equal(identity_device(identity), "store-0042");
    assert_int_equal(identity_facts(identity)->not_after_ms, PKI_NOW_MS + 90 * PKI_DAY_MS);
    assert_non_null(identity_key(identity));
    assert_non_null(identity_chain(identity));
    assert_non_null(identity_ca(identity));
    assert_null(identity_crl(identity));
    assert_int_equal(open_slot(IDENTITY_NEXT, NULL), ERR_NOT_FOUND);
}

static void nobody_else_can_read_the_key_at_any_step(void **state)
{
    (void)state;
    struct stat info;
    char current[SCRATCH_PATH_MAX], next[SCRATCH_PATH_MAX];
    path_of("current.pem", current);
    path_of("next.pem", next);
    mode_t before = umask(0);
    trust(&pki);
    assert_int_equal(identity_prepare(folder, NULL), ERR_OK);
    assert_int_equal(stat(next, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);
    struct buf pem CLEANUP(buf_free) = answer(&pki, "a", -1, 1);
    assert_int_equal(identity_accept(folder, "a", buf_slice(&pem), PKI_NOW_MS, NULL), ERR_OK);
    assert_int_equal(stat(next, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);
    assert_int_equal(identity_promote(folder, NULL), ERR_OK);
    umask(before);
    assert_int_equal(stat(current, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);
    assert_int_equal(stat(folder, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0700);
}

static void preparing_again_after_a_crash_keeps_the_key(void **state)
{
    (void)state;
    struct buf first CLEANUP(buf_free);
    struct buf second CLEANUP(buf_free);
    mbedtls_x509_csr *a CLEANUP(csr_cleanup) = NULL, *b CLEANUP(csr_cleanup) = NULL;
    struct sha256 of_a, of_b;
    buf_init(&first, CSR_BYTES_MAX);
    buf_init(&second, CSR_BYTES_MAX);
    assert_int_equal(identity_prepare(folder, NULL), ERR_OK);
    assert_int_equal(identity_request(folder, "a", &first, NULL), ERR_OK);
    assert_int_equal(identity_prepare(folder, NULL), ERR_OK);
    assert_int_equal(identity_request(folder, "a", &second, NULL), ERR_OK);
    assert_int_equal(csr_parse(buf_slice(&first), &a, NULL), ERR_OK);
    assert_int_equal(csr_parse(buf_slice(&second), &b, NULL), ERR_OK);
    assert_int_equal(key_fingerprint(&a->pk, &of_a, NULL), ERR_OK);
    assert_int_equal(key_fingerprint(&b->pk, &of_b, NULL), ERR_OK);
    assert_true(sha256_equal(&of_a, &of_b));
}

static void renewal_leaves_current_alone_until_promoted(void **state)
{
    (void)state;
    enrol("a");
    assert_int_equal(identity_prepare(folder, NULL), ERR_OK);
    assert_int_equal(open_slot(IDENTITY_NEXT, NULL), ERR_NOT_FOUND);
    assert_int_equal(identity_promote(folder, NULL), ERR_NOT_FOUND);
    struct buf pem CLEANUP(buf_free) = answer(&pki, "a", -1, 200);
    assert_int_equal(identity_accept(folder, "a", buf_slice(&pem), PKI_NOW_MS, NULL), ERR_OK);

    struct identity *current CLEANUP(identity_cleanup) = NULL,
                             *next CLEANUP(identity_cleanup) = NULL;
    assert_int_equal(identity_open(&current, folder, IDENTITY_CURRENT, NULL), ERR_OK);
    assert_int_equal(identity_open(&next, folder, IDENTITY_NEXT, NULL), ERR_OK);
    assert_int_equal(identity_facts(current)->not_after_ms, PKI_NOW_MS + 90 * PKI_DAY_MS);
    assert_int_equal(identity_facts(next)->not_after_ms, PKI_NOW_MS + 200 * PKI_DAY_MS);

    assert_int_equal(identity_promote(folder, NULL), ERR_OK);
    assert_int_equal(identity_promote(folder, NULL), ERR_OK);
    assert_int_equal(open_slot(IDENTITY_NEXT, NULL), ERR_NOT_FOUND);
    struct identity *promoted CLEANUP(identity_cleanup) = NULL;
    assert_int_equal(identity_open(&promoted, folder, IDENTITY_CURRENT, NULL), ERR_OK);
    assert_int_equal(identity_facts(promoted)->not_after_ms, PKI_NOW_MS + 200 * PKI_DAY_MS);
}

static void abandoned_renewal_leaves_current_as_it_was(void **state)
{
    (void)state;
    enrol("a");
    assert_int_equal(identity_prepare(folder, NULL), ERR_OK);
    assert_int_equal(identity_abandon(folder, NULL), ERR_OK);
    assert_int_equal(identity_abandon(folder, NULL), ERR_OK);
    assert_int_equal(open_slot(IDENTITY_CURRENT, NULL), ERR_OK);
}

static void wrong_answers_are_refused_and_change_nothing(void **state)
{
    (void)state;
    struct pki other CLEANUP(pki_close) = pki_open("Test root");
    struct key *stranger CLEANUP(key_cleanup) = pki_key();
    trust(&pki);
    assert_int_equal(identity_prepare(folder, NULL), ERR_OK);
    mbedtls_x509_crt *crt CLEANUP(certificate_cleanup) =
        pki_issue(&pki, CERTIFICATE_DEVICE, "a", stranger, -1, 1);
    struct {
        struct buf pem;
        enum err err;
    } cases[] = {
        {pki_pem(crt), ERR_CONFLICT},              /* for another key */
        {answer(&pki, "b", -1, 1), ERR_REFUSED},   /* for another device */
        {answer(&other, "a", -1, 1), ERR_REFUSED}, /* by another authority */
        {answer(&pki, "a", -3, -2), ERR_REFUSED},  /* expired */
        {answer(&pki, "a", 2, 3), ERR_REFUSED},    /* not yet valid */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(identity_accept(folder, "a", buf_slice(&cases[i].pem), PKI_NOW_MS, NULL),
                         cases[i].err);
        assert_int_equal(identity_promote(folder, NULL), ERR_NOT_FOUND);
        buf_free(&cases[i].pem);
    }
    assert_int_equal(identity_accept(folder, "a", SLICE_LITERAL("rubbish"), PKI_NOW_MS, NULL),
                     ERR_INVALID);
}

static void expired_identity_still_opens_and_says_so(void **state)
{
    (void)state;
    enrol("a");
    struct identity *identity CLEANUP(identity_cleanup) = NULL;
    assert_int_equal(identity_open(&identity, folder, IDENTITY_CURRENT, NULL), ERR_OK);
    int64_t start = PKI_NOW_MS - 10 * PKI_DAY_MS, end = PKI_NOW_MS + 90 * PKI_DAY_MS;
    assert_int_equal(identity_age(identity, start - 1, 33), IDENTITY_NOT_YET);
    assert_int_equal(identity_age(identity, start, 33), IDENTITY_FRESH);
    assert_int_equal(identity_age(identity, end - 33 * PKI_DAY_MS, 33), IDENTITY_FRESH);
    assert_int_equal(identity_age(identity, end - 33 * PKI_DAY_MS + 1, 33), IDENTITY_RENEW);
    assert_int_equal(identity_age(identity, end, 33), IDENTITY_RENEW);
    assert_int_equal(identity_age(identity, end + 1, 33), IDENTITY_EXPIRED);
}

static void readable_key_is_refused_with_what_to_do(void **state)
{
    (void)state;
    char current[SCRATCH_PATH_MAX];
    struct fault fault;
    enrol("a");
    path_of("current.pem", current);
    assert_int_equal(chmod(current, 0644), 0);
    assert_int_equal(open_slot(IDENTITY_CURRENT, &fault), ERR_FORBIDDEN);
    assert_string_equal(fault.where, current);
    assert_non_null(strstr(fault.text, "chmod 600"));
}

static void certificates_are_known_without_the_key(void **state)
{
    (void)state;
    enrol("store-0042");
    struct identity *identity CLEANUP(identity_cleanup) = NULL;
    assert_int_equal(identity_open_public(&identity, folder, IDENTITY_CURRENT, NULL), ERR_OK);
    assert_string_equal(identity_device(identity), "store-0042");
    assert_non_null(identity_ca(identity));
    assert_null(identity_key(identity));
}

static void damage_is_told_by_file(void **state)
{
    (void)state;
    static const char *const names[] = {"current.pem", "ca.pem", "crl.pem"};
    static const char cut[] = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    static const char *const damages[] = {"", "rubbish", cut};
    for (size_t n = 0; n < 3; n++)
        for (size_t d = 0; d < 3; d++) {
            char path[SCRATCH_PATH_MAX];
            struct fault fault;
            enrol("a");
            path_of(names[n], path);
            scratch_write(path, damages[d], strlen(damages[d]));
            assert_int_equal(chmod(path, 0600), 0);
            assert_int_equal(open_slot(IDENTITY_CURRENT, &fault), ERR_CORRUPT);
            assert_string_equal(fault.where, path);
            assert_int_equal(unlink(path), 0);
        }
    enrol("a");
    char ca[SCRATCH_PATH_MAX];
    path_of("ca.pem", ca);
    assert_int_equal(unlink(ca), 0);
    assert_int_equal(open_slot(IDENTITY_CURRENT, NULL), ERR_NOT_FOUND);
}

static void key_and_certificate_must_belong_together(void **state)
{
    (void)state;
    char key_path[SCRATCH_PATH_MAX], chain_path[SCRATCH_PATH_MAX], ca_path[SCRATCH_PATH_MAX];
    struct key *key CLEANUP(key_cleanup) = pki_key(), *other CLEANUP(key_cleanup) = pki_key();
    mbedtls_x509_crt *crt CLEANUP(certificate_cleanup) = pki_issue_server(&pki, "localhost", key);
    struct buf pem CLEANUP(buf_free) = pki_pem(crt);
    struct buf ca CLEANUP(buf_free) = pki_pem(pki.ca);
    scratch_write(scratch_path(&scratch, "chain.pem", chain_path), pem.data, pem.len);
    scratch_write(scratch_path(&scratch, "ca.pem", ca_path), ca.data, ca.len);
    struct identity_files files = {
        .ca = ca_path, .chain = chain_path, .key = scratch_path(&scratch, "key.pem", key_path)};
    struct identity *identity CLEANUP(identity_cleanup) = NULL;
    assert_int_equal(key_save(other, key_path, NULL), ERR_OK);
    assert_int_equal(identity_open_files(&identity, &files, NULL), ERR_CORRUPT);
    assert_int_equal(key_save(key, key_path, NULL), ERR_OK);
    assert_int_equal(identity_open_files(&identity, &files, NULL), ERR_OK);
    assert_string_equal(identity_device(identity), "localhost");
}

static void client_without_certificate_knows_whom_to_trust(void **state)
{
    (void)state;
    char ca_path[SCRATCH_PATH_MAX];
    struct buf ca CLEANUP(buf_free) = pki_pem(pki.ca);
    scratch_write(scratch_path(&scratch, "ca.pem", ca_path), ca.data, ca.len);
    struct identity *identity CLEANUP(identity_cleanup) = NULL;
    assert_int_equal(identity_open_files(&identity, &(struct identity_files){.ca = ca_path}, NULL),
                     ERR_OK);
    assert_null(identity_key(identity));
    assert_null(identity_chain(identity));
    assert_string_equal(identity_device(identity), "");
}

static struct buf list(const struct pki *from, int day)
{
    struct crl_order order = {
        .number = 1,
        .this_update_ms = PKI_NOW_MS + day * PKI_DAY_MS,
        .next_update_ms = PKI_NOW_MS + (day + 7) * PKI_DAY_MS,
    };
    struct buf der CLEANUP(buf_free);
    struct buf pem;
    buf_init(&der, CRL_BYTES_MAX);
    buf_init(&pem, CRL_PEM_MAX);
    assert_int_equal(crl_make(&order, from->ca, from->key, &der, NULL), ERR_OK);
    certificate_print(&pem, "X509 CRL", buf_slice(&der));
    return pem;
}

static void older_revocation_list_never_replaces_a_newer(void **state)
{
    (void)state;
    struct pki other CLEANUP(pki_close) = pki_open("Another root");
    struct buf older CLEANUP(buf_free) = list(&pki, 0);
    struct buf newer CLEANUP(buf_free) = list(&pki, 1);
    struct buf foreign CLEANUP(buf_free) = list(&other, 2);
    enrol("a");
    assert_int_equal(identity_set_crl(folder, buf_slice(&foreign), NULL), ERR_REFUSED);
    assert_int_equal(identity_set_crl(folder, buf_slice(&older), NULL), ERR_OK);
    assert_int_equal(identity_set_crl(folder, buf_slice(&newer), NULL), ERR_OK);
    assert_int_equal(identity_set_crl(folder, buf_slice(&newer), NULL), ERR_OK);
    assert_int_equal(identity_set_crl(folder, buf_slice(&older), NULL), ERR_REFUSED);
    struct identity *identity CLEANUP(identity_cleanup) = NULL;
    assert_int_equal(identity_open(&identity, folder, IDENTITY_CURRENT, NULL), ERR_OK);
    assert_int_equal(crl_next_update_ms(identity_crl(identity)), PKI_NOW_MS + 8 * PKI_DAY_MS);
}

static void only_authorities_can_be_trusted(void **state)
{
    (void)state;
    struct key *key CLEANUP(key_cleanup) = pki_key();
    mbedtls_x509_crt *crt CLEANUP(certificate_cleanup) =
        pki_issue(&pki, CERTIFICATE_DEVICE, "a", key, -1, 1);
    struct buf pem CLEANUP(buf_free) = pki_pem(crt);
    trust(&pki);
    assert_int_equal(identity_set_ca(folder, buf_slice(&pem), NULL), ERR_INVALID);
    assert_int_equal(identity_set_ca(folder, SLICE_LITERAL("rubbish"), NULL), ERR_INVALID);
}

static void one_authority_replaces_another_with_an_overlap(void **state)
{
    (void)state;
    struct pki later CLEANUP(pki_close) = pki_open("Next root");
    enrol("a");
    struct buf both CLEANUP(buf_free) = pki_pem(pki.ca);
    struct buf second CLEANUP(buf_free) = pki_pem(later.ca);
    buf_append(&both, second.data, second.len);
    assert_int_equal(identity_set_ca(folder, buf_slice(&both), NULL), ERR_OK);
    assert_int_equal(identity_prepare(folder, NULL), ERR_OK);
    struct buf pem CLEANUP(buf_free) = answer(&later, "a", -1, 90);
    assert_int_equal(identity_accept(folder, "a", buf_slice(&pem), PKI_NOW_MS, NULL), ERR_OK);
    assert_int_equal(open_slot(IDENTITY_CURRENT, NULL), ERR_OK);
    assert_int_equal(open_slot(IDENTITY_NEXT, NULL), ERR_OK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(first_enrolment_makes_an_identity),
        TEST(nobody_else_can_read_the_key_at_any_step),
        TEST(preparing_again_after_a_crash_keeps_the_key),
        TEST(renewal_leaves_current_alone_until_promoted),
        TEST(abandoned_renewal_leaves_current_as_it_was),
        TEST(wrong_answers_are_refused_and_change_nothing),
        TEST(expired_identity_still_opens_and_says_so),
        TEST(readable_key_is_refused_with_what_to_do),
        TEST(certificates_are_known_without_the_key),
        TEST(damage_is_told_by_file),
        TEST(key_and_certificate_must_belong_together),
        TEST(client_without_certificate_knows_whom_to_trust),
        TEST(older_revocation_list_never_replaces_a_newer),
        TEST(only_authorities_can_be_trusted),
        TEST(one_authority_replaces_another_with_an_overlap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
