#include "agent/people/people.h"
#include "agent/people/lockout.h"
#include "hal/base/hex.h"
#include "hal/base/random.h"
#include "hal/crypto.h"
#include "hal/storage.h"
#include "hal/worker.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { UNDER_WAY_MAX = 8, LOCKOUTS_MAX_BYTES = 256 * 1024, BUSY_RETRY_S = 2 };

struct people {
    struct people_config config;
    struct staff *staff;
    struct lockouts *lockouts;
    struct lockouts *strangers; /* numbers and badges that nobody has */
    struct sessions *sessions;
    struct worker *worker;
    struct attempt *under_way[UNDER_WAY_MAX]; /* NULL: free */
    const char *changed_by;                   /* whose change of the staff is found now */
    struct pin_verifier nobody;               /* what a PIN of an unknown number is held against */
    bool closing;
};

/* One PIN on its way to the worker and back. */
struct attempt {
    struct worker_job job; /* first: a job is an attempt */
    struct people *people;
    struct lockouts *counts; /* where it counts */
    bool known;
    struct person person;
    char pin[PIN_MAX + 1];
    char new_pin[PIN_MAX + 1]; /* "": it stays */
    uint32_t rounds;
    struct buf counted; /* to be on disk first */
    struct buf cleared; /* to be on disk after a success; empty: it makes no difference */
    char path[PATH_MAX];
    char folder[PATH_MAX];
    enum err stored;
    enum err changed;
    struct fault fault;
    bool matches;
    people_done *done;
    void *context;
};

/* --- Telling ----------------------------------------------------------------------------------
 */

static void tell(struct people *people, enum access_act act, const char *person, const char *by)
{
    if (people->config.told)
        people->config.told(people->config.told_context,
                            &(struct access){.act = act, .person = person, .lane = "", .by = by}, 1,
                            NULL);
}

static bool changes_own_pin(const struct people *people, const char *person)
{
    for (size_t i = 0; i < UNDER_WAY_MAX; i++) {
        const struct attempt *attempt = people->under_way[i];
        if (attempt && attempt->new_pin[0] && strcmp(attempt->person.id, person) == 0)
            return true;
    }
    return false;
}

static void staff_changed(void *context, const struct staff_act *acts, size_t count,
                          const struct access_copy *copy)
{
    struct people *people = context;
    struct access *told = calloc(count, sizeof *told);
    if (!told) {
        diag_write(people->config.diag, DIAG_ERROR, "people.not_told", "out of memory");
        return; /* at the next start */
    }
    for (size_t i = 0; i < count; i++) {
        const char *person = acts[i].person->id;
        bool own = acts[i].act == ACCESS_PIN_CHANGED && changes_own_pin(people, person);
        told[i] = (struct access){.act = acts[i].act,
                                  .person = person,
                                  .lane = "",
                                  .by = own ? person : people->changed_by};
    }
    people->config.told(people->config.told_context, told, count, copy);
    free(told);
}

/* --- Opening -----------------------------------------------------------------------------------
 */

static enum err make_first(struct people *people, struct fault *fault)
{
    char pin[PIN_ONE_TIME + 1];
    pin_random(pin);
    struct person_draft draft = {
        .number = "1",
        .name = "Technician",
        .role = ROLE_TECHNICIAN,
        .rounds = people->config.rounds,
    };
    enum err err = staff_add(people->config.folder, &draft, slice_of(pin), true, fault);
    if (!err)
        diag_write(people->config.diag, DIAG_WARN, "people.first",
                   "there was no staff: sign in as number 1 with the one-time PIN %s", pin);
    crypto_wipe(pin, sizeof pin);
    return err;
}

