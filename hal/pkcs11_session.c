#include "hal/pkcs11_session.h"
#include "hal/base/cleanup.h"
#include "hal/base/sha256.h"
#include "hal/crypto.h"
#include "hal/storage.h"

#include <dlfcn.h>
#include <string.h>

enum { SLOTS_MAX = 64, PIN_MAX = 128 };

enum err pkcs11_fault(struct fault *fault, const char *doing, CK_RV code)
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
    case CKR_FUNCTION_NOT_SUPPORTED:
    case CKR_MECHANISM_INVALID:
        return fault_set(fault, ERR_UNSUPPORTED, "token", "%s: the module can't do that", doing);
    default:
        return fault_set(fault, ERR_UNREACHABLE, "token", "%s: the module says 0x%lx", doing,
                         (unsigned long)code);
    }
}

/* --- Module, token, session ------------------------------------------------------------------ */

static CK_RV start(CK_FUNCTION_LIST *module)
{
    CK_C_INITIALIZE_ARGS arguments = {.flags = CKF_OS_LOCKING_OK};
    return module->C_Initialize(&arguments);
}

/* Never unloaded: other keys of this process use it, and some modules don't survive it. */
static enum err load_module(const char *path, CK_FUNCTION_LIST **module, struct fault *fault)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!library)
        return fault_set(fault, ERR_UNREACHABLE, "module-path", "%s", dlerror());
    CK_C_GetFunctionList functions = (CK_C_GetFunctionList)dlsym(library, "C_GetFunctionList");
    CK_FUNCTION_LIST *found = NULL;
    CK_RV code = functions ? functions(&found) : CKR_FUNCTION_NOT_SUPPORTED;
    if (code == CKR_OK)
        code = start(found);
    if (code != CKR_OK && code != CKR_CRYPTOKI_ALREADY_INITIALIZED)
        return pkcs11_fault(fault, path, code);
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
        return pkcs11_fault(fault, "looking for tokens", code);
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

/*
 * A token locks itself after some wrong PINs, and one that can't be used is tried again and again:
 * the same wrong one is not shown to it twice. Within calls only, which come one at a time.
 */
static struct sha256 refused_pin;
static bool pin_was_refused;

static bool is_refused(const struct sha256 *pin)
{
    return pin_was_refused && sha256_equal(&refused_pin, pin);
}

static enum err log_in(struct pkcs11_session *session, const char *pin_path, struct fault *fault)
{
    struct buf pin CLEANUP(wipe);
    buf_init(&pin, PIN_MAX);
    enum err err = storage_read(pin_path, &pin, fault);
    if (err)
        return err;
    size_t len = pin.data ? strcspn(pin.data, "\r\n") : 0;
    const struct slice parts[] = {slice_of(pin_path), {pin.data ? pin.data : "", len}};
    struct sha256 shown = sha256_of_all(parts, 2);
    if (is_refused(&shown))
        return pkcs11_fault(fault, "logging in", CKR_PIN_INCORRECT);
    CK_RV code =
        session->module->C_Login(session->handle, CKU_USER, (CK_UTF8CHAR *)pin.data, (CK_ULONG)len);
    if (code == CKR_PIN_INCORRECT) {
        refused_pin = shown;
        pin_was_refused = true;
    }
    return code == CKR_OK || code == CKR_USER_ALREADY_LOGGED_IN
               ? ERR_OK
               : pkcs11_fault(fault, "logging in", code);
}

void pkcs11_session_close(struct pkcs11_session *session)
{
    if (session->open)
        (void)session->module->C_CloseSession(session->handle);
    session->open = false;
}

/*
 * Some modules see only the tokens that were there when they were started. The sessions of other
 * keys end with that: a key that has lost its session opens another.
 */
static enum err find_slot_anew(CK_FUNCTION_LIST *module, const struct pkcs11_uri *uri,
                               CK_SLOT_ID *slot, struct fault *fault)
{
    (void)module->C_Finalize(NULL);
    CK_RV code = start(module);
    return code == CKR_OK ? find_slot(module, uri, slot, fault)
                          : pkcs11_fault(fault, uri->module_path, code);
}

enum err pkcs11_session_open(struct pkcs11_session *session, const struct pkcs11_uri *uri,
                             struct fault *fault)
{
    CK_SLOT_ID slot;
    enum err err = load_module(uri->module_path, &session->module, fault);
    if (!err)
        err = find_slot(session->module, uri, &slot, fault);
    if (err == ERR_NOT_FOUND)
        err = find_slot_anew(session->module, uri, &slot, fault);
    if (err)
        return err;
    CK_RV code = session->module->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL,
                                                NULL, &session->handle);
    if (code != CKR_OK)
        return pkcs11_fault(fault, "opening a session", code);
    session->open = true;
    return uri->pin_path[0] ? log_in(session, uri->pin_path, fault) : ERR_OK;
}
