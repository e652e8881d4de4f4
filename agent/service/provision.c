#include "agent/service/provision.h"
#include "hal/base/cleanup.h"
#include "hal/base/hex.h"
#include "hal/pkcs11.h"
#include "hal/storage.h"
#include "hal/time_floor.h"
#include "provisioning/identity.h"
#include "sync/enrol/enquiry.h"
#include "sync/enrol/steps.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    ARENA_MAX = 2 * ENVELOPE_PAYLOAD_MAX,
    URL_MAX = 512,
    STORE_MAX = 64,
    LOCK_WAIT_MS = 30 * 1000, /* for an appliance that renews its certificate just now */
    LOCK_LOOK_MS = 100,
};

struct provision {
    struct provision_place place;
    struct loop *loop;
    struct arena arena; /* texts of the wish, and of bundles */
    struct provision_wish wish;
    struct code code;
    char runtime[STORAGE_SCRATCH_MAX];
    char ca_path[PATH_MAX];
    int lock;
    int64_t lock_until_ms; /* monotonic */
    struct loop_timer *timer;
    struct enquiry *enquiry;
    bool certificate; /* the question that is out is for it, not for the bundle */
    provision_done *done;
    void *context;
};

static int64_t now_ms(const struct provision_place *place)
{
    return clock_wall_ms(place->clock);
}

/* A box that has just been unpacked may stand at 1970: a later time that is known counts. */
static enum err learn_time(const struct provision_place *place, int64_t told_ms,
                           struct fault *fault)
{
    return told_ms > now_ms(place) ? time_floor_write(place->state_folder, told_ms, fault) : ERR_OK;
}

static enum err begin(const struct provision_place *place, const struct provision_wish *wish,
                      const struct bundle *bundle, struct fault *fault)
{
    enum err err = ERR_OK;
    if (wish->store && strcmp(wish->store, bundle->store) != 0)
        err = fault_set(fault, ERR_CONFLICT, "store", "the bundle is for store %s, not for %s",
                        bundle->store, wish->store);
    if (!err)
        err = learn_time(place, bundle->issued_ms, fault);
    if (!err && wish->token_uri)
        err = identity_use_token(place->identity_folder, wish->token_uri, fault);
    return err ? err : steps_begin(place->identity_folder, bundle, wish->again, fault);
}

enum err provision_take_bundle(const struct provision_place *place,
                               const struct provision_wish *wish, struct fault *fault)
{
    struct arena arena CLEANUP(arena_free);
    struct bundle bundle;
    arena_init(&arena, ARENA_MAX);
    enum err err = bundle_open(wish->bundle, NULL, now_ms(place), &arena, &bundle, fault);
    return err ? err : begin(place, wish, &bundle, fault);
}

enum err provision_take_answer(const struct provision_place *place, struct slice answer,
                               struct fault *fault)
{
    int64_t hub_ms;
    enum err err = steps_finish(place->identity_folder, answer, now_ms(place), &hub_ms, fault);
    return err ? err : learn_time(place, hub_ms, fault);
}

/* --- Asking ---------------------------------------------------------------------------------- */

static void end(struct provision *p, enum err err, const struct fault *fault)
{
    p->done(p->context, err, fault);
}

static void on_answer(void *context, struct slice answer, const struct fault *fault);

static enum err ask(struct provision *p, const char *url, const char *ca_file,
                    struct slice question, struct fault *fault)
{
    const struct enquiry_config config = {
        .url = url,
        .proxy = p->wish.proxy,
        .ca_file = ca_file,
        .runtime_folder = p->runtime,
        .timeout_ms = p->wish.wait_ms,
        .clock = p->place.clock,
    };
    enquiry_close(p->enquiry);
    p->enquiry = NULL;
    return enquiry_open(&p->enquiry, p->loop, &config, question, on_answer, p, fault);
}