static enum err open_parts(struct people *people, struct fault *fault)
{
    const struct people_config *config = &people->config;
    enum err err = staff_open(&people->staff, config->folder, fault);
    if (!err)
        err = lockouts_open(&people->lockouts, config->folder, LOCKOUTS_OF_STAFF, fault);
    if (!err)
        err = lockouts_open(&people->strangers, config->folder, LOCKOUTS_OF_STRANGERS, fault);
    bool first = !err && staff_count(people->staff) == 0;
    if (first)
        err = make_first(people, fault);
    if (!err)
        err = worker_open(&people->worker, config->loop, fault);
    if (err)
        return err;
    /* Takes as long as another and fits no PIN. A count belongs to a salt, which must be the same
     * after a restart: zeros. */
    people->nobody.rounds = config->rounds ? config->rounds : PIN_ROUNDS;
    random_fill(NULL, people->nobody.hash, sizeof people->nobody.hash);
    people->sessions = sessions_open(&config->limits);
    if (!people->sessions)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    if (config->told)
        err = staff_tell(people->staff, first, staff_changed, people, fault);
    people_look(people, ACCESS_BY_CLI);
    return err;
}

enum err people_open(struct people **out, const struct people_config *config, struct fault *fault)
{
    struct people *people = calloc(1, sizeof *people);
    if (!people)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    people->config = *config;
    people->changed_by = ACCESS_BY_CLI;
    if (people->config.limits.idle_ms == 0)
        people->config.limits.idle_ms = PEOPLE_IDLE_MS;
    if (people->config.limits.age_ms == 0)
        people->config.limits.age_ms = PEOPLE_AGE_MS;
    enum err err = open_parts(people, fault);
    if (err) {
        people_close(people);
        return err;
    }
    *out = people;
    return ERR_OK;
}

void people_close(struct people *people)
{
    if (!people)
        return;
    people->closing = true;
    worker_close(people->worker);
    sessions_close(people->sessions);
    lockouts_close(people->lockouts);
    lockouts_close(people->strangers);
    staff_close(people->staff);
    free(people);
}

/* The staff as the file has it now; whoever is no longer who they were is signed out. */
static struct staff *current_staff(struct people *people)
{
    if (staff_refresh(people->staff))
        sessions_check(people->sessions, people->staff);
    return people->staff;
}

/* --- A PIN's way -------------------------------------------------------------------------------
 */

/* Worker's thread. */
static void run_attempt(struct worker_job *job)
{
    struct attempt *attempt = (struct attempt *)job;
    attempt->stored =
        storage_replace(attempt->path, buf_slice(&attempt->counted), 0600, &attempt->fault);
    attempt->matches = pin_matches(slice_of(attempt->pin), &attempt->person.pin);
    if (attempt->matches && attempt->cleared.len)
        attempt->stored =
            storage_replace(attempt->path, buf_slice(&attempt->cleared), 0600, &attempt->fault);
    if (!attempt->matches || !attempt->known || !attempt->new_pin[0])
        return;
    struct pin_verifier verifier;
    attempt->changed =
        pin_verifier_make(slice_of(attempt->new_pin), attempt->rounds, &verifier, &attempt->fault);
    if (!attempt->changed)
        attempt->changed =
            staff_set_pin(attempt->folder, attempt->person.id, &verifier, false, &attempt->fault);
}

static void answer(struct attempt *attempt, const struct people_answer *answer)
{
    attempt->done(attempt->context, answer);
}

static void refuse(struct attempt *attempt, enum err err, int64_t retry_s, const char *text)
{
    struct fault fault;
    fault_set(&fault, err, "pin", "%s", text);
    answer(attempt, &(struct people_answer){.err = err, .fault = &fault, .retry_s = retry_s});
}

static void attempt_free(struct attempt *attempt)
{
    buf_free(&attempt->counted);
    buf_free(&attempt->cleared);
    crypto_wipe(attempt, sizeof *attempt);
    free(attempt);
}

static void tell_wrong(struct people *people, const struct attempt *attempt)
{
    if (!attempt->known) {
        diag_write(people->config.diag, DIAG_WARN, "people.unknown",
                   "a sign-in with a number or badge that nobody has");
        return;
    }
    int64_t failures = lockouts_failures(people->lockouts, &attempt->person);
    diag_write(people->config.diag, DIAG_WARN,
               failures >= LOCKOUT_FOR_GOOD ? "people.locked" : "people.wrong_pin",
               "person %s: %lld wrong PINs in a row", attempt->person.id, (long long)failures);
    if (lockouts_wait_ms(people->lockouts, &attempt->person, clock_wall_ms(people->config.clock)))
        tell(people, ACCESS_LOCKED_OUT, attempt->person.id, ACCESS_BY_NOBODY);
}

