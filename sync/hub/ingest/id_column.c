#include "sync/hub/ingest/id_column.h"
#include "hal/base/id.h"

void id_column_write(struct jsonw *w, const char *key, struct statement *s, int column)
{
    struct id id;
    char text[ID_TEXT + 1];
    if (column_bytes(s, column, id.bytes, ID_BYTES) != ERR_OK) {
        jsonw_null(w, key);
        return;
    }
    id_format(&id, text);
    jsonw_text(w, key, text);
}
