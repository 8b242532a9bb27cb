/* What the files of the gate and its lists share. */
#ifndef PEAL_QUEUE_GATE_INTERNAL_H
#define PEAL_QUEUE_GATE_INTERNAL_H

#include "queue/dnc.h"
#include "queue/internal.h"

/* A number as its arguments. */
struct gate_words {
    char e[8], key[24], group[8], number[GATE_DIGITS_MAX + 2];
};
void gate_words(struct gate_words *w, const struct gate_place *at);
uint32_t gate_call_words(struct slice *argv, const char *function, const char *key);

#define DNC_BOOK "{peal-dnc}" /* the hash tag of what belongs to whole lists */

/* FCALL function key words…, lists…; texts come back. */
enum err dnc_ask(struct queue *q, const char *function, const char *key, const struct slice *words,
                 uint32_t n, const struct slice *lists, uint32_t list_count,
                 queue_dnc_texts_fn *done, void *arg);

#endif