static enum err ask_for_certificate(struct provision *p, struct fault *fault)
{
    const char *folder = p->place.identity_folder;
    struct bundle pending = {0};
    struct buf question CLEANUP(buf_free);
    buf_init(&question, ENROL_ASK_MAX);
    enum err err = steps_question(folder, &question, fault);
    if (!err)
        err = assignment_read(folder, ASSIGNMENT_PENDING, &p->arena, &pending, fault);
    if (!err && !pending.enrol_url)
        err = fault_set(fault, ERR_UNSUPPORTED, "enrol_url",
                        "the bundle names no enrolment broker: use csr export and cert import");
    if (!err && storage_path(p->ca_path, sizeof p->ca_path, folder, "ca.pem"))
        err = fault_set(fault, ERR_TOO_LARGE, "identity", "the path is too long");
    p->certificate = true;
    return err ? err : ask(p, pending.enrol_url, p->ca_path, buf_slice(&question), fault);
}

/*
 * The locator finds the bundle; only who knows the whole code can have sealed it. So it doesn't
 * matter through whom it came, and the code itself goes out after the bundle's authority is known.
 */
static enum err ask_for_bundle(struct provision *p, struct fault *fault)
{
    char locator[2 * CODE_LOCATOR_BYTES + 1];
    struct buf question CLEANUP(buf_free);
    buf_init(&question, ENROL_ASK_MAX);
    hex_encode(p->code.locator, CODE_LOCATOR_BYTES, locator);
    const struct enrol_ask wanted = {.kind = ENROL_BUNDLE, .locator = locator};
    enrol_ask_write(&question, &wanted);
    return ask(p, p->wish.enrol_url, NULL, buf_slice(&question), fault);
}

static enum err check_sealed(struct provision *p, struct slice text, struct bundle *bundle,
                             struct fault *fault)
{
    struct enrol_answer answer;
    struct sha256 seal;
    enum err err = enrol_answer_read(text, &p->arena, &answer, fault);
    if (err)
        return err;
    if (answer.refused)
        return fault_set(fault, answer.refused, "the hub", "%s",
                         answer.detail ? answer.detail : err_text(answer.refused));
    if (!answer.bundle || !answer.seal ||
        hex_decode(slice_of(answer.seal), seal.bytes, SHA256_BYTES) != ERR_OK)
        return fault_set(fault, ERR_INVALID, "bundle", "is missing in the answer");
    err = code_check_seal(&p->code, slice_of(answer.bundle), &seal, fault);
    return err ? err
               : bundle_open(slice_of(answer.bundle), NULL, now_ms(&p->place), &p->arena, bundle,
                             fault);
}

static enum err take_sealed(struct provision *p, struct slice text, struct fault *fault)
{
    struct bundle bundle;
    char code[CODE_TEXT + 1];
    enum err err = check_sealed(p, text, &bundle, fault);
    if (err)
        return err;
    code_format(&p->code, code);
    bundle.code = code;
    if (!bundle.enrol_url)
        bundle.enrol_url = p->wish.enrol_url;
    return begin(&p->place, &p->wish, &bundle, fault);
}

/* Asks for the certificate, if the enrolment that was begun still lacks it; else it is over. */
static void go_on(struct provision *p, enum err err, struct fault *fault)
{
    bool pending = !err && steps_pending(p->place.identity_folder);
    if (pending)
        err = ask_for_certificate(p, fault);
    if (err || !pending)
        end(p, err, fault);
}

static void on_answer(void *context, struct slice answer, const struct fault *why)
{
    struct provision *p = context;
    struct fault fault = {0};
    if (why)
        end(p, why->code, why);
    else if (p->certificate)
        end(p, provision_take_answer(&p->place, answer, &fault), &fault);
    else
        go_on(p, take_sealed(p, answer, &fault), &fault);
}

/* --- Open and close -------------------------------------------------------------------------- */

