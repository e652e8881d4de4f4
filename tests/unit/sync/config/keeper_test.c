/* Documents signed by a real authority, a keeper with two parts of our own, and the plug. */
#include "hal/base/cleanup.h"
#include "hal/storage.h"
#include "provisioning/envelope.h"
#include "sync/config/keeper.h"
#include "tests/support/await.h"
#include "tests/support/pki.h"
#include "tests/support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char device[] = "store-0042-a";

static struct pki pki;
static struct key *signer;
static struct buf signer_pem;

/* What a part has in force, as text; "bad" in it is refused. */
struct thing {
    char value[128];
    unsigned applied;
    bool drifted;
};

struct box {
    struct scratch scratch;
    char folder[SCRATCH_PATH_MAX];
    char identity[SCRATCH_PATH_MAX];
    struct loop *loop;
    struct clock *clock;
    struct thing policy;
    struct thing broker;
    struct config_part parts[2];
    struct keeper *keeper;
    struct config_report told;
    unsigned times_told;
    struct config_report settled;
};

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
    struct thing *thing = context;
    (void)snprintf(thing->value, sizeof thing->value, "%s", (char *)prepared);
    thing->applied++;
    free(prepared);
}

static bool has_drifted(void *context)
{
    const struct thing *thing = context;
    return thing->drifted;
}

static void tell(void *context, struct slice text)
{
    struct box *box = context;
    assert_int_equal(config_report_read(text, &box->told, NULL), ERR_OK);
    box->times_told++;
}

static void settle(void *context, const struct config_report *report)
{
    struct box *box = context;
    box->settled = *report;
}

static void start(struct box *box)
{
    const struct keeper_config config = {
        .folder = box->folder,
        .identity_folder = box->identity,
        .device = device,
        .store = "0042",
        .parts = box->parts,
        .part_count = 2,
        .tell = tell,
        .settled = settle,
        .context = box,
        .clock = box->clock,
    };
    box->policy = box->broker = (struct thing){.applied = 0};
    assert_int_equal(keeper_open(&box->keeper, box->loop, &config, NULL), ERR_OK);
}

/* The plug pulled, and the box started again. */
static void start_again(struct box *box)
{
    keeper_close(box->keeper);
    start(box);
}

static void write_identity(struct box *box)
{
    char path[SCRATCH_PATH_MAX];
    struct key *key CLEANUP(key_cleanup) = pki_key();
    mbedtls_x509_crt *own CLEANUP(certificate_cleanup) =
        pki_issue(&pki, CERTIFICATE_DEVICE, device, key, -5, 5);
    struct buf pem CLEANUP(buf_free) = pki_pem(own);
    struct buf ca CLEANUP(buf_free) = pki_pem(pki.ca);
    assert_int_equal(mkdir(scratch_path(&box->scratch, "identity", box->identity), 0700), 0);
    assert_int_equal(key_print(key, &pem, NULL), ERR_OK);
    (void)snprintf(path, sizeof path, "%.400s/current.pem", box->identity);
    assert_int_equal(storage_replace(path, buf_slice(&pem), 0600, NULL), ERR_OK);
    (void)snprintf(path, sizeof path, "%.400s/ca.pem", box->identity);
    assert_int_equal(storage_replace(path, buf_slice(&ca), 0600, NULL), ERR_OK);
}

static void open_box(struct box *box)
{
    *box = (struct box){.keeper = NULL};
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
    start(box);
    keeper_connected(box->keeper);
}

static void close_box(struct box *box)
{
    keeper_close(box->keeper);
    loop_close(box->loop);
    clock_close(box->clock);
    scratch_remove(&box->scratch);
}

/* --- What the hub sends ---------------------------------------------------------------------- */

static struct config document(int64_t version, const char *settings)
{
    struct config config = {.version = version,
                            .issued_ms = PKI_NOW_MS,
                            .confirm_s = 60,
                            .settings = slice_of(settings)};
    (void)snprintf(config.device, sizeof config.device, "%s", device);
    return config;
}

