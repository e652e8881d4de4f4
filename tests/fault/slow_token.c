/*
 * A PKCS #11 module that is SoftHSM, but takes SLOW_TOKEN_MS for each signature, as small security
 * chips do. For tests.
 */
#include <dlfcn.h>
#include <p11-kit/pkcs11.h>
#include <stdlib.h>
#include <time.h>

static CK_FUNCTION_LIST *real;
static CK_FUNCTION_LIST slow;

static CK_RV sign_slowly(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG data_len,
                         CK_BYTE *signature, CK_ULONG *signature_len)
{
    const char *text = getenv("SLOW_TOKEN_MS");
    long ms = text ? strtol(text, NULL, 10) : 0;
    const struct timespec wait = {ms / 1000, ms % 1000 * 1000000};
    (void)nanosleep(&wait, NULL);
    return real->C_Sign(session, data, data_len, signature, signature_len);
}

CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list)
{
    void *module = dlopen("/usr/lib/softhsm/libsofthsm2.so", RTLD_NOW);
    if (!module)
        return CKR_GENERAL_ERROR;
    CK_C_GetFunctionList get = (CK_C_GetFunctionList)dlsym(module, "C_GetFunctionList");
    CK_RV code = get ? get(&real) : CKR_GENERAL_ERROR;
    if (code != CKR_OK)
        return code;
    slow = *real;
    slow.C_Sign = sign_slowly;
    *list = &slow;
    return CKR_OK;
}