/* "tillback:CODE?enrol=URL", as the QR code says it, or the code alone. */
static enum err read_code(struct provision *p, struct fault *fault)
{
    static const char scheme[] = "tillback:";
    static const char enrol[] = "?enrol=";
    const char *text = p->wish.code;
    const char *start =
        strncmp(text, scheme, sizeof scheme - 1) == 0 ? text + sizeof scheme - 1 : text;
    const char *address = strstr(start, enrol);
    struct slice typed = {start, address ? (size_t)(address - start) : strlen(start)};
    enum err err = code_parse(typed, &p->code, fault);
    if (!err && !p->wish.enrol_url && address)
        p->wish.enrol_url = address + sizeof enrol - 1;
    if (!err && !p->wish.enrol_url)
        err = fault_set(fault, ERR_INVALID, "enrol",
                        "a code needs the enrolment broker: mqtts://host:8884");
    return err;
}

static const char *copy(struct provision *p, const char *text)
{
    return text ? arena_text(&p->arena, text) : NULL;
}

/* What lives as long as the questions do. */
static enum err copy_wish(struct provision *p, const struct provision_wish *wish,
                          struct fault *fault)
{
    p->wish = *wish;
    p->wish.code = copy(p, wish->code);
    p->wish.enrol_url = copy(p, wish->enrol_url);
    p->wish.store = copy(p, wish->store);
    p->wish.token_uri = copy(p, wish->token_uri);
    p->wish.proxy = copy(p, wish->proxy);
    bool lost = (wish->code && !p->wish.code) || (wish->enrol_url && !p->wish.enrol_url) ||
                (wish->store && !p->wish.store) || (wish->token_uri && !p->wish.token_uri) ||
                (wish->proxy && !p->wish.proxy);
    return lost ? fault_set(fault, ERR_NO_MEMORY, "", "out of memory") : ERR_OK;
}

static enum err prepare(struct provision *p, struct fault *fault)
{
    enum err err = storage_make_folder(p->place.state_folder, fault);
    if (!err)
        err = storage_make_folder(p->place.identity_folder, fault);
    if (!err)
        err = storage_make_scratch(p->runtime, fault);
    return err;
}

static void start(void *context)
{
    struct provision *p = context;
    struct fault fault = {0};
    bool done;
    enum err err = storage_lock(p->place.identity_folder, &p->lock, &fault);
    if (err == ERR_LOCKED && loop_now_ms(p->loop) < p->lock_until_ms) {
        loop_timer_start(p->timer, LOCK_LOOK_MS, 0);
        return;
    }
    if (!err)
        err = steps_resume(p->place.identity_folder, &done, &fault);
    if (!err && p->wish.code) {
        err = read_code(p, &fault);
        if (!err)
            err = ask_for_bundle(p, &fault);
        if (err)
            end(p, err, &fault);
        return;
    }
    if (!err && p->wish.bundle.len > 0)
        err = provision_take_bundle(&p->place, &p->wish, &fault);
    go_on(p, err, &fault);
}

enum err provision_open(struct provision **out, struct loop *loop,
                        const struct provision_place *place, const struct provision_wish *wish,
                        provision_done *done, void *context, struct fault *fault)
{
    struct provision *p = calloc(1, sizeof *p);
    if (!p)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    p->place = *place;
    p->loop = loop;
    p->lock = -1;
    p->done = done;
    p->context = context;
    p->lock_until_ms = loop_now_ms(loop) + LOCK_WAIT_MS;
    p->timer = loop_timer_open(loop, start, p);
    arena_init(&p->arena, ARENA_MAX);
    enum err err =
        p->timer ? copy_wish(p, wish, fault) : fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    if (!err)
        err = prepare(p, fault);
    if (err) {
        provision_close(p);
        return err;
    }
    *out = p;
    start(p);
    return ERR_OK;
}

void provision_close(struct provision *p)
{
    if (!p)
        return;
    loop_timer_close(p->timer);
    enquiry_close(p->enquiry);
    storage_unlock(p->lock);
    if (p->runtime[0])
        (void)rmdir(p->runtime);
    arena_free(&p->arena);
    free(p);
}
