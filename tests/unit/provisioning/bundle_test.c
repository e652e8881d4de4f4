#include "provisioning/bundle.h"
#include "tests/support/pki.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct pki pki;
static struct key *signer;
static struct buf signer_pem, ca_pem;
static const char *servers[] = {"ntp.example", "10.0.0.1"};

static int setup(void **state)
{
    (void)state;
    pki = pki_open("Test root");
    signer = pki_key();
    mbedtls_x509_crt *crt CLEANUP(certificate_cleanup) =
        pki_issue(&pki, CERTIFICATE_SIGNER, "hub-signer", signer, -5, 5);
    signer_pem = pki_pem(crt);
    ca_pem = pki_pem(pki.ca);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    buf_free(&signer_pem);
    buf_free(&ca_pem);
    key_free(signer);
    pki_close(&pki);
    return 0;
}

static struct bundle good(void)
{
    return (struct bundle){
        .device = "store-0042",
        .store = "0042",
        .name = "Main street",
        .hub_url = "https://hub.example:8443/v1",
        .broker_url = "mqtts://broker.example:8883",
        .enrol_url = "mqtts://[::1]:8884",
        .ca = ca_pem.data,
        .time_servers = servers,
        .time_server_count = 2,
        .config = "{\"format\":\"tillback-signed-1\"}",
        .code = "000G-40R4-0M30-E209-185G-R38E-C2",
        .issued_ms = PKI_NOW_MS,
        .expires_ms = PKI_NOW_MS + 2 * PKI_DAY_MS,
    };
}

static struct buf make(const struct bundle *bundle)
{
    struct buf out;
    struct fault fault;
    buf_init(&out, ENVELOPE_BYTES_MAX);
    if (bundle_make(bundle, buf_slice(&signer_pem), signer, &out, &fault) != ERR_OK)
        fail_msg("%s: %s", fault.where, fault.text);
    return out;
}

static void bundle_comes_back_as_it_was_made(void **state)
{
    (void)state;
    struct bundle made = good(), read;
    struct arena arena CLEANUP(arena_free);
    arena_init(&arena, ENVELOPE_PAYLOAD_MAX);
    {
        struct buf file CLEANUP(buf_free) = make(&made);
        assert_int_equal(bundle_open(buf_slice(&file), NULL, PKI_NOW_MS + 1, &arena, &read, NULL),
                         ERR_OK);
    }
    assert_string_equal(read.device, made.device);
    assert_string_equal(read.store, made.store);
    assert_string_equal(read.name, made.name);
    assert_string_equal(read.hub_url, made.hub_url);
    assert_string_equal(read.broker_url, made.broker_url);
    assert_string_equal(read.enrol_url, made.enrol_url);
    assert_string_equal(read.ca, made.ca);
    assert_int_equal(read.time_server_count, 2);
    assert_string_equal(read.time_servers[1], "10.0.0.1");
    assert_string_equal(read.config, made.config);
    assert_string_equal(read.code, made.code);
    assert_int_equal(read.issued_ms, made.issued_ms);
    assert_int_equal(read.expires_ms, made.expires_ms);
}

static void bundle_fetched_by_code_tells_no_token(void **state)
{
    (void)state;
    struct bundle made = good(), read;
    made.code = made.name = made.hub_url = made.enrol_url = made.config = NULL;
    made.time_server_count = 0;
    struct arena arena CLEANUP(arena_free);
    arena_init(&arena, ENVELOPE_PAYLOAD_MAX);
    struct buf file CLEANUP(buf_free) = make(&made);
    assert_int_equal(bundle_open(buf_slice(&file), NULL, PKI_NOW_MS, &arena, &read, NULL), ERR_OK);
    assert_null(read.code);
    assert_null(read.config);
    assert_int_equal(read.time_server_count, 0);
}

static void assert_refused(const struct buf *file, mbedtls_x509_crt *trusted, int64_t now_ms,
                           const char *where)
{
    struct arena arena CLEANUP(arena_free);
    struct bundle untouched = {.device = "untouched"}, read = untouched;
    struct fault fault;
    arena_init(&arena, ENVELOPE_PAYLOAD_MAX);
    assert_int_equal(bundle_open(buf_slice(file), trusted, now_ms, &arena, &read, &fault),
                     ERR_REFUSED);
    assert_string_equal(fault.where, where);
    assert_string_equal(read.device, "untouched");
}

static void expired_bundle_is_refused(void **state)
{
    (void)state;
    struct bundle made = good();
    struct buf file CLEANUP(buf_free) = make(&made);
    assert_refused(&file, NULL, PKI_NOW_MS + 2 * PKI_DAY_MS + 1, "expires");
}