static struct buf sign(const struct config *config, const char *kind)
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

static void give(struct box *box, const struct config *config)
{
    struct buf envelope CLEANUP(buf_free) = sign(config, CONFIG_ENVELOPE);
    keeper_take(box->keeper, buf_slice(&envelope));
}

static void send_settings(struct box *box, int64_t version, const char *settings)
{
    const struct config config = document(version, settings);
    give(box, &config);
}

static void acknowledge(struct box *box, int64_t version, enum config_state state)
{
    struct buf text CLEANUP(buf_free);
    buf_init(&text, 200);
    config_ack_write(&text, &(struct config_ack){version, state});
    keeper_acknowledged(box->keeper, buf_slice(&text));
}

static const char first[] = "{\"policy\":{\"version\":\"first\"}}";
static const char second[] = "{\"policy\":{\"version\":\"second\"}}";
static const char moved[] = "{\"policy\":{\"version\":\"first\"},"
                            "\"broker\":{\"url\":\"mqtts://elsewhere:8883\"}}";

static void open_with_first(struct box *box)
{
    open_box(box);
    send_settings(box, 3, first);
    assert_int_equal(box->told.state, CONFIG_STATE_APPLIED);
    box->times_told = 0;
}

static void assert_unmoved(struct box *box, const char *path)
{
    assert_string_equal(box->policy.value, "{\"version\":\"first\"}");
    assert_int_equal(box->times_told, 1);
    assert_int_equal(box->told.state, CONFIG_STATE_REJECTED);
    assert_int_equal(box->told.version, 0);
    assert_int_equal(box->told.seen, 3);
    assert_int_equal(box->told.applied_version, 3);
    assert_string_equal(box->told.path, path);
    start_again(box);
    assert_string_equal(box->policy.value, "{\"version\":\"first\"}");
    close_box(box);
}

/* --- Tests ----------------------------------------------------------------------------------- */

static void document_of_the_hub_is_put_in_force_and_reported(void **state)
{
    (void)state;
    struct box box;
    open_with_first(&box);
    assert_string_equal(box.policy.value, "{\"version\":\"first\"}");
    assert_int_equal(box.told.version, 3);
    assert_int_equal(box.told.applied_version, 3);
    assert_int_equal(box.settled.state, CONFIG_STATE_APPLIED);
    start_again(&box);
    assert_string_equal(box.policy.value, "{\"version\":\"first\"}");
    close_box(&box);
}

static void only_what_differs_is_touched(void **state)
{
    (void)state;
    struct box box;
    open_with_first(&box);
    unsigned before = box.broker.applied;
    send_settings(&box, 4, second);
    assert_string_equal(box.policy.value, "{\"version\":\"second\"}");
    assert_int_equal(box.broker.applied, before);
    close_box(&box);
}

static void what_was_changed_on_the_box_is_told_and_made_good(void **state)
{
    (void)state;
    struct box box;
    struct config_report report;
    open_with_first(&box);
    box.policy.drifted = true;
    keeper_report(box.keeper, &report);
    assert_true(report.drift[CONFIG_POLICY]);
    assert_false(report.drift[CONFIG_BROKER]);
    unsigned before = box.policy.applied;
    send_settings(&box, 4, first);
    assert_int_equal(box.policy.applied, before + 1);
    close_box(&box);
}

static void flipped_bit_is_refused(void **state)
{
    (void)state;
    for (unsigned at = 60; at < 200; at += 35) {
        struct box box;
        open_with_first(&box);
        const struct config config = document(4, second);
        struct buf envelope CLEANUP(buf_free) = sign(&config, CONFIG_ENVELOPE);
        envelope.data[at] ^= 1;
        keeper_take(box.keeper, buf_slice(&envelope));
        assert_unmoved(&box, "signature");
    }
}

