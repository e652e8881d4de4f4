#include "provisioning/pkcs7.h"

#include "provisioning/derw.h"

/* 1.2.840.113549.1.7.1 and .2 */
#define OID_DATA "\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01"
#define OID_SIGNED_DATA "\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02"

enum { VERSION = 1 };

enum err pkcs7_certificates(const mbedtls_x509_crt *chain, struct buf *der, struct fault *fault)
{
    struct derw w = derw_to(der);
    derw_begin(&w, DERW_SEQUENCE); /* ContentInfo */
    derw_oid(&w, SLICE_LITERAL(OID_SIGNED_DATA));
    derw_begin(&w, DERW_CONTEXT_OF_PARTS);
    derw_begin(&w, DERW_SEQUENCE); /* SignedData */
    derw_int(&w, VERSION);
    derw_begin(&w, DERW_SET); /* digestAlgorithms: none, since nothing is signed */
    derw_end(&w);
    derw_begin(&w, DERW_SEQUENCE); /* encapContentInfo, empty */
    derw_oid(&w, SLICE_LITERAL(OID_DATA));
    derw_end(&w);
    derw_begin(&w, DERW_CONTEXT_OF_PARTS);
    for (; chain; chain = chain->next)
        derw_raw(&w, (struct slice){(const char *)chain->raw.p, chain->raw.len});
    derw_end(&w);
    derw_begin(&w, DERW_SET); /* signerInfos */
    derw_end(&w);
    derw_end(&w);
    derw_end(&w);
    derw_end(&w);
    return buf_check(der, fault, "certificates");
}
