#include "provisioning/certificate.h"
#include "provisioning/verify.h"
#include "tests/support/openssl.h"
#include "tests/support/pki.h"
#include "tests/support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
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

static enum err verify(mbedtls_x509_crt *crt, enum certificate_purpose purpose, const char *host,
                       int64_t now_ms, struct fault *fault)
{
    struct verify_rules rules = {.now_ms = now_ms, .host = host, .ca = pki.ca};
    return verify_chain(&rules, crt, purpose, fault);
}

static void device_certificate_carries_its_facts(void **state)
{
    (void)state;
    mbedtls_x509_crt *crt CLEANUP(certificate_cleanup) =
        pki_issue(&pki, CERTIFICATE_DEVICE, "store-0042", subject, -1, 90);
    struct certificate_facts facts;
    assert_int_equal(certificate_read(crt, &facts, NULL), ERR_OK);
    assert_string_equal(facts.common_name, "store-0042");
    assert_int_equal(strlen(facts.serial), SERIAL_TEXT);
    assert_int_equal(facts.not_before_ms, PKI_NOW_MS - PKI_DAY_MS);
    assert_int_equal(facts.not_after_ms, PKI_NOW_MS + 90 * PKI_DAY_MS);
    assert_int_equal(key_matches(subject, &crt->pk, NULL), ERR_OK);
    assert_true(certificate_fits(crt, CERTIFICATE_DEVICE));
    assert_false(certificate_fits(crt, CERTIFICATE_SERVER));
    assert_false(certificate_fits(crt, CERTIFICATE_SIGNER));
    assert_false(certificate_fits(crt, CERTIFICATE_AUTHORITY));
    assert_true(certificate_fits(pki.ca, CERTIFICATE_AUTHORITY));
    assert_int_equal(verify(crt, CERTIFICATE_DEVICE, NULL, PKI_NOW_MS, NULL), ERR_OK);
}

static void assert_refused(mbedtls_x509_crt *crt, enum certificate_purpose purpose,
                           const char *host, int64_t now_ms, const char *says)
{
    struct fault fault;
    assert_int_equal(verify(crt, purpose, host, now_ms, &fault), ERR_REFUSED);
    assert_string_equal(fault.text, says);
}

static void validity_is_judged_at_the_time_given_to_the_second(void **state)
{
    (void)state;
    mbedtls_x509_crt *crt CLEANUP(certificate_cleanup) =
        pki_issue(&pki, CERTIFICATE_DEVICE, "a", subject, 1, 2);
    int64_t from = PKI_NOW_MS + PKI_DAY_MS, to = PKI_NOW_MS + 2 * PKI_DAY_MS;
    assert_refused(crt, CERTIFICATE_DEVICE, NULL, from - 1, "the certificate is not valid yet");
    assert_int_equal(verify(crt, CERTIFICATE_DEVICE, NULL, from, NULL), ERR_OK);
    assert_int_equal(verify(crt, CERTIFICATE_DEVICE, NULL, to + 999, NULL), ERR_OK);
    assert_refused(crt, CERTIFICATE_DEVICE, NULL, to + 1000, "the certificate has expired");
}

static void authority_expires_too(void **state)
{
    (void)state;
    mbedtls_x509_crt *crt CLEANUP(certificate_cleanup) =
        pki_issue(&pki, CERTIFICATE_DEVICE, "a", subject, -1, 9000);
    assert_int_equal(verify(crt, CERTIFICATE_DEVICE, NULL, PKI_NOW_MS, NULL), ERR_OK);
    assert_refused(crt, CERTIFICATE_DEVICE, NULL, PKI_NOW_MS + 4000 * PKI_DAY_MS,
                   "the certificate has expired");
}

static void purpose_must_be_the_one_stated(void **state)
{
    (void)state;
    static const enum certificate_purpose all[] = {CERTIFICATE_SERVER, CERTIFICATE_DEVICE,
                                                   CERTIFICATE_SIGNER};
    for (size_t made = 0; made < 3; made++)
        for (size_t asked = 0; asked < 3; asked++) {
            mbedtls_x509_crt *crt CLEANUP(certificate_cleanup) =
                pki_issue(&pki, all[made], "a", subject, -1, 1);
            if (made == asked)
                assert_int_equal(verify(crt, all[asked], NULL, PKI_NOW_MS, NULL), ERR_OK);
            else
                assert_refused(crt, all[asked], NULL, PKI_NOW_MS,
                               "the certificate is for another purpose");
        }
}

