#include "hal/base/hex.h"
#include "hal/base/jsonw.h"
#include "provisioning/envelope.h"
#include "tests/support/pki.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct pki pki;
static struct key *signer;
static mbedtls_x509_crt *certificate;
static struct buf signer_pem;
static const struct slice payload = SLICE_LITERAL("{\"version\":7}");

static int setup(void **state)
{
    (void)state;
    pki = pki_open("Test root");
    signer = pki_key();
    certificate = pki_issue(&pki, CERTIFICATE_SIGNER, "config-signer", signer, -5, 5);
    signer_pem = pki_pem(certificate);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    buf_free(&signer_pem);
    certificate_free(certificate);
    key_free(signer);
    pki_close(&pki);
    return 0;
}

static struct buf make(struct slice pem, const struct key *key)
{
    struct buf out;
    buf_init(&out, ENVELOPE_BYTES_MAX);
    assert_int_equal(envelope_make("config", payload, pem, key, &out, NULL), ERR_OK);
    return out;
}

static enum err open_at(const char *kind, const struct buf *envelope, int64_t now_ms,
                        struct buf *out, struct fault *fault)
{
    struct verify_rules rules = {.now_ms = now_ms, .ca = pki.ca};
    return envelope_open(kind, buf_slice(envelope), &rules, out, fault);
}

/* A refusal leaves nothing of the payload behind. */
static void assert_refused(const char *kind, const struct buf *envelope, int64_t now_ms,
                           enum err err, const char *where)
{
    struct buf out CLEANUP(buf_free);
    struct fault fault;
    buf_init(&out, ENVELOPE_PAYLOAD_MAX);
    assert_int_equal(open_at(kind, envelope, now_ms, &out, &fault), err);
    assert_string_equal(fault.where, where);
    assert_int_equal(out.len, 0);
}

static void payload_comes_back_byte_for_byte(void **state)
{
    (void)state;
    struct buf envelope CLEANUP(buf_free) = make(buf_slice(&signer_pem), signer);
    struct buf out CLEANUP(buf_free);
    buf_init(&out, ENVELOPE_PAYLOAD_MAX);
    assert_int_equal(open_at("config", &envelope, PKI_NOW_MS, &out, NULL), ERR_OK);
    assert_true(slice_equal(buf_slice(&out), payload));
}

static void another_kind_is_refused(void **state)
{
    (void)state;
    struct buf envelope CLEANUP(buf_free) = make(buf_slice(&signer_pem), signer);
    assert_refused("bundle", &envelope, PKI_NOW_MS, ERR_INVALID, "kind");
    /* renamed by hand it fails too: the kind is signed as well */
    char *at = strstr(envelope.data, "\"config\"");
    assert_non_null(at);
    memcpy(at, "\"bundle\"", 8);
    assert_refused("bundle", &envelope, PKI_NOW_MS, ERR_REFUSED, "signature");
}

static void signer_must_be_good_at_the_time(void **state)
{
    (void)state;
    struct buf envelope CLEANUP(buf_free) = make(buf_slice(&signer_pem), signer);
    assert_refused("config", &envelope, PKI_NOW_MS + 6 * PKI_DAY_MS, ERR_REFUSED, "signer");
    assert_refused("config", &envelope, PKI_NOW_MS - 6 * PKI_DAY_MS, ERR_REFUSED, "signer");
}

static void signer_of_another_authority_is_refused(void **state)
{
    (void)state;
    struct pki other CLEANUP(pki_close) = pki_open("Test root");
    mbedtls_x509_crt *crt CLEANUP(certificate_cleanup) =
        pki_issue(&other, CERTIFICATE_SIGNER, "config-signer", signer, -5, 5);
    struct buf pem CLEANUP(buf_free) = pki_pem(crt);
    struct buf envelope CLEANUP(buf_free) = make(buf_slice(&pem), signer);
    assert_refused("config", &envelope, PKI_NOW_MS, ERR_REFUSED, "signer");
}

