/*
 * A document over the authorities to trust. Input that starts with "{" is the whole document, which
 * nobody signed; of anything else the rest behind the first byte is what a trusted signer signed.
 * Whatever comes, what is trusted afterwards are certificates of authorities.
 */
#include "hal/base/cleanup.h"
#include "hal/base/json.h"
#include "hal/storage.h"
#include "provisioning/identity.h"
#include "provisioning/trust.h"
#include "tests/support/fuzz_ground.h"
#include "tests/support/pki.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char ca_path[SCRATCH_PATH_MAX];
static char document_path[SCRATCH_PATH_MAX];
static struct pki pki;
static struct key *key;
static struct buf ca;
static struct buf signer;

static void open_all(void)
{
    (void)scratch_path(fuzz_folder(), "ca.pem", ca_path);
    (void)scratch_path(fuzz_folder(), "trust.json", document_path);
    pki = pki_open("Our authority");
    key = pki_key();
    mbedtls_x509_crt *crt = pki_issue(&pki, CERTIFICATE_SIGNER, "signer", key, -1, 10);
    ca = pki_pem(pki.ca);
    signer = pki_pem(crt);
    certificate_free(crt);
}

static void begin_anew(void)
{
    struct fault fault;
    fuzz_must(storage_remove(document_path, &fault), &fault);
    fuzz_must(storage_replace(ca_path, buf_slice(&ca), 0600, &fault), &fault);
}

/* Signing takes a thousand times as long as reading: what isn't JSON is json_fuzz's. */
static bool is_json(struct slice text)
{
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    return json_parse(text, JSON_LIMITS_DEFAULT, &doc, NULL) == ERR_OK;
}

static void check_trusted(void)
{
    struct fault fault;
    mbedtls_x509_crt *chain CLEANUP(certificate_cleanup) = NULL;
    struct buf pem CLEANUP(buf_free);
    buf_init(&pem, CERTIFICATE_PEM_MAX);
    fuzz_must(storage_read(ca_path, &pem, &fault), &fault);
    fuzz_must(certificate_parse(buf_slice(&pem), ca_path, &chain, &fault), &fault);
    for (const mbedtls_x509_crt *crt = chain; crt; crt = crt->next)
        if (!certificate_fits(crt, CERTIFICATE_AUTHORITY))
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool is_spent = true; /* what is trusted isn't ours */
    struct fault fault;
    bool changed = false;
    struct buf made CLEANUP(buf_free);
    struct slice document = {(const char *)data, size};
    buf_init(&made, ENVELOPE_BYTES_MAX);
    if (!key)
        open_all();
    if (!size || size > ENVELOPE_PAYLOAD_MAX)
        return 0;
    bool whole = data[0] == '{';
    if (!whole) {
        const struct slice payload = {(const char *)data + 1, size - 1};
        if (!is_json(payload))
            return 0;
        fuzz_must(envelope_make("trust", payload, buf_slice(&signer), key, &made, &fault), &fault);
        document = buf_slice(&made);
    }
    if (is_spent)
        begin_anew();
    is_spent = trust_accept(fuzz_folder()->path, document, PKI_NOW_MS, &changed, &fault) == ERR_OK;
    if (!is_spent)
        return 0;
    if (whole)
        abort();
    check_trusted();
    return 0;
}