static void host_must_be_among_the_names(void **state)
{
    (void)state;
    static const struct {
        const char *made, *asked;
        bool good;
    } cases[] = {
        {"hub.example", "hub.example", true},   {"hub.example", "HUB.Example", true},
        {"hub.example", "evil.example", false}, {"*.example", "hub.example", true},
        {"*.example", "a.b.example", false},    {"127.0.0.1", "127.0.0.1", true},
        {"127.0.0.1", "127.0.0.2", false},      {"::1", "::1", true},
        {"::1", "0:0:0:0:0:0:0:1", true},       {"::1", "::2", false},
        {"hub.example", "127.0.0.1", false},    {"127.0.0.1", "localhost", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        mbedtls_x509_crt *crt CLEANUP(certificate_cleanup) =
            pki_issue_server(&pki, cases[i].made, subject);
        if (cases[i].good)
            assert_int_equal(verify(crt, CERTIFICATE_SERVER, cases[i].asked, PKI_NOW_MS, NULL),
                             ERR_OK);
        else
            assert_refused(crt, CERTIFICATE_SERVER, cases[i].asked, PKI_NOW_MS,
                           "the certificate is for another host name");
    }
}

/* Else "x", NUL, "y" would be renewed as a certificate for "x". */
static void name_with_a_nul_in_it_is_not_told_as_what_stands_before(void **state)
{
    (void)state;
    mbedtls_x509_crt *made CLEANUP(certificate_cleanup) =
        pki_issue_server(&pki, "hub.example.org", subject);
    mbedtls_x509_crt *changed CLEANUP(certificate_cleanup) = NULL;
    char hosts[CERTIFICATE_HOSTS_MAX][HOST_TEXT_MAX + 1];
    assert_int_equal(certificate_hosts(made, hosts, CERTIFICATE_HOSTS_MAX), 1);
    assert_string_equal(hosts[0], "hub.example.org");
    uint8_t *end = made->raw.p + made->raw.len;
    for (uint8_t *at = made->raw.p; (at = memmem(at, (size_t)(end - at), ".org", 4)); at++)
        *at = '\0';
    struct buf pem CLEANUP(buf_free) = pki_pem(made);
    assert_int_equal(certificate_parse(buf_slice(&pem), "", &changed, NULL), ERR_OK);
    assert_int_equal(certificate_hosts(changed, hosts, CERTIFICATE_HOSTS_MAX), 0);
    assert_false(certificate_names_host(changed, "hub.example"));
}

static void common_name_alone_is_no_host_name(void **state)
{
    (void)state;
    mbedtls_x509_crt *crt CLEANUP(certificate_cleanup) =
        pki_issue(&pki, CERTIFICATE_DEVICE, "hub.example", subject, -1, 1);
    assert_refused(crt, CERTIFICATE_DEVICE, "hub.example", PKI_NOW_MS,
                   "the certificate is for another host name");
}

static void another_authority_of_the_same_name_is_not_trusted(void **state)
{
    (void)state;
    struct pki other CLEANUP(pki_close) = pki_open("Test root");
    mbedtls_x509_crt *crt CLEANUP(certificate_cleanup) =
        pki_issue(&other, CERTIFICATE_DEVICE, "a", subject, -1, 1);
    assert_refused(crt, CERTIFICATE_DEVICE, NULL, PKI_NOW_MS,
                   "the certificate is not from a trusted authority");
}

static void device_cannot_issue_certificates(void **state)
{
    (void)state;
    struct key *key CLEANUP(key_cleanup) = pki_key();
    mbedtls_x509_crt *device CLEANUP(certificate_cleanup) =
        pki_issue(&pki, CERTIFICATE_DEVICE, "rogue", key, -1, 1);
    struct pki rogue = {.key = key, .ca = device};
    mbedtls_x509_crt *forged CLEANUP(certificate_cleanup) =
        pki_issue(&rogue, CERTIFICATE_DEVICE, "store-0001", subject, -1, 1);
    struct buf pem CLEANUP(buf_free) = pki_pem(forged);
    struct buf issuer CLEANUP(buf_free) = pki_pem(device);
    buf_append(&pem, issuer.data, issuer.len);
    mbedtls_x509_crt *chain CLEANUP(certificate_cleanup) = NULL;
    assert_int_equal(certificate_parse(buf_slice(&pem), "", &chain, NULL), ERR_OK);
    assert_refused(chain, CERTIFICATE_DEVICE, NULL, PKI_NOW_MS,
                   "the certificate is not from a trusted authority");
}

static void flipped_bit_anywhere_is_never_accepted(void **state)
{
    (void)state;
    mbedtls_x509_crt *crt CLEANUP(certificate_cleanup) =
        pki_issue(&pki, CERTIFICATE_DEVICE, "a", subject, -1, 1);
    struct buf der CLEANUP(buf_free);
    buf_init(&der, CERTIFICATE_PEM_MAX);
    for (size_t i = 0; i < crt->raw.len; i++) {
        buf_reset(&der);
        buf_append(&der, crt->raw.p, crt->raw.len);
        der.data[i] = (char)(der.data[i] ^ 1 << i % 8);
        struct buf pem CLEANUP(buf_free);
        buf_init(&pem, CERTIFICATE_PEM_MAX);
        certificate_print(&pem, "CERTIFICATE", buf_slice(&der));
        mbedtls_x509_crt *bad CLEANUP(certificate_cleanup) = NULL;
        if (certificate_parse(buf_slice(&pem), "", &bad, NULL) == ERR_OK)
            assert_int_equal(verify(bad, CERTIFICATE_DEVICE, NULL, PKI_NOW_MS, NULL), ERR_REFUSED);
    }
}

static void bad_orders_name_what_is_wrong(void **state)
{
    (void)state;
    const char *hosts[] = {"hub.example", "not a host"};
    const struct {
        struct certificate_order order;
        const char *where;
    } cases[] = {
        {{.purpose = CERTIFICATE_DEVICE, .common_name = "", .not_after_ms = 1}, "name"},
        {{.purpose = CERTIFICATE_DEVICE, .common_name = "a/b", .not_after_ms = 1}, "device"},
        {{.purpose = CERTIFICATE_DEVICE, .common_name = "a+", .not_after_ms = 1}, "device"},
        {{.purpose = CERTIFICATE_DEVICE, .common_name = "-a", .not_after_ms = 1}, "device"},
        {{.purpose = CERTIFICATE_DEVICE, .common_name = "a", .not_before_ms = 1}, "validity"},
        {{.purpose = CERTIFICATE_SERVER, .common_name = "a", .not_after_ms = 1}, "hosts"},
        {{.purpose = CERTIFICATE_SERVER,
          .common_name = "a",
          .not_after_ms = 1,
          .hosts = hosts,
          .host_count = 2},
         "hosts"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf der CLEANUP(buf_free);
        struct fault fault;
        buf_init(&der, CERTIFICATE_PEM_MAX);
        assert_int_equal(
            certificate_make(&cases[i].order, key_pk(subject), pki.ca, pki.key, &der, &fault),
            ERR_INVALID);
        assert_string_equal(fault.where, cases[i].where);
        assert_int_equal(der.len, 0);
    }
}

static void what_is_no_certificate_is_refused_by_name(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "", "rubbish", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\n"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        mbedtls_x509_crt *crt = NULL;
        struct fault fault;
        assert_int_equal(certificate_parse(slice_of(bad[i]), "ca.pem", &crt, &fault), ERR_INVALID);
        assert_string_equal(fault.where, "ca.pem");
        assert_null(crt);
    }
}

static void openssl_accepts_what_we_make(void **state)
{
    (void)state;
    if (!openssl_present())
        skip();
    struct scratch scratch CLEANUP(scratch_remove);
    scratch_make(&scratch);
    char ca[SCRATCH_PATH_MAX], leaf[SCRATCH_PATH_MAX], out[8192];
    struct buf ca_pem CLEANUP(buf_free) = pki_pem(pki.ca);
    scratch_write(scratch_path(&scratch, "ca.pem", ca), ca_pem.data, ca_pem.len);
    static const struct {
        const char *host, *check, *purpose;
    } cases[] = {{"hub.example", "-verify_hostname hub.example", "sslserver"},
                 {"10.0.0.7", "-verify_ip 10.0.0.7", "sslserver"},
                 {NULL, "", "sslclient"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        mbedtls_x509_crt *crt CLEANUP(certificate_cleanup) =
            cases[i].host ? pki_issue_server(&pki, cases[i].host, subject)
                          : pki_issue(&pki, CERTIFICATE_DEVICE, "store-1", subject, -1, 1);
        struct buf pem CLEANUP(buf_free) = pki_pem(crt);
        scratch_write(scratch_path(&scratch, "leaf.pem", leaf), pem.data, pem.len);
        bool good = openssl_run(
            out, sizeof out, "verify -x509_strict -CAfile %s -attime %lld -purpose %s %s %s", ca,
            (long long)(PKI_NOW_MS / 1000), cases[i].purpose, cases[i].check, leaf);
        if (!good)
            fail_msg("%s", out);
    }
    assert_true(openssl_run(out, sizeof out, "x509 -in %s -noout -text", leaf));
    assert_non_null(strstr(out, "store-1"));
    assert_non_null(strstr(out, "TLS Web Client Authentication"));
    assert_non_null(strstr(out, "CA:FALSE"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(device_certificate_carries_its_facts),
        cmocka_unit_test(validity_is_judged_at_the_time_given_to_the_second),
        cmocka_unit_test(authority_expires_too),
        cmocka_unit_test(purpose_must_be_the_one_stated),
        cmocka_unit_test(host_must_be_among_the_names),
        cmocka_unit_test(name_with_a_nul_in_it_is_not_told_as_what_stands_before),
        cmocka_unit_test(common_name_alone_is_no_host_name),
        cmocka_unit_test(another_authority_of_the_same_name_is_not_trusted),
        cmocka_unit_test(device_cannot_issue_certificates),
        cmocka_unit_test(flipped_bit_anywhere_is_never_accepted),
        cmocka_unit_test(bad_orders_name_what_is_wrong),
        cmocka_unit_test(what_is_no_certificate_is_refused_by_name),
        cmocka_unit_test(openssl_accepts_what_we_make),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