static void another_kind_of_envelope_is_refused(void **state)
{
    (void)state;
    struct box box;
    open_with_first(&box);
    const struct config config = document(4, second);
    struct buf envelope CLEANUP(buf_free) = sign(&config, "command");
    keeper_take(box.keeper, buf_slice(&envelope));
    assert_unmoved(&box, "signature");
}

static void document_for_another_device_is_refused(void **state)
{
    (void)state;
    struct box box;
    struct config config = document(4, second);
    open_with_first(&box);
    (void)snprintf(config.device, sizeof config.device, "store-0043-a");
    give(&box, &config);
    assert_unmoved(&box, "device");
}

static void document_for_another_store_is_refused(void **state)
{
    (void)state;
    struct box box;
    struct config config = document(4, second);
    open_with_first(&box);
    (void)snprintf(config.store, sizeof config.store, "0043");
    give(&box, &config);
    assert_unmoved(&box, "store");
}

static void older_document_is_refused(void **state)
{
    (void)state;
    struct box box;
    open_with_first(&box);
    send_settings(&box, 2, second);
    assert_unmoved(&box, "version");
}

static void other_document_under_a_known_version_is_refused(void **state)
{
    (void)state;
    struct box box;
    open_with_first(&box);
    send_settings(&box, 3, second);
    assert_unmoved(&box, "version");
}

/* A rejected document raises the bar too: what was superseded must not come back. */
static void document_older_than_a_rejected_one_is_refused(void **state)
{
    (void)state;
    struct box box;
    open_with_first(&box);
    send_settings(&box, 9, "{\"policy\":{\"version\":\"bad\"}}");
    send_settings(&box, 8, second);
    assert_string_equal(box.told.path, "version");
    assert_string_equal(box.policy.value, "{\"version\":\"first\"}");
    close_box(&box);
}

static void same_document_again_is_only_reported_again(void **state)
{
    (void)state;
    struct box box;
    open_with_first(&box);
    unsigned applied = box.policy.applied;
    send_settings(&box, 3, first);
    assert_int_equal(box.policy.applied, applied);
    assert_int_equal(box.times_told, 1);
    assert_int_equal(box.told.state, CONFIG_STATE_APPLIED);
    close_box(&box);
}

static void wrong_value_rejects_the_whole_with_its_path(void **state)
{
    (void)state;
    struct box box;
    open_with_first(&box);
    send_settings(
        &box, 4, "{\"broker\":{\"url\":\"mqtts://elsewhere:1\"},\"policy\":{\"version\":\"bad\"}}");
    assert_int_equal(box.told.state, CONFIG_STATE_REJECTED);
    assert_int_equal(box.told.version, 4);
    assert_int_equal(box.told.applied_version, 3);
    assert_string_equal(box.told.path, "settings.policy.rule[2]");
    assert_string_equal(box.told.reason, "must not be bad");
    assert_string_equal(box.policy.value, "{\"version\":\"first\"}");
    assert_string_equal(box.broker.value, "");
    start_again(&box);
    assert_int_equal(box.settled.state, CONFIG_STATE_REJECTED);
    assert_string_equal(box.policy.value, "{\"version\":\"first\"}");
    close_box(&box);
}

static void section_that_is_not_known_rejects_the_whole(void **state)
{
    (void)state;
    struct box box;
    open_with_first(&box);
    send_settings(&box, 4, "{\"coffee\":{}}");
    assert_string_equal(box.told.path, "settings.coffee");
    assert_int_equal(box.told.state, CONFIG_STATE_REJECTED);
    close_box(&box);
}

static void begin_trial(struct box *box)
{
    open_with_first(box);
    send_settings(box, 4, moved);
    assert_int_equal(box->told.state, CONFIG_STATE_PENDING_CONFIRM);
    assert_int_equal(box->told.applied_version, 3);
    assert_non_null(strstr(box->broker.value, "elsewhere"));
}

