#include "agent/capture/contact_keys.h"
#include "hal/base/cleanup.h"
#include "hal/crypto.h"
#include "hal/storage.h"
#include "provisioning/identity.h"
#include "tests/support/pki.h"
#include "tests/support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct id return_id = {{1, 2, 3}};
static const struct id other_return = {{1, 2, 4}};

static struct contact_keys *open_keys(const char *folder, const char *identity)
{
    struct contact_keys *keys = NULL;
    struct fault fault = {0};
    if (contact_keys_open(&keys, folder, identity, NULL, &fault) != ERR_OK)
        fail_msg("%s: %s", fault.where, fault.text);
    return keys;
}

static struct contact_sealed seal(struct contact_keys *keys, const char *customer)
{
    struct contact_sealed sealed;
    assert_int_equal(contact_keys_seal(keys, customer, &return_id, slice_of("Ada"), &sealed, NULL),
                     ERR_OK);
    return sealed;
}

static int unseal(const struct contact_key *key, const struct contact_sealed *sealed,
                  const struct id *id)
{
    uint8_t plain[CONTACT_PLAIN_MAX] = {0};
    int code =
        crypto_open(key->key, (struct slice){(const char *)id->bytes, ID_BYTES}, sealed->nonce,
                    (struct slice){(const char *)sealed->bytes, sealed->len}, plain);
    if (code == 0)
        assert_string_equal((const char *)plain, "Ada");
    return code;
}

static void customer_has_one_key_and_it_opens_only_the_return_it_sealed(void **state)
{
    struct scratch *folder = *state;
    struct contact_keys *keys = open_keys(folder->path, folder->path);
    struct contact_sealed first = seal(keys, "c-1");
    struct contact_sealed second = seal(keys, "c-1");
    assert_true(id_equal(&first.key, &second.key));
    assert_memory_not_equal(first.nonce, second.nonce, sizeof first.nonce);
    struct contact_key key;
    bool found;
    assert_int_equal(contact_keys_untold(keys, &key, &found, NULL), ERR_OK);
    assert_true(found);
    assert_string_equal(key.customer, "c-1");
    assert_int_equal(unseal(&key, &first, &return_id), 0);
    assert_int_not_equal(unseal(&key, &first, &other_return), 0);
    struct contact_sealed strange = seal(keys, "c-2");
    assert_int_not_equal(unseal(&key, &strange, &return_id), 0);
    contact_keys_close(keys);
}

static void key_is_told_until_the_hub_holds_it(void **state)
{
    struct scratch *folder = *state;
    struct contact_keys *keys = open_keys(folder->path, folder->path);
    struct contact_key key, again;
    bool found;
    (void)seal(keys, "c-1");
    assert_int_equal(contact_keys_untold(keys, &key, &found, NULL), ERR_OK);
    contact_keys_close(keys);
    keys = open_keys(folder->path, folder->path);
    assert_int_equal(contact_keys_untold(keys, &again, &found, NULL), ERR_OK);
    assert_true(found && id_equal(&key.id, &again.id));
    assert_int_equal(contact_keys_told(keys, &key.id, NULL), ERR_OK);
    assert_int_equal(contact_keys_untold(keys, &again, &found, NULL), ERR_OK);
    assert_false(found);
    contact_keys_close(keys);
}

static void erasure_destroys_once_and_spares_who_comes_back(void **state)
{
    struct scratch *folder = *state;
    struct contact_keys *keys = open_keys(folder->path, folder->path);
    const struct id erasure = {{7}};
    struct contact_sealed before = seal(keys, "c-1");
    assert_int_equal(contact_keys_erase(keys, "c-1", &erasure, NULL), ERR_OK);
    struct contact_key key;
    bool found;
    assert_int_equal(contact_keys_untold(keys, &key, &found, NULL), ERR_OK);
    assert_false(found);
    struct contact_sealed after = seal(keys, "c-1");
    assert_false(id_equal(&before.key, &after.key));
    assert_int_equal(contact_keys_erase(keys, "c-1", &erasure, NULL), ERR_OK);
    assert_int_equal(contact_keys_untold(keys, &key, &found, NULL), ERR_OK);
    assert_true(found && id_equal(&key.id, &after.key));
    assert_int_not_equal(unseal(&key, &before, &return_id), 0);
    contact_keys_close(keys);
}

