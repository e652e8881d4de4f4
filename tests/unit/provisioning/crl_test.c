#include "hal/base/hex.h"
#include "hal/base/random.h"
#include "provisioning/crl.h"
#include "provisioning/verify.h"
#include "tests/support/openssl.h"
#include "tests/support/pki.h"
#include "tests/support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct pki pki;
static struct key *subject;

static int setup(void **state)
{
    (void)state;
    pki = pki_open("Test root");
    subject = pki_key();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    key_free(subject);
    pki_close(&pki);
    return 0;
}

static struct buf make_pem(const struct pki *issuer, const struct crl_entry *entries, size_t count)
{
    struct crl_order order = {
        .entries = entries,
        .count = count,
        .number = 300,
        .this_update_ms = PKI_NOW_MS - PKI_DAY_MS,
        .next_update_ms = PKI_NOW_MS + PKI_DAY_MS,
    };
    struct buf der CLEANUP(buf_free);
    struct buf pem;
    buf_init(&der, CRL_BYTES_MAX);
    buf_init(&pem, CRL_PEM_MAX);
    assert_int_equal(crl_make(&order, issuer->ca, issuer->key, &der, NULL), ERR_OK);
    certificate_print(&pem, "X509 CRL", buf_slice(&der));
    return pem;
}

static mbedtls_x509_crl *make(const struct pki *issuer, const struct crl_entry *entries,
                              size_t count)
{
    struct buf pem CLEANUP(buf_free) = make_pem(issuer, entries, count);
    mbedtls_x509_crl *crl = NULL;
    struct fault fault;
    if (crl_parse(buf_slice(&pem), "crl", &crl, &fault) != ERR_OK)
        fail_msg("%s", fault.text);
    return crl;
}

static struct crl_entry entry_of(const mbedtls_x509_crt *crt, enum crl_reason reason)
{
    struct crl_entry entry = {.revoked_ms = PKI_NOW_MS - 2 * PKI_DAY_MS, .reason = reason};
    assert_int_equal(crt->serial.len, SERIAL_BYTES);
    memcpy(entry.serial, crt->serial.p, SERIAL_BYTES);
    return entry;
}

static enum err verify(mbedtls_x509_crt *crt, mbedtls_x509_crl *crl, int64_t now_ms,
                       struct fault *fault)
{
    struct verify_rules rules = {.now_ms = now_ms, .ca = pki.ca, .crl = crl};
    return verify_chain(&rules, crt, CERTIFICATE_DEVICE, fault);
}

static void revoked_certificate_is_found_and_others_are_not(void **state)
{
    (void)state;
    mbedtls_x509_crt *revoked CLEANUP(certificate_cleanup) =
        pki_issue(&pki, CERTIFICATE_DEVICE, "a", subject, -5, 5);
    mbedtls_x509_crt *good CLEANUP(certificate_cleanup) =
        pki_issue(&pki, CERTIFICATE_DEVICE, "a", subject, -5, 5);
    struct crl_entry entry = entry_of(revoked, CRL_KEY_COMPROMISE);
    mbedtls_x509_crl *crl CLEANUP(crl_cleanup) = make(&pki, &entry, 1);
    assert_true(crl_holds(crl, revoked));
    assert_false(crl_holds(crl, good));
    assert_int_equal(crl_check(crl, pki.ca, NULL), ERR_OK);
    struct fault fault;
    assert_int_equal(verify(revoked, crl, PKI_NOW_MS, &fault), ERR_REFUSED);
    assert_string_equal(fault.text, "the certificate was revoked");
    assert_int_equal(verify(good, crl, PKI_NOW_MS, NULL), ERR_OK);
}

static void empty_list_is_valid(void **state)
{
    (void)state;
    mbedtls_x509_crl *crl CLEANUP(crl_cleanup) = make(&pki, NULL, 0);
    mbedtls_x509_crt *crt CLEANUP(certificate_cleanup) =
        pki_issue(&pki, CERTIFICATE_DEVICE, "a", subject, -5, 5);
    assert_int_equal(crl_check(crl, pki.ca, NULL), ERR_OK);
    assert_int_equal(crl_next_update_ms(crl), PKI_NOW_MS + PKI_DAY_MS);
    assert_int_equal(verify(crt, crl, PKI_NOW_MS, NULL), ERR_OK);
}

static void list_past_its_next_update_refuses_everyone(void **state)
{
    (void)state;
    mbedtls_x509_crl *crl CLEANUP(crl_cleanup) = make(&pki, NULL, 0);
    mbedtls_x509_crt *crt CLEANUP(certificate_cleanup) =
        pki_issue(&pki, CERTIFICATE_DEVICE, "a", subject, -5, 5);
    struct fault fault;
    assert_int_equal(verify(crt, crl, PKI_NOW_MS + PKI_DAY_MS + 1000, &fault), ERR_REFUSED);
    assert_string_equal(fault.text, "the revocation list is past its next update");
    assert_int_equal(verify(crt, crl, PKI_NOW_MS - PKI_DAY_MS - 1, &fault), ERR_REFUSED);
    assert_string_equal(fault.text, "the revocation list is not valid yet");
}

