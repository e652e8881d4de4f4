#include "hal/pkcs11.h"
#include "hal/base/cleanup.h"
#include "hal/base/random.h"
#include "hal/crypto.h"
#include "hal/pkcs11_uri.h"
#include "hal/storage.h"

#include <dlfcn.h>
#include <p11-kit/pkcs11.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS_MAX = 64, PIN_MAX = 128, NEW_ID_BYTES = 16, WRAPPED_POINT_MAX = 80 };

static char label[] = "tillback";
static CK_BBOOL yes = CK_TRUE;
static CK_BBOOL no = CK_FALSE;

struct session {
    CK_FUNCTION_LIST *module;
    CK_SESSION_HANDLE handle;
    bool open;
};

struct pkcs11_key {
    struct session session;
    CK_OBJECT_HANDLE private;
    uint8_t point[PKCS11_POINT_BYTES];
    char uri[PKCS11_URI_MAX];
};

static enum err module_fault(struct fault *fault, const char *doing, CK_RV code)
{
    switch (code) {
    case CKR_PIN_INCORRECT:
    case CKR_PIN_INVALID:
    case CKR_PIN_LEN_RANGE:
        return fault_set(fault, ERR_FORBIDDEN, "token",
                         "the PIN is wrong (a token locks itself after some wrong ones)");
    case CKR_PIN_LOCKED:
        return fault_set(
            fault, ERR_FORBIDDEN, "token",
            "the PIN is locked after too many wrong ones: unlock it as its maker says");
    default:
        return fault_set(fault, ERR_UNREACHABLE, "token", "%s: the module says 0x%lx", doing,
                         (unsigned long)code);
    }
}

/* --- Module, token, session ------------------------------------------------------------------ */

/* Never unloaded: other keys of this process use it, and some modules don't survive it. */
static enum err load_module(const char *path, CK_FUNCTION_LIST **module, struct fault *fault)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!library)
        return fault_set(fault, ERR_UNREACHABLE, "module-path", "%s", dlerror());
    CK_C_GetFunctionList functions = (CK_C_GetFunctionList)dlsym(library, "C_GetFunctionList");
    CK_FUNCTION_LIST *found = NULL;
    CK_RV code = functions ? functions(&found) : CKR_FUNCTION_NOT_SUPPORTED;
    CK_C_INITIALIZE_ARGS arguments = {.flags = CKF_OS_LOCKING_OK};
    if (code == CKR_OK)
        code = found->C_Initialize(&arguments);
    if (code != CKR_OK && code != CKR_CRYPTOKI_ALREADY_INITIALIZED)
        return module_fault(fault, path, code);
    *module = found;
    return ERR_OK;
}

/* PKCS #11 fills with blanks what it doesn't need. */
static bool is_padded(const unsigned char *field, size_t size, const char *text)
{
    size_t len = strlen(text);
    if (len > size || memcmp(field, text, len) != 0)
        return false;
    while (len < size && field[len] == ' ')
        len++;
    return len == size;
}

static bool is_wanted(CK_FUNCTION_LIST *module, CK_SLOT_ID slot, const struct pkcs11_uri *uri)
{
    CK_TOKEN_INFO info;
    if (module->C_GetTokenInfo(slot, &info) != CKR_OK || !(info.flags & CKF_TOKEN_INITIALIZED))
        return false;
    return (!uri->label[0] || is_padded(info.label, sizeof info.label, uri->label)) &&
           (!uri->serial[0] || is_padded(info.serialNumber, sizeof info.serialNumber, uri->serial));
}

static enum err find_slot(CK_FUNCTION_LIST *module, const struct pkcs11_uri *uri, CK_SLOT_ID *slot,
                          struct fault *fault)
{
    CK_SLOT_ID slots[SLOTS_MAX];
    CK_ULONG count = SLOTS_MAX;
    CK_RV code = module->C_GetSlotList(CK_TRUE, slots, &count);
    if (code != CKR_OK)
        return module_fault(fault, "looking for tokens", code);
    for (CK_ULONG i = 0; i < count; i++)
        if (is_wanted(module, slots[i], uri)) {
            *slot = slots[i];
            return ERR_OK;
        }
    return fault_set(fault, ERR_NOT_FOUND, "token", "there is no token %s among %lu",
                     uri->label[0] ? uri->label : uri->serial, count);
}