static void device_cannot_sign(void **state)
{
    (void)state;
    mbedtls_x509_crt *crt CLEANUP(certificate_cleanup) =
        pki_issue(&pki, CERTIFICATE_DEVICE, "store-1", signer, -5, 5);
    struct buf pem CLEANUP(buf_free) = pki_pem(crt);
    struct buf out CLEANUP(buf_free);
    buf_init(&out, ENVELOPE_BYTES_MAX);
    assert_int_equal(envelope_make("config", payload, buf_slice(&pem), signer, &out, NULL),
                     ERR_INVALID);
    assert_int_equal(out.len, 0);
    /* one who puts its certificate in by hand is found out by the reader */
    struct buf envelope CLEANUP(buf_free);
    buf_init(&envelope, ENVELOPE_BYTES_MAX);
    struct signature signature;
    assert_int_equal(
        signature_make(signer, SLICE_LITERAL("config\0{\"version\":7}"), &signature, NULL), ERR_OK);
    struct buf text CLEANUP(buf_free);
    buf_init(&text, 1024);
    struct jsonw w = jsonw_to(&envelope);
    jsonw_object(&w, NULL);
    jsonw_text(&w, "format", "tillback-signed-1");
    jsonw_text(&w, "kind", "config");
    base64_encode(&text, (const uint8_t *)payload.data, payload.len, false);
    jsonw_slice(&w, "payload", buf_slice(&text));
    jsonw_slice(&w, "signer", buf_slice(&pem));
    buf_reset(&text);
    base64_encode(&text, signature.bytes, signature.len, false);
    jsonw_slice(&w, "signature", buf_slice(&text));
    jsonw_end(&w);
    assert_refused("config", &envelope, PKI_NOW_MS, ERR_REFUSED, "signer");
}

static void key_that_is_not_the_signers_is_refused(void **state)
{
    (void)state;
    struct key *other CLEANUP(key_cleanup) = pki_key();
    struct buf out CLEANUP(buf_free);
    buf_init(&out, ENVELOPE_BYTES_MAX);
    assert_int_equal(envelope_make("config", payload, buf_slice(&signer_pem), other, &out, NULL),
                     ERR_CONFLICT);
}

static void no_changed_byte_gets_another_payload_through(void **state)
{
    (void)state;
    struct buf envelope CLEANUP(buf_free) = make(buf_slice(&signer_pem), signer);
    for (size_t i = 0; i < envelope.len; i++) {
        struct buf out CLEANUP(buf_free);
        buf_init(&out, ENVELOPE_PAYLOAD_MAX);
        char kept = envelope.data[i];
        envelope.data[i] = (char)(kept ^ 1);
        /* white space around the PEM may change; what was signed may not */
        if (open_at("config", &envelope, PKI_NOW_MS, &out, NULL) == ERR_OK)
            assert_true(slice_equal(buf_slice(&out), payload));
        else
            assert_int_equal(out.len, 0);
        envelope.data[i] = kept;
    }
}

static void too_large_a_payload_is_refused_on_both_sides(void **state)
{
    (void)state;
    char *large = calloc(1, ENVELOPE_BYTES_MAX + 1);
    assert_non_null(large);
    struct buf out CLEANUP(buf_free);
    buf_init(&out, ENVELOPE_BYTES_MAX);
    assert_int_equal(envelope_make("config", (struct slice){large, ENVELOPE_PAYLOAD_MAX + 1},
                                   buf_slice(&signer_pem), signer, &out, NULL),
                     ERR_TOO_LARGE);
    assert_int_equal(
        envelope_peek("config", (struct slice){large, ENVELOPE_BYTES_MAX + 1}, &out, NULL),
        ERR_TOO_LARGE);
    memset(large, 'x', ENVELOPE_PAYLOAD_MAX);
    assert_int_equal(envelope_make("config", (struct slice){large, ENVELOPE_PAYLOAD_MAX},
                                   buf_slice(&signer_pem), signer, &out, NULL),
                     ERR_OK);
    free(large);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(payload_comes_back_byte_for_byte),
        cmocka_unit_test(another_kind_is_refused),
        cmocka_unit_test(signer_must_be_good_at_the_time),
        cmocka_unit_test(signer_of_another_authority_is_refused),
        cmocka_unit_test(device_cannot_sign),
        cmocka_unit_test(key_that_is_not_the_signers_is_refused),
        cmocka_unit_test(no_changed_byte_gets_another_payload_through),
        cmocka_unit_test(too_large_a_payload_is_refused_on_both_sides),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