static void write_file(const char *folder, const char *name, struct buf *text)
{
    char path[SCRATCH_PATH_MAX];
    assert_int_equal(storage_path(path, sizeof path, folder, name), ERR_OK);
    assert_int_equal(storage_replace(path, buf_slice(text), 0600, NULL), ERR_OK);
    key_wipe(text);
}

/* Another key and its certificate in that slot of an identity directory. */
static void write_identity(const struct pki *pki, const char *folder, const char *slot)
{
    struct key *key CLEANUP(key_cleanup) = pki_key();
    mbedtls_x509_crt *crt = pki_issue(pki, CERTIFICATE_DEVICE, "store-0042-a", key, -1, 90);
    struct buf own, ca = pki_pem(pki->ca), chain = pki_pem(crt);
    buf_init(&own, CERTIFICATE_PEM_MAX);
    assert_int_equal(key_print(key, &own, NULL), ERR_OK);
    buf_append(&own, chain.data, chain.len);
    assert_int_equal(storage_make_folder(folder, NULL), ERR_OK);
    write_file(folder, "ca.pem", &ca);
    write_file(folder, slot, &own);
    buf_free(&chain);
    certificate_free(crt);
}

static size_t secret_size(const struct scratch *folder)
{
    struct buf content CLEANUP(buf_free);
    char path[SCRATCH_PATH_MAX];
    buf_init(&content, 4096);
    assert_int_equal(storage_path(path, sizeof path, folder->path, "contact-secret"), ERR_OK);
    assert_int_equal(storage_read(path, &content, NULL), ERR_OK);
    return content.len;
}

static void secret_is_sealed_by_the_identity_and_follows_its_renewal(void **state)
{
    struct scratch *folder = *state;
    char identity[SCRATCH_PATH_MAX];
    assert_int_equal(storage_path(identity, sizeof identity, folder->path, "identity"), ERR_OK);
    struct contact_keys *keys = open_keys(folder->path, identity);
    struct contact_sealed first = seal(keys, "c-1");
    assert_int_equal(secret_size(folder), CRYPTO_KEY_BYTES);
    contact_keys_close(keys);

    struct pki pki CLEANUP(pki_close) = pki_open("Test CA");
    write_identity(&pki, identity, "current.pem");
    keys = open_keys(folder->path, identity);
    size_t one = secret_size(folder);
    assert_true(one > CRYPTO_KEY_BYTES);
    write_identity(&pki, identity, "next.pem");
    assert_int_equal(contact_keys_reseal(keys, NULL), ERR_OK);
    assert_int_equal(secret_size(folder), 2 * one);
    contact_keys_close(keys); /* the power goes here: both keys open it */
    assert_int_equal(identity_promote(identity, NULL), ERR_OK);
    keys = open_keys(folder->path, identity);
    assert_int_equal(secret_size(folder), one);
    struct contact_sealed again = seal(keys, "c-1");
    assert_true(id_equal(&first.key, &again.key));
    contact_keys_close(keys);

    char other[SCRATCH_PATH_MAX];
    assert_int_equal(storage_path(other, sizeof other, folder->path, "other"), ERR_OK);
    write_identity(&pki, other, "current.pem");
    keys = open_keys(folder->path, other);
    again = seal(keys, "c-1");
    assert_false(id_equal(&first.key, &again.key));
    contact_keys_close(keys);
}

/* Nothing there says that the keys belong to somebody else. */
static void identity_that_is_gone_or_rotten_locks_the_keys_and_forgets_none(void **state)
{
    struct scratch *folder = *state;
    char identity[SCRATCH_PATH_MAX], current[SCRATCH_PATH_MAX], away[SCRATCH_PATH_MAX];
    scratch_path(folder, "identity", identity);
    scratch_path(folder, "away.pem", away);
    struct pki pki CLEANUP(pki_close) = pki_open("Test CA");
    write_identity(&pki, identity, "current.pem");
    assert_int_equal(storage_path(current, sizeof current, identity, "current.pem"), ERR_OK);
    struct contact_keys *keys = open_keys(folder->path, identity);
    struct contact_sealed first = seal(keys, "c-1");
    contact_keys_close(keys);
    size_t sealed = secret_size(folder);

    assert_int_equal(rename(current, away), 0);
    for (int i = 0; i < 2; i++) {
        struct contact_key key;
        struct contact_sealed none;
        bool found = true;
        keys = open_keys(folder->path, identity);
        assert_true(contact_keys_locked(keys));
        assert_int_equal(contact_keys_seal(keys, "c-1", &return_id, slice_of("Ada"), &none, NULL),
                         ERR_UNREACHABLE);
        assert_int_equal(contact_keys_untold(keys, &key, &found, NULL), ERR_OK);
        assert_false(found);
        assert_int_equal(contact_keys_reseal(keys, NULL), ERR_OK);
        contact_keys_close(keys);
        assert_int_equal(secret_size(folder), sealed);
        scratch_write(current, "rotten", 6); /* and once more */
    }

    assert_int_equal(rename(away, current), 0);
    keys = open_keys(folder->path, identity);
    assert_false(contact_keys_locked(keys));
    struct contact_sealed again = seal(keys, "c-1");
    assert_true(id_equal(&first.key, &again.key));
    contact_keys_close(keys);
}

