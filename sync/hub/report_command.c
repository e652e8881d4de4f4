#include "sync/hub/report_command.h"
#include "hal/base/cleanup.h"
#include "hal/base/rfc3339.h"
#include "hal/storage.h"
#include "provisioning/crl.h"
#include "provisioning/report.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

static enum err read_file(const char *folder, const char *name, size_t most, struct buf *text,
                          struct fault *fault)
{
    char path[PATH_MAX];
    buf_init(text, most);
    if (storage_path(path, sizeof path, folder, name) != ERR_OK)
        return fault_set(fault, ERR_TOO_LARGE, name, "the path is too long");
    return storage_read(path, text, fault);
}

/* `crl` stays NULL when no list was made yet. */
static enum err read_authority(const char *state, mbedtls_x509_crt **ca, mbedtls_x509_crl **crl,
                               struct fault *fault)
{
    struct buf ca_text CLEANUP(buf_free) = {0};
    struct buf crl_text CLEANUP(buf_free) = {0};
    enum err err = read_file(state, "ca/ca.pem", CERTIFICATE_PEM_MAX, &ca_text, fault);
    if (!err)
        err = certificate_parse(buf_slice(&ca_text), "ca/ca.pem", ca, fault);
    if (err)
        return err;
    err = read_file(state, "ca/crl.pem", CRL_PEM_MAX, &crl_text, fault);
    if (err == ERR_NOT_FOUND)
        return ERR_OK;
    return err ? err : crl_parse(buf_slice(&crl_text), "ca/crl.pem", crl, fault);
}

static enum err tell(const struct buf *payload, const struct report_facts *facts, const char *out,
                     struct fault *fault)
{
    char made[RFC3339_TEXT + 1];
    struct buf page CLEANUP(buf_free);
    buf_init(&page, REPORT_PAGE_MAX);
    rfc3339_format(facts->made_ms, made);
    (void)fprintf(stderr, "Signed by %s, %s, and unchanged since.\n", facts->device, made);
    if (!out) {
        (void)printf("%s\n", payload->data);
        return ERR_OK;
    }
    enum err err = report_page(buf_slice(payload), &page, fault);
    return err ? err : storage_replace(out, buf_slice(&page), 0644, fault);
}

static enum err verify(const char *state, const char *file, const char *out, int64_t now_ms,
                       struct fault *fault)
{
    mbedtls_x509_crt *ca CLEANUP(certificate_cleanup) = NULL;
    mbedtls_x509_crl *crl CLEANUP(crl_cleanup) = NULL;
    struct buf envelope CLEANUP(buf_free);
    struct buf payload CLEANUP(buf_free);
    struct report_facts facts;
    buf_init(&envelope, ENVELOPE_BYTES_MAX);
    buf_init(&payload, ENVELOPE_PAYLOAD_MAX);
    enum err err = storage_read(file, &envelope, fault);
    if (!err)
        err = read_authority(state, &ca, &crl, fault);
    if (!err && (err = report_open(buf_slice(&envelope), ca, crl, now_ms, &payload, &facts,
                                   fault)) != ERR_OK)
        fault_in_file(fault, file);
    return err ? err : tell(&payload, &facts, out, fault);
}

enum err report_run(const char *state, int count, char *const *words, int64_t now_ms,
                    struct fault *fault)
{
    bool page = count == 4 && strcmp(words[2], "--page") == 0;
    if ((count != 2 && !page) || strcmp(words[0], "verify") != 0)
        return fault_set(fault, ERR_INVALID, "report",
                         "is used as: report verify FILE [--page OUT]");
    return verify(state, words[1], page ? words[3] : NULL, now_ms, fault);
}
