#include "hal/storage.h"
#include "provisioning/ticket.h"
#include "tests/support/pki.h"
#include "tests/support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HOUR_MS INT64_C(3600000)

struct desk {
    struct scratch scratch;
    struct pki pki;
    struct key *signer;
    mbedtls_x509_crt *certificate;
    struct buf signer_pem;
    struct identity *identity;
    struct ticket ticket;
    struct buf envelope;
    struct fault fault;
};

static const char *write_pem(struct desk *d, const char *name, const mbedtls_x509_crt *crt,
                             char path[static SCRATCH_PATH_MAX])
{
    struct buf pem = pki_pem(crt);
    scratch_write(scratch_path(&d->scratch, name, path), pem.data, pem.len);
    buf_free(&pem);
    return path;
}

static void write_list(struct desk *d, const char *path, const mbedtls_x509_crt *revoked,
                       int64_t next_update_ms)
{
    struct buf der;
    struct buf pem;
    struct crl_entry entry = {.revoked_ms = PKI_NOW_MS - PKI_DAY_MS};
    assert_true(revoked->serial.len <= SERIAL_BYTES);
    memcpy(entry.serial + SERIAL_BYTES - revoked->serial.len, revoked->serial.p,
           revoked->serial.len);
    const struct crl_order order = {.entries = &entry,
                                    .count = 1,
                                    .number = 1,
                                    .this_update_ms = PKI_NOW_MS - 5 * PKI_DAY_MS,
                                    .next_update_ms = next_update_ms};
    buf_init(&der, CRL_BYTES_MAX);
    buf_init(&pem, CRL_PEM_MAX);
    assert_int_equal(crl_make(&order, d->pki.ca, d->pki.key, &der, NULL), ERR_OK);
    certificate_print(&pem, "X509 CRL", buf_slice(&der));
    scratch_write(path, pem.data, pem.len);
    buf_free(&der);
    buf_free(&pem);
}

/* An appliance's identity: its name, whom it trusts, and whom no more (`revoked` NULL: no list). */
static void open_identity(struct desk *d, const mbedtls_x509_crt *revoked, int64_t next_update_ms)
{
    char ca[SCRATCH_PATH_MAX];
    char chain[SCRATCH_PATH_MAX];
    char key_file[SCRATCH_PATH_MAX];
    char crl_file[SCRATCH_PATH_MAX];
    struct key *key = pki_key();
    mbedtls_x509_crt *device = pki_issue(&d->pki, CERTIFICATE_DEVICE, "store-0042-a", key, -5, 5);
    const struct identity_files files = {
        .ca = write_pem(d, "ca.pem", d->pki.ca, ca),
        .chain = write_pem(d, "chain.pem", device, chain),
        .key = scratch_path(&d->scratch, "key.pem", key_file),
        .crl = revoked ? scratch_path(&d->scratch, "crl.pem", crl_file) : NULL,
    };
    assert_int_equal(key_save(key, key_file, NULL), ERR_OK);
    if (revoked)
        write_list(d, crl_file, revoked, next_update_ms);
    identity_close(d->identity);
    assert_int_equal(identity_open_files(&d->identity, &files, NULL), ERR_OK);
    certificate_free(device);
    key_free(key);
}

static int setup(void **state)
{
    struct desk *d = calloc(1, sizeof *d);
    assert_non_null(d);
    scratch_make(&d->scratch);
    d->pki = pki_open("Test root");
    d->signer = pki_key();
    d->certificate = pki_issue(&d->pki, CERTIFICATE_SIGNER, "signer", d->signer, -5, 5);
    d->signer_pem = pki_pem(d->certificate);
    open_identity(d, NULL, 0);
    d->ticket = (struct ticket){.device = "store-0042-a",
                                .action = TICKET_CONSOLE,
                                .holder = "Ada",
                                .reason = "the printer is silent",
                                .issued_ms = PKI_NOW_MS,
                                .expires_ms = PKI_NOW_MS + 8 * HOUR_MS};
    buf_init(&d->envelope, TICKET_BYTES_MAX);
    *state = d;
    return 0;
}

static int teardown(void **state)
{
    struct desk *d = *state;
    identity_close(d->identity);
    buf_free(&d->envelope);
    buf_free(&d->signer_pem);
    certificate_free(d->certificate);
    key_free(d->signer);
    pki_close(&d->pki);
    scratch_remove(&d->scratch);
    free(d);
    return 0;
}

static void make(struct desk *d)
{
    buf_reset(&d->envelope);
    assert_int_equal(
        ticket_make(&d->ticket, buf_slice(&d->signer_pem), d->signer, &d->envelope, &d->fault),
        ERR_OK);
}

static enum err open_at(struct desk *d, int64_t now_ms, struct ticket *ticket, int64_t *left_ms)
{
    return ticket_open(buf_slice(&d->envelope), d->identity, now_ms, ticket, left_ms, &d->fault);
}

static void assert_refused(struct desk *d, int64_t now_ms, enum err err, const char *text)
{
    struct ticket ticket = {.device = "kept"};
    int64_t left_ms = 7;
    assert_int_equal(open_at(d, now_ms, &ticket, &left_ms), err);
    if (!strstr(d->fault.text, text))
        fail_msg("\"%s\" is not in: %s", text, d->fault.text);
    assert_string_equal(ticket.device, "kept");
    assert_int_equal(left_ms, 7);
}

