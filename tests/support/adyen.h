/* Lines of one settlement file of Adyen's, as tests put it together: a sale, and a refund of 50.00.
 */
#ifndef TESTS_SUPPORT_ADYEN_H
#define TESTS_SUPPORT_ADYEN_H

#define ADYEN_HEAD                                                                                 \
    "Psp Reference,Merchant Reference,Creation Date,Type,Modification Reference,Gross Currency,"   \
    "Gross Debit (GC),Gross Credit (GC),Net Currency,Net Debit (NC),Net Credit (NC),"              \
    "Commission (NC),Batch Number\n"
#define ADYEN_SOLD "P1,S1,2026-11-20 10:00:00,Settled,,EUR,,119.00,EUR,,118.75,0.25,B77\n"
#define ADYEN_REFUNDED "P1,R1,2026-11-23 10:00:00,Refunded,RF1,EUR,50.00,,EUR,50.10,,0.10,B77\n"

#endif
