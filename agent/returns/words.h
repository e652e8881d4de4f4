/*
 * The words of a return: closed vocabularies, as enums and as the texts that JSON carries.
 *
 * Each list is one table; the enum and the text can't drift apart. The text arrays end with NULL,
 * so that a json_field can take them as `choices`. Constant data, any thread.
 */
#ifndef AGENT_RETURNS_WORDS_H
#define AGENT_RETURNS_WORDS_H

#define WORDS_CHANNEL(X)                                                                           \
    X(STORE, store) X(ONLINE, online) X(MARKETPLACE, marketplace) X(PHONE, phone)

#define WORDS_KIND(X) X(ITEM, item) X(DELIVERY, delivery) X(DEPOSIT, deposit) X(FEE, fee)

#define WORDS_UNIT(X) X(EACH, each) X(G, g) X(ML, ml) X(MM, mm)

/* What a configured reason or condition code means to the rules. */
#define WORDS_REASON(X)                                                                            \
    X(DEFECTIVE, defective)                                                                        \
    X(NOT_AS_DESCRIBED, not_as_described)                                                          \
    X(WRONG_ITEM, wrong_item)                                                                      \
    X(SIZE_TOO_LARGE, size_too_large)                                                              \
    X(SIZE_TOO_SMALL, size_too_small)                                                              \
    X(COLOUR, colour)                                                                              \
    X(STYLE, style)                                                                                \
    X(UNWANTED, unwanted)                                                                          \
    X(LATE, late)                                                                                  \
    X(RECALL, recall)                                                                              \
    X(WARRANTY, warranty)                                                                          \
    X(PRICE_ADJUST, price_adjust)                                                                  \
    X(OTHER, other)

#define WORDS_CONDITION(X)                                                                         \
    X(NEW_SEALED, new_sealed)                                                                      \
    X(OPEN_BOX, open_box)                                                                          \
    X(USED, used)                                                                                  \
    X(DAMAGED, damaged)                                                                            \
    X(DEFECTIVE, defective)                                                                        \
    X(INCOMPLETE, incomplete)                                                                      \
    X(WRONG_GOODS, wrong_goods)

#define WORDS_DISPOSITION(X)                                                                       \
    X(UNDECIDED, undecided)                                                                        \
    X(RESTOCK, restock)                                                                            \
    X(QUARANTINE, quarantine)                                                                      \
    X(REPAIR, repair)                                                                              \
    X(RETURN_TO_SUPPLIER, return_to_supplier)                                                      \
    X(RETURN_TO_MANUFACTURER, return_to_manufacturer)                                              \
    X(LIQUIDATE, liquidate)                                                                        \
    X(DONATE, donate)                                                                              \
    X(DESTROY, destroy)                                                                            \
    X(WRITE_OFF, write_off)

/* `rounding` is what cash rounding took or gave at the sale; it is never paid out. */
#define WORDS_TENDER(X)                                                                            \
    X(CASH, cash)                                                                                  \
    X(CARD, card)                                                                                  \
    X(GIFT_CARD, gift_card)                                                                        \
    X(VOUCHER, voucher)                                                                            \
    X(STORE_CREDIT, store_credit)                                                                  \
    X(WALLET, wallet)                                                                              \
    X(ONLINE_PAYMENT, online_payment)                                                              \
    X(STORE_ACCOUNT, store_account)                                                                \
    X(CHEQUE, cheque)                                                                              \
    X(LOYALTY, loyalty)                                                                            \
    X(ROUNDING, rounding)

#define WORDS_TAX(X)                                                                               \
    X(VAT, vat) X(SALES, sales) X(GST, gst) X(PST, pst) X(HST, hst) X(EXCISE, excise)

#define WORDS_TAX_CLASS(X) X(STANDARD, standard) X(REDUCED, reduced) X(ZERO, zero) X(EXEMPT, exempt)

#define WORDS_ENTRY(X) X(SCANNED, scanned) X(KEYED, keyed) X(RFID, rfid) X(IMPORTED, imported)

/* From the mildest to the hardest: the worst of all rules is the decision. */
#define WORDS_OUTCOME(X)                                                                           \
    X(ACCEPTED, accepted)                                                                          \
    X(PENDING_CHECK, accepted_pending_check)                                                       \
    X(NEEDS_MANAGER, needs_manager)                                                                \
    X(NEEDS_LINK, needs_link)                                                                      \
    X(DECLINED, declined)