static void wipe(struct buf *secret)
{
    crypto_wipe(secret->data, secret->capacity);
    buf_free(secret);
}

static enum err log_in(struct session *session, const char *pin_path, struct fault *fault)
{
    struct buf pin CLEANUP(wipe);
    buf_init(&pin, PIN_MAX);
    enum err err = storage_read(pin_path, &pin, fault);
    if (err)
        return err;
    size_t len = pin.data ? strcspn(pin.data, "\r\n") : 0;
    CK_RV code =
        session->module->C_Login(session->handle, CKU_USER, (CK_UTF8CHAR *)pin.data, (CK_ULONG)len);
    return code == CKR_OK || code == CKR_USER_ALREADY_LOGGED_IN
               ? ERR_OK
               : module_fault(fault, "logging in", code);
}

static void session_close(struct session *session)
{
    if (session->open)
        (void)session->module->C_CloseSession(session->handle);
    session->open = false;
}

static enum err session_open(struct session *session, const struct pkcs11_uri *uri,
                             struct fault *fault)
{
    CK_SLOT_ID slot;
    enum err err = load_module(uri->module_path, &session->module, fault);
    if (!err)
        err = find_slot(session->module, uri, &slot, fault);
    if (err)
        return err;
    CK_RV code = session->module->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL,
                                                NULL, &session->handle);
    if (code != CKR_OK)
        return module_fault(fault, "opening a session", code);
    session->open = true;
    return uri->pin_path[0] ? log_in(session, uri->pin_path, fault) : ERR_OK;
}

/* --- Objects --------------------------------------------------------------------------------- */

/* ERR_NOT_FOUND when there is none. */
static enum err find_object(struct session *session, CK_OBJECT_CLASS class,
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
        return module_fault(fault, "looking for a key", code);
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
        return module_fault(fault, "reading a public key", code);
    size_t len = wanted.ulValueLen;
    if (len < PKCS11_POINT_BYTES || len > sizeof wrapped ||
        wrapped[len - PKCS11_POINT_BYTES] != 0x04)
        return fault_set(fault, ERR_INVALID, "token", "the key is not on the curve P-256");
    memcpy(key->point, wrapped + len - PKCS11_POINT_BYTES, PKCS11_POINT_BYTES);
    return ERR_OK;
}

static enum err make_pair(struct session *session, struct pkcs11_uri *uri, struct fault *fault)
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
    return code == CKR_OK ? ERR_OK : module_fault(fault, "making a key", code);
}

/* --- The face -------------------------------------------------------------------------------- */

bool pkcs11_is_uri(struct slice text)
{
    static const char scheme[] = "pkcs11:";
    return text.len >= sizeof scheme - 1 && memcmp(text.data, scheme, sizeof scheme - 1) == 0;
}

enum err pkcs11_make(const char *token_uri, struct buf *key_uri, struct fault *fault)
{
    struct pkcs11_uri uri;
    struct session session = {.open = false};
    enum err err = pkcs11_uri_parse(token_uri, &uri, fault);
    if (!err)
        err = session_open(&session, &uri, fault);
    if (!err)
        err = make_pair(&session, &uri, fault);
    session_close(&session);
    if (err)
        return err;
    pkcs11_uri_print(&uri, key_uri);
    return buf_check(key_uri, fault, "token");
}

static enum err parse_key_uri(const char *text, struct pkcs11_uri *uri, struct fault *fault)
{
    enum err err = pkcs11_uri_parse(text, uri, fault);
    if (!err && (uri->id_len == 0 || strlen(text) >= PKCS11_URI_MAX))
        err = fault_set(fault, ERR_INVALID, "id", "must say which key of the token");
    return err;
}

enum err pkcs11_open(const char *key_uri, struct pkcs11_key **out, struct fault *fault)
{
    struct pkcs11_uri uri;
    CK_OBJECT_HANDLE public;
    struct pkcs11_key *key = calloc(1, sizeof *key);
    if (!key)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    enum err err = parse_key_uri(key_uri, &uri, fault);
    if (!err)
        err = session_open(&key->session, &uri, fault);
    if (!err)
        err = find_object(&key->session, CKO_PRIVATE_KEY, &uri, &key->private, fault);
    if (!err)
        err = find_object(&key->session, CKO_PUBLIC_KEY, &uri, &public, fault);
    if (!err)
        err = read_point(key, public, fault);
    if (err) {
        pkcs11_close(key);
        return err;
    }
    (void)snprintf(key->uri, sizeof key->uri, "%s", key_uri);
    *out = key;
    return ERR_OK;
}

