#include "sync/uplink/replay.h"

#include <string.h>

enum err replay_add(struct replay *replay, const struct replay_range *range)
{
    if (replay->count == REPLAY_RANGES_MAX)
        return ERR_BUSY;
    replay->ranges[replay->count++] = *range;
    return ERR_OK;
}

bool replay_next(const struct replay *replay, struct replay_range *next)
{
    if (!replay->count || replay->sent_to)
        return false;
    *next = replay->ranges[0];
    return true;
}

void replay_sent(struct replay *replay, int64_t last)
{
    replay->sent_to = last;
}

void replay_drop(struct replay *replay)
{
    replay->sent_to = 0;
    replay->count--;
    memmove(&replay->ranges[0], &replay->ranges[1], replay->count * sizeof replay->ranges[0]);
}

void replay_answered(struct replay *replay)
{
    if (!replay->sent_to)
        return;
    replay->ranges[0].first = replay->sent_to + 1;
    replay->sent_to = 0;
    if (replay->ranges[0].first > replay->ranges[0].last)
        replay_drop(replay);
}

void replay_restart(struct replay *replay)
{
    replay->sent_to = 0;
}

int64_t replay_left(const struct replay *replay)
{
    int64_t left = 0;
    for (size_t i = 0; i < replay->count; i++)
        left += replay->ranges[i].last - replay->ranges[i].first + 1;
    return left;
}