static void a_ticket_is_good_at_its_appliance_until_it_expires(void **state)
{
    struct desk *d = *state;
    struct ticket ticket;
    int64_t left_ms;
    make(d);
    assert_int_equal(open_at(d, PKI_NOW_MS + 3 * HOUR_MS, &ticket, &left_ms), ERR_OK);
    assert_int_equal(ticket.action, TICKET_CONSOLE);
    assert_string_equal(ticket.holder, "Ada");
    assert_string_equal(ticket.reason, "the printer is silent");
    assert_int_equal(left_ms, 5 * HOUR_MS);
    assert_refused(d, PKI_NOW_MS + 8 * HOUR_MS, ERR_REFUSED, "has expired");
}

static void a_clock_that_stands_in_the_past_gives_no_more_than_its_time(void **state)
{
    struct desk *d = *state;
    struct ticket ticket;
    int64_t left_ms;
    make(d);
    assert_int_equal(open_at(d, 0, &ticket, &left_ms), ERR_OK);
    assert_int_equal(left_ms, 8 * HOUR_MS);
}

static void another_appliances_ticket_is_refused(void **state)
{
    struct desk *d = *state;
    strcpy(d->ticket.device, "store-0043-a");
    make(d);
    assert_refused(d, PKI_NOW_MS, ERR_REFUSED, "is for store-0043-a, and this is store-0042-a");
}

static void a_ticket_that_was_changed_is_refused(void **state)
{
    struct desk *d = *state;
    make(d);
    char *payload = strstr(d->envelope.data, "\"payload\":\"");
    payload[strlen("\"payload\":\"") + 20] ^= 1;
    struct ticket ticket;
    int64_t left_ms;
    assert_int_not_equal(open_at(d, PKI_NOW_MS, &ticket, &left_ms), ERR_OK);
}

static void strangers_and_appliances_sign_no_tickets(void **state)
{
    struct desk *d = *state;
    struct pki strange = pki_open("Another root");
    mbedtls_x509_crt *stranger =
        pki_issue(&strange, CERTIFICATE_SIGNER, "signer", d->signer, -5, 5);
    mbedtls_x509_crt *device =
        pki_issue(&d->pki, CERTIFICATE_DEVICE, "store-0043-a", d->signer, -5, 5);
    const mbedtls_x509_crt *const wrong[] = {stranger, device};
    for (size_t i = 0; i < 2; i++) {
        struct buf pem = pki_pem(wrong[i]);
        buf_reset(&d->envelope);
        enum err err = ticket_make(&d->ticket, buf_slice(&pem), d->signer, &d->envelope, &d->fault);
        if (!err)
            assert_refused(d, PKI_NOW_MS, ERR_REFUSED, "");
        else
            assert_int_equal(i, 1); /* not even made with an appliance's certificate */
        buf_free(&pem);
    }
    certificate_free(stranger);
    certificate_free(device);
    pki_close(&strange);
}

static void revocations_count_and_an_old_list_of_them_locks_nobody_out(void **state)
{
    struct desk *d = *state;
    struct ticket ticket;
    int64_t left_ms;
    const int64_t old_ms = PKI_NOW_MS - 2 * PKI_DAY_MS;
    mbedtls_x509_crt *other = pki_issue(&d->pki, CERTIFICATE_SIGNER, "other", d->signer, -5, 5);
    make(d);
    open_identity(d, other, old_ms);
    assert_int_equal(open_at(d, PKI_NOW_MS, &ticket, &left_ms), ERR_OK);
    open_identity(d, d->certificate, old_ms);
    assert_refused(d, PKI_NOW_MS, ERR_REFUSED, "revoked");
    certificate_free(other);
}

static void what_is_another_document_is_no_ticket(void **state)
{
    struct desk *d = *state;
    assert_int_equal(envelope_make("config", SLICE_LITERAL("{}"), buf_slice(&d->signer_pem),
                                   d->signer, &d->envelope, NULL),
                     ERR_OK);
    assert_refused(d, PKI_NOW_MS, ERR_INVALID, "");
    buf_reset(&d->envelope);
    buf_append_text(&d->envelope, "hello");
    assert_refused(d, PKI_NOW_MS, ERR_INVALID, "");
}

static void one_that_says_too_little_or_lasts_too_long_is_not_made(void **state)
{
    struct desk *d = *state;
    const struct ticket good = d->ticket;
    struct {
        const char *where;
        struct ticket ticket;
    } wrong[] = {
        {"device", good}, {"expires", good}, {"expires", good}, {"holder", good}, {"reason", good}};
    strcpy(wrong[0].ticket.device, "../etc");
    wrong[1].ticket.expires_ms = good.issued_ms + (TICKET_HOURS_MAX + 1) * HOUR_MS;
    wrong[2].ticket.expires_ms = good.issued_ms;
    wrong[3].ticket.holder[0] = '\0';
    wrong[4].ticket.reason[0] = '\0';
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(ticket_make(&wrong[i].ticket, buf_slice(&d->signer_pem), d->signer,
                                     &d->envelope, &d->fault),
                         ERR_INVALID);
        assert_string_equal(d->fault.where, wrong[i].where);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_ticket_is_good_at_its_appliance_until_it_expires),
        TEST(a_clock_that_stands_in_the_past_gives_no_more_than_its_time),
        TEST(another_appliances_ticket_is_refused),
        TEST(a_ticket_that_was_changed_is_refused),
        TEST(strangers_and_appliances_sign_no_tickets),
        TEST(revocations_count_and_an_old_list_of_them_locks_nobody_out),
        TEST(what_is_another_document_is_no_ticket),
        TEST(one_that_says_too_little_or_lasts_too_long_is_not_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
