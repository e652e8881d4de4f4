/*
 * Revocation lists as a hub tells them: PEM, or else the DER of one, which is put into PEM here.
 * What is taken can be asked everything; no authority of ours has signed it, whatever it calls
 * itself.
 */
#include "hal/base/cleanup.h"
#include "provisioning/crl.h"
#include "tests/support/pki.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct pki pki;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mbedtls_x509_crl *crl CLEANUP(crl_cleanup) = NULL;
    struct buf pem CLEANUP(buf_free);
    const struct slice input = {(const char *)data, size};
    if (!pki.ca)
        pki = pki_open("Nobody's authority");
    buf_init(&pem, CRL_PEM_MAX);
    if (size && data[0] == 0x30)
        certificate_print(&pem, "X509 CRL", input);
    struct slice text = pem.len ? buf_slice(&pem) : input;
    if (crl_parse(text, "fuzz", &crl, NULL) != ERR_OK)
        return 0;
    (void)crl_next_update_ms(crl);
    (void)crl_holds(crl, pki.ca);
    if (crl_check(crl, pki.ca, NULL) == ERR_OK)
        abort();
    return 0;
}
