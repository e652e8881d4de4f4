#include "provisioning/key.h"

#include "hal/storage.h"
#include "provisioning/outside_key.h"

#include <errno.h>
#include <mbedtls/ecp.h>
#include <mbedtls/pk.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { KEY_FILE_MAX = 64 * 1024, KEY_PEM_MAX = PKCS11_URI_MAX, SPKI_MAX = 256 };

struct key {
    mbedtls_pk_context pk;
};

/* NULL on no memory. */
static struct key *key_new(void)
{
    struct key *key = calloc(1, sizeof *key);
    if (key)
        mbedtls_pk_init(&key->pk);
    return key;
}

void key_free(struct key *key)
{
    if (!key)
        return;
    mbedtls_pk_free(&key->pk); /* overwrites what it frees */
    free(key);
}

void key_cleanup(struct key **key)
{
    key_free(*key);
}

enum err key_make(struct key **out, struct fault *fault)
{
    struct key *key = key_new();
    if (!key)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    int code = mbedtls_pk_setup(&key->pk, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY));
    if (code == 0)
        code = mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(key->pk), crypto_random,
                                   NULL);
    if (code != 0) {
        key_free(key);
        return crypto_fault(fault, ERR_IO, "", "making a key", code);
    }
    *out = key;
    return ERR_OK;
}

/* --- In a token ------------------------------------------------------------------------------- */

static enum err open_in_token(const char *uri, struct key **out, struct fault *fault)
{
    struct pkcs11_key *inside = NULL;
    struct key *key CLEANUP(key_cleanup) = key_new();
    if (!key)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    enum err err = pkcs11_open(uri, &inside, fault);
    /* a key whose token has gone: the file is sound, and may work again */
    if (err == ERR_NOT_FOUND)
        err = fault ? (fault->code = ERR_UNREACHABLE) : ERR_UNREACHABLE;
    if (err)
        return err;
    int code = outside_key_setup(&key->pk, inside);
    if (code != 0) {
        pkcs11_close(inside);
        return crypto_fault(fault, ERR_INVALID, "token", "the token's key", code);
    }
    *out = key;
    key = NULL;
    return ERR_OK;
}

enum err key_make_in(const char *token_uri, struct key **key, struct fault *fault)
{
    struct buf uri CLEANUP(buf_free);
    buf_init(&uri, PKCS11_URI_MAX - 1);
    enum err err = pkcs11_make(token_uri, &uri, fault);
    return err ? err : open_in_token(uri.data, key, fault);
}

/* The first line of such a file. */
static enum err read_uri(struct slice text, struct buf *uri, struct fault *fault)
{
    const char *end = memchr(text.data, '\n', text.len);
    buf_append(uri, text.data, end ? (size_t)(end - text.data) : text.len);
    return buf_check(uri, fault, "token");
}

enum err key_destroy(const char *path, struct fault *fault)
{
    struct buf text CLEANUP(key_wipe);
    struct buf uri CLEANUP(buf_free);
    buf_init(&text, KEY_FILE_MAX);
    buf_init(&uri, PKCS11_URI_MAX - 1);
    enum err err = storage_read(path, &text, fault);
    if (err == ERR_NOT_FOUND || (!err && !pkcs11_is_uri(buf_slice(&text))))
        return ERR_OK;
    if (!err)
        err = read_uri(buf_slice(&text), &uri, fault);
    return err ? err : pkcs11_destroy(uri.data, fault);
}

enum err key_derive(mbedtls_pk_context *pk, const char *purpose,
                    uint8_t secret[static CRYPTO_KEY_BYTES], struct fault *fault)
{
    struct pkcs11_key *inside = outside_key_of(pk);
    if (inside)
        return outside_key_derive(inside, purpose, secret, fault);
    int code = crypto_derive(pk, purpose, secret);
    return code ? crypto_fault(fault, ERR_IO, "", "deriving a key", code) : ERR_OK;
}

/* --- In memory, and as a file ----------------------------------------------------------------- */

/* A private key on P-256 whose public half belongs to it. */
static bool is_sound(const mbedtls_pk_context *pk)
{
    if (!mbedtls_pk_can_do(pk, MBEDTLS_PK_ECKEY) || mbedtls_pk_get_bitlen(pk) != 256)
        return false;
    mbedtls_ecp_keypair *pair = mbedtls_pk_ec(*pk);
    return pair->MBEDTLS_PRIVATE(grp).id == MBEDTLS_ECP_DP_SECP256R1 &&
           mbedtls_ecp_check_privkey(&pair->MBEDTLS_PRIVATE(grp), &pair->MBEDTLS_PRIVATE(d)) == 0;
}

