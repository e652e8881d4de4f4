#include "provisioning/certificate.h"

#include "hal/base/hex.h"
#include "hal/base/rfc3339.h"
#include "provisioning/host.h"

#include <mbedtls/oid.h>
#include <stdlib.h>
#include <string.h>

enum { PEM_LINE = 64, TAG_NUMBER = 0x1f };

enum err device_id_check(struct slice id, struct fault *fault)
{
    bool good = id.len >= 1 && id.len <= CERTIFICATE_NAME_MAX;
    for (size_t i = 0; good && i < id.len; i++) {
        char c = id.data[i];
        good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               (i > 0 && (c == '.' || c == '_' || c == '-'));
    }
    if (!good)
        return fault_set(fault, ERR_INVALID, "device",
                         "a device id has 1 to %d of A-Z a-z 0-9 . _ - and starts with a letter or "
                         "digit",
                         CERTIFICATE_NAME_MAX);
    return ERR_OK;
}

enum err certificate_parse(struct slice pem, const char *where, mbedtls_x509_crt **out,
                           struct fault *fault)
{
    struct buf text CLEANUP(key_wipe); /* a private key may stand beside */
    buf_init(&text, CERTIFICATE_PEM_MAX);
    buf_append(&text, pem.data, pem.len);
    enum err err = buf_check(&text, fault, where);
    if (err)
        return err;
    mbedtls_x509_crt *chain = malloc(sizeof *chain);
    if (!chain)
        return fault_set(fault, ERR_NO_MEMORY, where, "out of memory");
    mbedtls_x509_crt_init(chain);
    int code = mbedtls_x509_crt_parse(chain, (const unsigned char *)text.data, text.len + 1);
    if (code != 0) {
        certificate_free(chain);
        if (code > 0)
            return fault_set(fault, ERR_INVALID, where, "%d certificates can't be read", code);
        return crypto_fault(fault, ERR_INVALID, where, "not a certificate", code);
    }
    *out = chain;
    return ERR_OK;
}

void certificate_free(mbedtls_x509_crt *chain)
{
    if (!chain)
        return;
    mbedtls_x509_crt_free(chain);
    free(chain);
}

void certificate_cleanup(mbedtls_x509_crt **chain)
{
    certificate_free(*chain);
}

enum err certificate_common_name(const mbedtls_x509_name *name,
                                 char text[static CERTIFICATE_NAME_MAX + 1], struct fault *fault)
{
    static const struct slice oid = SLICE_LITERAL(MBEDTLS_OID_AT_CN);
    text[0] = '\0';
    for (; name; name = name->next) {
        if (!slice_equal((struct slice){(const char *)name->oid.p, name->oid.len}, oid))
            continue;
        if (name->val.len > CERTIFICATE_NAME_MAX || memchr(name->val.p, '\0', name->val.len))
            return fault_set(fault, ERR_INVALID, "common name", "must have at most %d characters",
                             CERTIFICATE_NAME_MAX);
        memcpy(text, name->val.p, name->val.len);
        text[name->val.len] = '\0';
        return ERR_OK;
    }
    return ERR_OK;
}

enum err certificate_read(const mbedtls_x509_crt *crt, struct certificate_facts *out,
                          struct fault *fault)
{
    struct certificate_facts facts = {
        .not_before_ms = certificate_time_ms(&crt->valid_from),
        .not_after_ms = certificate_time_ms(&crt->valid_to),
    };
    const uint8_t *serial = crt->serial.p;
    size_t len = crt->serial.len;
    while (len > 1 && serial[0] == 0) {
        serial++;
        len--;
    }
    if (2 * len >= sizeof facts.serial)
        return fault_set(fault, ERR_INVALID, "serial", "longer than 20 bytes");
    hex_encode(serial, len, facts.serial);
    enum err err = certificate_common_name(&crt->subject, facts.common_name, fault);
    if (!err)
        *out = facts;
    return err;
}