static int make_folder(void **state)
{
    static struct scratch folder;
    scratch_make(&folder);
    *state = &folder;
    return 0;
}

static int remove_folder(void **state)
{
    scratch_remove(*state);
    return 0;
}

static void spoil(const char *folder, size_t from, size_t to)
{
    char path[SCRATCH_PATH_MAX];
    struct buf content CLEANUP(buf_free);
    buf_init(&content, 1024 * 1024);
    (void)snprintf(path, sizeof path, "%s/contact-keys.db", folder);
    assert_int_equal(storage_read(path, &content, NULL), ERR_OK);
    for (size_t i = from; i < to && i < content.len; i++)
        content.data[i] = (char)(i * 7);
    assert_int_equal(storage_replace(path, buf_slice(&content), 0600, NULL), ERR_OK);
}

/* Its header, a page, all of it: the counter goes on, and no old key is left anywhere. */
static void damaged_database_is_made_anew_and_sealing_goes_on(void **state)
{
    struct scratch *folder = *state;
    static const size_t spans[][2] = {{0, 4096}, {4096, 8192}, {0, 1024 * 1024}};
    for (size_t i = 0; i < sizeof spans / sizeof *spans; i++) {
        struct contact_key key;
        bool found;
        struct contact_keys *keys = open_keys(folder->path, folder->path);
        struct contact_sealed before = seal(keys, "c-1");
        contact_keys_close(keys);
        spoil(folder->path, spans[i][0], spans[i][1]);
        keys = open_keys(folder->path, folder->path);
        struct contact_sealed after = seal(keys, "c-1");
        assert_false(id_equal(&before.key, &after.key));
        assert_int_equal(contact_keys_untold(keys, &key, &found, NULL), ERR_OK);
        assert_true(found && id_equal(&key.id, &after.key));
        assert_int_equal(unseal(&key, &after, &return_id), 0);
        contact_keys_close(keys);
    }
}

static void database_that_rots_while_it_is_open_is_made_anew(void **state)
{
    struct scratch *folder = *state;
    char path[SCRATCH_PATH_MAX];
    struct database *db = NULL;
    struct contact_keys *keys = open_keys(folder->path, folder->path);
    struct contact_sealed before = seal(keys, "c-1");
    const struct database_config config = {.path = scratch_path(folder, "contact-keys.db", path)};
    assert_int_equal(database_open(&db, &config, NULL), ERR_OK);
    assert_int_equal(database_script(db, "UPDATE contact_key SET sealed = zeroblob(3)", NULL),
                     ERR_OK);
    database_close(db);
    struct contact_sealed after = seal(keys, "c-1");
    assert_false(id_equal(&before.key, &after.key));
    (void)seal(keys, "c-2");
    contact_keys_close(keys);
}

int main(void)
{
#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(customer_has_one_key_and_it_opens_only_the_return_it_sealed),
        WITH_FOLDER(key_is_told_until_the_hub_holds_it),
        WITH_FOLDER(erasure_destroys_once_and_spares_who_comes_back),
        WITH_FOLDER(secret_is_sealed_by_the_identity_and_follows_its_renewal),
        WITH_FOLDER(identity_that_is_gone_or_rotten_locks_the_keys_and_forgets_none),
        WITH_FOLDER(damaged_database_is_made_anew_and_sealing_goes_on),
        WITH_FOLDER(database_that_rots_while_it_is_open_is_made_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