/* Who pays a tender out; fixed when the return is accepted, and nobody else may. */
#define WORDS_EXECUTOR(X) X(NONE, none) X(TILL, till) X(TERMINAL, terminal) X(HUB, hub)

#define WORDS_COLLECTOR(X) X(MERCHANT, merchant) X(MARKETPLACE, marketplace)

/* Whose returns are counted against a limit. */
#define WORDS_VELOCITY(X) X(RECEIPT, receipt) X(ASSOCIATE, associate) X(CUSTOMER, customer)

#define WORD_ENUM_VELOCITY(upper, lower) VELOCITY_##upper,
#define WORD_ENUM_CHANNEL(upper, lower) CHANNEL_##upper,
#define WORD_ENUM_KIND(upper, lower) KIND_##upper,
#define WORD_ENUM_UNIT(upper, lower) UNIT_##upper,
#define WORD_ENUM_REASON(upper, lower) REASON_##upper,
#define WORD_ENUM_CONDITION(upper, lower) CONDITION_##upper,
#define WORD_ENUM_DISPOSITION(upper, lower) DISPOSITION_##upper,
#define WORD_ENUM_TENDER(upper, lower) TENDER_##upper,
#define WORD_ENUM_TAX(upper, lower) TAX_##upper,
#define WORD_ENUM_TAX_CLASS(upper, lower) TAX_CLASS_##upper,
#define WORD_ENUM_ENTRY(upper, lower) ENTRY_##upper,
#define WORD_ENUM_OUTCOME(upper, lower) OUTCOME_##upper,
#define WORD_ENUM_EXECUTOR(upper, lower) EXECUTOR_##upper,
#define WORD_ENUM_COLLECTOR(upper, lower) COLLECTOR_##upper,

enum channel { WORDS_CHANNEL(WORD_ENUM_CHANNEL) CHANNEL_COUNT };
enum line_kind { WORDS_KIND(WORD_ENUM_KIND) KIND_COUNT };
enum unit { WORDS_UNIT(WORD_ENUM_UNIT) UNIT_COUNT };
enum reason { WORDS_REASON(WORD_ENUM_REASON) REASON_COUNT };
enum condition { WORDS_CONDITION(WORD_ENUM_CONDITION) CONDITION_COUNT };
enum disposition { WORDS_DISPOSITION(WORD_ENUM_DISPOSITION) DISPOSITION_COUNT };
enum tender_type { WORDS_TENDER(WORD_ENUM_TENDER) TENDER_COUNT };
enum tax_type { WORDS_TAX(WORD_ENUM_TAX) TAX_COUNT };
enum tax_class { WORDS_TAX_CLASS(WORD_ENUM_TAX_CLASS) TAX_CLASS_COUNT };
enum entry_method { WORDS_ENTRY(WORD_ENUM_ENTRY) ENTRY_COUNT };
enum outcome { WORDS_OUTCOME(WORD_ENUM_OUTCOME) OUTCOME_COUNT };
enum executor { WORDS_EXECUTOR(WORD_ENUM_EXECUTOR) EXECUTOR_COUNT };
enum collector { WORDS_COLLECTOR(WORD_ENUM_COLLECTOR) COLLECTOR_COUNT };
enum velocity { WORDS_VELOCITY(WORD_ENUM_VELOCITY) VELOCITY_COUNT };

extern const char *const velocity_words[VELOCITY_COUNT + 1];
extern const char *const channel_words[CHANNEL_COUNT + 1];
extern const char *const kind_words[KIND_COUNT + 1];
extern const char *const unit_words[UNIT_COUNT + 1];
extern const char *const reason_words[REASON_COUNT + 1];
extern const char *const condition_words[CONDITION_COUNT + 1];
extern const char *const disposition_words[DISPOSITION_COUNT + 1];
extern const char *const tender_words[TENDER_COUNT + 1];
extern const char *const tax_words[TAX_COUNT + 1];
extern const char *const tax_class_words[TAX_CLASS_COUNT + 1];
extern const char *const entry_words[ENTRY_COUNT + 1];
extern const char *const outcome_words[OUTCOME_COUNT + 1];
extern const char *const executor_words[EXECUTOR_COUNT + 1];
extern const char *const collector_words[COLLECTOR_COUNT + 1];

/* The index of `text` in a NULL-terminated list; -1 if it isn't there. */
int word_find(const char *const *words, const char *text);

#endif
