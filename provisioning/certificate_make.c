#include "provisioning/certificate.h"
#include "provisioning/host.h"
#include "provisioning/x509w.h"

#include <mbedtls/oid.h>
#include <string.h>

enum { BODY_MAX = 8 * 1024, PATH_LENGTH = 0 };

static enum err check_order(const struct certificate_order *order, struct fault *fault)
{
    size_t len = strlen(order->common_name);
    if (len == 0 || len > CERTIFICATE_NAME_MAX)
        return fault_set(fault, ERR_INVALID, "name", "must have 1 to %d characters",
                         CERTIFICATE_NAME_MAX);
    if (order->not_before_ms >= order->not_after_ms)
        return fault_set(fault, ERR_INVALID, "validity", "ends before it begins");
    if (order->purpose == CERTIFICATE_DEVICE)
        return device_id_check(slice_of(order->common_name), fault);
    if (order->purpose != CERTIFICATE_SERVER)
        return ERR_OK;
    if (order->host_count == 0 || order->host_count > CERTIFICATE_HOSTS_MAX)
        return fault_set(fault, ERR_INVALID, "hosts", "a server needs 1 to %d names or addresses",
                         CERTIFICATE_HOSTS_MAX);
    for (size_t i = 0; i < order->host_count; i++)
        if (!host_valid(order->hosts[i]))
            return fault_set(fault, ERR_INVALID, "hosts", "\"%s\" is no DNS name and no address",
                             order->hosts[i]);
    return ERR_OK;
}

static void add_constraints(struct derw *w, bool authority)
{
    x509w_extension(w, SLICE_LITERAL(MBEDTLS_OID_BASIC_CONSTRAINTS), true);
    derw_begin(w, DERW_SEQUENCE);
    if (authority) {
        derw_bool(w, true);
        derw_int(w, PATH_LENGTH);
    }
    derw_end(w);
    x509w_extension_end(w);

    /* bits from the left: 0 digitalSignature, 5 keyCertSign, 6 cRLSign */
    x509w_extension(w, SLICE_LITERAL(MBEDTLS_OID_KEY_USAGE), true);
    if (authority)
        derw_bits(w, SLICE_LITERAL("\x06"), 1);
    else
        derw_bits(w, SLICE_LITERAL("\x80"), 7);
    x509w_extension_end(w);
}

static void add_purpose(struct derw *w, enum certificate_purpose purpose)
{
    struct slice oid = certificate_purpose_oid(purpose);
    if (oid.len == 0)
        return;
    x509w_extension(w, SLICE_LITERAL(MBEDTLS_OID_EXTENDED_KEY_USAGE), false);
    derw_begin(w, DERW_SEQUENCE);
    derw_oid(w, oid);
    derw_end(w);
    x509w_extension_end(w);
}

static void add_hosts(struct derw *w, const struct certificate_order *order)
{
    if (order->purpose != CERTIFICATE_SERVER)
        return;
    x509w_extension(w, SLICE_LITERAL(MBEDTLS_OID_SUBJECT_ALT_NAME), false);
    derw_begin(w, DERW_SEQUENCE);
    for (size_t i = 0; i < order->host_count; i++) {
        uint8_t address[HOST_ADDRESS_MAX];
        size_t len = host_address(order->hosts[i], address);
        if (len)
            derw_bytes(w, DERW_CONTEXT | HOST_SAN_ADDRESS,
                       (struct slice){(const char *)address, len});
        else
            derw_bytes(w, DERW_CONTEXT | HOST_SAN_DNS, slice_of(order->hosts[i]));
    }
    derw_end(w);
    x509w_extension_end(w);
}

static enum err add_key_ids(struct derw *w, mbedtls_pk_context *subject, const struct key *issuer,
                            struct fault *fault)
{
    uint8_t id[X509W_KEY_ID_BYTES];
    enum err err = x509w_key_id(subject, id, fault);
    if (err)
        return err;
    x509w_extension(w, SLICE_LITERAL(MBEDTLS_OID_SUBJECT_KEY_IDENTIFIER), false);
    derw_bytes(w, DERW_OCTET_STRING, (struct slice){(const char *)id, sizeof id});
    x509w_extension_end(w);
    err = x509w_key_id(key_pk(issuer), id, fault);
    if (!err)
        x509w_authority_key_id(w, id);
    return err;
}

static void add_issuer(struct derw *w, const mbedtls_x509_crt *issuer, const char *own_name)
{
    if (issuer)
        derw_raw(w, (struct slice){(const char *)issuer->subject_raw.p, issuer->subject_raw.len});
    else
        x509w_name(w, own_name);
}

/* TBSCertificate. */
static enum err make_body(const struct certificate_order *order, mbedtls_pk_context *subject,
                          const mbedtls_x509_crt *issuer, const struct key *issuer_key,
                          struct buf *body, struct fault *fault)
{
    uint8_t serial[SERIAL_BYTES];
    memcpy(serial, order->serial, sizeof serial);
    serial[0] = (uint8_t)((serial[0] & 0x7f) | 0x40); /* positive, and always of the same length */
    struct derw w = derw_to(body);
    derw_begin(&w, DERW_SEQUENCE);
    derw_begin(&w, DERW_CONTEXT_OF_PARTS | 0);
    derw_int(&w, 2); /* version 3 */
    derw_end(&w);
    derw_unsigned(&w, serial, sizeof serial);
    x509w_algorithm(&w);
    add_issuer(&w, issuer, order->common_name);
    derw_begin(&w, DERW_SEQUENCE);
    derw_time(&w, order->not_before_ms);
    derw_time(&w, order->not_after_ms);
    derw_end(&w);
    x509w_name(&w, order->common_name);
    enum err err = x509w_public_key(&w, subject, fault);
    if (err)
        return err;
    derw_begin(&w, DERW_CONTEXT_OF_PARTS | 3);
    derw_begin(&w, DERW_SEQUENCE);
    add_constraints(&w, order->purpose == CERTIFICATE_AUTHORITY);
    add_purpose(&w, order->purpose);
    add_hosts(&w, order);
    err = add_key_ids(&w, subject, issuer_key, fault);
    derw_end(&w);
    derw_end(&w);
    derw_end(&w);
    return err ? err : buf_check(body, fault, "certificate");
}

enum err certificate_make(const struct certificate_order *order, mbedtls_pk_context *subject,
                          const mbedtls_x509_crt *issuer, const struct key *issuer_key,
                          struct buf *der, struct fault *fault)
{
    struct buf body CLEANUP(buf_free);
    buf_init(&body, BODY_MAX);
    enum err err = check_order(order, fault);
    if (!err)
        err = make_body(order, subject, issuer, issuer_key, &body, fault);
    if (err)
        return err;
    return x509w_sign(buf_slice(&body), issuer_key, der, fault);
}
