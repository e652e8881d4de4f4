#include "agent/people/session.h"
#include "hal/base/hex.h"
#include "hal/base/random.h"

#include <stdlib.h>
#include <string.h>

enum { SECRET_BYTES = 32 };

struct session {
    bool open;
    struct sha256 hash; /* of the secret as text */
    char person[ID_TEXT + 1];
    enum role role;
    uint8_t salt[PIN_SALT_BYTES]; /* tells the PIN that it was begun with */
    int64_t begun_ms;
    int64_t used_ms;
};

struct sessions {
    struct session_limits limits;
    struct session list[SESSIONS_MAX];
};

struct sessions *sessions_open(const struct session_limits *limits)
{
    struct sessions *sessions = calloc(1, sizeof *sessions);
    if (sessions)
        sessions->limits = *limits;
    return sessions;
}

void sessions_close(struct sessions *sessions)
{
    free(sessions);
}

static struct session *place_for_one(struct sessions *sessions)
{
    struct session *oldest = &sessions->list[0];
    for (size_t i = 0; i < SESSIONS_MAX; i++) {
        struct session *session = &sessions->list[i];
        if (!session->open)
            return session;
        if (session->used_ms < oldest->used_ms)
            oldest = session;
    }
    return oldest;
}

static void make_secret(char secret[static SESSION_TEXT + 1])
{
    uint8_t bytes[SECRET_BYTES];
    random_fill(NULL, bytes, sizeof bytes);
    struct buf text;
    buf_init(&text, SESSION_TEXT);
    base64_encode(&text, bytes, sizeof bytes, true);
    if (text.failed)
        abort(); /* not even 43 bytes: nothing can be signed in safely */
    memcpy(secret, text.data, SESSION_TEXT + 1);
    buf_free(&text);
}

void session_begin(struct sessions *sessions, const struct person *person, int64_t now_ms,
                   char secret[static SESSION_TEXT + 1])
{
    make_secret(secret);
    struct session *session = place_for_one(sessions);
    *session = (struct session){
        .open = true,
        .hash = sha256_of((struct slice){secret, SESSION_TEXT}),
        .role = person->role,
        .begun_ms = now_ms,
        .used_ms = now_ms,
    };
    memcpy(session->person, person->id, sizeof session->person);
    memcpy(session->salt, person->pin.salt, PIN_SALT_BYTES);
}

static struct session *find(struct sessions *sessions, struct slice secret)
{
    struct sha256 hash = sha256_of(secret);
    for (size_t i = 0; i < SESSIONS_MAX; i++)
        if (sessions->list[i].open && sha256_equal(&sessions->list[i].hash, &hash))
            return &sessions->list[i];
    return NULL;
}

const char *session_lapse(struct sessions *sessions, struct slice secret, int64_t now_ms)
{
    struct session *session = find(sessions, secret);
    if (!session || (now_ms - session->used_ms < sessions->limits.idle_ms &&
                     now_ms - session->begun_ms < sessions->limits.age_ms))
        return NULL;
    session->open = false;
    return session->person;
}

const char *session_find(struct sessions *sessions, struct slice secret, int64_t now_ms, bool used)
{
    struct session *session = find(sessions, secret);
    if (!session || session_lapse(sessions, secret, now_ms))
        return NULL;
    if (used)
        session->used_ms = now_ms;
    return session->person;
}

void session_end(struct sessions *sessions, struct slice secret)
{
    struct session *session = find(sessions, secret);
    if (session)
        session->open = false;
}

void sessions_check(struct sessions *sessions, const struct staff *staff)
{
    for (size_t i = 0; i < SESSIONS_MAX; i++) {
        struct session *session = &sessions->list[i];
        if (!session->open)
            continue;
        const struct person *person = staff_by_id(staff, session->person);
        session->open = person && person->role == session->role &&
                        memcmp(person->pin.salt, session->salt, PIN_SALT_BYTES) == 0;
    }
}

void sessions_use(struct sessions *sessions, const struct session_limits *limits)
{
    sessions->limits = *limits;
}

int64_t sessions_idle_ms(const struct sessions *sessions)
{
    return sessions->limits.idle_ms;
}
