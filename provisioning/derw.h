/*
 * Writes DER (X.690) into a buffer, front to back; a length is put in when its value ends. Failure
 * is the buffer's: check it once, at the end.
 *
 *     struct derw w = derw_to(&out);
 *     derw_begin(&w, DERW_SEQUENCE);
 *     derw_oid(&w, SLICE_LITERAL(MBEDTLS_OID_AT_CN));
 *     derw_end(&w);
 *
 * One owner, no threading.
 */
#ifndef PROVISIONING_DERW_H
#define PROVISIONING_DERW_H

#include "hal/base/buf.h"

enum { DERW_DEPTH_MAX = 12 };

enum derw_tag {
    DERW_BOOLEAN = 0x01,
    DERW_INTEGER = 0x02,
    DERW_BIT_STRING = 0x03,
    DERW_OCTET_STRING = 0x04,
    DERW_OID = 0x06,
    DERW_ENUMERATED = 0x0a,
    DERW_UTF8_STRING = 0x0c,
    DERW_UTC_TIME = 0x17,
    DERW_GENERALIZED_TIME = 0x18,
    DERW_SEQUENCE = 0x30,
    DERW_SET = 0x31,
    DERW_CONTEXT = 0x80,          /* | number: primitive */
    DERW_CONTEXT_OF_PARTS = 0xa0, /* | number: constructed */
};

struct derw {
    struct buf *out;
    unsigned depth;
    size_t starts[DERW_DEPTH_MAX]; /* where the open values' contents begin */
};

struct derw derw_to(struct buf *out);
void derw_begin(struct derw *w, unsigned tag);
void derw_end(struct derw *w);
void derw_bytes(struct derw *w, unsigned tag, struct slice content);
void derw_text(struct derw *w, const char *text); /* UTF8String */
void derw_oid(struct derw *w, struct slice oid);  /* mbedTLS's MBEDTLS_OID_... */
void derw_bool(struct derw *w, bool value);
/* A positive INTEGER from big-endian bytes, shortened or padded as DER wants. */
void derw_unsigned(struct derw *w, const uint8_t *bytes, size_t len);
void derw_int(struct derw *w, int64_t value); /* not negative */
/* A BIT STRING whose last byte leaves `unused` bits out. */
void derw_bits(struct derw *w, struct slice content, unsigned unused);
/* UTCTime up to 2049, GeneralizedTime after it (RFC 5280, section 4.1.2.5); whole seconds. */
void derw_time(struct derw *w, int64_t ms);
/* Values that are DER already. */
void derw_raw(struct derw *w, struct slice der);

#endif
