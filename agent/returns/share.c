#include "agent/returns/share.h"
#include "sync/contract/money.h"

int64_t share_next(int64_t stored_minor, int64_t quantity, int64_t live_units, int64_t units,
                   int64_t live_minor)
{
    int64_t due = money_share(stored_minor, live_units + units, quantity) - live_minor;
    return due > 0 ? due : 0;
}
