/* What the languages give to words.c; nobody else includes it. */
#ifndef PEAL_FLOW_WORDS_INNER_H
#define PEAL_FLOW_WORDS_INNER_H

#include "flow/words.h"

/* Adds a word, with a blank before it where something stands there already. */
void words_add(struct buf *b, const char *word);

struct words_noun {
    enum words_gender gender;
    const char *form[4]; /* by enum words_form; NULL: as WORDS_MANY */
};

struct words_currency {
    const char *code;
    struct words_noun whole, part;
};

struct words_rules {
    const char *minus, *and_; /* and_: between the parts of an amount; NULL: nothing */
    const char *digits[10];
    const char *star, *hash, *plus;
    enum words_form (*form)(uint64_t n);
    void (*number)(struct buf *b, uint64_t n, enum words_gender g);
    void (*date)(struct buf *b, int year, int month, int day, bool on);
    const struct words_currency *currencies; /* ends with code NULL; the same codes everywhere */
};
extern const struct words_rules words_en, words_ru, words_sl;

#endif
