/*
 * The QR codes that fiscal law puts on receipts, as fields with common names: `receipt_id`, `time`,
 * `total` and `tax` (decimals with a point), `seller_tax_id`, `register`, and what each law adds.
 * What a code doesn't say is not made up: Germany's and Austria's carry no tax amount. Signatures
 * are not checked here. Pure, any thread.
 *
 *   dsfinvk  Germany, DSFinV-K annex I:       V0;serial;Kassenbeleg-V1;Beleg^..^10.00:Bar;tx;...
 *   rksv     Austria, RKSV annex Z 12 and 13: _R1-AT3_register_receipt_time_0,00_...
 *   atcud    Portugal, Portaria 195/2020:     A:..*B:..*..*N:tax*O:total*..
 *   zatca    Saudi Arabia, ZATCA QR code:     base64 of tag, length in bytes, value
 */
#ifndef AGENT_CAPTURE_SCAN_FISCAL_H
#define AGENT_CAPTURE_SCAN_FISCAL_H

#include "agent/capture/scan_field.h"

/* The law's name from the list above; NULL, with fields that mean nothing, if it is none of them.
 */
const char *scan_fiscal(struct slice text, struct scan_fields *fields);

#endif
