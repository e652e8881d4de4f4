#include "sync/hub/staff_command.h"
#include "hal/base/cleanup.h"
#include "hal/base/hex.h"
#include "hal/base/jsonw.h"
#include "hal/crypto.h"
#include "hal/pin.h"

#include <stdio.h>
#include <string.h>

enum { LINE_MAX_BYTES = 64, JSON_MAX_BYTES = 512 };

const char staff_usage[] =
    "  staff verifier           read a PIN as a line of standard input, and print what stands for\n"
    "                           it as \"pin\" of a person in the section staff of a "
    "configuration\n";

static enum err read_pin(char line[static LINE_MAX_BYTES], struct fault *fault)
{
    if (!fgets(line, LINE_MAX_BYTES, stdin))
        return fault_set(fault, ERR_INVALID, "pin", "standard input has no line");
    line[strcspn(line, "\r\n")] = '\0';
    return pin_check(slice_of(line), fault);
}

static enum err print_verifier(const struct pin_verifier *verifier, struct fault *fault)
{
    char salt[2 * PIN_SALT_BYTES + 1];
    char hash[2 * PIN_HASH_BYTES + 1];
    struct buf out CLEANUP(buf_free);
    buf_init(&out, JSON_MAX_BYTES);
    hex_encode(verifier->salt, PIN_SALT_BYTES, salt);
    hex_encode(verifier->hash, PIN_HASH_BYTES, hash);
    struct jsonw w = jsonw_to(&out);
    jsonw_object(&w, NULL);
    jsonw_int(&w, "rounds", verifier->rounds);
    jsonw_text(&w, "salt", salt);
    jsonw_text(&w, "hash", hash);
    jsonw_end(&w);
    enum err err = buf_check(&out, fault, "pin");
    if (!err)
        (void)puts(out.data);
    return err;
}

enum err staff_run(int count, char *const *words, struct fault *fault)
{
    char line[LINE_MAX_BYTES];
    struct pin_verifier verifier;
    if (count != 1 || strcmp(words[0], "verifier") != 0)
        return fault_set(fault, ERR_INVALID, "staff", "verifier, and the PIN on standard input");
    enum err err = read_pin(line, fault);
    if (!err)
        err = pin_verifier_make(slice_of(line), 0, &verifier, fault);
    crypto_wipe(line, sizeof line);
    return err ? err : print_verifier(&verifier, fault);
}
