#include "provisioning/signature.h"
#include "tests/support/openssl.h"
#include "tests/support/pki.h"
#include "tests/support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct slice bytes_of(const struct signature *signature)
{
    return (struct slice){(const char *)signature->bytes, signature->len};
}

static void signature_fits_its_bytes_and_key_only(void **state)
{
    (void)state;
    struct key *key CLEANUP(key_cleanup) = pki_key(), *other CLEANUP(key_cleanup) = pki_key();
    struct signature made;
    struct slice text = SLICE_LITERAL("exactly these bytes");
    assert_int_equal(signature_make(key, text, &made, NULL), ERR_OK);
    assert_int_equal(signature_check(key_pk(key), text, bytes_of(&made), NULL), ERR_OK);
    assert_int_equal(signature_check(key_pk(other), text, bytes_of(&made), NULL), ERR_REFUSED);
    assert_int_equal(
        signature_check(key_pk(key), SLICE_LITERAL("exactly these bytez"), bytes_of(&made), NULL),
        ERR_REFUSED);
}

static void flipped_bit_or_cut_signature_is_refused(void **state)
{
    (void)state;
    struct key *key CLEANUP(key_cleanup) = pki_key();
    struct signature made;
    struct slice text = SLICE_LITERAL("exactly these bytes");
    assert_int_equal(signature_make(key, text, &made, NULL), ERR_OK);
    for (size_t i = 0; i < made.len; i++) {
        struct signature bad = made;
        bad.bytes[i] ^= (uint8_t)(1 << i % 8);
        assert_int_equal(signature_check(key_pk(key), text, bytes_of(&bad), NULL), ERR_REFUSED);
        bad = made;
        bad.len = i;
        assert_int_equal(signature_check(key_pk(key), text, bytes_of(&bad), NULL), ERR_REFUSED);
    }
}

static void any_length_can_be_signed(void **state)
{
    (void)state;
    static char text[100000];
    static const size_t lengths[] = {0, 1, 63, 64, 65, sizeof text};
    struct key *key CLEANUP(key_cleanup) = pki_key();
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct signature made;
        struct slice data = {text, lengths[i]};
        assert_int_equal(signature_make(key, data, &made, NULL), ERR_OK);
        assert_int_equal(signature_check(key_pk(key), data, bytes_of(&made), NULL), ERR_OK);
    }
}

static void openssl_checks_our_signature_and_makes_one_for_us(void **state)
{
    (void)state;
    if (!openssl_present())
        skip();
    struct scratch scratch CLEANUP(scratch_remove);
    scratch_make(&scratch);
    char key_path[SCRATCH_PATH_MAX], text_path[SCRATCH_PATH_MAX], sig_path[SCRATCH_PATH_MAX];
    char out[256];
    struct key *key CLEANUP(key_cleanup) = pki_key();
    struct signature made;
    struct slice text = SLICE_LITERAL("exactly these bytes");
    assert_int_equal(key_save(key, scratch_path(&scratch, "key.pem", key_path), NULL), ERR_OK);
    assert_int_equal(signature_make(key, text, &made, NULL), ERR_OK);
    scratch_write(scratch_path(&scratch, "text", text_path), text.data, text.len);
    scratch_write(scratch_path(&scratch, "sig", sig_path), made.bytes, made.len);
    assert_true(openssl_run(out, sizeof out, "dgst -sha256 -prverify %s -signature %s %s", key_path,
                            sig_path, text_path));
    assert_true(openssl_run(out, sizeof out, "dgst -sha256 -sign %s %s", key_path, text_path));
    /* DER: its second byte is the length of what follows */
    struct slice theirs = {out, (size_t)(uint8_t)out[1] + 2};
    assert_int_equal(signature_check(key_pk(key), text, theirs, NULL), ERR_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signature_fits_its_bytes_and_key_only),
        cmocka_unit_test(flipped_bit_or_cut_signature_is_refused),
        cmocka_unit_test(any_length_can_be_signed),
        cmocka_unit_test(openssl_checks_our_signature_and_makes_one_for_us),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
