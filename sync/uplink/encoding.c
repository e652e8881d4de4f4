#include "sync/uplink/encoding.h"

void encoding_connected(struct encoding *encoding)
{
    encoding->refused = false;
}

bool encoding_told(struct encoding *encoding, bool accepts, bool retained)
{
    if (retained) {
        encoding->accepted = accepts && !encoding->doubted;
        return false;
    }
    bool takes_back = encoding_compresses(encoding) && !accepts;
    encoding->refused = encoding->refused || takes_back;
    encoding->accepted = accepts;
    encoding->doubted = encoding->doubted && !accepts;
    return takes_back;
}

void encoding_unanswered(struct encoding *encoding)
{
    encoding->doubted = encoding->doubted || encoding_compresses(encoding);
    encoding->accepted = false;
}

bool encoding_compresses(const struct encoding *encoding)
{
    return encoding->accepted && !encoding->refused;
}
