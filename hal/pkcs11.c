#include "hal/pkcs11.h"
#include "hal/base/random.h"
#include "hal/crypto.h"
#include "hal/pkcs11_call.h"
#include "hal/pkcs11_session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NEW_ID_BYTES = 16, WRAPPED_POINT_MAX = 80 };
/* A TPM signs within half a second, others take longer, and making a key takes some. The loop's
 * thread waits as long, but not for the signatures of its connections, which are made beside it. */
enum { AGREE_MS = 1500, OPEN_MS = 3000, SIGN_MS = 10000, CHANGE_MS = 10000 };

static char label[] = "tillback";
static CK_BBOOL yes = CK_TRUE;
static CK_BBOOL no = CK_FALSE;

struct pkcs11_key {
    struct pkcs11_session session;
    CK_OBJECT_HANDLE private;
    uint8_t point[PKCS11_POINT_BYTES];
    char uri[PKCS11_URI_MAX];
    int holders; /* its owner, and a call that is under way; atomic */
};

/* --- Objects --------------------------------------------------------------------------------- */

/* ERR_NOT_FOUND when there is none. */
static enum err find_object(struct pkcs11_session *session, CK_OBJECT_CLASS class,
                            const struct pkcs11_uri *uri, CK_OBJECT_HANDLE *object,
                            struct fault *fault)
{
    CK_FUNCTION_LIST *module = session->module;
    uint8_t id[PKCS11_ID_MAX];
    memcpy(id, uri->id, uri->id_len);
    CK_ATTRIBUTE wanted[] = {{CKA_CLASS, &class, sizeof class}, {CKA_ID, id, uri->id_len}};
    CK_ULONG found = 0;
    CK_RV code = module->C_FindObjectsInit(session->handle, wanted, 2);
    if (code == CKR_OK) {
        code = module->C_FindObjects(session->handle, object, 1, &found);
        (void)module->C_FindObjectsFinal(session->handle);
    }
    if (code != CKR_OK)
        return pkcs11_fault(fault, "looking for a key", code);
    return found ? ERR_OK
                 : fault_set(fault, ERR_NOT_FOUND, "token", "the key isn't in the token any more");
}

/* The point comes within an octet string, from some modules without. */
static enum err read_point(struct pkcs11_key *key, CK_OBJECT_HANDLE public, struct fault *fault)
{
    uint8_t wrapped[WRAPPED_POINT_MAX];
    CK_ATTRIBUTE wanted = {CKA_EC_POINT, wrapped, sizeof wrapped};
    CK_RV code = key->session.module->C_GetAttributeValue(key->session.handle, public, &wanted, 1);
    if (code != CKR_OK)
        return pkcs11_fault(fault, "reading a public key", code);
    size_t len = wanted.ulValueLen;
    if (len < PKCS11_POINT_BYTES || len > sizeof wrapped ||
        wrapped[len - PKCS11_POINT_BYTES] != 0x04)
        return fault_set(fault, ERR_INVALID, "token", "the key is not on the curve P-256");
    memcpy(key->point, wrapped + len - PKCS11_POINT_BYTES, PKCS11_POINT_BYTES);
    return ERR_OK;
}

static enum err make_pair(struct pkcs11_session *session, struct pkcs11_uri *uri,
                          struct fault *fault)
{
    static CK_BYTE p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
    CK_MECHANISM mechanism = {CKM_EC_KEY_PAIR_GEN, NULL, 0};
    CK_OBJECT_HANDLE public, private;
    uri->id_len = NEW_ID_BYTES;
    random_fill(NULL, uri->id, uri->id_len);
    CK_ATTRIBUTE of_public[] = {
        {CKA_TOKEN, &yes, sizeof yes},        {CKA_VERIFY, &yes, sizeof yes},
        {CKA_EC_PARAMS, p256, sizeof p256},   {CKA_ID, uri->id, uri->id_len},
        {CKA_LABEL, label, sizeof label - 1},
    };
    CK_ATTRIBUTE of_private[] = {
        {CKA_TOKEN, &yes, sizeof yes},     {CKA_PRIVATE, &yes, sizeof yes},
        {CKA_SENSITIVE, &yes, sizeof yes}, {CKA_EXTRACTABLE, &no, sizeof no},
        {CKA_SIGN, &yes, sizeof yes},      {CKA_DERIVE, &yes, sizeof yes},
        {CKA_ID, uri->id, uri->id_len},    {CKA_LABEL, label, sizeof label - 1},
    };
    CK_RV code = session->module->C_GenerateKeyPair(
        session->handle, &mechanism, of_public, sizeof of_public / sizeof *of_public, of_private,
        sizeof of_private / sizeof *of_private, &public, &private);
    return code == CKR_OK ? ERR_OK : pkcs11_fault(fault, "making a key", code);
}

