/*
 * X.509 certificates (RFC 5280): reading what matters to us, and making them.
 *
 * All are P-256 with SHA-256. One certificate is good for one purpose; none but an authority's own
 * may issue others. No clock inside: every time is passed in, so that a clock that is wrong is the
 * caller's to judge. Any thread, but a key belongs to one at a time (key.h).
 */
#ifndef PROVISIONING_CERTIFICATE_H
#define PROVISIONING_CERTIFICATE_H

#include "provisioning/key.h"

#include <mbedtls/x509_crt.h>

enum {
    CERTIFICATE_NAME_MAX = 64,
    SERIAL_BYTES = 16,
    SERIAL_TEXT = 2 * SERIAL_BYTES,
    CERTIFICATE_HOSTS_MAX = 16,
    CERTIFICATE_PEM_MAX = 64 * 1024,
    HOST_TEXT_MAX = 253,
};

enum certificate_purpose {
    CERTIFICATE_AUTHORITY, /* signs certificates and revocation lists */
    CERTIFICATE_SERVER,    /* TLS server: names and addresses */
    CERTIFICATE_DEVICE,    /* TLS client: an appliance, or the hub at the broker */
    CERTIFICATE_SIGNER,    /* signs configs and bundles; of no use in TLS */
};

/*
 * A device id is the certificate's common name, the MQTT client id and user name, and a topic
 * level: 1 to 64 of A-Z a-z 0-9 . _ - starting with a letter or digit. Else ERR_INVALID.
 */
enum err device_id_check(struct slice id, struct fault *fault) MUST_CHECK;

/* What a person or a rule asks of a certificate. */
struct certificate_facts {
    char common_name[CERTIFICATE_NAME_MAX + 1]; /* "" when absent */
    char serial[SERIAL_TEXT + 9];               /* lower-case hexadecimal, 20 bytes at most */
    int64_t not_before_ms;
    int64_t not_after_ms;
};

/* Parses all certificates of a PEM text, a private key beside them is passed over. */
enum err certificate_parse(struct slice pem, const char *where, mbedtls_x509_crt **chain,
                           struct fault *fault) MUST_CHECK;
/* Takes NULL. */
void certificate_free(mbedtls_x509_crt *chain);
void certificate_cleanup(mbedtls_x509_crt **chain); /* for CLEANUP */
/* Of the first in the chain. ERR_INVALID when its name or serial doesn't fit. */
enum err certificate_read(const mbedtls_x509_crt *crt, struct certificate_facts *facts,
                          struct fault *fault) MUST_CHECK;
/* The common name within a Name, "" when there is none; ERR_INVALID when it doesn't fit. */
enum err certificate_common_name(const mbedtls_x509_name *name,
                                 char text[static CERTIFICATE_NAME_MAX + 1],
                                 struct fault *fault) MUST_CHECK;
/* Appends DER as PEM under a label such as "CERTIFICATE" (RFC 7468). */
void certificate_print(struct buf *pem, const char *label, struct slice der);
/* X.509's broken-down UTC as milliseconds since 1970. */
int64_t certificate_time_ms(const mbedtls_x509_time *time);

/* True if the subject alternative names hold this DNS name (one leading "*." label) or address. */
bool certificate_names_host(const mbedtls_x509_crt *crt, const char *host);
/* The names and addresses themselves, as text; returns how many. Others than those are left out. */
size_t certificate_hosts(const mbedtls_x509_crt *crt, char hosts[][HOST_TEXT_MAX + 1], size_t max);
/* The purpose's extended key usage; empty for an authority. */
struct slice certificate_purpose_oid(enum certificate_purpose purpose);
/* True if the certificate says that it is for this purpose; saying nothing is not enough. */
bool certificate_fits(const mbedtls_x509_crt *crt, enum certificate_purpose purpose);

struct certificate_order {
    enum certificate_purpose purpose;
    const char *common_name;  /* a device id, or a name for people */
    const char *const *hosts; /* server: DNS names and IP addresses, at least one */
    size_t host_count;
    int64_t not_before_ms;
    int64_t not_after_ms;
    uint8_t serial[SERIAL_BYTES]; /* random; made positive and non-zero here */
};

/*
 * Makes a certificate for `subject`'s public key, signed with `issuer_key`, and appends its DER.
 * `issuer` NULL signs itself. ERR_INVALID names what is wrong in the order.
 */
enum err certificate_make(const struct certificate_order *order, mbedtls_pk_context *subject,
                          const mbedtls_x509_crt *issuer, const struct key *issuer_key,
                          struct buf *der, struct fault *fault) MUST_CHECK;

#endif