static void admit(struct people *people, struct attempt *attempt)
{
    lockouts_clear(people->lockouts, &attempt->person);
    const struct person *person = staff_by_id(current_staff(people), attempt->person.id);
    if (!person)
        refuse(attempt, ERR_FORBIDDEN, 0, "this person is no longer here");
    else if (attempt->changed)
        answer(attempt, &(struct people_answer){.err = attempt->changed, .fault = &attempt->fault});
    else
        answer(attempt, &(struct people_answer){.person = person});
}

/* The attempt's slot, or for NULL a free one; NULL if there is none. */
static struct attempt **slot_of(struct people *people, const struct attempt *attempt)
{
    for (size_t i = 0; i < UNDER_WAY_MAX; i++)
        if (people->under_way[i] == attempt)
            return &people->under_way[i];
    return NULL;
}

/* Loop thread. */
static void attempt_done(struct worker_job *job)
{
    struct attempt *attempt = (struct attempt *)job;
    struct people *people = attempt->people;
    if (attempt->job.ran && attempt->stored)
        diag_fault(people->config.diag, DIAG_ERROR, "people.lockouts", &attempt->fault);
    if (people->closing || !attempt->job.ran) {
        refuse(attempt, ERR_CLOSED, 0, "the appliance is stopping");
    } else if (attempt->known && attempt->matches) {
        admit(people, attempt);
    } else {
        tell_wrong(people, attempt);
        refuse(attempt, ERR_FORBIDDEN, 0, "the number, badge or PIN is wrong");
    }
    *slot_of(people, attempt) = NULL;
    attempt_free(attempt);
}

static void copy_pin(char out[static PIN_MAX + 1], struct slice pin)
{
    /* One that doesn't fit is no PIN of anybody; cut, it must not become one. */
    (void)snprintf(out, PIN_MAX + 1, "%.*s", pin.len <= PIN_MAX ? (int)pin.len : 0, pin.data);
}

/* What stands for a number or badge that nobody has: its hash where a person has an id. */
static struct person stranger_of(const struct people *people, struct slice number_or_badge)
{
    struct person person = {.pin = people->nobody};
    struct sha256 hash = sha256_of(number_or_badge);
    hex_encode(hash.bytes, ID_BYTES, person.id);
    return person;
}

static struct attempt *attempt_make(struct people *people, const struct person *person, bool known,
                                    struct slice pin, people_done *done, void *context)
{
    struct attempt *attempt = calloc(1, sizeof *attempt);
    if (!attempt)
        return NULL;
    attempt->job.run = run_attempt;
    attempt->job.done = attempt_done;
    attempt->people = people;
    attempt->done = done;
    attempt->context = context;
    attempt->rounds = people->config.rounds;
    buf_init(&attempt->counted, LOCKOUTS_MAX_BYTES);
    buf_init(&attempt->cleared, LOCKOUTS_MAX_BYTES);
    copy_pin(attempt->pin, pin);
    attempt->counts = known ? people->lockouts : people->strangers;
    (void)snprintf(attempt->path, sizeof attempt->path, "%s", lockouts_path(attempt->counts));
    (void)snprintf(attempt->folder, sizeof attempt->folder, "%s", people->config.folder);
    attempt->known = known;
    attempt->person = *person;
    return attempt;
}

/* A first try that turns out right leaves a count of one in the file, which costs nobody a wait. */
static void count_try(struct attempt *attempt, int64_t now_ms)
{
    if (lockouts_failures(attempt->counts, &attempt->person) > 0)
        lockouts_write_without(attempt->counts, &attempt->person, &attempt->cleared);
    lockouts_count(attempt->counts, &attempt->person, now_ms);
    lockouts_write_without(attempt->counts, NULL, &attempt->counted);
}

