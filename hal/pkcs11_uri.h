/*
 * What a PKCS #11 URI (RFC 7512) says, as far as hal/pkcs11.h takes it. Pure: touches no file.
 */
#ifndef HAL_PKCS11_URI_H
#define HAL_PKCS11_URI_H

#include "hal/base/buf.h"

enum {
    PKCS11_LABEL_MAX = 32,  /* of a token, as PKCS #11 has it */
    PKCS11_SERIAL_MAX = 16, /* as well */
    PKCS11_ID_MAX = 32,     /* bytes of CKA_ID */
    PKCS11_PATH_MAX = 255,
};

struct pkcs11_uri {
    char label[PKCS11_LABEL_MAX + 1]; /* "" when any */
    char serial[PKCS11_SERIAL_MAX + 1];
    uint8_t id[PKCS11_ID_MAX];
    size_t id_len; /* 0: the URI names a token, not a key */
    char module_path[PKCS11_PATH_MAX + 1];
    char pin_path[PKCS11_PATH_MAX + 1]; /* "" when it has no PIN */
};

/* ERR_INVALID, with the attribute concerned; ERR_UNSUPPORTED for a PIN inside of the URI. */
enum err pkcs11_uri_parse(const char *text, struct pkcs11_uri *uri, struct fault *fault) MUST_CHECK;
/* Appends it in its canonical order. */
void pkcs11_uri_print(const struct pkcs11_uri *uri, struct buf *out);

#endif
