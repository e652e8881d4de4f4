#include "hal/storage.h"
#include "provisioning/csr.h"
#include "provisioning/identity.h"
#include "provisioning/signature.h"
#include "tests/support/pki.h"
#include "tests/support/soft_token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static struct soft_token token;
static struct pki pki;
static char folder[SCRATCH_PATH_MAX];

static int setup(void **state)
{
    (void)state;
    soft_token_make(&token);
    pki = pki_open("Test root");
    scratch_path(&token.scratch, "identity", folder);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    pki_close(&pki);
    soft_token_remove(&token);
    return 0;
}

static struct key *made(void)
{
    struct key *key = NULL;
    struct fault fault = {0};
    if (key_make_in(token.uri, &key, &fault) != ERR_OK)
        fail_msg("%s: %s", fault.where, fault.text);
    return key;
}

static void key_signs_and_its_certificate_agrees(void **state)
{
    (void)state;
    struct key *key CLEANUP(key_cleanup) = made();
    mbedtls_x509_crt *crt CLEANUP(certificate_cleanup) =
        pki_issue(&pki, CERTIFICATE_DEVICE, "store-1", key, -1, 1);
    const struct slice text = SLICE_LITERAL("what is signed");
    assert_int_equal(key_matches(key, &crt->pk, NULL), ERR_OK);
    for (int i = 0; i < 50; i++) { /* r and s come with and without a leading zero */
        struct signature made_here;
        assert_int_equal(signature_make(key, text, &made_here, NULL), ERR_OK);
        const struct slice signature = {(const char *)made_here.bytes, made_here.len};
        assert_int_equal(signature_check(&crt->pk, text, signature, NULL), ERR_OK);
        assert_int_equal(signature_check(&crt->pk, SLICE_LITERAL("else"), signature, NULL),
                         ERR_REFUSED);
    }
}

static void file_names_the_key_and_holds_no_secret(void **state)
{
    (void)state;
    char path[SCRATCH_PATH_MAX];
    struct key *key CLEANUP(key_cleanup) = made();
    struct key *again CLEANUP(key_cleanup) = NULL;
    struct buf text CLEANUP(buf_free);
    buf_init(&text, 4096);
    scratch_path(&token.scratch, "key.pem", path);
    assert_int_equal(key_save(key, path, NULL), ERR_OK);
    assert_int_equal(storage_read(path, &text, NULL), ERR_OK);
    assert_true(pkcs11_is_uri(buf_slice(&text)));
    assert_null(strstr(text.data, "PRIVATE KEY"));
    assert_int_equal(key_load(path, &again, NULL), ERR_OK);
    assert_int_equal(key_matches(again, key_pk(key), NULL), ERR_OK);
    assert_int_equal(key_destroy(path, NULL), ERR_OK);
    assert_int_equal(key_destroy(path, NULL), ERR_OK);
}

static void same_key_gives_the_same_secret_for_a_purpose(void **state)
{
    (void)state;
    struct key *key CLEANUP(key_cleanup) = made();
    struct key *other CLEANUP(key_cleanup) = made();
    uint8_t secrets[4][CRYPTO_KEY_BYTES];
    assert_int_equal(key_derive(key_pk(key), "one", secrets[0], NULL), ERR_OK);
    assert_int_equal(key_derive(key_pk(key), "one", secrets[1], NULL), ERR_OK);
    assert_int_equal(key_derive(key_pk(key), "two", secrets[2], NULL), ERR_OK);
    assert_int_equal(key_derive(key_pk(other), "one", secrets[3], NULL), ERR_OK);
    assert_memory_equal(secrets[0], secrets[1], CRYPTO_KEY_BYTES);
    assert_memory_not_equal(secrets[0], secrets[2], CRYPTO_KEY_BYTES);
    assert_memory_not_equal(secrets[0], secrets[3], CRYPTO_KEY_BYTES);
}

