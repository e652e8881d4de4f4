/*
 * Posts entries as account moves into a Tryton 6.0, under our reference as the move's number in the
 * journal that the configuration names; where it says so, the debt of a return as a return sale
 * with its credit note (tryton_sale.h).
 *
 * Nothing is posted twice, whoever crashes, times out or tries at the same time: a move is looked
 * up before and after it is created, of several drafts under one reference the oldest stays and the
 * others are deleted before it is posted, and a draft counts for nothing in Tryton. The move is
 * read back and compared line by line. An entry that Tryton refuses leaves no draft behind.
 *
 * A closed period of Tryton's moves the entry to the first open one where finance's rule allows;
 * the document's day stands in the move's description.
 */
#ifndef SYNC_HUB_CONNECT_TRYTON_H
#define SYNC_HUB_CONNECT_TRYTON_H

#include "sync/hub/connect/connector.h"

/* `path`: see tryton_config.h. Doesn't call Tryton yet. ERR_INVALID names what is wrong. */
enum err tryton_open(const char *path, struct connector *connector, struct fault *fault) MUST_CHECK;

#endif
