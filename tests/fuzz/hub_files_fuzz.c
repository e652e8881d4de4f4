/*
 * The files by which a centre's operators say what is outside, and what the hub keeps beside its
 * database; the first byte says which. What is taken can be used. The secrets that such a file
 * names are read, too: there is one at /proc/self/fd/99.
 */
#include "sync/hub/connect/connectors_config.h"
#include "sync/hub/connect/outlet_config.h"
#include "sync/hub/connect/provider.h"
#include "sync/hub/connect/tryton_config.h"
#include "sync/hub/ingest/epoch_mark.h"
#include "sync/hub/ingest/wal_check.h"
#include "tests/support/fuzz_ground.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SECRET = 99 };

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void open_all(void)
{
    static const char secret[] = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n";
    char path[SCRATCH_PATH_MAX];
    scratch_write(scratch_path(fuzz_folder(), "given", path), secret, sizeof secret - 1);
    require(dup2(open(path, O_RDONLY | O_CLOEXEC), SECRET) == SECRET);
}

static void try_outlets(const char *path)
{
    struct outlets_config config = {.count = 0};
    if (outlets_config_read(path, &config, NULL) == ERR_OK)
        for (size_t i = 0; i < config.count; i++)
            require(*config.outlets[i].name && *config.outlets[i].url);
    outlets_config_free(&config);
}

static void try_connectors(const char *path)
{
    static struct books books;
    struct connectors_config config = {.count = 0};
    require(books.count || books_open((struct slice){"", 0}, &books, NULL) == ERR_OK);
    if (connectors_config_read(path, &books, &config, NULL) == ERR_OK)
        for (size_t i = 0; i < config.count; i++)
            require(*config.connectors[i].name != '\0');
    connectors_config_free(&config);
}

static void try_tryton(const char *path)
{
    struct tryton_config config = {0};
    const struct tryton_company_config *company;
    if (tryton_config_read(path, &config, NULL) == ERR_OK)
        (void)!tryton_config_company(&config, "main", &company, NULL);
    tryton_config_free(&config);
}

static void try_provider(const char *path)
{
    struct provider *provider = NULL;
    if (provider_open(&provider, path, NULL) == ERR_OK) {
        (void)provider_secret(provider);
        (void)provider_pays(provider, "card");
    }
    provider_close(provider);
}

static void try_secret(const char *path)
{
    struct webhook_secret secret;
    if (webhook_secret_read(path, &secret, NULL) == ERR_OK)
        require(secret.len > 0 && secret.len <= sizeof secret.bytes);
}

static void try_epoch(const char *path)
{
    struct epoch_mark mark = {.found = false};
    (void)path;
    if (epoch_mark_read_file(fuzz_folder()->path, &mark, NULL) == ERR_OK && mark.found)
        require(epoch_mark_write_file(fuzz_folder()->path, &mark, NULL) == ERR_OK);
}

static void try_wal(const char *path)
{
    struct wal_found found;
    char database[SCRATCH_PATH_MAX];
    (void)path;
    if (wal_check(scratch_path(fuzz_folder(), "hub.db", database), &found, NULL) == ERR_OK)
        require(found.sound >= 0 && found.damaged_at >= -1);
}

static const struct {
    const char *name;
    void (*try)(const char *path);
} files[] = {
    {"outlets.json", try_outlets}, {"connectors.json", try_connectors},
    {"tryton.json", try_tryton},   {"provider.json", try_provider},
    {"secret", try_secret},        {"epoch", try_epoch},
    {"hub.db-wal", try_wal},
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[SCRATCH_PATH_MAX];
    static bool is_open;
    if (!is_open)
        open_all();
    is_open = true;
    if (!size)
        return 0;
    size_t which = data[0] % (sizeof files / sizeof *files);
    scratch_write(scratch_path(fuzz_folder(), files[which].name, path), data + 1, size - 1);
    files[which].try(path);
    return 0;
}
