/*
 * Certificates from a file, a bundle or a peer: PEM, or else the DER of one, which is put into PEM
 * here. What is taken can be asked everything that there is to know; what it says of its hosts is
 * told in the same way twice; no authority of ours has signed it.
 */
#include "hal/base/cleanup.h"
#include "provisioning/pkcs7.h"
#include "provisioning/verify.h"
#include "tests/support/pki.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct pki pki;

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void try_hosts(const mbedtls_x509_crt *crt)
{
    char hosts[CERTIFICATE_HOSTS_MAX][HOST_TEXT_MAX + 1];
    size_t count = certificate_hosts(crt, hosts, CERTIFICATE_HOSTS_MAX);
    require(count <= CERTIFICATE_HOSTS_MAX);
    for (size_t i = 0; i < count; i++) {
        require(memchr(hosts[i], '\0', sizeof hosts[i]) != NULL);
        if (!strchr(hosts[i], '*'))
            require(certificate_names_host(crt, hosts[i]));
    }
    require(!certificate_names_host(crt, ""));
}

static void try_chain(mbedtls_x509_crt *chain)
{
    struct certificate_facts facts;
    struct buf der CLEANUP(buf_free);
    const struct verify_rules rules = {.now_ms = PKI_NOW_MS, .host = "a.example", .ca = pki.ca};
    for (const mbedtls_x509_crt *crt = chain; crt; crt = crt->next) {
        try_hosts(crt);
        if (certificate_read(crt, &facts, NULL) == ERR_OK)
            require(facts.serial[0] && strlen(facts.common_name) <= CERTIFICATE_NAME_MAX);
    }
    for (int purpose = 0; purpose <= CERTIFICATE_SIGNER; purpose++)
        (void)certificate_fits(chain, (enum certificate_purpose)purpose);
    require(verify_chain(&rules, chain, CERTIFICATE_SERVER, NULL) != ERR_OK);
    buf_init(&der, 2 * CERTIFICATE_PEM_MAX);
    require(pkcs7_certificates(chain, &der, NULL) == ERR_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mbedtls_x509_crt *chain CLEANUP(certificate_cleanup) = NULL;
    struct buf pem CLEANUP(buf_free);
    const struct slice input = {(const char *)data, size};
    if (!pki.ca)
        pki = pki_open("Nobody's authority");
    buf_init(&pem, 2 * CERTIFICATE_PEM_MAX);
    if (size && data[0] == 0x30)
        certificate_print(&pem, "CERTIFICATE", input);
    struct slice text = pem.len ? buf_slice(&pem) : input;
    if (certificate_parse(text, "fuzz", &chain, NULL) == ERR_OK)
        try_chain(chain);
    return 0;
}
