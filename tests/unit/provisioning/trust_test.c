#include "hal/storage.h"
#include "provisioning/identity.h"
#include "provisioning/trust.h"
#include "tests/support/pki.h"
#include "tests/support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct pki first;
static struct pki second;
static struct scratch scratch;
static char folder[SCRATCH_PATH_MAX];

static int setup(void **state)
{
    (void)state;
    first = pki_open("First root");
    second = pki_open("Second root");
    scratch_make(&scratch);
    scratch_path(&scratch, "identity", folder);
    struct buf pem CLEANUP(buf_free) = pki_pem(first.ca);
    return identity_set_ca(folder, buf_slice(&pem), NULL);
}

static int teardown(void **state)
{
    (void)state;
    scratch_remove(&scratch);
    pki_close(&first);
    pki_close(&second);
    return 0;
}

/* A document over both authorities, or the second alone. */
static struct buf document(const struct pki *signed_by, bool both, int64_t issued_ms)
{
    struct buf ca CLEANUP(buf_free) = pki_pem(second.ca);
    struct buf old CLEANUP(buf_free) = pki_pem(first.ca);
    struct key *key CLEANUP(key_cleanup) = pki_key();
    mbedtls_x509_crt *crt CLEANUP(certificate_cleanup) =
        pki_issue(signed_by, CERTIFICATE_SIGNER, "hub-signer", key, -5, 5);
    struct buf chain CLEANUP(buf_free) = pki_pem(crt);
    struct buf out;
    buf_init(&out, ENVELOPE_BYTES_MAX);
    if (both)
        buf_append(&ca, old.data, old.len);
    assert_int_equal(trust_make(buf_slice(&ca), issued_ms, buf_slice(&chain), key, &out, NULL),
                     ERR_OK);
    return out;
}

static enum err take(const struct buf *envelope, bool *changed)
{
    return trust_accept(folder, buf_slice(envelope), PKI_NOW_MS, changed, NULL);
}

static size_t trusted(void)
{
    char path[SCRATCH_PATH_MAX];
    struct buf pem CLEANUP(buf_free);
    mbedtls_x509_crt *ca CLEANUP(certificate_cleanup) = NULL;
    buf_init(&pem, CERTIFICATE_PEM_MAX);
    assert_int_equal(storage_path(path, sizeof path, folder, "ca.pem"), ERR_OK);
    assert_int_equal(storage_read(path, &pem, NULL), ERR_OK);
    assert_int_equal(certificate_parse(buf_slice(&pem), path, &ca, NULL), ERR_OK);
    size_t count = 0;
    for (const mbedtls_x509_crt *crt = ca; crt; crt = crt->next)
        count++;
    return count;
}

static void next_authority_is_taken_from_the_one_that_is_trusted(void **state)
{
    (void)state;
    bool changed = false;
    struct buf both CLEANUP(buf_free) = document(&first, true, PKI_NOW_MS);
    struct buf alone CLEANUP(buf_free) = document(&second, false, PKI_NOW_MS + 1);
    assert_int_equal(take(&alone, &changed), ERR_REFUSED); /* nobody here knows its signer yet */
    assert_int_equal(take(&both, &changed), ERR_OK);
    assert_true(changed);
    assert_int_equal(trusted(), 2);
    assert_int_equal(take(&both, &changed), ERR_OK);
    assert_false(changed);
    assert_int_equal(take(&alone, &changed), ERR_OK);
    assert_true(changed);
    assert_int_equal(trusted(), 1);
}

static void older_document_brings_no_former_authority_back(void **state)
{
    (void)state;
    bool changed = false;
    struct buf newer CLEANUP(buf_free) = document(&first, true, PKI_NOW_MS);
    struct buf older CLEANUP(buf_free) = document(&first, false, PKI_NOW_MS - 1);
    assert_int_equal(take(&newer, &changed), ERR_OK);
    assert_int_equal(take(&older, &changed), ERR_REFUSED);
    assert_int_equal(trusted(), 2);
}

static void changed_document_is_refused(void **state)
{
    (void)state;
    bool changed = false;
    struct buf both CLEANUP(buf_free) = document(&first, true, PKI_NOW_MS);
    char *payload = strstr(both.data, "\"payload\":\"");
    payload[40] = payload[40] == 'A' ? 'B' : 'A';
    assert_int_equal(take(&both, &changed), ERR_REFUSED);
    assert_int_equal(trusted(), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(next_authority_is_taken_from_the_one_that_is_trusted, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(older_document_brings_no_former_authority_back, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(changed_document_is_refused, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
