/* What the files of the gate and its lists share. */
#ifndef PEAL_QUEUE_GATE_INTERNAL_H
#define PEAL_QUEUE_GATE_INTERNAL_H

#include "queue/gate.h"
#include "queue/internal.h"

/* A number as its arguments. */
struct gate_words {
    char e[8], key[24], group[8], number[GATE_DIGITS_MAX + 2];
};
void gate_words(struct gate_words *w, const struct gate_place *at);
uint32_t gate_call_words(struct slice *argv, const char *function, const char *key);
void gate_on_status(struct queue *q, struct request *r, const struct redisReply *reply, enum err e);

#endif