/* False if it was answered instead: too early, too many, no memory. */
static bool may_try(struct people *people, struct attempt *attempt)
{
    int64_t now_ms = clock_wall_ms(people->config.clock);
    int64_t wait_ms = lockouts_wait_ms(attempt->counts, &attempt->person, now_ms);
    if (wait_ms == LOCKOUT_FOREVER_MS) {
        refuse(attempt, ERR_BUSY, 0, "locked: a technician has to set a new PIN");
        return false;
    }
    if (wait_ms > 0) {
        refuse(attempt, ERR_BUSY, (wait_ms + 999) / 1000, "too many wrong PINs: wait a little");
        return false;
    }
    struct attempt **slot = slot_of(people, NULL);
    if (!slot) {
        refuse(attempt, ERR_BUSY, BUSY_RETRY_S, "too many sign-ins at once: try again");
        return false;
    }
    *slot = attempt;
    count_try(attempt, now_ms);
    return true;
}

static void begin(struct people *people, struct attempt *attempt, people_done *done, void *context)
{
    if (!attempt) {
        struct fault fault;
        fault_set(&fault, ERR_NO_MEMORY, "", "out of memory");
        done(context, &(struct people_answer){.err = ERR_NO_MEMORY, .fault = &fault});
        return;
    }
    if (!may_try(people, attempt)) {
        attempt_free(attempt);
        return;
    }
    worker_submit(people->worker, &attempt->job);
}

void people_verify(struct people *people, struct slice number_or_badge, struct slice pin,
                   people_done *done, void *context)
{
    const struct person *person = staff_find(current_staff(people), number_or_badge);
    struct person stranger = stranger_of(people, number_or_badge);
    begin(people,
          attempt_make(people, person ? person : &stranger, person != NULL, pin, done, context),
          done, context);
}

void people_change_pin(struct people *people, const struct person *person, struct slice pin,
                       struct slice new_pin, people_done *done, void *context)
{
    struct fault fault;
    enum err err = pin_check(new_pin, &fault);
    if (err)
        (void)snprintf(fault.where, sizeof fault.where, "new_pin");
    else if (slice_equal(pin, new_pin))
        err = fault_set(&fault, ERR_INVALID, "new_pin", "must be another than before");
    if (err) {
        done(context, &(struct people_answer){.err = err, .fault = &fault});
        return;
    }
    struct attempt *attempt = attempt_make(people, person, true, pin, done, context);
    if (attempt)
        copy_pin(attempt->new_pin, new_pin);
    begin(people, attempt, done, context);
}

void people_look(struct people *people, const char *by)
{
    people->changed_by = by;
    (void)current_staff(people);
    people->changed_by = ACCESS_BY_CLI;
}

/* --- Sessions ----------------------------------------------------------------------------------
 */

void people_begin_session(struct people *people, const struct person *person,
                          char secret[static SESSION_TEXT + 1])
{
    session_begin(people->sessions, person, clock_monotonic_ms(people->config.clock), secret);
}

const struct person *people_of_session(struct people *people, struct slice secret, bool used)
{
    const struct staff *staff = current_staff(people);
    int64_t now_ms = clock_monotonic_ms(people->config.clock);
    const char *gone = session_lapse(people->sessions, secret, now_ms);
    const struct person *person = gone ? staff_by_id(staff, gone) : NULL;
    if (person && person->role != ROLE_ASSOCIATE)
        tell(people, ACCESS_SESSION_LAPSED, person->id, ACCESS_BY_NOBODY);
    const char *id = session_find(people->sessions, secret, now_ms, used);
    return id ? staff_by_id(staff, id) : NULL;
}

void people_end_session(struct people *people, struct slice secret)
{
    session_end(people->sessions, secret);
}

void people_use_limits(struct people *people, const struct session_limits *limits)
{
    sessions_use(people->sessions, limits);
}

int64_t people_idle_ms(const struct people *people)
{
    return sessions_idle_ms(people->sessions);
}