static void new_connectivity_is_kept_when_the_hub_answers_over_it(void **state)
{
    (void)state;
    struct box box;
    begin_trial(&box);
    keeper_disconnected(box.keeper);
    keeper_connected(box.keeper);
    acknowledge(&box, 4, CONFIG_STATE_PENDING_CONFIRM);
    assert_int_equal(box.told.state, CONFIG_STATE_APPLIED);
    assert_int_equal(box.told.applied_version, 4);
    clock_fake_advance(box.clock, 3600 * 1000);
    start_again(&box);
    assert_non_null(strstr(box.broker.value, "elsewhere"));
    assert_int_equal(box.settled.state, CONFIG_STATE_APPLIED);
    close_box(&box);
}

static void answer_to_another_report_confirms_nothing(void **state)
{
    (void)state;
    struct box box;
    struct config_report report;
    begin_trial(&box);
    acknowledge(&box, 3, CONFIG_STATE_APPLIED);
    acknowledge(&box, 4, CONFIG_STATE_APPLIED);
    acknowledge(&box, 5, CONFIG_STATE_PENDING_CONFIRM);
    keeper_report(box.keeper, &report);
    assert_int_equal(report.state, CONFIG_STATE_PENDING_CONFIRM);
    close_box(&box);
}

static bool is_rolled_back(void *context)
{
    return ((struct box *)context)->settled.state == CONFIG_STATE_ROLLED_BACK;
}

static void trial_goes_on_after_a_power_cut_for_what_is_left_of_it(void **state)
{
    (void)state;
    struct box box;
    begin_trial(&box);
    clock_fake_advance(box.clock, 59 * 1000);
    start_again(&box);
    assert_int_equal(box.settled.state, CONFIG_STATE_PENDING_CONFIRM);
    assert_non_null(strstr(box.broker.value, "elsewhere"));
    assert_true(await(box.loop, is_rolled_back, &box, AWAIT_MS)); /* the last second */
    assert_string_equal(box.broker.value, "");
    close_box(&box);
}

static void assert_rolled_back(struct box *box)
{
    assert_int_equal(box->settled.state, CONFIG_STATE_ROLLED_BACK);
    assert_int_equal(box->settled.version, 4);
    assert_int_equal(box->settled.applied_version, 3);
    assert_string_equal(box->policy.value, "{\"version\":\"first\"}");
    assert_string_equal(box->broker.value, "");
    keeper_connected(box->keeper);
    send_settings(box, 4, moved); /* retained: it comes again */
    assert_int_equal(box->told.state, CONFIG_STATE_ROLLED_BACK);
    assert_string_equal(box->broker.value, "");
    send_settings(box, 5, second);
    assert_int_equal(box->told.state, CONFIG_STATE_APPLIED);
    close_box(box);
}

static void trial_whose_time_ran_out_in_a_power_cut_is_rolled_back(void **state)
{
    (void)state;
    struct box box;
    begin_trial(&box);
    clock_fake_advance(box.clock, 61 * 1000);
    start_again(&box);
    assert_rolled_back(&box);
}

static void trial_is_rolled_back_when_the_clock_went_back(void **state)
{
    (void)state;
    struct box box;
    begin_trial(&box);
    clock_fake_set_wall(box.clock, PKI_NOW_MS - PKI_DAY_MS);
    start_again(&box);
    assert_rolled_back(&box);
}

static void trial_is_rolled_back_when_the_box_starts_again_and_again(void **state)
{
    (void)state;
    struct box box;
    begin_trial(&box);
    for (int i = 0; i < 3; i++)
        start_again(&box);
    assert_rolled_back(&box);
}

static void document_that_comes_during_a_trial_waits_for_its_end(void **state)
{
    (void)state;
    struct box box;
    begin_trial(&box);
    send_settings(&box, 5, second);
    assert_string_equal(box.policy.value, "{\"version\":\"first\"}");
    acknowledge(&box, 4, CONFIG_STATE_PENDING_CONFIRM);
    assert_int_equal(box.told.version, 5);
    assert_string_equal(box.policy.value, "{\"version\":\"second\"}");
    close_box(&box);
}

