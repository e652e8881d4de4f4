#include "agent/people/staff.h"

#include <string.h>

static const struct person *find(const struct person *people, size_t count, const char *id)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(people[i].id, id) == 0)
            return &people[i];
    return NULL;
}

static bool is_called_the_same(const struct person *was, const struct person *now)
{
    return strcmp(was->number, now->number) == 0 && strcmp(was->name, now->name) == 0 &&
           strcmp(was->language, now->language) == 0 && was->has_badge == now->has_badge &&
           (!now->has_badge || sha256_equal(&was->badge, &now->badge));
}

size_t staff_acts(const struct person *before, size_t before_count, const struct person *now,
                  size_t now_count, struct staff_act *acts)
{
    size_t count = 0;
    for (size_t i = 0; i < now_count; i++) {
        const struct person *person = &now[i];
        const struct person *was = find(before, before_count, person->id);
        if (!was)
            acts[count++] = (struct staff_act){ACCESS_STAFF_ADDED, person};
        if (was && !is_called_the_same(was, person))
            acts[count++] = (struct staff_act){ACCESS_STAFF_CHANGED, person};
        if (was && was->role != person->role)
            acts[count++] = (struct staff_act){ACCESS_ROLE_CHANGED, person};
        if (was && memcmp(was->pin.salt, person->pin.salt, PIN_SALT_BYTES) != 0)
            acts[count++] = (struct staff_act){ACCESS_PIN_CHANGED, person};
    }
    for (size_t i = 0; i < before_count; i++)
        if (!find(now, now_count, before[i].id))
            acts[count++] = (struct staff_act){ACCESS_STAFF_REMOVED, &before[i]};
    return count;
}