void pkcs11_close(struct pkcs11_key *key)
{
    if (!key)
        return;
    session_close(&key->session);
    free(key);
}

enum err pkcs11_destroy(const char *key_uri, struct fault *fault)
{
    static const CK_OBJECT_CLASS classes[] = {CKO_PRIVATE_KEY, CKO_PUBLIC_KEY};
    struct pkcs11_uri uri;
    struct session session = {.open = false};
    enum err err = parse_key_uri(key_uri, &uri, fault);
    if (!err)
        err = session_open(&session, &uri, fault);
    for (size_t i = 0; !err && i < sizeof classes / sizeof *classes; i++) {
        CK_OBJECT_HANDLE object;
        err = find_object(&session, classes[i], &uri, &object, fault);
        CK_RV code = err ? CKR_OK : session.module->C_DestroyObject(session.handle, object);
        if (code != CKR_OK)
            err = module_fault(fault, "destroying a key", code);
        if (err == ERR_NOT_FOUND)
            err = ERR_OK;
    }
    session_close(&session);
    return err;
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
    const struct session *session = &key->session;
    CK_MECHANISM mechanism = {CKM_ECDSA, NULL, 0};
    uint8_t input[PKCS11_HASH_BYTES];
    CK_ULONG len = PKCS11_SIGNATURE_BYTES;
    memcpy(input, hash, sizeof input);
    CK_RV code = session->module->C_SignInit(session->handle, &mechanism, key->private);
    if (code == CKR_OK)
        code = session->module->C_Sign(session->handle, input, sizeof input, signature, &len);
    if (code == CKR_OK && len != PKCS11_SIGNATURE_BYTES)
        code = CKR_GENERAL_ERROR;
    return code == CKR_OK ? ERR_OK : module_fault(fault, "signing", code);
}

enum err pkcs11_agree(struct pkcs11_key *key, const uint8_t point[static PKCS11_POINT_BYTES],
                      uint8_t secret[static PKCS11_SECRET_BYTES], struct fault *fault)
{
    const struct session *session = &key->session;
    uint8_t other[PKCS11_POINT_BYTES];
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_GENERIC_SECRET;
    CK_ULONG len = PKCS11_SECRET_BYTES;
    CK_OBJECT_HANDLE derived;
    CK_ECDH1_DERIVE_PARAMS parameters = {
        .kdf = CKD_NULL, .ulPublicDataLen = sizeof other, .pPublicData = other};
    CK_MECHANISM mechanism = {CKM_ECDH1_DERIVE, &parameters, sizeof parameters};
    CK_ATTRIBUTE of_secret[] = {
        {CKA_CLASS, &class, sizeof class},   {CKA_KEY_TYPE, &type, sizeof type},
        {CKA_TOKEN, &no, sizeof no},         {CKA_SENSITIVE, &no, sizeof no},
        {CKA_EXTRACTABLE, &yes, sizeof yes}, {CKA_VALUE_LEN, &len, sizeof len},
    };
    memcpy(other, point, sizeof other);
    CK_RV code = session->module->C_DeriveKey(session->handle, &mechanism, key->private, of_secret,
                                              sizeof of_secret / sizeof *of_secret, &derived);
    if (code != CKR_OK)
        return module_fault(fault, "agreeing on a secret", code);
    CK_ATTRIBUTE wanted = {CKA_VALUE, secret, PKCS11_SECRET_BYTES};
    code = session->module->C_GetAttributeValue(session->handle, derived, &wanted, 1);
    (void)session->module->C_DestroyObject(session->handle, derived);
    if (code == CKR_OK && wanted.ulValueLen != PKCS11_SECRET_BYTES)
        code = CKR_GENERAL_ERROR;
    return code == CKR_OK ? ERR_OK : module_fault(fault, "agreeing on a secret", code);
}