static void clock_at_1970_does_not_stop_a_technician(void **state)
{
    (void)state;
    struct bundle made = good(), read;
    struct arena arena CLEANUP(arena_free);
    arena_init(&arena, ENVELOPE_PAYLOAD_MAX);
    struct buf file CLEANUP(buf_free) = make(&made);
    assert_int_equal(bundle_open(buf_slice(&file), NULL, 1000, &arena, &read, NULL), ERR_OK);
}

static void authority_known_from_before_decides(void **state)
{
    (void)state;
    struct pki other CLEANUP(pki_close) = pki_open("Test root");
    struct bundle made = good(), read;
    struct arena arena CLEANUP(arena_free);
    arena_init(&arena, ENVELOPE_PAYLOAD_MAX);
    struct buf file CLEANUP(buf_free) = make(&made);
    assert_refused(&file, other.ca, PKI_NOW_MS, "signer");
    assert_int_equal(bundle_open(buf_slice(&file), pki.ca, PKI_NOW_MS, &arena, &read, NULL),
                     ERR_OK);
}

static void bundle_whose_authority_did_not_sign_it_is_refused(void **state)
{
    (void)state;
    struct pki other CLEANUP(pki_close) = pki_open("Test root");
    struct buf other_pem CLEANUP(buf_free) = pki_pem(other.ca);
    struct bundle made = good();
    made.ca = other_pem.data;
    struct buf file CLEANUP(buf_free) = make(&made);
    assert_refused(&file, NULL, PKI_NOW_MS, "signer");
}

static void wrong_fields_are_named_before_anything_is_signed(void **state)
{
    (void)state;
    static const char *bad_server[] = {"not a host"};
    struct bundle bad[11];
    static const char *const where[] = {"device",    "hub_url",    "broker_url",  "broker_url",
                                        "enrol_url", "broker_url", "ca",          "code",
                                        "expires",   "store",      "time_servers"};
    for (size_t i = 0; i < 11; i++)
        bad[i] = good();
    bad[0].device = "up/#";
    bad[1].hub_url = "http://hub.example";
    bad[2].broker_url = "mqtts://broker.example:99999";
    bad[3].broker_url = "mqtts://broker.example/path";
    bad[4].enrol_url = "mqtts://";
    bad[5].broker_url = "mqtts://a b:1";
    bad[6].ca = signer_pem.data;
    bad[7].code = "000G-40R4-0M30-E209-185G-R38E-C3";
    bad[8].expires_ms = bad[8].issued_ms;
    bad[9].store = "";
    bad[10].time_servers = bad_server;
    bad[10].time_server_count = 1;
    for (size_t i = 0; i < 11; i++) {
        struct buf out CLEANUP(buf_free);
        struct fault fault;
        buf_init(&out, ENVELOPE_BYTES_MAX);
        assert_int_equal(bundle_make(&bad[i], buf_slice(&signer_pem), signer, &out, &fault),
                         ERR_INVALID);
        assert_string_equal(fault.where, where[i]);
        assert_int_equal(out.len, 0);
    }
}

static void payload_of_another_shape_is_refused(void **state)
{
    (void)state;
    static const char *const payloads[] = {"[]", "{}", "not json", "{\"device\":1}",
                                           "[[[[[[[[[[]]]]]]]]]]"};
    for (size_t i = 0; i < sizeof payloads / sizeof *payloads; i++) {
        struct buf file CLEANUP(buf_free);
        struct arena arena CLEANUP(arena_free);
        struct bundle read;
        buf_init(&file, ENVELOPE_BYTES_MAX);
        arena_init(&arena, ENVELOPE_PAYLOAD_MAX);
        assert_int_equal(envelope_make("bundle", slice_of(payloads[i]), buf_slice(&signer_pem),
                                       signer, &file, NULL),
                         ERR_OK);
        enum err err = bundle_open(buf_slice(&file), NULL, PKI_NOW_MS, &arena, &read, NULL);
        assert_true(err == ERR_INVALID || err == ERR_TOO_DEEP);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bundle_comes_back_as_it_was_made),
        cmocka_unit_test(bundle_fetched_by_code_tells_no_token),
        cmocka_unit_test(expired_bundle_is_refused),
        cmocka_unit_test(clock_at_1970_does_not_stop_a_technician),
        cmocka_unit_test(authority_known_from_before_decides),
        cmocka_unit_test(bundle_whose_authority_did_not_sign_it_is_refused),
        cmocka_unit_test(wrong_fields_are_named_before_anything_is_signed),
        cmocka_unit_test(payload_of_another_shape_is_refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
