#include "tests/support/keeper_house.h"
#include "hal/base/cleanup.h"
#include "hal/storage.h"
#include "provisioning/envelope.h"
#include "tests/support/pki.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

static struct pki pki;

static struct key *signer;

static struct buf signer_pem;

static enum err check(void *context, struct slice text, void **prepared, struct fault *fault)
{
    (void)context;
    char *copy = strndup(text.data, text.len);
    if (strstr(copy, "bad")) {
        free(copy);
        return fault_set(fault, ERR_INVALID, "rule[2]", "must not be bad");
    }
    *prepared = copy;
    return ERR_OK;
}

static void apply(void *context, void *prepared)
{
    struct keeper_thing *keeper_thing = context;
    (void)snprintf(keeper_thing->value, sizeof keeper_thing->value, "%s", (char *)prepared);
    keeper_thing->applied++;
    free(prepared);
}

static bool has_drifted(void *context)
{
    const struct keeper_thing *keeper_thing = context;
    return keeper_thing->drifted;
}

static void tell(void *context, struct slice text)
{
    struct keeper_house *box = context;
    assert_int_equal(config_report_read(text, &box->told, NULL), ERR_OK);
    box->times_told++;
}

static void settle(void *context, const struct config_report *report)
{
    struct keeper_house *box = context;
    box->settled_before = box->settled.state;
    box->settled = *report;
}

void keeper_house_start(struct keeper_house *box)
{
    const struct keeper_config config = {
        .folder = box->folder,
        .identity_folder = box->identity,
        .device = KEEPER_HOUSE_DEVICE,
        .store = "0042",
        .parts = box->parts,
        .part_count = 2,
        .tell = tell,
        .settled = settle,
        .context = box,
        .clock = box->clock,
    };
    box->policy = box->broker = (struct keeper_thing){.applied = 0};
    assert_int_equal(keeper_open(&box->keeper, box->loop, &config, NULL), ERR_OK);
}

void keeper_house_start_again(struct keeper_house *box)
{
    keeper_close(box->keeper);
    keeper_house_start(box);
}

static void write_identity(struct keeper_house *box)
{
    char path[SCRATCH_PATH_MAX];
    struct key *key CLEANUP(key_cleanup) = pki_key();
    mbedtls_x509_crt *own CLEANUP(certificate_cleanup) =
        pki_issue(&pki, CERTIFICATE_DEVICE, KEEPER_HOUSE_DEVICE, key, -5, 5);
    struct buf pem CLEANUP(buf_free) = pki_pem(own);
    struct buf ca CLEANUP(buf_free) = pki_pem(pki.ca);
    assert_int_equal(mkdir(scratch_path(&box->scratch, "identity", box->identity), 0700), 0);
    assert_int_equal(key_print(key, &pem, NULL), ERR_OK);
    (void)snprintf(path, sizeof path, "%.400s/current.pem", box->identity);
    assert_int_equal(storage_replace(path, buf_slice(&pem), 0600, NULL), ERR_OK);
    (void)snprintf(path, sizeof path, "%.400s/ca.pem", box->identity);
    assert_int_equal(storage_replace(path, buf_slice(&ca), 0600, NULL), ERR_OK);
}

void keeper_house_open(struct keeper_house *box)
{
    *box = (struct keeper_house){.keeper = NULL};
    scratch_make(&box->scratch);
    write_identity(box);
    scratch_path(&box->scratch, "config", box->folder);
    assert_int_equal(loop_open(&box->loop, NULL), ERR_OK);
    assert_int_equal(clock_fake_open(&box->clock, PKI_NOW_MS, NULL), ERR_OK);
    box->parts[0] = (struct config_part){.section = CONFIG_POLICY,
                                         .check = check,
                                         .apply = apply,
                                         .drop = free,
                                         .drifted = has_drifted,
                                         .context = &box->policy};
    box->parts[1] = (struct config_part){.section = CONFIG_BROKER,
                                         .check = check,
                                         .apply = apply,
                                         .drop = free,
                                         .context = &box->broker,
                                         .on_trial = true};
    keeper_house_start(box);
    keeper_connected(box->keeper);
}

void keeper_house_close(struct keeper_house *box)
{
    keeper_close(box->keeper);
    loop_close(box->loop);
    clock_close(box->clock);
    scratch_remove(&box->scratch);
}

struct config keeper_document(int64_t version, const char *settings)
{
    struct config config = {.version = version,
                            .issued_ms = PKI_NOW_MS,
                            .confirm_s = 60,
                            .settings = slice_of(settings)};
    (void)snprintf(config.device, sizeof config.device, "%s", KEEPER_HOUSE_DEVICE);
    return config;
}

struct buf keeper_sign(const struct config *config, const char *kind)
{
    struct buf text CLEANUP(buf_free);
    struct buf envelope;
    buf_init(&text, CONFIG_BYTES_MAX);
    buf_init(&envelope, ENVELOPE_BYTES_MAX);
    config_write(&text, config);
    assert_int_equal(
        envelope_make(kind, buf_slice(&text), buf_slice(&signer_pem), signer, &envelope, NULL),
        ERR_OK);
    return envelope;
}

void keeper_house_give(struct keeper_house *box, const struct config *config)
{
    struct buf envelope CLEANUP(buf_free) = keeper_sign(config, CONFIG_ENVELOPE);
    keeper_take(box->keeper, buf_slice(&envelope));
}

void keeper_house_send(struct keeper_house *box, int64_t version, const char *settings)
{
    const struct config config = keeper_document(version, settings);
    keeper_house_give(box, &config);
}

void keeper_house_acknowledge(struct keeper_house *box, int64_t version, enum config_state state)
{
    struct buf text CLEANUP(buf_free);
    buf_init(&text, 200);
    config_ack_write(&text, &(struct config_ack){version, state});
    keeper_acknowledged(box->keeper, buf_slice(&text));
}

void keeper_house_open_with_first(struct keeper_house *box)
{
    keeper_house_open(box);
    keeper_house_send(box, 3, KEEPER_FIRST);
    assert_int_equal(box->told.state, CONFIG_STATE_APPLIED);
    box->times_told = 0;
}

int keeper_house_setup(void **state)
{
    (void)state;
    pki = pki_open("Test CA");
    signer = pki_key();
    mbedtls_x509_crt *certificate CLEANUP(certificate_cleanup) =
        pki_issue(&pki, CERTIFICATE_SIGNER, "hub-signer", signer, -5, 5);
    signer_pem = pki_pem(certificate);
    return 0;
}

int keeper_house_teardown(void **state)
{
    (void)state;
    buf_free(&signer_pem);
    key_free(signer);
    pki_close(&pki);
    return 0;
}