/* --- What a call does, on its thread --------------------------------------------------------- */

struct call {
    struct pkcs11_call base;
    char uri[PKCS11_URI_MAX];
    struct pkcs11_key *key;
    uint8_t given[PKCS11_POINT_BYTES];    /* what to sign, or the other's public half */
    uint8_t made[PKCS11_SIGNATURE_BYTES]; /* a signature, or a secret */
    size_t made_len;
    struct pkcs11_uri made_uri;
    /* Where `take` puts it, on the caller's thread. */
    uint8_t *out;
    struct buf *out_uri;
    struct pkcs11_key **out_key;
};

static struct call *call_of(struct pkcs11_call *base)
{
    return (struct call *)base;
}

static enum err parse_key_uri(const char *text, struct pkcs11_uri *uri, struct fault *fault)
{
    enum err err = pkcs11_uri_parse(text, uri, fault);
    if (!err && (uri->id_len == 0 || strlen(text) >= PKCS11_URI_MAX))
        err = fault_set(fault, ERR_INVALID, "id", "must say which key of the token");
    return err;
}

static enum err key_connect(struct pkcs11_key *key, struct fault *fault)
{
    struct pkcs11_uri uri;
    CK_OBJECT_HANDLE public = CK_INVALID_HANDLE;
    enum err err = parse_key_uri(key->uri, &uri, fault);
    if (!err)
        err = pkcs11_session_open(&key->session, &uri, fault);
    if (!err)
        err = find_object(&key->session, CKO_PRIVATE_KEY, &uri, &key->private, fault);
    if (!err)
        err = find_object(&key->session, CKO_PUBLIC_KEY, &uri, &public, fault);
    return err ? err : read_point(key, public, fault);
}

static enum err run_make(struct pkcs11_call *base, struct fault *fault)
{
    struct call *call = call_of(base);
    struct pkcs11_session session = {.open = false};
    enum err err = pkcs11_uri_parse(call->uri, &call->made_uri, fault);
    if (!err)
        err = pkcs11_session_open(&session, &call->made_uri, fault);
    if (!err)
        err = make_pair(&session, &call->made_uri, fault);
    pkcs11_session_close(&session);
    return err;
}

static enum err run_open(struct pkcs11_call *base, struct fault *fault)
{
    return key_connect(call_of(base)->key, fault);
}

static enum err run_destroy(struct pkcs11_call *base, struct fault *fault)
{
    static const CK_OBJECT_CLASS classes[] = {CKO_PRIVATE_KEY, CKO_PUBLIC_KEY};
    struct pkcs11_uri uri;
    struct pkcs11_session session = {.open = false};
    enum err err = parse_key_uri(call_of(base)->uri, &uri, fault);
    if (!err)
        err = pkcs11_session_open(&session, &uri, fault);
    for (size_t i = 0; !err && i < sizeof classes / sizeof *classes; i++) {
        CK_OBJECT_HANDLE object = CK_INVALID_HANDLE;
        err = find_object(&session, classes[i], &uri, &object, fault);
        CK_RV code = err ? CKR_OK : session.module->C_DestroyObject(session.handle, object);
        if (code != CKR_OK)
            err = pkcs11_fault(fault, "destroying a key", code);
        if (err == ERR_NOT_FOUND)
            err = ERR_OK;
    }
    pkcs11_session_close(&session);
    return err;
}