static enum err tried(const char *uri, struct fault *fault)
{
    struct key *key CLEANUP(key_cleanup) = NULL;
    return key_make_in(uri, &key, fault);
}

static void what_is_wrong_with_a_token_is_said(void **state)
{
    (void)state;
    char pin[SCRATCH_PATH_MAX];
    char uri[PKCS11_URI_MAX];
    struct fault fault;
    scratch_path(&token.scratch, "wrong-pin", pin);
    scratch_write(pin, "9999\n", 5);
    (void)snprintf(uri, sizeof uri,
                   "pkcs11:token=a%%20store?module-path=/usr/lib/softhsm/libsofthsm2.so"
                   "&pin-source=%s",
                   pin);
    assert_int_equal(tried(uri, &fault), ERR_FORBIDDEN);
    assert_non_null(strstr(fault.text, "PIN is wrong"));
    assert_int_equal(tried("pkcs11:token=none?module-path=/usr/lib/softhsm/libsofthsm2.so", &fault),
                     ERR_NOT_FOUND);
    assert_int_equal(tried("pkcs11:token=t?module-path=/nowhere.so", &fault), ERR_UNREACHABLE);
    assert_string_equal(fault.where, "module-path");
    assert_int_equal(tried("pkcs11:token=t?module-path=/etc/passwd", &fault), ERR_UNREACHABLE);
}

/* --- As an identity -------------------------------------------------------------------------- */

static void answer(const char *device)
{
    struct buf request CLEANUP(buf_free);
    struct buf pem CLEANUP(buf_free);
    mbedtls_x509_csr *csr CLEANUP(csr_cleanup) = NULL;
    struct buf der CLEANUP(buf_free);
    buf_init(&request, CSR_BYTES_MAX);
    buf_init(&der, CERTIFICATE_PEM_MAX);
    buf_init(&pem, CERTIFICATE_PEM_MAX);
    assert_int_equal(identity_request(folder, device, &request, NULL), ERR_OK);
    assert_int_equal(csr_parse(buf_slice(&request), &csr, NULL), ERR_OK);
    const struct certificate_order order = {
        .purpose = CERTIFICATE_DEVICE,
        .common_name = device,
        .not_before_ms = PKI_NOW_MS - PKI_DAY_MS,
        .not_after_ms = PKI_NOW_MS + PKI_DAY_MS,
        .serial = {1},
    };
    assert_int_equal(certificate_make(&order, &csr->pk, pki.ca, pki.key, &der, NULL), ERR_OK);
    certificate_print(&pem, "CERTIFICATE", buf_slice(&der));
    assert_int_equal(identity_accept(folder, device, buf_slice(&pem), PKI_NOW_MS, NULL), ERR_OK);
}

static void identity_lives_in_the_token_and_leaves_no_key_behind(void **state)
{
    (void)state;
    struct identity *identity CLEANUP(identity_cleanup) = NULL;
    struct buf ca CLEANUP(buf_free) = pki_pem(pki.ca);
    const size_t before = soft_token_count(&token);
    assert_int_equal(identity_use_token(folder, token.uri, NULL), ERR_OK);
    assert_int_equal(soft_token_count(&token), before); /* it was only tried */
    assert_int_equal(identity_set_ca(folder, buf_slice(&ca), NULL), ERR_OK);
    for (int i = 0; i < 2; i++) { /* the first certificate, and the next one with a new key */
        assert_int_equal(identity_prepare(folder, NULL), ERR_OK);
        assert_int_equal(identity_prepare(folder, NULL), ERR_OK);
        answer("store-1");
        assert_int_equal(identity_promote(folder, NULL), ERR_OK);
        assert_int_equal(soft_token_count(&token), before + 1);
    }
    assert_int_equal(identity_prepare_same(folder, NULL), ERR_OK);
    assert_int_equal(identity_abandon(folder, NULL), ERR_OK);
    assert_int_equal(soft_token_count(&token), before + 1); /* in use still */
    assert_int_equal(identity_prepare(folder, NULL), ERR_OK);
    assert_int_equal(soft_token_count(&token), before + 2);
    assert_int_equal(identity_abandon(folder, NULL), ERR_OK);
    assert_int_equal(soft_token_count(&token), before + 1);
    assert_int_equal(identity_open(&identity, folder, IDENTITY_CURRENT, NULL), ERR_OK);
    assert_string_equal(identity_device(identity), "store-1");
}

