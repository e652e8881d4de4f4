/*
 * Questions that are sent ahead: many travel together, and their answers are kept until somebody
 * steps the same statement with the same bindings.
 */
#include "hal/postgresql.h"

#include <stdlib.h>
#include <string.h>

struct asked {
    struct asked *next;
    struct prepared *p;
    size_t place;     /* among what was sent since the last wait, from 0 */
    PGresult *answer; /* NULL: it wasn't waited for yet */
    struct value values[PARAMETERS_MAX];
    char bytes[]; /* of the values */
};

static struct asked *copy(const struct prepared *p)
{
    size_t bytes = 0;
    for (int i = 0; i < p->parameters; i++)
        bytes += p->values[i].bytes.len;
    struct asked *made = calloc(1, sizeof *made + bytes);
    char *at = made ? made->bytes : NULL;
    for (int i = 0; made && i < p->parameters; i++) {
        struct value *value = &made->values[i];
        *value = p->values[i];
        if (value->bytes.len)
            memcpy(at, value->bytes.data, value->bytes.len);
        value->bytes.data = at;
        at += value->bytes.len;
    }
    return made;
}

static bool same_value(const struct value *a, const struct value *b)
{
    if (a->kind != b->kind)
        return false;
    return a->kind == COLUMN_INT ? strcmp(a->number, b->number) == 0
                                 : slice_equal(a->bytes, b->bytes);
}

static bool is_asked(const struct asked *asked, const struct prepared *p)
{
    bool same = asked->p == p;
    for (int i = 0; same && i < p->parameters; i++)
        same = same_value(&asked->values[i], &p->values[i]);
    return same;
}

static void drop(struct asked **at)
{
    struct asked *asked = *at;
    *at = asked->next;
    PQclear(asked->answer);
    free(asked);
}

void postgresql_asked(struct database *db, struct prepared *p)
{
    struct server *server = db->native;
    struct asked **end = &server->asked;
    struct asked *made = copy(p);
    if (!made)
        return; /* it will be asked once more */
    made->p = p;
    made->place = server->sent - 1;
    while (*end)
        end = &(*end)->next;
    *end = made;
}

bool postgresql_keep_answer(struct database *db, size_t place, PGresult *result)
{
    struct server *server = db->native;
    for (struct asked *asked = server->asked; asked; asked = asked->next)
        if (!asked->answer && asked->place == place) {
            asked->answer = result;
            return true;
        }
    return false;
}

static struct asked **find(struct server *server, const struct prepared *p)
{
    struct asked **at = &server->asked;
    while (*at && !is_asked(*at, p))
        at = &(*at)->next;
    return at;
}

enum err postgresql_take_answer(struct database *db, struct prepared *p, PGresult **answer,
                                struct fault *fault)
{
    struct server *server = db->native;
    struct asked **at = find(server, p);
    *answer = NULL;
    if (*at && !(*at)->answer) {
        enum err err = postgresql_await(db, NULL, fault);
        if (err)
            return err;
        at = find(server, p);
    }
    if (!*at)
        return ERR_OK;
    *answer = (*at)->answer;
    (*at)->answer = NULL;
    drop(at);
    return ERR_OK;
}

void postgresql_forget_asked(struct database *db, const struct prepared *p, bool unanswered)
{
    struct server *server = db->native;
    struct asked **at = &server->asked;
    while (*at)
        if ((!p || (*at)->p == p) && (!unanswered || !(*at)->answer))
            drop(at);
        else
            at = &(*at)->next;
}