static void list_of_another_authority_of_the_same_name_is_refused(void **state)
{
    (void)state;
    struct pki other CLEANUP(pki_close) = pki_open("Test root");
    mbedtls_x509_crl *crl CLEANUP(crl_cleanup) = make(&other, NULL, 0);
    mbedtls_x509_crt *crt CLEANUP(certificate_cleanup) =
        pki_issue(&pki, CERTIFICATE_DEVICE, "a", subject, -5, 5);
    struct fault fault;
    assert_int_equal(crl_check(crl, pki.ca, NULL), ERR_REFUSED);
    assert_int_equal(verify(crt, crl, PKI_NOW_MS, &fault), ERR_REFUSED);
    assert_non_null(strstr(fault.text, "the revocation list is not from a trusted authority"));
}

static void list_must_be_followed_by_another_later(void **state)
{
    (void)state;
    struct crl_order order = {.this_update_ms = PKI_NOW_MS, .next_update_ms = PKI_NOW_MS};
    struct buf der CLEANUP(buf_free);
    buf_init(&der, CRL_BYTES_MAX);
    assert_int_equal(crl_make(&order, pki.ca, pki.key, &der, NULL), ERR_INVALID);
}

static void ten_thousand_entries_fit_and_each_is_found(void **state)
{
    (void)state;
    enum { COUNT = 10000 };
    struct crl_entry *entries = calloc(COUNT, sizeof *entries);
    assert_non_null(entries);
    for (size_t i = 0; i < COUNT; i++) {
        random_fill(NULL, entries[i].serial, SERIAL_BYTES);
        entries[i].serial[0] |= 0x40;
        entries[i].serial[0] &= 0x7f;
        entries[i].revoked_ms = PKI_NOW_MS;
        entries[i].reason = i % 2 ? CRL_SUPERSEDED : CRL_UNSPECIFIED;
    }
    mbedtls_x509_crl *crl CLEANUP(crl_cleanup) = make(&pki, entries, COUNT);
    size_t i = 0;
    for (const mbedtls_x509_crl_entry *entry = &crl->entry; entry && i < COUNT;
         entry = entry->next, i++)
        assert_memory_equal(entry->serial.p, entries[i].serial, SERIAL_BYTES);
    free(entries);
    assert_int_equal(i, COUNT);
}

static void rubbish_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "rubbish",
                                      "-----BEGIN X509 CRL-----\nMIIB\n-----END X509 CRL-----\n"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        mbedtls_x509_crl *crl = NULL;
        struct fault fault;
        assert_int_equal(crl_parse(slice_of(bad[i]), "crl.pem", &crl, &fault), ERR_INVALID);
        assert_string_equal(fault.where, "crl.pem");
        assert_null(crl);
    }
}

static void openssl_reads_and_honours_our_list(void **state)
{
    (void)state;
    if (!openssl_present())
        skip();
    struct scratch scratch CLEANUP(scratch_remove);
    scratch_make(&scratch);
    char ca[SCRATCH_PATH_MAX], list[SCRATCH_PATH_MAX], leaf[SCRATCH_PATH_MAX], out[8192];
    mbedtls_x509_crt *crt CLEANUP(certificate_cleanup) =
        pki_issue(&pki, CERTIFICATE_DEVICE, "a", subject, -5, 5);
    struct crl_entry entry = entry_of(crt, CRL_KEY_COMPROMISE);
    struct buf ca_pem CLEANUP(buf_free) = pki_pem(pki.ca);
    struct buf leaf_pem CLEANUP(buf_free) = pki_pem(crt);
    struct buf crl_pem CLEANUP(buf_free) = make_pem(&pki, &entry, 1);
    scratch_write(scratch_path(&scratch, "ca.pem", ca), ca_pem.data, ca_pem.len);
    scratch_write(scratch_path(&scratch, "leaf.pem", leaf), leaf_pem.data, leaf_pem.len);
    scratch_write(scratch_path(&scratch, "crl.pem", list), crl_pem.data, crl_pem.len);

    assert_true(openssl_run(out, sizeof out, "crl -in %s -CAfile %s -noout -text", list, ca));
    assert_non_null(strstr(out, "verify OK"));
    assert_non_null(strstr(out, "Version 2"));
    assert_non_null(strstr(out, "Key Compromise"));
    assert_non_null(strstr(out, "X509v3 CRL Number"));
    assert_non_null(strstr(out, "X509v3 Authority Key Identifier"));
    assert_false(openssl_run(out, sizeof out,
                             "verify -x509_strict -crl_check -CAfile %s -CRLfile %s -attime %lld "
                             "%s",
                             ca, list, (long long)(PKI_NOW_MS / 1000), leaf));
    assert_non_null(strstr(out, "certificate revoked"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(revoked_certificate_is_found_and_others_are_not),
        cmocka_unit_test(empty_list_is_valid),
        cmocka_unit_test(list_past_its_next_update_refuses_everyone),
        cmocka_unit_test(list_of_another_authority_of_the_same_name_is_refused),
        cmocka_unit_test(list_must_be_followed_by_another_later),
        cmocka_unit_test(ten_thousand_entries_fit_and_each_is_found),
        cmocka_unit_test(rubbish_is_refused),
        cmocka_unit_test(openssl_reads_and_honours_our_list),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