static void identity_whose_token_is_gone_is_not_called_damaged(void **state)
{
    (void)state;
    char path[SCRATCH_PATH_MAX];
    struct identity *identity CLEANUP(identity_cleanup) = NULL;
    assert_int_equal(storage_path(path, sizeof path, folder, "current.pem"), ERR_OK);
    assert_int_equal(key_destroy(path, NULL), ERR_OK);
    assert_int_equal(identity_open(&identity, folder, IDENTITY_CURRENT, NULL), ERR_UNREACHABLE);
}

/* The module sees only what was there when it was started. */
static void token_that_was_out_signs_again_once_it_is_back(void **state)
{
    (void)state;
    char tokens[SCRATCH_PATH_MAX], away[SCRATCH_PATH_MAX], path[SCRATCH_PATH_MAX];
    const struct slice text = SLICE_LITERAL("what is signed");
    struct signature signature;
    struct key *held CLEANUP(key_cleanup) = made();
    struct key *again CLEANUP(key_cleanup) = NULL;
    scratch_path(&token.scratch, "key.pem", path);
    scratch_path(&token.scratch, "tokens", tokens);
    scratch_path(&token.scratch, "away", away);
    assert_int_equal(key_save(held, path, NULL), ERR_OK);
    assert_int_equal(rename(tokens, away), 0);
    assert_int_equal(mkdir(tokens, 0700), 0);
    assert_int_not_equal(signature_make(held, text, &signature, NULL), ERR_OK);
    assert_int_equal(key_load(path, &again, NULL), ERR_UNREACHABLE);
    assert_int_equal(rmdir(tokens), 0);
    assert_int_equal(rename(away, tokens), 0);
    assert_int_equal(key_load(path, &again, NULL), ERR_OK);
    assert_int_equal(signature_make(again, text, &signature, NULL), ERR_OK);
    assert_int_equal(signature_make(held, text, &signature, NULL), ERR_OK);
}

/* It would lock itself. */
static void wrong_pin_is_shown_to_the_token_once(void **state)
{
    (void)state;
    char path[SCRATCH_PATH_MAX], pin[SCRATCH_PATH_MAX];
    struct key *key CLEANUP(key_cleanup) = made();
    struct fault fault = {0};
    scratch_path(&token.scratch, "key.pem", path);
    scratch_path(&token.scratch, "pin", pin);
    assert_int_equal(key_save(key, path, NULL), ERR_OK);
    key_free(key); /* somebody who is logged in lets others in */
    key = NULL;
    scratch_write(pin, "4321", 4);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(key_load(path, &key, &fault), ERR_FORBIDDEN);
        assert_non_null(strstr(fault.text, "the PIN is wrong"));
    }
    scratch_write(pin, "1234", 4);
    assert_int_equal(key_load(path, &key, NULL), ERR_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(key_signs_and_its_certificate_agrees),
        cmocka_unit_test(file_names_the_key_and_holds_no_secret),
        cmocka_unit_test(same_key_gives_the_same_secret_for_a_purpose),
        cmocka_unit_test(what_is_wrong_with_a_token_is_said),
        cmocka_unit_test(identity_lives_in_the_token_and_leaves_no_key_behind),
        cmocka_unit_test(identity_whose_token_is_gone_is_not_called_damaged),
        cmocka_unit_test(token_that_was_out_signs_again_once_it_is_back),
        cmocka_unit_test(wrong_pin_is_shown_to_the_token_once),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
