/* A request that csr_parse takes names a valid device. */
#include "provisioning/csr.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mbedtls_x509_csr *csr CLEANUP(csr_cleanup) = NULL;
    char device[CERTIFICATE_NAME_MAX + 1];
    struct fault fault;
    if (csr_parse((struct slice){(const char *)data, size}, &csr, &fault) != ERR_OK)
        return 0;
    if (csr_device(csr, device, &fault) != ERR_OK)
        abort();
    return 0;
}