static void document_without_its_record_is_as_if_it_never_came(void **state)
{
    (void)state;
    struct box box;
    char path[SCRATCH_PATH_MAX + 16];
    open_with_first(&box);
    (void)snprintf(path, sizeof path, "%s/4.json", box.folder);
    scratch_write(path, "{}", 2); /* the power went before the record was replaced */
    start_again(&box);
    assert_string_equal(box.policy.value, "{\"version\":\"first\"}");
    keeper_connected(box.keeper);
    send_settings(&box, 4, second);
    assert_string_equal(box.policy.value, "{\"version\":\"second\"}");
    close_box(&box);
}

static void damaged_document_leaves_the_box_as_it_is_by_itself_and_says_so(void **state)
{
    (void)state;
    struct box box;
    char path[SCRATCH_PATH_MAX + 16];
    open_with_first(&box);
    (void)snprintf(path, sizeof path, "%s/3.json", box.folder);
    scratch_write(path, "{}", 2);
    start_again(&box);
    assert_string_equal(box.policy.value, "");
    assert_int_equal(box.settled.state, CONFIG_STATE_REJECTED);
    assert_int_equal(box.settled.applied_version, 0);
    keeper_connected(box.keeper);
    send_settings(&box, 3, first); /* retained: it comes again, and is good */
    assert_string_equal(box.policy.value, "{\"version\":\"first\"}");
    assert_int_equal(box.told.state, CONFIG_STATE_APPLIED);
    close_box(&box);
}

static int open_pki(void **state)
{
    (void)state;
    pki = pki_open("Test CA");
    signer = pki_key();
    mbedtls_x509_crt *certificate CLEANUP(certificate_cleanup) =
        pki_issue(&pki, CERTIFICATE_SIGNER, "hub-signer", signer, -5, 5);
    signer_pem = pki_pem(certificate);
    return 0;
}

static int close_pki(void **state)
{
    (void)state;
    buf_free(&signer_pem);
    key_free(signer);
    pki_close(&pki);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(document_of_the_hub_is_put_in_force_and_reported),
        cmocka_unit_test(only_what_differs_is_touched),
        cmocka_unit_test(what_was_changed_on_the_box_is_told_and_made_good),
        cmocka_unit_test(flipped_bit_is_refused),
        cmocka_unit_test(another_kind_of_envelope_is_refused),
        cmocka_unit_test(document_for_another_device_is_refused),
        cmocka_unit_test(document_for_another_store_is_refused),
        cmocka_unit_test(older_document_is_refused),
        cmocka_unit_test(other_document_under_a_known_version_is_refused),
        cmocka_unit_test(document_older_than_a_rejected_one_is_refused),
        cmocka_unit_test(same_document_again_is_only_reported_again),
        cmocka_unit_test(wrong_value_rejects_the_whole_with_its_path),
        cmocka_unit_test(section_that_is_not_known_rejects_the_whole),
        cmocka_unit_test(new_connectivity_is_kept_when_the_hub_answers_over_it),
        cmocka_unit_test(answer_to_another_report_confirms_nothing),
        cmocka_unit_test(trial_goes_on_after_a_power_cut_for_what_is_left_of_it),
        cmocka_unit_test(trial_whose_time_ran_out_in_a_power_cut_is_rolled_back),
        cmocka_unit_test(trial_is_rolled_back_when_the_clock_went_back),
        cmocka_unit_test(trial_is_rolled_back_when_the_box_starts_again_and_again),
        cmocka_unit_test(document_that_comes_during_a_trial_waits_for_its_end),
        cmocka_unit_test(document_without_its_record_is_as_if_it_never_came),
        cmocka_unit_test(damaged_document_leaves_the_box_as_it_is_by_itself_and_says_so),
    };
    return cmocka_run_group_tests(tests, open_pki, close_pki);
}
