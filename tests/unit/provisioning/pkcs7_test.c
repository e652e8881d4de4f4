#include "provisioning/pkcs7.h"
#include "tests/support/openssl.h"
#include "tests/support/pki.h"
#include "tests/support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void bag_holds_the_whole_chain_as_openssl_reads_it(void **state)
{
    (void)state;
    struct scratch scratch;
    char path[SCRATCH_PATH_MAX];
    char said[8192];
    struct pki pki = pki_open("Test root");
    struct key *key CLEANUP(key_cleanup) = pki_key();
    mbedtls_x509_crt *leaf CLEANUP(certificate_cleanup) =
        pki_issue(&pki, CERTIFICATE_DEVICE, "store-0042-a", key, -1, 1);
    struct buf pem CLEANUP(buf_free) = pki_pem(leaf);
    struct buf root CLEANUP(buf_free) = pki_pem(pki.ca);
    mbedtls_x509_crt *chain CLEANUP(certificate_cleanup) = NULL;
    struct buf der CLEANUP(buf_free);
    buf_init(&der, CERTIFICATE_PEM_MAX);
    buf_append(&pem, root.data, root.len);
    assert_int_equal(certificate_parse(buf_slice(&pem), "chain", &chain, NULL), ERR_OK);
    assert_int_equal(pkcs7_certificates(chain, &der, NULL), ERR_OK);
    scratch_make(&scratch);
    scratch_write(scratch_path(&scratch, "bag.der", path), der.data, der.len);
    assert_true(openssl_run(said, sizeof said, "pkcs7 -inform DER -in %s -print_certs", path));
    const char *own = strstr(said, "subject=");
    const char *next = own ? strstr(own + 1, "subject=") : NULL;
    assert_non_null(next);
    assert_non_null(strstr(own, "store-0042-a"));
    assert_non_null(strstr(next, "Test root"));
    scratch_remove(&scratch);
    pki_close(&pki);
}

static void bag_that_does_not_fit_is_told(void **state)
{
    (void)state;
    struct pki pki = pki_open("Test root");
    struct buf der CLEANUP(buf_free);
    buf_init(&der, 64);
    assert_int_equal(pkcs7_certificates(pki.ca, &der, NULL), ERR_TOO_LARGE);
    pki_close(&pki);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bag_holds_the_whole_chain_as_openssl_reads_it),
        cmocka_unit_test(bag_that_does_not_fit_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
