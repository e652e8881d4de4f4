#include "provisioning/csr.h"
#include "tests/support/openssl.h"
#include "tests/support/pki.h"
#include "tests/support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct buf make(const struct key *key, const char *device)
{
    struct buf pem;
    buf_init(&pem, CSR_BYTES_MAX);
    assert_int_equal(csr_make(key, device, &pem, NULL), ERR_OK);
    return pem;
}

static void request_names_the_device_and_its_key(void **state)
{
    (void)state;
    struct key *key CLEANUP(key_cleanup) = pki_key();
    struct buf pem CLEANUP(buf_free) = make(key, "store-0042");
    mbedtls_x509_csr *csr CLEANUP(csr_cleanup) = NULL;
    char device[CERTIFICATE_NAME_MAX + 1];
    assert_int_equal(csr_parse(buf_slice(&pem), &csr, NULL), ERR_OK);
    assert_int_equal(csr_device(csr, device, NULL), ERR_OK);
    assert_string_equal(device, "store-0042");
    assert_int_equal(key_matches(key, &csr->pk, NULL), ERR_OK);
}

static void der_is_read_as_well(void **state)
{
    (void)state;
    struct key *key CLEANUP(key_cleanup) = pki_key();
    struct buf pem CLEANUP(buf_free) = make(key, "a");
    mbedtls_x509_csr *csr CLEANUP(csr_cleanup) = NULL, *again CLEANUP(csr_cleanup) = NULL;
    assert_int_equal(csr_parse(buf_slice(&pem), &csr, NULL), ERR_OK);
    assert_int_equal(
        csr_parse((struct slice){(const char *)csr->raw.p, csr->raw.len}, &again, NULL), ERR_OK);
}

static void request_changed_in_any_bit_is_refused(void **state)
{
    (void)state;
    struct key *key CLEANUP(key_cleanup) = pki_key();
    struct buf pem CLEANUP(buf_free) = make(key, "store-0042");
    mbedtls_x509_csr *csr CLEANUP(csr_cleanup) = NULL;
    assert_int_equal(csr_parse(buf_slice(&pem), &csr, NULL), ERR_OK);
    struct buf der CLEANUP(buf_free);
    buf_init(&der, CSR_BYTES_MAX);
    for (size_t i = 0; i < csr->raw.len; i++) {
        buf_reset(&der);
        buf_append(&der, csr->raw.p, csr->raw.len);
        der.data[i] = (char)(der.data[i] ^ 1 << i % 8);
        mbedtls_x509_csr *bad = NULL;
        assert_int_equal(csr_parse(buf_slice(&der), &bad, NULL), ERR_INVALID);
        assert_null(bad);
    }
}

static void rubbish_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "rubbish", "-----BEGIN CERTIFICATE REQUEST-----\n", "0"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        mbedtls_x509_csr *csr = NULL;
        assert_int_equal(csr_parse(slice_of(bad[i]), &csr, NULL), ERR_INVALID);
    }
    static char large[CSR_BYTES_MAX + 1];
    mbedtls_x509_csr *csr = NULL;
    assert_int_equal(csr_parse((struct slice){large, sizeof large}, &csr, NULL), ERR_TOO_LARGE);
}

static void no_request_is_made_for_an_id_that_is_none(void **state)
{
    (void)state;
    struct key *key CLEANUP(key_cleanup) = pki_key();
    struct buf pem CLEANUP(buf_free);
    buf_init(&pem, CSR_BYTES_MAX);
    assert_int_equal(csr_make(key, "up/#", &pem, NULL), ERR_INVALID);
    assert_int_equal(pem.len, 0);
}

static enum err parse_file(const char *path)
{
    mbedtls_x509_csr *csr CLEANUP(csr_cleanup) = NULL;
    char out[CSR_BYTES_MAX];
    assert_true(openssl_run(out, sizeof out, "req -in %s", path));
    return csr_parse(slice_of(out), &csr, NULL);
}

static void requests_go_to_and_come_from_openssl(void **state)
{
    (void)state;
    if (!openssl_present())
        skip();
    struct scratch scratch CLEANUP(scratch_remove);
    scratch_make(&scratch);
    char ours[SCRATCH_PATH_MAX], theirs[SCRATCH_PATH_MAX], key_path[SCRATCH_PATH_MAX], out[4096];
    struct key *key CLEANUP(key_cleanup) = pki_key();
    struct buf pem CLEANUP(buf_free) = make(key, "store-0042");
    scratch_path(&scratch, "theirs.pem", theirs);
    scratch_path(&scratch, "key.pem", key_path);
    scratch_write(scratch_path(&scratch, "ours.pem", ours), pem.data, pem.len);
    assert_true(openssl_run(out, sizeof out, "req -in %s -verify -noout -subject", ours));
    assert_non_null(strstr(out, "store-0042"));

    assert_true(openssl_run(out, sizeof out,
                            "req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "
                            "-keyout %s -out %s -subj /CN=store-7",
                            key_path, theirs));
    assert_int_equal(parse_file(theirs), ERR_OK);
    assert_true(openssl_run(out, sizeof out,
                            "req -new -newkey rsa:2048 -nodes -keyout %s -out %s -subj /CN=store-7",
                            key_path, theirs));
    assert_int_equal(parse_file(theirs), ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request_names_the_device_and_its_key),
        cmocka_unit_test(der_is_read_as_well),
        cmocka_unit_test(request_changed_in_any_bit_is_refused),
        cmocka_unit_test(rubbish_is_refused),
        cmocka_unit_test(no_request_is_made_for_an_id_that_is_none),
        cmocka_unit_test(requests_go_to_and_come_from_openssl),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
