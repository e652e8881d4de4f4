/*
 * tillback-hub import: orders, return authorisations, goods received and settlement files, from
 * files as the HTTP API takes them. Works beside a running hub, which notices and tells the stores.
 * What came before is known and changes nothing, so a file may be given again.
 */
#ifndef SYNC_HUB_IMPORT_COMMAND_H
#define SYNC_HUB_IMPORT_COMMAND_H

#include "sync/hub/ingest/hubdb.h"

/*
 * `words` follow "import": orders|authorisations|goods-received FILE, of one JSON document a line,
 * or settlement FORMAT FILE. Prints what the API answers, a line each. A line that is refused is
 * told on standard error and the others are taken; then ERR_REFUSED. A settlement is taken whole or
 * not at all.
 */
enum err import_run(const struct hubdb_config *config, int count, char *const *words,
                    struct fault *fault) MUST_CHECK;

#endif
