/*
 * What a client of EST sends: its header of Authorization, a newline, the body. A code that is
 * taken is one word of at least a character; a request that is taken for one names a valid device.
 */
#include "hal/base/cleanup.h"
#include "provisioning/csr.h"
#include "sync/hub/est_request.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void try_code(struct slice line)
{
    char code[EST_CODE_MAX];
    char *header = strndup(line.data, line.len);
    require(header != NULL);
    if (est_code_read(header, code, NULL) == ERR_OK)
        require(*code && memchr(code, '\0', sizeof code));
    free(header);
}

static void try_request(struct slice body)
{
    mbedtls_x509_csr *csr CLEANUP(csr_cleanup) = NULL;
    char device[CERTIFICATE_NAME_MAX + 1];
    struct buf der CLEANUP(buf_free);
    buf_init(&der, CSR_BYTES_MAX);
    if (est_request_read(body, &der, NULL) != ERR_OK)
        return;
    require(der.len > 0 && der.len <= CSR_BYTES_MAX);
    if (csr_parse(buf_slice(&der), &csr, NULL) == ERR_OK)
        require(csr_device(csr, device, NULL) == ERR_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    const char *newline = memchr(text, '\n', size);
    size_t line = newline ? (size_t)(newline - text) : size;
    size_t used = line + (newline != NULL);
    try_code((struct slice){text, line});
    try_request((struct slice){text + used, size - used});
    return 0;
}
