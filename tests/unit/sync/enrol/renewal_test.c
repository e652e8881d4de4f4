#include "hal/base/cleanup.h"
#include "hal/storage.h"
#include "provisioning/authority.h"
#include "sync/contract/enrol.h"
#include "sync/enrol/renewal.h"
#include "tests/support/await.h"
#include "tests/support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define NOW_MS INT64_C(2124835200000)
#define DAY_MS INT64_C(86400000)
static const char device[] = "store-0042-a";

/* An appliance whose certificate has ten of a hundred days left, and a hub that answers at once. */
struct house {
    struct scratch scratch;
    char folder[SCRATCH_PATH_MAX];
    struct authority *authority;
    struct loop *loop;
    struct clock *clock;
    struct renewal *renewal;
    bool refuses; /* the hub */
    bool dead;    /* no link comes up with the new identity */
    bool asked;
    bool renewed;
    bool back; /* to the old identity, after a trial */
    bool trying;
    bool asked_trust;
    bool free; /* for others to change the identity, while that question was out */
};

static void issue(struct house *house, const char *request, struct buf *pem)
{
    const struct authority_order order = {
        .purpose = CERTIFICATE_DEVICE, .name = device, .validity = authority_days(NOW_MS, 100)};
    assert_int_equal(
        authority_issue_request(house->authority, &order, slice_of(request), NOW_MS, pem, NULL),
        ERR_OK);
}

struct told {
    struct house *house;
    struct buf answer;
    char correlation[32];
    size_t correlation_len;
};

static void tell(void *context)
{
    struct told *told = context;
    const struct mqtt_message message = {
        .payload = buf_slice(&told->answer),
        .correlation = {told->correlation, told->correlation_len},
    };
    if (told->house->renewal)
        renewal_answered(told->house->renewal, &message);
    buf_free(&told->answer);
    test_free(told);
}

static enum err publish(void *context, struct mqtt_message *message, struct fault *fault)
{
    (void)fault;
    struct house *house = context;
    struct told *told = test_malloc(sizeof *told);
    struct arena arena CLEANUP(arena_free);
    struct buf pem CLEANUP(buf_free);
    struct enrol_ask ask;
    struct enrol_answer answer = {.time_ms = NOW_MS};
    arena_init(&arena, (size_t)2 * ENROL_ASK_MAX);
    buf_init(&pem, CERTIFICATE_PEM_MAX);
    *told = (struct told){.house = house, .correlation_len = message->correlation.len};
    buf_init(&told->answer, ENROL_ANSWER_MAX);
    memcpy(told->correlation, message->correlation.data, message->correlation.len);
    assert_int_equal(enrol_ask_read(message->payload, &arena, &ask, NULL), ERR_OK);
    if (ask.kind == ENROL_TRUST) {
        int lock = -1;
        house->asked_trust = true;
        house->free = storage_lock(house->folder, &lock, NULL) == ERR_OK;
        storage_unlock(lock);
    }
    if (ask.kind == ENROL_RENEWAL) {
        house->asked = true;
        assert_null(ask.identity); /* the link itself is the proof */
        if (house->refuses) {
            answer.refused = ERR_REFUSED;
            answer.detail = "the appliance is revoked";
        } else {
            issue(house, ask.request, &pem);
            answer.certificate = pem.data;
        }
    }
    enrol_answer_write(&told->answer, &answer);
    return loop_post(house->loop, tell, told);
}

static void come_up(void *context)
{
    struct house *house = context;
    if (house->renewal)
        renewal_link_changed(house->renewal, true);
}

static enum err use(void *context, enum identity_slot slot, struct fault *fault)
{
    (void)fault;
    struct house *house = context;
    house->trying = slot == IDENTITY_NEXT;
    house->back = slot == IDENTITY_CURRENT;
    renewal_link_changed(house->renewal, false);
    return house->trying && house->dead ? ERR_OK : loop_post(house->loop, come_up, house);
}

static void on_renewed(void *context)
{
    struct house *house = context;
    house->renewed = true;
}