void certificate_print(struct buf *pem, const char *label, struct slice der)
{
    struct buf text CLEANUP(buf_free);
    buf_init(&text, pem->max);
    base64_encode(&text, (const uint8_t *)der.data, der.len, false);
    if (text.failed)
        pem->failed = true;
    buf_printf(pem, "-----BEGIN %s-----\n", label);
    for (size_t at = 0; at < text.len; at += PEM_LINE) {
        buf_append(pem, text.data + at, text.len - at < PEM_LINE ? text.len - at : PEM_LINE);
        buf_append_char(pem, '\n');
    }
    buf_printf(pem, "-----END %s-----\n", label);
}

int64_t certificate_time_ms(const mbedtls_x509_time *time)
{
    if (time->mon < 1)
        return 0; /* a time left out */
    int64_t hours = civil_days(time->year, time->mon, time->day) * 24 + time->hour;
    return ((hours * 60 + time->min) * 60 + time->sec) * 1000;
}

bool certificate_names_host(const mbedtls_x509_crt *crt, const char *host)
{
    uint8_t address[HOST_ADDRESS_MAX];
    struct slice wanted = {(const char *)address, host_address(host, address)};
    const mbedtls_x509_sequence *entry = &crt->subject_alt_names;
    for (; entry && entry->buf.p; entry = entry->next) {
        struct slice name = {(const char *)entry->buf.p, entry->buf.len};
        int kind = entry->buf.tag & TAG_NUMBER;
        if (wanted.len ? kind == HOST_SAN_ADDRESS && slice_equal(name, wanted)
                       : kind == HOST_SAN_DNS && host_covered(name, host))
            return true;
    }
    return false;
}

size_t certificate_hosts(const mbedtls_x509_crt *crt, char hosts[][HOST_TEXT_MAX + 1], size_t max)
{
    size_t count = 0;
    const mbedtls_x509_sequence *entry = &crt->subject_alt_names;
    for (; entry && entry->buf.p && count < max; entry = entry->next) {
        struct slice name = {(const char *)entry->buf.p, entry->buf.len};
        int kind = entry->buf.tag & TAG_NUMBER;
        if (kind == HOST_SAN_ADDRESS && host_address_text(name, hosts[count]))
            count++;
        bool is_text = name.len <= HOST_TEXT_MAX && !memchr(name.data, 0, name.len);
        if (kind == HOST_SAN_DNS && is_text) {
            (void)snprintf(hosts[count], HOST_TEXT_MAX + 1, "%.*s", (int)name.len, name.data);
            count++;
        }
    }
    return count;
}

struct slice certificate_purpose_oid(enum certificate_purpose purpose)
{
    switch (purpose) {
    case CERTIFICATE_SERVER:
        return SLICE_LITERAL(MBEDTLS_OID_SERVER_AUTH);
    case CERTIFICATE_DEVICE:
        return SLICE_LITERAL(MBEDTLS_OID_CLIENT_AUTH);
    case CERTIFICATE_SIGNER:
        return SLICE_LITERAL(MBEDTLS_OID_CODE_SIGNING);
    case CERTIFICATE_AUTHORITY:
        break;
    }
    return (struct slice){"", 0};
}

bool certificate_fits(const mbedtls_x509_crt *crt, enum certificate_purpose purpose)
{
    if (purpose == CERTIFICATE_AUTHORITY)
        return crt->MBEDTLS_PRIVATE(ca_istrue) &&
               mbedtls_x509_crt_check_key_usage(crt, MBEDTLS_X509_KU_KEY_CERT_SIGN) == 0;
    struct slice oid = certificate_purpose_oid(purpose);
    const mbedtls_x509_sequence *entry = &crt->ext_key_usage;
    for (; entry && entry->buf.p; entry = entry->next)
        if (slice_equal((struct slice){(const char *)entry->buf.p, entry->buf.len}, oid))
            return true;
    return false;
}
