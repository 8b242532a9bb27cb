/* A closed table of words, filled by reading numbers, keys, days and amounts aloud. */
#include "flow/words_known.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

#define PLACES   2048 /* a power of two; a language has a quarter of it at most */
#define WORD_MAX 40   /* bytes of a word */

struct words_known {
    uint32_t count;
    struct known_word {
        uint8_t len; /* 0: free */
        char text[WORD_MAX];
    } word[PLACES];
};

static struct known_word *place_of(const struct words_known *k, struct slice word)
{
    static const struct hash_seed seed = {UINT64_C(0x776f7264732e6b6e), 1};
    uint32_t at = (uint32_t)hash_slice(seed, word) % PLACES;

    while (k->word[at].len && !slice_eq(slice_of(k->word[at].text, k->word[at].len), word))
        at = (at + 1) % PLACES;
    return (struct known_word *)&k->word[at];
}

static void add_word(struct words_known *k, struct slice word)
{
    if (word.len && word.p[word.len - 1] == ',')
        word.len--;
    if (word.len == 0)
        return;
    struct known_word *w = place_of(k, word);
    if (w->len)
        return;
    assert(word.len <= WORD_MAX && k->count < PLACES / 2);
    w->len = (uint8_t)word.len;
    memcpy(w->text, word.p, word.len);
    k->count++;
}

/* Every word of a reading, which is emptied. */
static void add_words(struct words_known *k, struct buf *b)
{
    struct slice rest = buf_slice(b), word;

    assert(buf_end(b) == OK);
    while (rest.len) {
        (void)slice_cut(rest, ' ', &word, &rest);
        add_word(k, word);
    }
    b->len = 0;
}

static void add_numbers(struct words_known *k, enum words_lang l, struct buf *b)
{
    static const int64_t in_scales[] = {1, 2, 3, 5};

    for (int64_t n = 0; n < 1000; n++)
        for (enum words_gender g = WORDS_COUNTING; g <= WORDS_N; g++) {
            words_number(b, l, n, g);
            add_words(k, b);
        }
    for (int64_t scale = 1000; scale < WORDS_NUMBER_MAX; scale *= 1000)
        for (size_t i = 0; i < sizeof in_scales / sizeof *in_scales; i++) {
            words_number(b, l, -in_scales[i] * scale, WORDS_COUNTING);
            add_words(k, b);
        }
    (void)words_digits(b, l, SLICE("0123456789*#+"));
    add_words(k, b);
}

static void add_days(struct words_known *k, enum words_lang l, struct buf *b)
{
    for (int on = 0; on < 2; on++) {
        for (int month = 1; month <= 12; month++)
            for (int day = 1; day <= 31; day++)
                if (words_date(b, l, 0, month, day, on) == OK)
                    add_words(k, b);
        for (int year = 1000; year < 3000; year++) {
            (void)words_date(b, l, year, 1, 1, on);
            add_words(k, b);
        }
    }
}

static void add_money(struct words_known *k, enum words_lang l, struct buf *b)
{
    static const int64_t amounts[] = {0, 101, 202, 303, 505};
    struct slice rest = slice_cstr(words_currencies()), code;

    while (rest.len) {
        (void)slice_cut(rest, ',', &code, &rest);
        code = slice_trim(code);
        for (size_t i = 0; i < sizeof amounts / sizeof *amounts; i++) {
            (void)words_amount(b, l, amounts[i], code);
            add_words(k, b);
        }
    }
}

struct words_known *words_known_open(enum words_lang l)
{
    struct words_known *k = calloc(1, sizeof *k);
    char text[WORDS_TEXT_MAX];
    struct buf b = buf_on(text, sizeof text);

    if (!k)
        return NULL;
    add_numbers(k, l, &b);
    add_days(k, l, &b);
    add_money(k, l, &b);
    return k;
}

void words_known_close(struct words_known *k)
{
    free(k);
}

bool words_known_has(const struct words_known *k, struct slice word)
{
    return word.len > 0 && word.len <= WORD_MAX && place_of(k, word)->len > 0;
}

uint32_t words_known_count(const struct words_known *k)
{
    return k->count;
}
