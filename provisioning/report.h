/*
 * The commissioning report: what an appliance found of itself when a technician set it up, signed
 * with its own key, so that the centre can prove which appliance said it, and when. The payload is
 * JSON that the appliance writes (agent/service); this module signs it, checks it, and makes a page
 * of it to be printed. No threading of its own.
 */
#ifndef PROVISIONING_REPORT_H
#define PROVISIONING_REPORT_H

#include "provisioning/envelope.h"

enum { REPORT_PAGE_MAX = 512 * 1024 };

/* Signs with the identity in that folder: its key and chain (current.pem). */
enum err report_seal(const char *identity_folder, struct slice payload, struct buf *envelope,
                     struct fault *fault) MUST_CHECK;

/* Who signed a report, and when it says that it was made. */
struct report_facts {
    char device[CERTIFICATE_NAME_MAX + 1];
    int64_t made_ms;
};
/*
 * Checks the signature and the signer as of the time at which the report was made (certificates
 * expire, and reports stay); appends the payload. ERR_REFUSED also when it names another device
 * than the one that signed, or a time that is still to come at `now_ms`.
 */
enum err report_open(struct slice envelope, mbedtls_x509_crt *ca, mbedtls_x509_crl *crl,
                     int64_t now_ms, struct buf *payload, struct report_facts *facts,
                     struct fault *fault) MUST_CHECK;

/* Appends a page (HTML, self-contained) for people and paper. ERR_INVALID: not such a payload. */
enum err report_page(struct slice payload, struct buf *html, struct fault *fault) MUST_CHECK;

#endif
