/* The words that readings are made of (words.h), by language: what a read-out can be put together
 * from, each spoken once. Made by reading everything aloud that brings a word of its own, so that
 * the rules of a language stand in one place only. Some hundred words a language. The keys A to
 * D are left out: a letter by itself is as often the beginning of a name. */
#ifndef PEAL_FLOW_WORDS_KNOWN_H
#define PEAL_FLOW_WORDS_KNOWN_H

#include "flow/words.h"

struct words_known;

/* NULL: no memory. Takes about a millisecond. */
struct words_known *words_known_open(enum words_lang l);
void words_known_close(struct words_known *k); /* NULL is harmless */
bool words_known_has(const struct words_known *k, struct slice word);
uint32_t words_known_count(const struct words_known *k);

#endif