static CK_RV sign(struct call *call)
{
    const struct pkcs11_session *session = &call->key->session;
    CK_MECHANISM mechanism = {CKM_ECDSA, NULL, 0};
    CK_ULONG len = PKCS11_SIGNATURE_BYTES;
    CK_RV code = session->module->C_SignInit(session->handle, &mechanism, call->key->private);
    if (code == CKR_OK)
        code = session->module->C_Sign(session->handle, call->given, PKCS11_HASH_BYTES, call->made,
                                       &len);
    return code == CKR_OK && len != PKCS11_SIGNATURE_BYTES ? CKR_GENERAL_ERROR : code;
}

static CK_RV agree(struct call *call)
{
    const struct pkcs11_session *session = &call->key->session;
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_GENERIC_SECRET;
    CK_ULONG len = PKCS11_SECRET_BYTES;
    CK_OBJECT_HANDLE derived;
    CK_ECDH1_DERIVE_PARAMS parameters = {
        .kdf = CKD_NULL, .ulPublicDataLen = sizeof call->given, .pPublicData = call->given};
    CK_MECHANISM mechanism = {CKM_ECDH1_DERIVE, &parameters, sizeof parameters};
    CK_ATTRIBUTE of_secret[] = {
        {CKA_CLASS, &class, sizeof class},   {CKA_KEY_TYPE, &type, sizeof type},
        {CKA_TOKEN, &no, sizeof no},         {CKA_SENSITIVE, &no, sizeof no},
        {CKA_EXTRACTABLE, &yes, sizeof yes}, {CKA_VALUE_LEN, &len, sizeof len},
    };
    CK_RV code =
        session->module->C_DeriveKey(session->handle, &mechanism, call->key->private, of_secret,
                                     sizeof of_secret / sizeof *of_secret, &derived);
    if (code != CKR_OK)
        return code;
    CK_ATTRIBUTE wanted = {CKA_VALUE, call->made, PKCS11_SECRET_BYTES};
    code = session->module->C_GetAttributeValue(session->handle, derived, &wanted, 1);
    (void)session->module->C_DestroyObject(session->handle, derived);
    return code == CKR_OK && wanted.ulValueLen != PKCS11_SECRET_BYTES ? CKR_GENERAL_ERROR : code;
}

/*
 * Calls `what`; after a failure once more in a new session, since the token may have been taken out
 * and put back.
 */
static enum err use(struct call *call, CK_RV (*what)(struct call *call), const char *doing,
                    struct fault *fault)
{
    CK_RV code = what(call);
    if (code == CKR_OK)
        return ERR_OK;
    pkcs11_session_close(&call->key->session);
    enum err err = key_connect(call->key, fault);
    if (err)
        return err;
    code = what(call);
    return code == CKR_OK ? ERR_OK : pkcs11_fault(fault, doing, code);
}

static enum err run_sign(struct pkcs11_call *base, struct fault *fault)
{
    return use(call_of(base), sign, "signing", fault);
}

static enum err run_agree(struct pkcs11_call *base, struct fault *fault)
{
    return use(call_of(base), agree, "agreeing on a secret", fault);
}

/* The session is closed here, on the modules' thread; key and call are freed later, by `end`. */
static enum err run_close(struct pkcs11_call *base, struct fault *fault)
{
    (void)fault;
    pkcs11_session_close(&call_of(base)->key->session);
    return ERR_OK;
}

/* --- Making, taking and ending a call -------------------------------------------------------- */

static void key_drop(struct pkcs11_key *key)
{
    if (key && __atomic_sub_fetch(&key->holders, 1, __ATOMIC_ACQ_REL) == 0)
        free(key);
}

static void take(struct pkcs11_call *base)
{
    struct call *call = call_of(base);
    if (call->out)
        memcpy(call->out, call->made, call->made_len);
    if (call->out_uri)
        pkcs11_uri_print(&call->made_uri, call->out_uri);
    if (call->out_key)
        *call->out_key = call->key;
}

static void end(struct pkcs11_call *base, bool taken)
{
    struct call *call = call_of(base);
    if (call->out_key && !taken)
        pkcs11_session_close(&call->key->session);
    if (!call->out_key || !taken)
        key_drop(call->key);
    crypto_wipe(call, sizeof *call);
    free(call);
}

