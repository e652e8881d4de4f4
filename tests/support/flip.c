#include "tests/support/flip.h"

enum { ENDS = 32, APART = 101 };

bool flip_tells(const struct buf *file, size_t at)
{
    if (at % APART == 0 || at < ENDS || at + ENDS >= file->len)
        return true;
    for (size_t i = at - ENDS; i <= at + ENDS; i++)
        if (file->data[i])
            return true;
    return false;
}