static enum err parse_uri(struct slice text, struct key **key, struct fault *fault)
{
    struct buf uri CLEANUP(buf_free);
    buf_init(&uri, PKCS11_URI_MAX - 1);
    enum err err = read_uri(text, &uri, fault);
    return err ? err : open_in_token(uri.data, key, fault);
}

enum err key_parse(struct slice pem, struct key **out, struct fault *fault)
{
    if (pkcs11_is_uri(pem))
        return parse_uri(pem, out, fault);
    struct buf text CLEANUP(key_wipe);
    buf_init(&text, KEY_FILE_MAX);
    buf_append(&text, pem.data, pem.len);
    enum err err = buf_check(&text, fault, "key");
    if (err)
        return err;
    struct key *key CLEANUP(key_cleanup) = key_new();
    if (!key)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    int code = crypto_parse_key(&key->pk, (const unsigned char *)text.data, text.len + 1);
    if (code != 0)
        return crypto_fault(fault, ERR_INVALID, "", "not a private key", code);
    if (!is_sound(&key->pk))
        return fault_set(fault, ERR_INVALID, "", "not a private key on the curve P-256");
    *out = key;
    key = NULL;
    return ERR_OK;
}

enum err key_print(const struct key *key, struct buf *pem, struct fault *fault)
{
    const struct pkcs11_key *inside = outside_key_of(&key->pk);
    if (inside) {
        buf_printf(pem, "%s\n", pkcs11_uri(inside));
        return buf_check(pem, fault, "key");
    }
    unsigned char text[KEY_PEM_MAX];
    int code = mbedtls_pk_write_key_pem(key_pk(key), text, sizeof text);
    if (code == 0)
        buf_append_text(pem, (const char *)text);
    crypto_wipe(text, sizeof text);
    if (code != 0)
        return crypto_fault(fault, ERR_IO, "", "writing a key", code);
    return buf_check(pem, fault, "key");
}

void key_wipe(struct buf *pem)
{
    crypto_wipe(pem->data, pem->capacity);
    buf_free(pem);
}

static enum err check_mode(const char *path, struct fault *fault)
{
    struct stat info;
    if (stat(path, &info) != 0)
        return fault_errno(fault, errno, path, "open key");
    if (!S_ISREG(info.st_mode))
        return fault_set(fault, ERR_INVALID, path, "not a file");
    if (info.st_mode & (S_IWGRP | S_IRWXO))
        return fault_set(fault, ERR_FORBIDDEN, path,
                         "others may read or change this key (mode %04o): make a new one, or, if "
                         "nobody did, run: chmod 600 %s",
                         (unsigned)(info.st_mode & 07777), path);
    return ERR_OK;
}

enum err key_load(const char *path, struct key **key, struct fault *fault)
{
    struct buf text CLEANUP(key_wipe);
    buf_init(&text, KEY_FILE_MAX);
    enum err err = check_mode(path, fault);
    if (!err)
        err = storage_read(path, &text, fault);
    if (err)
        return err;
    err = key_parse(buf_slice(&text), key, fault);
    if (err == ERR_INVALID)
        fault_within(fault, path);
    return err;
}

enum err key_save(const struct key *key, const char *path, struct fault *fault)
{
    struct buf pem CLEANUP(key_wipe);
    buf_init(&pem, KEY_PEM_MAX);
    enum err err = key_print(key, &pem, fault);
    if (err)
        return err;
    return storage_replace(path, buf_slice(&pem), 0600, fault);
}

mbedtls_pk_context *key_pk(const struct key *key)
{
    union {
        const mbedtls_pk_context *borrowed;
        mbedtls_pk_context *for_mbedtls; /* whose calls don't say const where they could */
    } pk = {.borrowed = &key->pk};
    return pk.for_mbedtls;
}

enum err key_fingerprint(mbedtls_pk_context *pk, struct sha256 *fingerprint, struct fault *fault)
{
    unsigned char spki[SPKI_MAX];
    int len = mbedtls_pk_write_pubkey_der(pk, spki, sizeof spki);
    if (len < 0)
        return crypto_fault(fault, ERR_INVALID, "", "reading a public key", len);
    const char *at = (const char *)spki + sizeof spki - len; /* written at the end */
    *fingerprint = sha256_of((struct slice){at, (size_t)len});
    return ERR_OK;
}

enum err key_matches(const struct key *key, mbedtls_pk_context *other, struct fault *fault)
{
    struct sha256 ours, theirs;
    enum err err = key_fingerprint(key_pk(key), &ours, fault);
    if (!err)
        err = key_fingerprint(other, &theirs, fault);
    if (err)
        return err;
    if (!sha256_equal(&ours, &theirs))
        return fault_set(fault, ERR_CONFLICT, "", "the certificate is for another key");
    return ERR_OK;
}