static struct call *call_make(enum err (*run)(struct pkcs11_call *, struct fault *),
                              int64_t limit_ms, struct pkcs11_key *key, struct fault *fault)
{
    struct call *call = calloc(1, sizeof *call);
    if (!call) {
        (void)fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
        return NULL;
    }
    call->base = (struct pkcs11_call){.run = run, .take = take, .end = end, .limit_ms = limit_ms};
    call->key = key;
    if (key)
        (void)__atomic_add_fetch(&key->holders, 1, __ATOMIC_RELAXED);
    return call;
}

/* --- The face -------------------------------------------------------------------------------- */

bool pkcs11_is_uri(struct slice text)
{
    static const char scheme[] = "pkcs11:";
    return text.len >= sizeof scheme - 1 && memcmp(text.data, scheme, sizeof scheme - 1) == 0;
}

static enum err check_length(const char *uri, struct fault *fault)
{
    return strlen(uri) < PKCS11_URI_MAX
               ? ERR_OK
               : fault_set(fault, ERR_INVALID, "token", "its URI must be shorter than %d bytes",
                           PKCS11_URI_MAX);
}

enum err pkcs11_make(const char *token_uri, struct buf *key_uri, struct fault *fault)
{
    enum err err = check_length(token_uri, fault);
    if (err)
        return err;
    struct call *call = call_make(run_make, CHANGE_MS, NULL, fault);
    if (!call)
        return ERR_NO_MEMORY;
    (void)snprintf(call->uri, sizeof call->uri, "%s", token_uri);
    call->out_uri = key_uri;
    err = pkcs11_call_run(&call->base, fault);
    return err ? err : buf_check(key_uri, fault, "token");
}

enum err pkcs11_open(const char *key_uri, struct pkcs11_key **out, struct fault *fault)
{
    enum err err = check_length(key_uri, fault);
    if (err)
        return err;
    struct pkcs11_key *key = calloc(1, sizeof *key);
    struct call *call = key ? call_make(run_open, OPEN_MS, key, fault) : NULL;
    if (!call) {
        free(key);
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    }
    (void)snprintf(key->uri, sizeof key->uri, "%s", key_uri);
    call->out_key = out;
    return pkcs11_call_run(&call->base, fault);
}

void pkcs11_close(struct pkcs11_key *key)
{
    if (!key)
        return;
    struct call *call = call_make(run_close, AGREE_MS, key, NULL);
    enum err err = call ? pkcs11_call_run(&call->base, NULL) : ERR_NO_MEMORY;
    (void)err; /* then the session ends with the process */
    key_drop(key);
}

enum err pkcs11_destroy(const char *key_uri, struct fault *fault)
{
    enum err err = check_length(key_uri, fault);
    if (err)
        return err;
    struct call *call = call_make(run_destroy, CHANGE_MS, NULL, fault);
    if (!call)
        return ERR_NO_MEMORY;
    (void)snprintf(call->uri, sizeof call->uri, "%s", key_uri);
    return pkcs11_call_run(&call->base, fault);
}

const char *pkcs11_uri(const struct pkcs11_key *key)
{
    return key->uri;
}

const uint8_t *pkcs11_point(const struct pkcs11_key *key)
{
    return key->point;
}

enum err pkcs11_sign(struct pkcs11_key *key, const uint8_t hash[static PKCS11_HASH_BYTES],
                     uint8_t signature[static PKCS11_SIGNATURE_BYTES], struct fault *fault)
{
    struct call *call = call_make(run_sign, SIGN_MS, key, fault);
    if (!call)
        return ERR_NO_MEMORY;
    memcpy(call->given, hash, PKCS11_HASH_BYTES);
    call->out = signature;
    call->made_len = PKCS11_SIGNATURE_BYTES;
    return pkcs11_call_run(&call->base, fault);
}

enum err pkcs11_agree(struct pkcs11_key *key, const uint8_t point[static PKCS11_POINT_BYTES],
                      uint8_t secret[static PKCS11_SECRET_BYTES], struct fault *fault)
{
    struct call *call = call_make(run_agree, AGREE_MS, key, fault);
    if (!call)
        return ERR_NO_MEMORY;
    memcpy(call->given, point, PKCS11_POINT_BYTES);
    call->out = secret;
    call->made_len = PKCS11_SECRET_BYTES;
    return pkcs11_call_run(&call->base, fault);
}