static void open_house(struct house *house, bool new_key)
{
    char ca[SCRATCH_PATH_MAX];
    const struct authority_validity nearly_over = {NOW_MS - 90 * DAY_MS, NOW_MS + 10 * DAY_MS};
    scratch_make(&house->scratch);
    scratch_path(&house->scratch, "identity", house->folder);
    scratch_path(&house->scratch, "ca", ca);
    assert_int_equal(authority_create(ca, "Test CA", authority_days(NOW_MS, 3650), NOW_MS, NULL),
                     ERR_OK);
    assert_int_equal(authority_open(&house->authority, ca, NULL), ERR_OK);
    assert_int_equal(authority_issue_identity(house->authority, device, nearly_over, house->folder,
                                              NOW_MS, NULL),
                     ERR_OK);
    assert_int_equal(loop_open(&house->loop, NULL), ERR_OK);
    assert_int_equal(clock_fake_open(&house->clock, NOW_MS, NULL), ERR_OK);
    const struct renewal_config config = {
        .folder = house->folder,
        .renew_percent = 33,
        .new_key = new_key,
        .look_ms = 50,
        .trial_ms = 100,
        .clock = house->clock,
        .publish = publish,
        .use = use,
        .renewed = on_renewed,
        .context = house,
    };
    assert_int_equal(renewal_open(&house->renewal, house->loop, &config, NULL), ERR_OK);
    renewal_link_changed(house->renewal, true);
}

static void close_house(struct house *house)
{
    renewal_close(house->renewal);
    house->renewal = NULL;
    loop_close(house->loop);
    clock_close(house->clock);
    authority_close(house->authority);
    scratch_remove(&house->scratch);
}

static struct identity *current(const struct house *house)
{
    struct identity *identity;
    assert_int_equal(identity_open(&identity, house->folder, IDENTITY_CURRENT, NULL), ERR_OK);
    return identity;
}

static struct sha256 key_of(const struct house *house)
{
    struct sha256 hash;
    struct identity *identity CLEANUP(identity_cleanup) = current(house);
    assert_int_equal(key_fingerprint(identity_key(identity), &hash, NULL), ERR_OK);
    return hash;
}

static void new_certificate_counts_once_a_link_came_up_with_it(void **state)
{
    (void)state;
    for (int new_key = 0; new_key < 2; new_key++) {
        struct house house = {.asked = false};
        open_house(&house, new_key);
        const struct sha256 before = key_of(&house);
        assert_true(await_flag(house.loop, &house.renewed, AWAIT_MS));
        const struct sha256 after = key_of(&house);
        assert_int_equal(sha256_equal(&before, &after), !new_key);
        assert_true(renewal_expires_ms(house.renewal) > NOW_MS + 99 * DAY_MS);
        close_house(&house);
    }
}

static void old_certificate_stays_when_no_link_comes_up_with_the_new_one(void **state)
{
    (void)state;
    struct house house = {.dead = true};
    open_house(&house, true);
    const struct sha256 before = key_of(&house);
    assert_true(await_flag(house.loop, &house.trying, AWAIT_MS));
    assert_true(await_flag(house.loop, &house.back, AWAIT_MS));
    const struct sha256 after = key_of(&house);
    assert_true(sha256_equal(&before, &after));
    assert_false(house.renewed);
    house.dead = false; /* and it is tried once more, until it goes well */
    assert_true(await_flag(house.loop, &house.renewed, AWAIT_MS));
    close_house(&house);
}

static void refusal_changes_nothing(void **state)
{
    (void)state;
    struct house house = {.refuses = true};
    open_house(&house, true);
    const struct sha256 before = key_of(&house);
    assert_true(await_flag(house.loop, &house.asked, AWAIT_MS));
    house.asked = false;
    assert_true(await_flag(house.loop, &house.asked, AWAIT_MS)); /* asked again */
    const struct sha256 after = key_of(&house);
    assert_true(sha256_equal(&before, &after));
    assert_false(house.trying);
    close_house(&house);
}

static void fresh_certificate_is_left_alone(void **state)
{
    (void)state;
    struct house house = {.asked = false};
    open_house(&house, true);
    assert_true(await_flag(house.loop, &house.renewed, AWAIT_MS));
    house.asked = false;
    assert_false(await_flag(house.loop, &house.asked, 300));
    close_house(&house);
}

/* The hub may never answer, as to a box that it thinks is replaced. */
static void asking_whom_to_trust_keeps_nobody_from_the_identity(void **state)
{
    (void)state;
    struct house house = {.asked = false};
    open_house(&house, true);
    assert_true(await_flag(house.loop, &house.asked_trust, AWAIT_MS));
    assert_true(house.free);
    close_house(&house);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(new_certificate_counts_once_a_link_came_up_with_it),
        cmocka_unit_test(old_certificate_stays_when_no_link_comes_up_with_the_new_one),
        cmocka_unit_test(refusal_changes_nothing),
        cmocka_unit_test(fresh_certificate_is_left_alone),
        cmocka_unit_test(asking_whom_to_trust_keeps_nobody_from_the_identity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
